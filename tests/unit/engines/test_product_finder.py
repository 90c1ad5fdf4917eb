"""The network that is part of the program says where products are."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from gpu_workers.engines.product_finder import likely_product
from gpu_workers.imaging.segmentation.regions import iou
from gpu_workers.training.pictures import training_picture

SHAPES = [(480, 480), (300, 480), (480, 200), (100, 64)]


def drawn(seed: int, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    photo, mask = training_picture(np.random.default_rng((99, seed)))
    size = width, height
    return cv2.resize(photo, size), cv2.resize(mask, size) > 127


@pytest.mark.parametrize(("height", "width"), SHAPES)
def test_it_finds_drawn_products_in_frames_of_any_shape(height: int, width: int) -> None:
    overlaps = []
    for seed in range(24):
        photo, mask = drawn(seed, height, width)
        likely = likely_product(photo)
        assert likely.shape == (height, width)
        assert likely.dtype == np.float32
        assert 0 <= likely.min() <= likely.max() <= 1
        overlaps.append(iou(likely > 0.5, mask))
    assert np.median(overlaps) > 0.8


def test_a_mirrored_photo_gives_the_mirrored_answer() -> None:
    photo, _ = drawn(3, 320, 320)
    straight, mirrored = likely_product(photo), likely_product(np.ascontiguousarray(photo[:, ::-1]))
    assert np.abs(straight - mirrored[:, ::-1]).max() < 0.02


def test_threads_do_not_disturb_each_other() -> None:
    photos = [drawn(seed, 160, 160)[0] for seed in range(8)]
    alone = [likely_product(photo) for photo in photos]
    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(likely_product, photos))
    assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))
