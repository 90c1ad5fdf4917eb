"""The pictures are written as the benches read them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gpu_workers.bench_quality import measured_photos
from gpu_workers.training.pictures import training_picture

pytest.importorskip("torch", reason="the engine packages are not installed")


def test_pictures_are_written_with_their_masks(tmp_path: Path) -> None:
    from gpu_workers.training.__main__ import main

    assert main(["--pictures", "3", "--side", "96", "--seed", "5", "--out", str(tmp_path)]) == 0

    found = list(measured_photos(tmp_path))
    assert [each.name for each in found] == ["0000", "0001", "0002"]
    for number, each in enumerate(found):
        photo, mask = training_picture(np.random.default_rng((5, number)), side=96)
        assert np.array_equal(each.photo, photo)
        assert np.array_equal(np.round(each.truth * 255), mask)


def test_a_sheet_shows_pictures_beside_their_masks(tmp_path: Path) -> None:
    from gpu_workers.training.__main__ import main

    assert main(["--sheet", "--out", str(tmp_path / "sheet.png")]) == 0

    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.size == (12 * 2 * 128, 8 * 128)
