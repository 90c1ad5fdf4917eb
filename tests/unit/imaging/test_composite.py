"""Layers become one picture."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gpu_workers.imaging.arrays import to_photo
from gpu_workers.imaging.composite import light_wrap, over, quantise

unit = st.floats(0, 1, width=32)
images = hnp.arrays(np.float32, (5, 7, 3), elements=unit)
mattes = hnp.arrays(np.float32, (5, 7), elements=unit)


def disc(size: int = 120) -> np.ndarray:
    y, x = np.mgrid[0:size, 0:size]
    distance = np.hypot(x - size / 2, y - size / 2)
    return np.clip(size * 0.3 - distance, 0, 1).astype(np.float32)


@given(images, images)
def test_an_opaque_matte_returns_the_product(product, backdrop):
    opaque = np.ones((5, 7), np.float32)

    assert np.array_equal(over(product, opaque, backdrop), product)


@given(images)
def test_an_empty_matte_returns_the_backdrop(backdrop):
    empty = np.zeros((5, 7), np.float32)

    assert np.array_equal(over(np.zeros_like(backdrop), empty, backdrop), backdrop)


@given(images, mattes, images)
def test_a_composite_lies_between_product_and_backdrop(color, matte, backdrop):
    result = over(color * matte[..., None], matte, backdrop)

    assert (result >= np.minimum(color, backdrop) - 1e-5).all()
    assert (result <= np.maximum(color, backdrop) + 1e-5).all()


def test_no_argument_is_written_to():
    matte = disc()
    product = matte[..., None] * np.array([0.8, 0.3, 0.1], np.float32)
    backdrop = np.full((120, 120, 3), 0.4, np.float32)
    copies = [product.copy(), matte.copy(), backdrop.copy()]

    over(product, matte, backdrop)
    light_wrap(product, matte, backdrop, 0.3)
    quantise(backdrop, matte, grain=0.01, seed=1)

    for value, copy in zip((product, matte, backdrop), copies, strict=True):
        assert np.array_equal(value, copy)


def test_different_shapes_are_refused():
    with pytest.raises(ValueError, match="shapes differ"):
        over(np.zeros((4, 4, 3)), np.zeros((4, 5)), np.zeros((4, 4, 3)))


def test_light_wrap_stays_within_three_pixels_of_the_edge():
    matte = disc()
    product = matte[..., None] * np.array([0.1, 0.1, 0.1], np.float32)

    wrapped = light_wrap(product, matte, np.ones((120, 120, 3), np.float32), 0.35)

    y, x = np.mgrid[0:120, 0:120]
    inside = np.hypot(x - 60, y - 60) < 120 * 0.3 - 4
    assert np.array_equal(wrapped[inside], product[inside])
    assert (wrapped - product).max() > 0.005


def test_without_grain_exact_colors_stay_exact():
    white = np.ones((20, 20, 3), np.float32)

    assert quantise(white, np.zeros((20, 20), np.float32), grain=0, seed=1).min() == 255


def test_grain_leaves_the_product_alone():
    image = np.full((60, 60, 3), 0.37, np.float32)
    matte = np.zeros((60, 60), np.float32)
    matte[20:40, 20:40] = 1

    photo = quantise(image, matte, grain=0.02, seed=5)

    assert (photo[20:40, 20:40] == to_photo(image)[0, 0]).all()
    assert photo[:20].std() > 2


def test_the_same_seed_gives_the_same_grain_and_another_seed_another():
    image = np.full((30, 30, 3), 0.5, np.float32)
    empty = np.zeros((30, 30), np.float32)

    first = quantise(image, empty, grain=0.01, seed=1)

    assert np.array_equal(first, quantise(image, empty, grain=0.01, seed=1))
    assert not np.array_equal(first, quantise(image, empty, grain=0.01, seed=2))


def test_dither_breaks_a_slow_gradient_into_levels_and_not_into_bands():
    ramp = np.linspace(0.50, 0.52, 640, dtype=np.float32)
    image = np.repeat(np.repeat(ramp[None, :, None], 64, axis=0), 3, axis=2)

    photo = quantise(image, np.zeros((64, 640), np.float32), grain=0.002, seed=3)

    # Without dither each column would be one level; averaged columns must follow the ramp.
    assert all(np.unique(photo[:, column]).size >= 2 for column in range(0, 640, 40))
    means = photo.mean(axis=(0, 2))
    expected = to_photo(np.float32([[[0.50] * 3, [0.52] * 3]]))[0, :, 0].astype(float)
    assert means[0] == pytest.approx(expected[0], abs=0.8)
    assert np.abs(np.diff(means.reshape(16, 40).mean(axis=1))).max() < 0.6


@given(st.integers(0, 255))
@settings(max_examples=40, deadline=None)
def test_every_level_survives_linear_light_and_back(level):
    from gpu_workers.imaging.arrays import to_linear

    photo = np.full((2, 2, 3), level, np.uint8)

    result = quantise(to_linear(photo), np.ones((2, 2), np.float32), grain=0.01, seed=0)

    assert np.array_equal(result, photo)
