"""How wide the soft band about an edge must be: wide at fur, narrow at everything else."""

import cv2
import numpy as np
import pytest

from gpu_workers.imaging.segmentation.roughness import LEAST_PX, edge_band, roughness

SIDE = 600
CENTER = (300, 300)
RADIUS = 150


def paper(*, seed=4, noise=1.5):
    grain = np.random.default_rng(seed).normal(0, noise, (SIDE, SIDE, 3))
    return np.array([222, 220, 214]) + grain


def asphalt(*, seed=4):
    coarse = np.random.default_rng(seed).normal(110, 45, (SIDE // 3, SIDE // 3, 1))
    return cv2.resize(coarse, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)[..., None] + [0, 2, 4]


def disc():
    mask = np.zeros((SIDE, SIDE), np.uint8)
    cv2.circle(mask, CENTER, RADIUS, 1, -1)
    return mask.astype(bool)


def lay(ground, alpha):
    soft = cv2.GaussianBlur(alpha.astype(np.float32), (0, 0), 0.7)[..., None]
    return np.clip(ground * (1 - soft) + np.array([110, 62, 40]) * soft, 0, 255).astype(np.uint8)


def strands(first, last):
    """Hairs of up to 14 px that stand off the disc between two angles in degrees."""
    alpha = disc().astype(np.uint8)
    random = np.random.default_rng(8)
    for angle in np.deg2rad(np.arange(first, last, 1.2)):
        turn = angle + random.normal(0, 0.02)
        reach = RADIUS + random.uniform(5, 14)
        root = tuple(
            int(v) for v in CENTER + (RADIUS - 2) * np.array([np.cos(angle), np.sin(angle)])
        )
        tip = tuple(int(v) for v in CENTER + reach * np.array([np.cos(turn), np.sin(turn)]))
        cv2.line(alpha, root, tip, 1, 1)
    return alpha.astype(bool)


def at_edge(band, degrees):
    angle = np.deg2rad(degrees)
    x, y = CENTER + RADIUS * np.array([np.cos(angle), np.sin(angle)])
    return band[round(y), round(x)]


def test_the_band_is_wide_at_fur_and_narrow_at_the_clean_rest_of_the_edge():
    photo = lay(paper(), strands(20, 160))

    rough = cv2.resize(roughness(photo, disc()), (SIDE, SIDE))

    assert min(at_edge(rough, each) for each in range(40, 141, 10)) > 0.8
    assert max(at_edge(rough, each) for each in range(200, 341, 10)) < 0.05


@pytest.mark.parametrize("ground", [paper(), asphalt()], ids=["paper", "asphalt"])
def test_a_clean_edge_keeps_a_narrow_band_on_any_ground(ground):
    band = edge_band(lay(ground, disc()), disc())

    assert max(at_edge(band, each) for each in range(0, 360, 10)) == LEAST_PX


def test_the_band_grows_with_the_photo_and_not_with_the_mask():
    photo = lay(paper(), strands(0, 360))
    large = np.asarray(cv2.resize(photo, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC))

    band = edge_band(large, disc())
    from_small = edge_band(large, disc()[::2, ::2])

    assert band.shape == from_small.shape == large.shape[:2]
    assert band.dtype == np.int32
    assert band.max() == 18
    assert np.median(np.abs(band - from_small)) <= 1


@pytest.mark.parametrize("is_product", [False, True])
def test_without_an_edge_the_band_is_narrow_everywhere(is_product):
    photo = lay(paper(), disc())

    band = edge_band(photo, np.full((SIDE, SIDE), is_product))

    assert (band == LEAST_PX).all()
