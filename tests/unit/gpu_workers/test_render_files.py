"""``python -m gpu_workers render``: files in, files out, and what is said about them."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageDraw

from gpu_workers import render_files
from gpu_workers.__main__ import main
from gpu_workers.engines import classical_segmenter
from gpu_workers.imaging import codec
from gpu_workers.imaging.camera_file import normalized
from gpu_workers.pipelines.whole_cutout import cut_out_whole
from tests.product import ROOT


def product(width: int = 240, height: int = 180) -> Image.Image:
    """A blue box with a darker lid on light gray."""
    picture = Image.new("RGB", (width, height), (226, 226, 224))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((width // 3, height // 4, 2 * width // 3, 7 * height // 8), fill=(30, 60, 150))
    draw.rectangle((width // 3, height // 4, 2 * width // 3, height // 3), fill=(20, 30, 80))
    return picture


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "box.jpg"
    product().save(path, quality=95)
    return path


def rows(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def render(*words: str | Path) -> int:
    return main(["render", *map(str, words)])


def test_a_cutout_has_its_inputs_size_and_name_and_an_account(
    tmp_path: Path, photo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert render("cutout", "--json", photo, "--out", tmp_path / "out") == 0

    [row] = rows(capsys.readouterr().out)
    with Image.open(tmp_path / "out" / "box.png") as made:
        assert (made.mode, made.size) == ("RGBA", (240, 180))
        alpha = np.asarray(made.getchannel("A"))
    assert alpha[90, 120] == 255
    assert alpha[5, 5] == 0
    assert row["output"] == str(tmp_path / "out" / "box.png")
    assert row["engine"] == classical_segmenter.VERSION
    assert 0 <= row["confidence"] <= 1
    assert set(row["step_seconds"]) == {"cut_out", "check", "encode"}
    assert row["fidelity"]["delta_e_p99"] < 1
    assert row["checks"]["warnings"] == []


def test_a_packshot_stands_on_exact_white(tmp_path: Path, photo: Path) -> None:
    assert render("packshot", photo, "--size", "300x200", "--out", tmp_path / "out") == 0

    with Image.open(tmp_path / "out" / "box.jpg") as made:
        pixels = np.asarray(made)
    assert pixels.shape == (200, 300, 3)
    assert (pixels[[0, -1]] == 255).all()


def test_a_scene_comes_from_a_file_of_ones_own(tmp_path: Path, photo: Path) -> None:
    scene = {"slug": "mine", "title": "Mine", "description": "", "mode": "solid"}
    own = tmp_path / "mine.json"
    own.write_text(json.dumps(scene | {"color": "#208040", "grain": 0}))

    out = tmp_path / "out"
    assert render("scene", "--scene", own, photo, "--size", "64x64", "--out", out) == 0

    with Image.open(out / "box.jpg") as made:
        corner = np.asarray(made.convert("RGB"))[2, 2].astype(int)
    assert abs(corner - (0x20, 0x80, 0x40)).max() <= 12


def test_what_fails_is_named_with_its_reason_and_the_others_are_made(
    tmp_path: Path, photo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    blank = tmp_path / "blank.png"
    Image.new("RGB", (200, 200), "white").save(blank)
    text = tmp_path / "text.jpg"
    text.write_text("no picture")
    out = tmp_path / "out"

    code = render("cutout", "--json", blank, text, tmp_path / "gone.jpg", photo, "--out", out)

    printed = capsys.readouterr()
    told = {Path(row["input"]).name: row for row in rows(printed.out)}
    assert code == 1
    assert [path.name for path in out.glob("*.png")] == ["box.png"]
    assert told["blank.png"]["error"]["code"] == "order.source_unusable"
    assert told["gone.jpg"]["error"]["detail"] == "No such file or directory"
    assert "1 made, 3 failed" in printed.err
    for name in ("blank.png: the picture is one even color", "text.jpg: the photo cannot be read"):
        assert name in printed.err


def test_an_interrupted_run_goes_on_where_it_was(
    tmp_path: Path,
    photo: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = tmp_path / "second.jpg"
    product(200, 200).save(other)
    out, make = tmp_path / "out", render_files.make

    def stopped(task: Any, wish: Any, **more: Any) -> dict[str, Any]:
        if task.source == other:
            raise KeyboardInterrupt
        return make(task, wish, **more)

    with monkeypatch.context() as patch:
        patch.setattr(render_files, "make", stopped)
        assert render("cutout", photo, other, "--out", out) == 130
    assert "Stopped with 1 to go" in capsys.readouterr().err
    made_at = (out / "box.png").stat().st_mtime_ns

    assert render("cutout", "--json", photo, other, "--out", out) == 0

    printed = capsys.readouterr()
    assert "1 made, 1 made before" in printed.err
    assert [Path(row["output"]).name for row in rows(printed.out)] == ["box.png", "second.png"]
    assert (out / "box.png").stat().st_mtime_ns == made_at


@pytest.mark.parametrize("change", ["wish", "input", "output", "journal"])
def test_what_changed_is_made_again(
    tmp_path: Path, photo: Path, capsys: pytest.CaptureFixture[str], change: str
) -> None:
    out = tmp_path / "out"
    words = ["cutout", photo, "--size", "100x100", "--out", out]
    assert render(*words) == 0
    capsys.readouterr()
    match change:
        case "wish":
            words += ["--seed", "5"]
        case "input":
            product(220, 180).save(photo)
        case "output":
            (out / "box.png").unlink()
        case "journal":
            journal = out / ".packshot-render.jsonl"
            journal.write_text(journal.read_text()[:-30])

    assert render(*words) == 0

    assert "1 made\n" in capsys.readouterr().err


def test_a_folder_is_searched_and_keeps_its_shape(tmp_path: Path, photo: Path) -> None:
    folder = tmp_path / "photos"
    for place in ("a/one.jpg", "b/one.jpg", "b/.hidden/two.jpg", "out/old.jpg"):
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        product(160, 160).save(folder / place)
    (folder / "note.txt").write_text("no picture")

    assert render("cutout", folder, "--out", folder / "out") == 0

    made = {str(path.relative_to(folder / "out")) for path in (folder / "out").rglob("*.png")}
    assert made == {"a/one.png", "b/one.png"}


@pytest.mark.parametrize(
    ("words", "cure"),
    [
        (["hologram", "box.jpg"], "cutout, packshot, scene"),
        (["cutout", "box.jpg", "--engine", "magic"], "auto, classical, rembg:MODEL or"),
        (["cutout", "box.jpg", "--engine", "rembg:u2net"], "PACKSHOT_ALLOW_MODELS=u2net"),
        (["cutout", "box.jpg", "--engine", "rembg:teapot"], "known are birefnet-general-lite"),
        (["scene", "box.jpg", "--scene", "moon"], "a .json file or one of packshot-white"),
        (["scene", "box.jpg", "--scene", "moon.json"], "moon.json cannot be read"),
        (["packshot", "box.jpg", "--scene", "oak-window"], "write one of packshot-white"),
        (["packshot", "box.jpg", "--size", "9000x10"], "16 to 4000"),
        (["packshot", "box.jpg", "--size", "big"], "WIDTHxHEIGHT"),
        (["packshot", "box.jpg", "--seed", "-1"], "from 0 to"),
        (["cutout", "empty"], "No pictures in empty"),
        (["cutout", "box.jpg", "other/box.png"], "rename one"),
        (["cutout", "same/box.png", "--out", "same"], "choose another folder"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is_made(
    tmp_path: Path,
    photo: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    cure: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("empty", "other", "same"):
        Path(folder).mkdir()
    product().save("other/box.png")
    product().save("same/box.png")

    code = render(*words, *([] if "--out" in words else ["--out", "made"]))

    assert code == 2
    assert cure in capsys.readouterr().err
    assert not Path("made").exists()


def test_pictures_are_turned_upright_and_brought_to_srgb(tmp_path: Path) -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    file = io.BytesIO()
    product(240, 180).save(file, "JPEG", exif=turned, quality=95)
    with Image.open(io.BytesIO(normalized(file.getvalue()))) as upright:
        assert upright.size == (180, 240)

    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    file = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(file, "PNG", icc_profile=codec.srgb_profile())
    assert normalized(file.getvalue()) == file.getvalue()
    file = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(file, "PNG", icc_profile=lab.tobytes())
    with pytest.raises(Exception, match="cannot be read"):
        normalized(file.getvalue())


def test_a_photo_larger_than_is_worked_on_keeps_its_size(
    photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = photo.read_bytes()
    monkeypatch.setattr(codec, "_MAX_WORK_PIXELS", 20_000)

    made = cut_out_whole(data, lambda _step, _share: None)

    with Image.open(io.BytesIO(made.data)) as picture:
        pixels = np.asarray(picture)
    with Image.open(photo) as source:
        original = np.asarray(source)
    assert (made.width_px, made.height_px) == (240, 180)
    inside = pixels[..., 3] == 255
    assert inside.sum() > 5_000
    assert (pixels[..., :3][inside] == original[inside]).all()


def test_it_needs_neither_django_nor_a_queue(photo: Path, tmp_path: Path) -> None:
    program = (
        "import sys; from gpu_workers.__main__ import main;"
        f"main(['render', 'cutout', {str(photo)!r}, '--out', {str(tmp_path / 'out')!r}]);"
        "print(sorted({'django', 'rq', 'redis', 'torch'} & set(sys.modules)))"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert done.stdout.splitlines()[-1] == "[]"


def test_words_and_a_logo_are_set_beside_the_product(
    tmp_path: Path, photo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logo = tmp_path / "logo.png"
    Image.new("RGBA", (160, 40), (20, 20, 20, 255)).save(logo)
    words = ("--text", "headline=Made to be used", "--text", "price=€49", "--with", f"logo={logo}")

    made = render(
        "collateral", "--json", *words, "--size", "480x252", photo, "--out", tmp_path / "out"
    )

    [row] = rows(capsys.readouterr().out)
    assert made == 0
    assert (row["width_px"], row["height_px"]) == (480, 252)
    assert row["checks"]["text_contrast_min"] >= 4.5
    assert row["fidelity"]["silhouette_iou"] > 0.98


def test_words_that_do_not_fit_are_named_on_the_command_line(
    tmp_path: Path, photo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--text", f"headline={'word ' * 100}")

    made = render("collateral", *words, "--size", "300x150", photo, "--out", tmp_path / "out")

    assert made == 1
    assert "headline: its 499 characters do not fit on 300x150" in capsys.readouterr().err
