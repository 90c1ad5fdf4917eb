"""Every kind of this family through ``python -m gpu_workers render``, from files to files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image as Pillow

from gpu_workers.__main__ import main
from gpu_workers.kind_options.table import KINDS
from tests.fakes.garments import tee

HERE = ("flat_lay", "variant", "ghost_mannequin", "display", "relight", "shadow")


@pytest.mark.parametrize("kind", HERE)
def test_the_command_renders_each_kind(kind, tmp_path, capsys):
    source = tmp_path / "shirt.png"
    source.write_bytes(tee(240, half_torso=0.2).png())
    extra = tmp_path / "inside.png"
    extra.write_bytes(tee(240, half_torso=0.2, open_neck=False).png())
    words = ["render", kind, str(source), "--size", "120x140", "--json", "--out"]
    words.append(str(tmp_path / "out"))
    if "back" in KINDS[kind].roles:
        words += ["--with", f"back={extra}"]
    if "target" in KINDS[kind].texts:
        words += ["--text", "target=#b3282d"]

    code = main(words)

    row = json.loads(capsys.readouterr().out)
    assert code == 0, row
    assert row["kind"] == kind
    path = Path(row["output"])
    with Pillow.open(path) as picture:
        assert picture.size == (120, 140)
        assert picture.mode == ("RGBA" if kind == "shadow" else "RGB")
    known = {"enlarged", "relight_held_back"}
    assert set(row["checks"]["warnings"]) <= known
