"""Whether a generated picture let the product grow.

Products and backdrops are drawn here; the thresholds were chosen on photos (docs/diffusion.md).
"""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpu_workers.imaging.generated_check import check_growth

SIDE = 200
BACKDROPS = {"gray": (150, 150, 150), "sand": (214, 190, 150), "dark": (52, 54, 60)}
PRODUCTS = {"red": (190, 40, 36), "blue": (36, 70, 180), "cream": (236, 228, 205)}


def backdrop(color, seed=0):
    generator = np.random.default_rng(seed)
    fall = np.linspace(1.08, 0.85, SIDE)[:, np.newaxis, np.newaxis]
    return np.array(color) * fall + generator.normal(0, 2, (SIDE, SIDE, 3))


def bottle(height=90, width=50, base=170, middle=100):
    matte = np.zeros((SIDE, SIDE), np.float32)
    left = middle - width // 2
    cv2.rectangle(matte, (left, base - height), (left + width, base), 1.0, -1)
    cv2.rectangle(matte, (middle - 10, base - height - 24), (middle + 10, base - height), 1.0, -1)
    return cv2.GaussianBlur(matte, (0, 0), 0.8)


def lay(color, matte, behind, seed=1):
    generator = np.random.default_rng(seed)
    light = np.linspace(1.1, 0.8, SIDE)[np.newaxis, :, np.newaxis]
    product = np.array(color) * light + generator.normal(0, 2, (SIDE, SIDE, 3))
    return behind * (1 - matte[..., None]) + product * matte[..., None]


def photo(picture):
    return np.clip(picture, 0, 255).astype(np.uint8)


def shadowed(picture, base=170, depth=0.6):
    dark = np.zeros((SIDE, SIDE), np.float32)
    cv2.ellipse(dark, (100, base), (40, 8), 0, 0, 360, depth, -1)
    return picture * (1 - cv2.GaussianBlur(dark, (0, 0), 4)[..., None])


@pytest.mark.parametrize("color", PRODUCTS)
@pytest.mark.parametrize("behind", BACKDROPS)
def test_a_product_that_kept_its_shape_passes(color, behind):
    matte = bottle()
    picture = lay(PRODUCTS[color], matte, shadowed(backdrop(BACKDROPS[behind])))

    assert check_growth(photo(picture), matte).silhouette_iou > 0.985


@pytest.mark.parametrize("color", PRODUCTS)
@pytest.mark.parametrize("behind", BACKDROPS)
@pytest.mark.parametrize(
    "grown",
    [bottle(height=104), bottle(width=62), bottle(middle=112), bottle(height=99, width=58)],
    ids=["taller", "wider", "shifted", "both"],
)
def test_a_product_that_grew_is_thrown_away(color, behind, grown):
    matte = bottle()
    picture = lay(PRODUCTS[color], np.maximum(matte, grown), backdrop(BACKDROPS[behind]))

    checked = check_growth(photo(picture), matte)

    assert not checked.is_kept
    true = (matte > 0.5).sum() / (np.maximum(matte, grown) > 0.5).sum()
    assert checked.silhouette_iou == pytest.approx(true, abs=0.06)


def test_a_product_that_outgrew_the_frame_is_thrown_away():
    matte = bottle(height=110, base=150)
    grown = bottle(height=200, width=50, base=150)
    picture = lay(PRODUCTS["blue"], np.maximum(matte, grown), backdrop(BACKDROPS["gray"]))

    assert not check_growth(photo(picture), matte).is_kept


def test_a_second_handle_is_seen():
    matte = bottle()
    handle = np.zeros_like(matte)
    cv2.ellipse(handle, (126, 120), (22, 26), 0, -90, 90, 1.0, 9)
    picture = lay(PRODUCTS["red"], np.maximum(matte, handle), backdrop(BACKDROPS["gray"]))

    assert not check_growth(photo(picture), matte).is_kept


def test_a_backdrop_of_the_products_color_is_no_growth():
    matte = bottle()
    behind = backdrop(PRODUCTS["cream"])

    assert check_growth(photo(lay(PRODUCTS["cream"], matte, behind)), matte).is_kept


def test_the_black_of_a_contact_shadow_is_no_growth_of_a_black_product():
    matte = bottle()
    picture = lay((14, 14, 15), matte, shadowed(backdrop(BACKDROPS["gray"]), depth=0.85))

    assert check_growth(photo(picture), matte).is_kept


def test_things_of_other_colors_beside_the_product_are_no_growth():
    behind = backdrop(BACKDROPS["gray"])
    cv2.circle(behind, (150, 150), 20, (70, 140, 60), -1)
    cv2.rectangle(behind, (30, 150), (70, 172), (200, 180, 90), -1)
    matte = bottle()

    assert check_growth(photo(lay(PRODUCTS["red"], matte, behind)), matte).is_kept


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**16))
def test_noise_is_a_number_between_0_and_1(seed):
    noise = np.random.default_rng(seed).integers(0, 255, (60, 80, 3), dtype=np.uint8)
    matte = np.zeros((60, 80), np.float32)
    matte[20:50, 30:50] = 1

    assert 0 < check_growth(noise, matte).silhouette_iou <= 1
    assert check_growth(noise, matte) == check_growth(noise, matte)


def test_nothing_there_cannot_grow_and_sizes_must_agree():
    flat = np.full((40, 40, 3), 90, np.uint8)

    assert check_growth(flat, np.zeros((40, 40), np.float32)).is_kept
    with pytest.raises(ValueError, match="shapes differ"):
        check_growth(flat, np.zeros((40, 30), np.float32))
