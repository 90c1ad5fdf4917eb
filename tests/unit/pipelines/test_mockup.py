"""Designs on things, photos on larger canvases, photos with more pixels: from order to file."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

from gpu_workers.__main__ import main
from gpu_workers.errors import OrderInvalid, SourceUnusable
from gpu_workers.imaging.arrays import Cutout, to_linear
from gpu_workers.imaging.color import delta_e_2000, from_hex, to_lab
from gpu_workers.kind_options.table import read_options
from gpu_workers.pipelines import mockup_base
from gpu_workers.pipelines.cutout_asset import BY_HAND, CutoutAsset, write_asset
from gpu_workers.pipelines.mockup_base import stored_base
from gpu_workers.pipelines.preview_designs import design_for
from gpu_workers.pipelines.runner import render
from gpu_workers.protocol import OutputSpec, RenderOrder
from gpu_workers.scene_spec import builtin_scenes

SCENES = builtin_scenes()
MOCKUPS = sorted(slug for slug, scene in SCENES.items() if scene.kind == "mockup")
PNG = OutputSpec("shop", 240, 240, file_format="PNG")


def png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Pillow.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def flat(color: tuple[int, int, int], size: tuple[int, int] = (300, 300)) -> bytes:
    pixels = np.empty((size[1], size[0], 3), np.uint8)
    pixels[:] = color
    return png(pixels)


def order(slug: str, *outputs: OutputSpec, options: dict | None = None, **changes) -> RenderOrder:
    scene = SCENES[slug]
    if options is not None:
        scene = replace(scene, options=read_options(scene.kind, options))
    made = RenderOrder(
        work_item="w1",
        attempt=1,
        tenant="acme",
        kind=scene.kind,
        source_key="source",
        scene=scene,
        outputs=outputs or (PNG,),
        seed=5,
        result_prefix="",
    )
    return replace(made, **changes)


def run(what: RenderOrder, source: bytes, **others: bytes):
    files: dict[str, bytes] = {}
    known = {"source": source, **others}
    result = render(
        what, read=lambda key: known[key], write=files.__setitem__, report=lambda *_step: None
    )
    pictures = {}
    for file in result.files:
        with Pillow.open(io.BytesIO(files[file.object_key])) as picture:
            pictures[file.name] = np.asarray(picture)
    return result, pictures


@pytest.mark.parametrize("slug", MOCKUPS)
def test_every_template_shows_the_design_on_its_base(slug: str) -> None:
    result, pictures = run(order(slug), design_for(SCENES[slug].options.base))

    checks = result.files[0].checks
    assert pictures["shop"].shape == (240, 240, 3)
    assert result.engine == "classical-mockup/1"
    assert result.fidelity == {}
    assert checks["print_color_delta_e"] < 3
    assert 0.2 < checks["print_coverage"] <= 1
    assert checks["warnings"] == []
    assert set(pictures) == {"shop", "preview"}


@pytest.mark.parametrize("slug", ["bottle-label", "tote-natural"])
def test_the_same_order_gives_the_same_picture(slug: str) -> None:
    design = design_for(SCENES[slug].options.base)

    assert np.array_equal(run(order(slug), design)[1]["shop"], run(order(slug), design)[1]["shop"])


@pytest.mark.parametrize("slug", ["tee-black", "tee-white", "tote-natural", "mug-white"])
def test_a_print_has_the_hue_of_the_design_on_any_base(slug: str) -> None:
    options = {"base": SCENES[slug].options.base, "base_color": SCENES[slug].options.base_color}
    _, pictures = run(order(slug, options=options | {"scale": 0.8}), flat((226, 104, 74)))
    _, blank = run(order(slug, options=options | {"scale": 0.8}), flat((255, 255, 255)))

    both = [to_lab(from_photo(each["shop"])) for each in (pictures, blank)]
    printed = np.abs(both[0] - both[1]).max(axis=2) > 15
    wanted = to_lab(from_hex("#e2684a"))
    found = np.median(both[0][printed], axis=0)
    hue = np.degrees(np.arctan2(found[2], found[1]) - np.arctan2(wanted[2], wanted[1]))
    assert printed.mean() > 0.02
    assert abs(hue) < 8
    assert np.hypot(found[1], found[2]) > 0.7 * np.hypot(wanted[1], wanted[2])


def from_photo(photo: np.ndarray) -> np.ndarray:
    encoded = photo[..., :3] / 255
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def test_the_base_takes_the_color_that_is_ordered() -> None:
    seen = []
    for color in ("#ffffff", "#1b1b1d"):
        options = {"base": "tee", "base_color": color, "scale": 0.2}
        _, pictures = run(order("tee-white", options=options), flat((200, 60, 60)))
        seen.append(pictures["shop"][170, 120].astype(int))

    assert seen[0].min() > 150
    assert seen[1].max() < 60


def test_a_carton_takes_the_color_along_the_designs_border() -> None:
    slug = "box-carton"
    options = {"base": "box", "fit": "contain", "scale": 0.3, "base_color_from_design": True}
    _, own = run(order(slug, options=options), flat((30, 90, 160)))
    _, white = run(
        order(slug, options=options | {"base_color_from_design": False}), flat((30, 90, 160))
    )

    changed = np.abs(own["shop"].astype(int) - white["shop"]).max(axis=2) > 25
    found = np.median(own["shop"][changed], axis=0)
    assert changed.mean() > 0.1
    assert found[2] > found[1] > found[0]


def test_the_set_has_the_color_of_the_scene() -> None:
    what = order("mug-white")
    scene = replace(what.scene, color="#3366cc")

    _, pictures = run(replace(what, scene=scene), design_for("mug"))

    corner = np.median(pictures["shop"][:20, :20].reshape(-1, 3), axis=0)
    wanted = to_lab(from_hex("#3366cc"))
    found = to_lab(from_photo(corner[None, None]))[0, 0]
    assert abs(np.degrees(np.arctan2(*found[:0:-1]) - np.arctan2(*wanted[:0:-1]))) < 6


@pytest.mark.parametrize(("mode", "channels"), [("none", 4), ("solid", 3), ("surface", 3)])
def test_a_base_that_stands_can_be_freed_from_its_set(mode: str, channels: int) -> None:
    what = order("mug-white")
    light = {"contact_shadow": 0.0, "cast_shadow": 0.0}
    scene = replace(what.scene, mode=mode, grain=0.0)
    if mode == "solid":
        scene = replace(scene, color="#ffffff", light=replace(scene.light, **light))

    result, pictures = run(replace(what, scene=scene), design_for("mug"))

    shown = pictures["shop"]
    assert shown.shape[2] == channels
    if mode == "none":
        assert shown[0, 0, 3] == 0
        assert shown[120, 110, 3] == 255
    if mode == "solid":
        assert (shown[[0, -1]] == 255).all()
    assert result.fidelity == {}
    assert "print_coverage" in result.files[0].checks


def test_a_freed_base_keeps_nothing_of_its_white_set_along_its_outline() -> None:
    what = order("mug-white", options={"base": "mug", "base_color": "#10281f", "scale": 0.3})

    _, pictures = run(replace(what, scene=replace(what.scene, mode="none")), flat((20, 20, 20)))

    shown = pictures["shop"].astype(int)
    soft = (shown[..., 3] > 40) & (shown[..., 3] < 215)
    lower = np.zeros_like(soft)
    lower[180:] = True
    assert (soft & lower).sum() > 40
    assert np.median(shown[soft & lower][:, :3]) < 70
    # At grazing angles the glaze itself shines, as it does inside of the outline.
    inside = cv2.erode((shown[..., 3] == 255).astype(np.uint8), np.ones((3, 3))) > 0
    rim = ~inside & (shown[..., 3] == 255) & lower
    assert shown[soft & lower][:, :3].mean() < shown[rim][:, :3].mean() + 4


def test_a_poster_cannot_stand_on_a_table() -> None:
    what = order("poster-wall")

    with pytest.raises(OrderInvalid, match="sweep or solid"):
        run(replace(what, scene=replace(what.scene, mode="surface")), design_for("poster"))


@pytest.mark.parametrize("size", [(480, 160), (160, 480)])
def test_a_set_goes_on_to_canvases_of_other_proportions(size: tuple[int, int]) -> None:
    output = OutputSpec("wide", *size, file_format="PNG")

    result, pictures = run(order("mug-white", output), design_for("mug"))

    picture = pictures["wide"].astype(int)
    assert picture.shape[:2] == size[::-1]
    assert picture.min() > 10
    steps = np.abs(np.diff(picture[5], axis=0)).max()
    assert steps < 12
    assert result.files[0].checks["print_coverage"] > 0.3


def test_what_a_design_lacks_is_said() -> None:
    _, warnings = [], {}
    for name, options, design in (
        ("small", {"base": "mug"}, flat((200, 30, 30), (20, 20))),
        ("cropped", {"base": "mug", "scale": 2.0}, flat((200, 30, 30))),
        ("gone", {"base": "mug", "scale": 0.05, "offset_x": 1.0}, flat((200, 30, 30))),
    ):
        result, _ = run(order("mug-white", options=options), design)
        warnings[name] = result.files[0].checks["warnings"]

    assert "design_low_resolution" in warnings["small"]
    assert "design_cropped" in warnings["cropped"]
    assert "design_not_visible" in warnings["gone"]


def test_empty_margins_of_a_design_do_not_make_it_smaller() -> None:
    pixels = np.zeros((300, 300, 4), np.uint8)
    pixels[100:160, 120:200] = (200, 30, 30, 255)
    shares = []
    for trim in (True, False):
        result, _ = run(order("mug-white", options={"base": "mug", "trim": trim}), png(pixels))
        shares.append(result.files[0].checks["print_coverage"])

    assert shares[0] > 5 * shares[1]


def test_an_empty_design_is_refused() -> None:
    with pytest.raises(SourceUnusable, match="empty"):
        run(order("mug-white"), png(np.zeros((40, 40, 4), np.uint8)))


def own_base() -> bytes:
    """A gray wall with a lighter card whose right half lies in shadow."""
    photo = np.full((300, 300, 3), 120, np.uint8)
    cv2.fillPoly(photo, [np.array([[60, 60], [240, 80], [230, 250], [70, 240]])], (230, 230, 228))
    photo[:, 150:] = (photo[:, 150:] * 0.6).astype(np.uint8)
    return png(photo)


CARD = [0.2, 0.2, 0.8, 0.267, 0.767, 0.833, 0.233, 0.8]


@pytest.mark.parametrize("surface", ["flat", "cylinder", "cloth"])
def test_a_photo_of_ones_own_is_printed_on_with_its_own_light(surface: str) -> None:
    what = order(
        "mug-white",
        options={"corners": CARD, "surface": surface, "fit": "cover"},
        extras={"base": "base"},
    )

    result, pictures = run(what, flat((40, 120, 200)), base=own_base())

    shown = pictures["shop"].astype(int)
    assert (np.abs(shown[:30] - shown[0, 0])[:, :100] < 3).all()
    lit, shaded = shown[120, 90], shown[120, 150]
    assert lit[2] > lit[1] > lit[0]
    assert 0.4 < shaded[2] / lit[2] < 0.8
    assert result.files[0].checks["print_coverage"] > 0.9


def test_what_stands_before_the_print_stays_before_it() -> None:
    before = np.zeros((300, 300), np.uint8)
    before[140:160] = 255
    what = order(
        "mug-white",
        options={"corners": CARD, "fit": "cover"},
        extras={"base": "base", "occluder": "hand"},
    )

    _, pictures = run(what, flat((40, 120, 200)), base=own_base(), hand=png(before))

    assert np.abs(pictures["shop"][120, 90].astype(int) - (230, 230, 228)).max() < 6


@pytest.mark.parametrize(
    ("options", "extras", "cure"),
    [
        ({}, {"base": "base"}, "8 numbers"),
        ({"corners": CARD}, {}, "role 'base'"),
        ({"corners": [*CARD[6:], *CARD[4:6], *CARD[2:4], *CARD[:2]]}, {"base": "base"}, "convex"),
    ],
)
def test_base_and_corners_come_together(options: dict, extras: dict, cure: str) -> None:
    with pytest.raises(OrderInvalid, match=cure):
        run(order("mug-white", options=options, extras=extras), flat((9, 9, 9)), base=own_base())


def test_every_base_is_whole_and_light() -> None:
    names = sorted(path.stem for path in mockup_base.FOLDER.glob("*.json"))
    files = list(mockup_base.FOLDER.iterdir())

    assert names == ["bottle", "box", "frame", "mug", "phone", "poster", "tee", "tote"]
    assert sum(path.stat().st_size for path in files) < 1_500_000
    for name in names:
        base = stored_base(name)
        assert base.alpha.shape[0] >= 1200
        assert 0.4 < base.product.height / base.alpha.shape[0] < 0.95


def photo(width: int = 120, height: int = 90) -> np.ndarray:
    generator = np.random.default_rng(2)
    made = np.full((height, width, 3), (205, 203, 198), np.float32)
    made += generator.normal(0, 1.5, made.shape)
    made[25:75, 40:80] = (180, 40, 30)
    made[25:35, 40:80] = (40, 40, 120)
    return np.clip(np.round(made), 0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("anchor", "left", "top"),
    [("center", 60, 35), ("top_left", 0, 0), ("right", 120, 35), ("bottom", 60, 70)],
)
def test_every_photographed_pixel_stays_byte_for_byte(anchor: str, left: int, top: int) -> None:
    pixels = photo()
    output = OutputSpec("wide", 240, 160, file_format="PNG")

    result, pictures = run(order("expand", output, options={"anchor": anchor}), png(pixels))

    assert np.array_equal(pictures["wide"][top : top + 90, left : left + 120], pixels)
    assert result.fidelity == {"delta_e_mean": 0.0, "delta_e_p99": 0.0, "silhouette_iou": 1.0}
    assert "classical-expand/1" in result.engine
    checks = result.files[0].checks
    assert checks["new_share"] == pytest.approx(1 - 120 * 90 / (240 * 160), abs=1e-3)
    assert checks["warnings"] == []
    added = pictures["wide"].astype(float)
    added[top : top + 90, left : left + 120] = np.nan
    assert np.nanmean(added, axis=(0, 1)) == pytest.approx([205, 203, 198], abs=3)


def test_a_canvas_that_is_smaller_makes_the_photo_smaller() -> None:
    output = OutputSpec("small", 60, 100, file_format="PNG")

    result, _ = run(order("expand", output), png(photo()))

    assert result.files[0].checks["photo_scale"] == pytest.approx(0.5)


def test_the_product_can_be_made_to_fill_the_canvas() -> None:
    output = OutputSpec("square", 200, 200, file_format="PNG", fill=0.85)

    _, pictures = run(order("expand", output, options={"size": "product"}), png(photo()))

    red = pictures["square"][..., 0].astype(int) - pictures["square"][..., 1] > 80
    blue = pictures["square"][..., 2].astype(int) - pictures["square"][..., 1] > 40
    rows = np.flatnonzero((red | blue).any(axis=1))
    assert (rows[-1] - rows[0] + 1) / 200 == pytest.approx(0.85, abs=0.03)


def test_a_transparent_file_gets_a_larger_empty_canvas() -> None:
    pixels = np.dstack([photo(), np.zeros((90, 120), np.uint8)])
    pixels[25:75, 40:80, 3] = 255
    output = OutputSpec("wide", 200, 200, file_format="PNG")

    _, pictures = run(order("expand", output), png(pixels))

    assert pictures["wide"][0, 0, 3] == 0
    assert np.array_equal(pictures["wide"][55 + 30 : 55 + 70, 85:115, :3], pixels[30:70, 45:75, :3])


def test_a_photo_of_nothing_but_backdrop_is_expanded_too() -> None:
    pixels = np.full((80, 80, 3), 255, np.uint8)
    output = OutputSpec("wide", 160, 100, file_format="PNG")

    _, pictures = run(order("expand", output), png(pixels))

    assert (pictures["wide"] == 255).all()


def test_a_product_cut_by_the_frame_is_told() -> None:
    pixels = photo()
    pixels[25:75, 70:] = (180, 40, 30)
    matte = np.zeros((90, 120), np.float32)
    matte[25:75, 40:] = 1
    cutout = write_asset(CutoutAsset(Cutout(to_linear(pixels), matte, 1.0), BY_HAND))
    output = OutputSpec("wide", 240, 90, file_format="PNG")

    result, _ = run(order("expand", output, cutout_key="kept"), png(pixels), kept=cutout)

    assert "product_cut_off" in result.files[0].checks["warnings"]


def test_an_enlarged_photo_reduced_again_is_the_photo() -> None:
    output = OutputSpec("large", 240, 180, file_format="PNG")

    result, pictures = run(order("upscale", output), png(photo()))

    small = cv2.resize(
        pictures["large"].astype(np.float32), (120, 90), interpolation=cv2.INTER_AREA
    )
    assert np.abs(small - photo()).mean() < 2
    assert result.files[0].checks["upscale"] == 2
    assert result.files[0].checks["reduction_error"] < 1
    assert result.engine == "classical-upscale/1"


def test_an_enlarged_cutout_keeps_opacity_and_takes_no_hidden_color_in() -> None:
    pixels = np.zeros((40, 40, 4), np.uint8)
    pixels[..., 1] = 255
    pixels[10:30, 10:30] = (200, 30, 30, 255)
    what = order("upscale", OutputSpec("large", 120, 120, file_format="PNG"))

    _, pictures = run(replace(what, scene=replace(what.scene, mode="none")), png(pixels))

    made = pictures["large"].astype(int)
    assert made[0, 0, 3] == 0
    assert made[60, 60].tolist() == [200, 30, 30, 255]
    visible = made[..., 3] > 30
    assert (made[visible][:, 1] < 90).all()


def test_other_proportions_are_filled_with_the_color_of_the_scene() -> None:
    result, pictures = run(
        order("upscale", OutputSpec("sq", 200, 200, file_format="PNG")), png(photo())
    )

    assert (pictures["sq"][:20] == 255).all()
    assert result.files[0].checks["upscale"] == pytest.approx(200 / 120, abs=0.01)


@pytest.mark.parametrize("kind", ["mockup", "expand", "upscale"])
def test_the_command_makes_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    source = tmp_path / "one.png"
    source.write_bytes(png(photo()))
    out = tmp_path / "out"

    assert (
        main(["render", kind, str(source), "--size", "200x160", "--json", "--out", str(out)]) == 0
    )

    [row] = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert f"classical-{kind}/1" in row["engine"]
    with Pillow.open(out / "one.jpg") as made:
        assert made.size == (200, 160)


def test_the_command_takes_a_base_of_ones_own(tmp_path: Path) -> None:
    base, design, scene = tmp_path / "base.png", tmp_path / "art.png", tmp_path / "mine.json"
    base.write_bytes(own_base())
    design.write_bytes(flat((40, 120, 200)))
    template = {"slug": "mine", "title": "Mine", "description": "", "mode": "sweep"}
    template |= {"kind": "mockup", "options": {"corners": CARD, "fit": "cover"}}
    scene.write_text(json.dumps(template))
    words = ["--scene", str(scene), "--with", f"base={base}", "--size", "150x150"]

    assert main(["render", "mockup", str(design), *words, "--out", str(tmp_path / "out")]) == 0

    with Pillow.open(tmp_path / "out" / "art.jpg") as made:
        blue = np.asarray(made).astype(int)[60, 50]
    assert (
        delta_e_2000(to_lab(from_photo(blue[None, None])), to_lab(from_hex("#2878c8"))[None, None])
        < 12
    )
