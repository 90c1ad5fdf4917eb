"""From a canvas to what a network paints on, and back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu_workers.imaging.arrays import to_encoded
from gpu_workers.imaging.generated_backdrop import (
    Fit,
    from_encoded,
    missing_grain,
    noise_of,
    resized,
    without_product,
)

SIDES = st.integers(16, 4000)


@given(SIDES, SIDES, st.sampled_from([(1024, 1024), (832, 1216), (64, 32)]))
def test_a_canvas_lies_whole_and_undistorted_in_what_is_painted(width, height, size):
    fit = Fit.of((width, height), size)

    assert 0 <= fit.left <= size[0] - fit.inner[0]
    assert 0 <= fit.top <= size[1] - fit.inner[1]
    assert fit.inner[0] == size[0] or fit.inner[1] == size[1]
    scale = min(size[0] / width, size[1] / height)
    assert abs(fit.inner[0] - width * scale) <= 1
    assert abs(fit.inner[1] - height * scale) <= 1


@given(st.integers(16, 90), st.integers(16, 90))
def test_what_is_padded_is_cropped_again(width, height):
    fit = Fit.of((width, height), (96, 64))
    photo = np.random.default_rng(0).integers(0, 255, (fit.inner[1], fit.inner[0], 3), np.uint8)

    whole = fit.padded(photo)

    assert whole.shape == (64, 96, 3)
    assert np.array_equal(fit.cropped(whole), photo)


def test_the_network_paints_everything_but_the_inside_of_the_product():
    fit = Fit.of((100, 50), (64, 64))
    matte = np.zeros((fit.inner[1], fit.inner[0]), np.float32)
    matte[8:28, 20:44] = 1

    painted = fit.painted(matte)

    inside = np.zeros((64, 64), bool)
    inside[fit.top + 8 : fit.top + 28, 20:44] = True
    assert painted[~inside].all()
    assert not painted[fit.top + 12 : fit.top + 24, 24:40].any()
    # Some pixels of its rim are painted over, so that no old backdrop shows beside it.
    assert painted[fit.top + 8, 20:44].all()


def test_decoding_is_the_inverse_of_encoding():
    linear = np.linspace(0, 1, 300, dtype=np.float32).reshape(10, 10, 3)

    assert from_encoded(to_encoded(linear)) == pytest.approx(linear, abs=1e-5)


def test_behind_the_product_the_backdrop_goes_on():
    height = width = 80
    backdrop = np.broadcast_to(
        np.linspace(0.2, 0.6, width, dtype=np.float32)[None, :, None], (height, width, 3)
    ).copy()
    truth = backdrop.copy()
    matte = np.zeros((height, width), np.float32)
    matte[20:60, 25:55] = 1
    backdrop[19:61, 24:56] = (1.0, 0.0, 0.0)

    cleaned = without_product(backdrop, matte)

    assert np.array_equal(cleaned[:19], truth[:19])
    assert np.abs(cleaned - truth)[20:60, 25:28].max() < 0.05
    assert cleaned[..., 0].max() < 0.7


def test_a_backdrop_without_product_stays():
    backdrop = np.random.default_rng(0).random((20, 20, 3), np.float32)

    assert np.array_equal(without_product(backdrop, np.zeros((20, 20), np.float32)), backdrop)


def test_enlarging_keeps_range_and_mean():
    backdrop = np.random.default_rng(0).random((40, 40, 3), np.float32)

    larger = resized(backdrop, (90, 90))

    assert larger.shape == (90, 90, 3)
    assert larger.min() >= 0
    assert larger.max() <= 1
    assert larger.mean() == pytest.approx(backdrop.mean(), abs=0.02)


@pytest.mark.parametrize("sigma", [0.004, 0.01, 0.03])
def test_noise_is_measured_in_srgb_units(sigma):
    generator = np.random.default_rng(1)
    gray = generator.normal(0.5, sigma, (160, 160)).astype(np.float32)
    image = from_encoded(np.clip(np.dstack([gray] * 3), 0, 1))

    assert noise_of(image, np.ones((160, 160), bool)) == pytest.approx(sigma, rel=0.15)
    assert noise_of(image, np.zeros((160, 160), bool)) is None


def test_a_smooth_backdrop_gets_the_grain_of_the_product():
    generator = np.random.default_rng(2)
    shape = (120, 120)
    noisy = from_encoded(
        np.clip(np.dstack([generator.normal(0.5, 0.01, shape).astype(np.float32)] * 3), 0, 1)
    )
    smooth = np.full((*shape, 3), 0.3, np.float32)
    matte = np.zeros(shape, np.float32)
    matte[30:90, 30:90] = 1

    assert missing_grain(noisy, smooth, matte, least=0.002) == pytest.approx(0.01, rel=0.2)
    assert missing_grain(smooth, noisy, matte, least=0.002) == 0.002
    assert missing_grain(smooth, noisy, np.zeros(shape, np.float32), least=0.003) == 0.003
