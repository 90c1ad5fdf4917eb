"""``python -m gpu_workers bench quality`` on photos made for it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from gpu_workers.__main__ import main


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """One photo with its true mask, one without, one that shows nothing."""
    picture = Image.new("RGB", (240, 180), (226, 226, 224))
    ImageDraw.Draw(picture).rectangle((80, 40, 160, 150), fill=(30, 60, 150))
    mask = Image.new("L", (240, 180))
    ImageDraw.Draw(mask).rectangle((80, 40, 160, 150), fill=255)
    folder = tmp_path / "photos"
    folder.mkdir()
    picture.save(folder / "box.jpg", quality=95)
    mask.save(folder / "box_mask.png")
    picture.resize((200, 150)).save(folder / "other.png")
    Image.new("RGB", (200, 200), "white").save(folder / "blank.png")
    return folder


def test_every_photo_has_a_row_with_what_can_be_measured(
    photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", "quality", "--photos", str(photos), "--json"]) == 0

    rows = {row["name"]: row for row in map(json.loads, capsys.readouterr().out.splitlines())}
    assert list(rows) == ["blank", "box", "other"]
    assert rows["box"]["iou"] > 0.95
    assert rows["box"]["absolute_sum"] < 0.5
    assert rows["other"]["iou"] is None
    assert "one even color" in rows["blank"]["refused"]
    for name in ("box", "other"):
        assert 0 <= rows[name]["halo"] < 255
        assert rows[name]["contact"] > 0
        assert rows[name]["delta_e_p99"] < 2


def test_the_table_ends_with_what_the_bars_are_about(
    photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", "quality", "--photos", str(photos)]) == 0

    text = capsys.readouterr().out
    assert "1 of 1 above 0.95" in text
    assert "0 of 1 others" in text
    assert "halo: median" in text
    assert "refused: blank" in text


@pytest.mark.parametrize("folder", ["nowhere", "empty"])
def test_a_folder_without_photos_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], folder: str
) -> None:
    (tmp_path / "empty").mkdir()

    assert main(["bench", "quality", "--photos", str(tmp_path / folder)]) == 2

    assert folder in capsys.readouterr().err
