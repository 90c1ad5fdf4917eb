"""The product finder is really trained, written and read again."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from pathlib import Path  # noqa: E402

from gpu_workers.training.fitting import Plan, augmented, fit, rate  # noqa: E402
from gpu_workers.training.network import ProductNetwork, write_onnx  # noqa: E402
from gpu_workers.training.pictures import training_picture  # noqa: E402


def test_the_file_answers_as_the_network(tmp_path: Path) -> None:
    torch.manual_seed(1)
    network = ProductNetwork((4, 6, 8, 8)).eval()
    write_onnx(network, tmp_path / "finder.onnx")
    photo, _ = training_picture(np.random.default_rng(1))
    levels = np.ascontiguousarray(photo.transpose(2, 0, 1)[np.newaxis], np.float32)
    read = cv2.dnn.readNetFromONNX(str(tmp_path / "finder.onnx"))
    read.setInput(levels)
    with torch.no_grad():
        own = torch.sigmoid(network(torch.from_numpy(levels))).numpy()
    assert np.abs(read.forward() - own).max() < 1e-5


def test_a_short_run_gives_a_network_that_moved_from_where_it_began() -> None:
    torch.manual_seed(0)
    start = ProductNetwork().state_dict()
    network = fit(Plan(minutes=0.05, pool=200), lambda _progress, _network: None)
    assert not network.training
    moved = 0.0
    for name, weights in network.state_dict().items():
        assert torch.isfinite(weights).all(), name
        moved += float((weights.float() - start[name].float()).abs().sum())
    assert moved > 1


def test_the_rate_rises_and_falls() -> None:
    assert rate(0, 0) < rate(100, 0) < rate(1000, 0)
    assert rate(1000, 0) > rate(1000, 0.5) > rate(1000, 1) > 0


def test_photo_and_mask_move_together() -> None:
    rng = np.random.default_rng(0)
    mask = np.zeros((128, 128), np.uint8)
    mask[40:90, 30:70] = 255
    photo = np.dstack([mask] * 3)
    for _ in range(20):
        moved, where = augmented(rng, photo, mask)
        inner = cv2.erode(where, np.ones((5, 5), np.uint8)) > 250
        assert inner.any()
        assert (moved[inner] > 200).all()
