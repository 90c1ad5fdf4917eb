"""Soft edges: strands kept, veils lifted, and nothing unknown where nothing can be."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from gpu_workers.imaging.blur import blurred
from gpu_workers.imaging.foreground import own_colors
from gpu_workers.imaging.matte import soft_matte

SIDE = 400
CENTER = (200, 200)
RADIUS = 110
PAPER, FUR = np.array([222.0, 220, 214]), np.array([90.0, 55, 35])


def furry() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A disc with short hairs: the photo, its true opacity and the mask without the hairs."""
    body = np.zeros((SIDE * 4, SIDE * 4), np.uint8)
    cv2.circle(body, (CENTER[0] * 4, CENTER[1] * 4), RADIUS * 4, 255, -1)
    hairs = body.copy()
    for angle in np.deg2rad(np.arange(0, 360, 3.0)):
        way = np.array([np.cos(angle), np.sin(angle)])
        root, tip = CENTER + (RADIUS - 3) * way, CENTER + (RADIUS + 2.5) * way
        cv2.line(hairs, *[tuple(int(4 * v) for v in at) for at in (root, tip)], 255, 6)
    alpha = cv2.resize(hairs, (SIDE, SIDE), interpolation=cv2.INTER_AREA) / 255
    mask = cv2.resize(body, (SIDE, SIDE), interpolation=cv2.INTER_AREA) > 127
    grain = np.random.default_rng(2).normal(0, 1.5, (SIDE, SIDE, 3))
    photo = FUR * alpha[..., None] + PAPER * (1 - alpha[..., None]) + grain
    return np.clip(photo, 0, 255).astype(np.uint8), alpha.astype(np.float32), mask


def ring(first: int, last: int) -> np.ndarray:
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    away = np.hypot(x - CENTER[0], y - CENTER[1])
    return (away > first) & (away <= last)


def test_hairs_beyond_the_mask_come_back_and_the_paper_between_them_does_not():
    # Enlarged, so that the hairs are long in pixels and still within the band at fur.
    photo, alpha, mask = furry()
    size = (4 * SIDE, 4 * SIDE)
    large = cv2.resize(photo, size, interpolation=cv2.INTER_CUBIC)
    truth = cv2.resize(alpha, size, interpolation=cv2.INTER_LINEAR)

    matte = soft_matte(large, mask)

    hairy = cv2.resize(ring(RADIUS + 1, RADIUS + 2).astype(np.uint8), size) > 0
    assert matte[hairy & (truth > 0.9)].mean() > 0.35
    assert matte[hairy & (truth < 0.02)].mean() < 0.1


def test_a_blurred_edge_leaves_no_veil_far_out():
    mask = ring(-1, RADIUS)
    alpha = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 3.0)[..., None]
    grain = np.random.default_rng(3).normal(0, 1.5, (SIDE, SIDE, 3))
    photo = np.clip(FUR * alpha + PAPER * (1 - alpha) + grain, 0, 255).astype(np.uint8)

    matte = soft_matte(photo, mask)

    assert matte[ring(RADIUS - 100, RADIUS - 6)].min() == 1
    assert matte[ring(RADIUS + 4, RADIUS + 60)].max() < 0.02


def test_opacity_is_a_share_and_the_same_every_time():
    photo, _, mask = furry()

    matte = soft_matte(photo, mask)

    assert matte.dtype == np.float32
    assert matte.min() >= 0
    assert matte.max() <= 1
    assert np.array_equal(matte, soft_matte(photo, mask))


@pytest.mark.parametrize("is_product", [False, True])
def test_a_mask_without_an_edge_has_no_soft_pixel(is_product):
    photo = np.full((80, 90, 3), 120, np.uint8)

    matte = soft_matte(photo, np.full((80, 90), is_product))

    assert np.unique(matte).tolist() == [float(is_product)]


def test_a_print_that_runs_up_to_the_edge_keeps_its_color_there():
    alpha = np.clip((np.arange(120) - 58) / 4, 0, 1).astype(np.float32)
    matte = np.repeat(alpha[np.newaxis], 120, axis=0)
    color = np.where((np.arange(120) // 12 % 2)[:, None, None], (200.0, 30, 40), (240.0, 240, 235))
    photo = np.rint(color * matte[..., None] + (20, 60, 160) * (1 - matte[..., None]))

    own = own_colors(photo.astype(np.uint8), matte)

    striped = own[6:-6:12, 60]
    assert (striped[1::2, 1] < 0.06).all()
    assert (striped[::2, 1] > 0.7).all()


@pytest.mark.parametrize("sigma", [2.0, 6.0, 20.0])
def test_a_wide_blur_at_a_fraction_of_the_size_is_the_same_blur(sigma):
    picture = np.zeros((160, 201, 3), np.float32)
    picture[50:120, 60:130] = (1.0, 0.5, 0.1)

    assert np.abs(blurred(picture, sigma) - cv2.GaussianBlur(picture, (0, 0), sigma)).max() < 0.02
