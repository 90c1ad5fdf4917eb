"""``python -m gpu_workers render lifestyle``: painted, or drawn and said so."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw

from gpu_workers.__main__ import main
from gpu_workers.engines.checkpoints import find
from gpu_workers.engines.diffusion import pool
from gpu_workers.pipelines import inputs as inputs_module


@pytest.fixture
def photo(tmp_path):
    picture = Image.new("RGBA", (160, 160), (0, 0, 0, 0))
    ImageDraw.Draw(picture).rectangle((60, 40, 100, 130), fill=(30, 60, 150, 255))
    path = tmp_path / "box.png"
    picture.save(path)
    return path


@pytest.fixture(autouse=True)
def no_models(monkeypatch, tmp_path):
    monkeypatch.setenv("PACKSHOT_MODELS_DIR", str(tmp_path / "no models"))
    monkeypatch.setattr(pool, "_open", [])


def render(photo, out, *words):
    return main(["render", "lifestyle", str(photo), "--out", str(out), "--size", "96x96", *words])


class Painter:
    most_at_once = 4
    version = "sdxl-inpaint/1"
    checkpoint = replace(find("sdxl-inpaint"), sizes=((128, 128),))

    def __init__(self):
        self.asked = 0
        self.batches = []

    def generate(self, requests, *, watch=None):
        self.asked += 1
        self.batches.append(len(requests))
        return [
            np.where(request.mask[..., None], 0.4 + request.init[:1, :1] / 2550, 0.1).astype(
                np.float32
            )
            for request in requests
        ]


@pytest.fixture
def painter(monkeypatch, tmp_path):
    made = Painter()

    class Pool:
        def generator(self, name=""):
            assert name in ("", "sdxl-inpaint")
            return made

    def open_pool(_settings):
        pool._open[:] = [Pool()]
        return Pool()

    monkeypatch.setattr(pool, "open_pool", open_pool)
    (tmp_path / "diffusion").mkdir()
    monkeypatch.setenv("PACKSHOT_MODELS_DIR", str(tmp_path))
    return made


def test_without_weights_it_is_drawn_and_says_so(photo, tmp_path, capsys):
    assert render(photo, tmp_path / "out") == 0

    assert "drawn, not painted" in capsys.readouterr().out
    assert (tmp_path / "out" / "box.jpg").is_file()


def test_with_weights_it_is_painted_and_the_account_names_them(photo, tmp_path, capsys, painter):
    assert render(photo, tmp_path / "out", "--engine", "diffusion:sdxl-inpaint", "--json") == 0

    row = json.loads(capsys.readouterr().out)
    assert row["engine"] == "alpha/1 + sdxl-inpaint/1"
    assert "made_as_scene" not in row["checks"]["warnings"]
    assert row["checks"]["seeds_tried"] == painter.asked == 1


def test_what_was_drawn_for_want_of_weights_is_painted_when_they_are_there(
    photo, tmp_path, capsys, monkeypatch, painter
):
    monkeypatch.setenv("PACKSHOT_MODELS_DIR", str(tmp_path / "no models"))
    render(photo, tmp_path / "out")
    monkeypatch.setenv("PACKSHOT_MODELS_DIR", str(tmp_path))

    render(photo, tmp_path / "out")
    render(photo, tmp_path / "out")

    assert painter.asked == 1
    assert "made before" in capsys.readouterr().err


def boxes(folder, count):
    folder.mkdir()
    for number in range(count):
        picture = Image.new("RGBA", (160, 160), (0, 0, 0, 0))
        edge = 30 + 4 * number
        ImageDraw.Draw(picture).rectangle((edge, 40, 110, 130), fill=(30, 60 + edge, 150, 255))
        picture.save(folder / f"box{number}.png")
    return folder


def test_inputs_are_painted_together_and_are_what_they_are_alone(
    tmp_path, capsys, painter, monkeypatch
):
    inputs, out, cut_out = boxes(tmp_path / "inputs", 4), tmp_path / "out", []
    (inputs / "box2.png").write_bytes(b"no picture")
    free = inputs_module.free_product
    monkeypatch.setattr(
        inputs_module, "free_product", lambda *a, **k: cut_out.append(1) or free(*a, **k)
    )
    render(inputs / "box0.png", out)

    assert render(inputs, out) == 1

    # Of four one was made before and one is none.
    assert painter.batches == [1, 2]
    assert len(cut_out) == 3
    assert "2 made, 1 made before, 1 failed" in capsys.readouterr().err
    monkeypatch.setattr(Painter, "most_at_once", 1)
    render(inputs, tmp_path / "alone")
    assert painter.batches == [1, 2, 1, 1, 1]
    for name in ("box0.jpg", "box1.jpg", "box3.jpg"):
        assert (out / name).read_bytes() == (tmp_path / "alone" / name).read_bytes()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--engine", "diffusion:nobody"], "no checkpoint is called 'nobody'; known: sdxl-inpaint"),
        (["--engine", "diffusion:flux1-dev"], "Non-Commercial"),
        (["--engine", "diffusion:z-image-turbo"], "z-image-turbo|engine packages"),
    ],
)
def test_what_cannot_paint_is_said_before_the_first_picture(photo, tmp_path, capsys, words, said):
    assert render(photo, tmp_path / "out", *words) == 2

    assert re.search(said, capsys.readouterr().err)
    assert not (tmp_path / "out" / "box.jpg").exists()


def test_other_kinds_are_not_painted(photo, tmp_path, capsys):
    words = ["render", "packshot", str(photo), "--out", str(tmp_path), "--engine"]

    assert main([*words, "diffusion:sdxl-inpaint"]) == 2
    assert "paints lifestyle pictures only" in capsys.readouterr().err
