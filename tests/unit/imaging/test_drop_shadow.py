"""The shadow all round something that lies on a surface."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpu_workers.imaging.drop_shadow import drop_shadow
from gpu_workers.scene_spec import Light


def lying() -> np.ndarray:
    matte = np.zeros((160, 200), np.float32)
    matte[50:110, 70:130] = 1
    return matte


def around(dark: np.ndarray) -> dict[str, float]:
    """Darkness just beside each side of the product."""
    return {
        "left": float(dark[60:100, 60:68].mean()),
        "right": float(dark[60:100, 132:140].mean()),
        "above": float(dark[40:48, 80:120].mean()),
        "below": float(dark[112:120, 80:120].mean()),
    }


@given(st.floats(-180, 180), st.floats(5, 90), st.floats(0, 1), st.floats(0.06, 0.4))
@settings(max_examples=30, deadline=None)
def test_a_shadow_is_no_more_than_black_and_always_all_round(azimuth, elevation, softness, lift):
    dark = drop_shadow(lying(), Light(azimuth, elevation, softness, 0.7, 0.5), lift=lift)

    assert dark.min() >= 0
    assert dark.max() <= 1
    assert min(around(dark).values()) > 0.01


@pytest.mark.parametrize(
    ("azimuth", "far", "near"),
    [
        (-90.0, "right", "left"),
        (90.0, "left", "right"),
        (0.0, "below", "above"),
        (180.0, "above", "below"),
    ],
)
def test_the_shadow_falls_away_from_the_light(azimuth, far, near):
    beside = around(drop_shadow(lying(), Light(azimuth, 40, 0.2, 0.4, 0.6), lift=0.08))

    assert beside[far] > beside[near] + 0.15


def test_what_lies_higher_throws_a_longer_shadow():
    light = Light(-90, 40, 0.1, 0.0, 0.6)

    low, high = (drop_shadow(lying(), light, lift=lift)[80] for lift in (0.03, 0.2))

    assert np.flatnonzero(low > 0.1)[-1] < np.flatnonzero(high > 0.1)[-1] - 5


def test_without_strengths_or_product_there_is_none():
    none = Light(contact_shadow=0, cast_shadow=0)

    assert drop_shadow(lying(), none, lift=0.05).max() == 0
    assert drop_shadow(np.zeros((20, 20), np.float32), Light(), lift=0.05).max() == 0
