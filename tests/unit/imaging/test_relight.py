"""Another light on the same product, within bounds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpu_workers.imaging.color import delta_e_2000, luminance, to_lab
from gpu_workers.imaging.relight import (
    HIGHEST,
    LOWEST,
    direction_of,
    gain_of,
    relief,
    relight,
    seen_light,
)
from gpu_workers.scene_spec import Light


def ball(*, lit_from: tuple[float, float, float] = (0, 0, 1)) -> tuple[np.ndarray, np.ndarray]:
    """A matte sphere under one light; color and matte."""
    y, x = np.mgrid[0:90, 0:110].astype(np.float32)
    u, v = (x - 55) / 36, (y - 45) / 36
    inside = u**2 + v**2 < 1
    z = np.sqrt(np.clip(1 - u**2 - v**2, 0, 1))
    light = np.array(lit_from) / np.linalg.norm(lit_from)
    shade = 0.35 + 0.65 * np.clip(u * light[0] + v * light[1] + z * light[2], 0, 1)
    color = (shade[..., None] * (0.45, 0.4, 0.3) * inside[..., None]).astype(np.float32)
    return color, inside.astype(np.float32)


@given(
    st.floats(-180, 180),
    st.floats(5, 90),
    st.floats(0, 1),
    st.floats(0.5, 6),
)
@settings(max_examples=25, deadline=None)
def test_the_gain_is_clamped_and_the_change_bounded(azimuth, elevation, strength, limit):
    color, matte = ball()

    made = relight(color, matte, Light(azimuth, elevation), strength=strength, limit=limit)

    assert made.gain.min() >= LOWEST
    assert made.gain.max() <= HIGHEST
    inside = matte > 0.99
    changed = delta_e_2000(to_lab(color[inside]), to_lab(made.color[inside]))
    assert np.percentile(changed, 99) <= limit + 0.1
    assert made.delta_e_p99 <= limit
    assert 0 <= made.strength <= 1


@given(st.lists(st.floats(-50, 50), min_size=1, max_size=30))
def test_no_change_of_light_passes_the_bounds(changes):
    gains = gain_of(np.array(changes, np.float32))

    assert (gains >= LOWEST - 1e-6).all()
    assert (gains <= HIGHEST + 1e-6).all()
    assert (np.diff(gains[np.argsort(changes)]) >= 0).all()


@pytest.mark.parametrize(("azimuth", "bright", "dark"), [(-70.0, 30, 80), (70.0, 80, 30)])
def test_the_side_of_the_new_light_gets_brighter(azimuth, bright, dark):
    color, matte = ball()

    made = relight(color, matte, Light(azimuth, 20), strength=1, limit=6).color

    change = luminance(made) / np.maximum(luminance(color), 1e-6)
    assert change[45, bright] > 1.03
    assert change[45, dark] < 0.97
    assert luminance(made)[matte > 0].mean() == pytest.approx(
        luminance(color)[matte > 0].mean(), rel=0.03
    )


def test_hue_and_detail_stay():
    color, matte = ball()
    color = color.copy()
    color[40:50:2, 40:70] *= 0.5

    made = relight(color, matte, Light(-70, 20), strength=1, limit=6).color

    inside = matte > 0.99
    ratio = made[inside] / color[inside]
    assert np.ptp(ratio, axis=1).max() < 1e-4
    rows = made[40:50, 40:70] / color[40:50, 40:70]
    assert np.abs(np.diff(rows, axis=0)).max() < 0.02


def test_strength_zero_changes_nothing():
    color, matte = ball()

    made = relight(color, matte, Light(-70, 20), strength=0, limit=6)

    assert np.array_equal(made.color, color)
    assert made.delta_e_p99 == 0


@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_the_light_of_the_photo_is_seen(side):
    color, matte = ball(lit_from=(side, -0.4, 0.6))

    found = seen_light(color, matte, relief(matte))

    assert found[0] * side > 0.3
    assert found[1] < 0


def test_paint_is_not_taken_for_light():
    matte = ball()[1]
    paint = np.random.default_rng(5).uniform(0.05, 0.9, (9, 11))
    color = np.kron(paint, np.ones((10, 10)))[..., None].repeat(3, axis=2).astype(np.float32)

    assert seen_light(color, matte, relief(matte)).tolist() == [0, 0, 1]


def test_a_product_already_in_that_light_is_left_nearly_alone():
    light = Light(-60, 25)
    color, matte = ball(lit_from=tuple(direction_of(light)))

    same = relight(color, matte, light, strength=1, limit=6)
    other = relight(color, matte, Light(60, 25), strength=1, limit=6)

    assert same.delta_e_p99 < 0.6 * other.delta_e_p99


def test_the_relief_rises_towards_the_middle():
    normals = relief(ball()[1])

    assert normals[45, 25, 0] < -0.2
    assert normals[45, 85, 0] > 0.2
    assert normals[45, 55, 2] > 0.95
    assert np.linalg.norm(normals, axis=2) == pytest.approx(1)


def test_nothing_is_relit_to_nothing():
    made = relight(
        np.zeros((20, 30, 3), np.float32),
        np.zeros((20, 30), np.float32),
        Light(),
        strength=1,
        limit=2,
    )

    assert made.color.max() == 0
