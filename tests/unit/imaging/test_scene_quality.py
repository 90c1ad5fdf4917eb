"""Contact, noise and white point, on pictures made for it."""

from __future__ import annotations

import numpy as np
import pytest

from gpu_workers.imaging.scene_quality import (
    contact_darkening,
    noise_ratio,
    white_point_distance,
)

SIDE = 200


def box() -> np.ndarray:
    matte = np.zeros((SIDE, SIDE), np.float32)
    matte[60:140, 60:140] = 1
    return matte


def test_contact_is_read_right_below_the_base() -> None:
    lit = np.full((SIDE, SIDE, 3), 0.5, np.float32)
    near, far = lit.copy(), lit.copy()
    near[140:146] *= 0.7
    far[160:] *= 0.7

    assert contact_darkening(near, lit, box()) == pytest.approx(0.3, abs=1e-4)
    assert contact_darkening(far, lit, box()) == 0.0
    assert contact_darkening(near, lit, np.zeros((SIDE, SIDE), np.float32)) == 0.0


@pytest.mark.parametrize("product_sigma", [4.0, 12.0])
def test_noise_is_compared_between_product_and_scene(product_sigma: float) -> None:
    random = np.random.default_rng(1)
    sigma = np.where(box() > 0, product_sigma, 4.0)
    gray = 128 + random.normal(size=(SIDE, SIDE)) * sigma
    picture = np.repeat(gray.round().astype(np.uint8)[..., np.newaxis], 3, axis=2)

    assert noise_ratio(picture, box()) == pytest.approx(product_sigma / 4.0, rel=0.1)


def test_what_shows_too_little_has_no_ratio() -> None:
    flat = np.full((SIDE, SIDE, 3), 128, np.uint8)

    assert noise_ratio(flat, box()) is None
    assert noise_ratio(flat, np.ones((SIDE, SIDE), np.float32)) is None
    assert white_point_distance(flat, np.ones((SIDE, SIDE), np.float32)) is None


def test_a_warm_scene_behind_a_neutral_product_is_far_from_its_white() -> None:
    picture = np.full((SIDE, SIDE, 3), 220, np.uint8)
    assert white_point_distance(picture, box()) == pytest.approx(0.0, abs=1e-6)

    picture[box() == 0] = (240, 215, 160)
    found = white_point_distance(picture, box())
    assert found is not None
    assert found > 20
