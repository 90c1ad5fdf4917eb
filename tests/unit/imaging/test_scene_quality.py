"""Contact, noise and white point, on pictures made for it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from gpu_workers.imaging.camera import Ground, look_at
from gpu_workers.imaging.composite import quantise
from gpu_workers.imaging.framing import Box, plan_placement
from gpu_workers.imaging.scene_quality import (
    contact_darkening,
    falls_away_from,
    horizon_fits,
    levels_in_gradient,
    noise_ratio,
    shadow_side,
    sharpness_ratio,
    white_point_distance,
)
from gpu_workers.imaging.shadow import shadow_map
from gpu_workers.scene_spec import Light

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


def ground_of(pitch: str, horizon: float = 0.62) -> Ground:
    placement = plan_placement(
        Box(60, 60, 80, 80), (SIDE, SIDE), (SIDE, SIDE), fill=0.5, anchor="ground"
    )
    return look_at(placement, pitch, horizon, placement.product.bottom)


@pytest.mark.parametrize("azimuth", [-60.0, -30.0, 30.0, 60.0])
def test_the_projects_own_shadows_fall_away_from_their_light(azimuth: float) -> None:
    light = Light(azimuth_deg=azimuth, elevation_deg=40, softness=0.4, cast_shadow=0.6)
    lit = np.full((SIDE, SIDE, 3), 0.6, np.float32)
    dark = shadow_map(box(), ground_of("slightly_above"), light)

    side = shadow_side(lit * (1 - dark)[..., None], lit, box())

    assert side is not None
    assert falls_away_from(side, azimuth) is True
    assert falls_away_from(side, -azimuth) is False


def test_without_a_shadow_or_a_side_nothing_is_said() -> None:
    lit = np.full((SIDE, SIDE, 3), 0.6, np.float32)

    assert shadow_side(lit, lit, box()) is None
    assert shadow_side(lit * 0.5, lit, np.zeros((SIDE, SIDE), np.float32)) is None
    assert falls_away_from(0.4, 3.0) is None
    assert falls_away_from(0.4, 180.0) is None
    assert falls_away_from(-0.02, -40.0) is None


@pytest.mark.parametrize("pitch", ["front", "slightly_above", "top"])
def test_the_projects_own_grounds_end_where_their_camera_sees_it(pitch: str) -> None:
    assert horizon_fits(ground_of(pitch), SIDE)


def test_a_horizon_too_high_or_too_low_for_a_camera_in_front_is_wrong() -> None:
    assert not horizon_fits(ground_of("front", horizon=0.3), SIDE)
    assert not horizon_fits(ground_of("front", horizon=0.95), SIDE)


def test_a_ground_that_vanishes_in_the_picture_is_not_seen_from_above() -> None:
    front = ground_of("front")

    assert not horizon_fits(
        Ground("slightly_above", front.vanish, front.base, front.edge, 100, 100, 1.6), SIDE
    )
    assert not horizon_fits(Ground("top", 10, front.base, 60, 100, 100, 1.6), SIDE)


def test_sharpness_is_that_of_the_detail_and_not_of_its_amount() -> None:
    random = np.random.default_rng(6)
    fine = random.normal(0, 30, (SIDE, SIDE)).astype(np.float32)
    soft = cv2.GaussianBlur(fine, (0, 0), 4.0) * 6

    def picture_of(product: np.ndarray, scene: np.ndarray) -> np.ndarray:
        gray = np.clip(128 + np.where(box() > 0, product, scene), 0, 255).astype(np.uint8)
        return np.repeat(gray[..., np.newaxis], 3, axis=2)

    assert sharpness_ratio(picture_of(fine, 0.3 * fine), box()) == pytest.approx(1.0, abs=0.1)
    sharper = sharpness_ratio(picture_of(fine, soft), box())
    assert sharper is not None
    assert sharper > 3
    assert sharpness_ratio(picture_of(fine * 0, fine * 0), box()) is None


def test_dither_gives_a_slow_gradient_its_levels() -> None:
    slope = np.linspace(0.30, 0.33, SIDE, dtype=np.float32)
    image = np.repeat(np.repeat(slope[np.newaxis, :, None], SIDE, axis=0), 3, axis=2)

    bands = quantise(image, box(), grain=0.0, seed=1)
    smooth = quantise(image, box(), grain=0.004, seed=1)

    assert levels_in_gradient(bands, box()) in (2, 3)
    found = levels_in_gradient(smooth, box())
    assert found is not None
    assert found >= 6
    assert levels_in_gradient(smooth, np.ones((SIDE, SIDE), np.float32)) is None
