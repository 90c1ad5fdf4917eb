"""Shadows as transparent files."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from tests.fakes.garments import tee
from tests.unit.pipelines.kinds import make, png, scene, warnings_of

SHIRT = tee(300, open_neck=False).png()


def box() -> bytes:
    pixels = np.zeros((200, 200, 4), np.uint8)
    pixels[60:150, 70:130] = (180, 60, 50, 255)
    return png(pixels)


def test_the_file_holds_the_shadow_alone():
    result, picture = make(scene("shadow-soft"), box())

    assert picture.shape == (200, 200, 4)
    assert picture[..., :3].max() == 0
    assert picture[picture[..., 3] > 0].size > 0
    # Darkest at the base, nothing at the frame nor high above the product.
    base = np.unravel_index(np.argmax(picture[..., 3]), (200, 200))[0]
    assert 140 < base < 180
    frame = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
    assert frame[:, 3].max() <= 1
    assert picture[:30, :, 3].max() == 0
    assert result.fidelity == {}
    assert result.files[0].checks["shadow_share"] > 0.05
    assert warnings_of(result) == []


def test_with_the_product_its_pixels_are_certified():
    result, picture = make(scene("shadow-sun"), box())

    assert picture[110, 100].tolist() == [180, 60, 50, 255]
    assert result.fidelity["delta_e_mean"] < 0.3
    assert result.fidelity["silhouette_iou"] > 0.98
    assert result.files[0].checks["fill"] == pytest.approx(0.62, abs=0.02)
    shadow = (picture[..., 3] > 20) & (picture[..., 3] < 240)
    assert shadow.sum() > 300


def test_over_white_it_shows_as_dark_as_on_a_white_sweep():
    """Others blend encoded values, not light: the layer allows for it."""
    what = scene("shadow-lying", product=False)
    lay = scene("flat-lay-paper", lift=what.options.lift)
    on_white = replace(lay, mode="solid", color="#ffffff", grain=0.0, light=what.light)

    _, layer = make(what, box())
    _, drawn = make(on_white, box())

    shown = 255 * (1 - layer[..., 3].astype(float) / 255)
    outside = cv2.dilate((drawn[..., 0] < 100).astype(np.uint8), np.ones((5, 5), np.uint8)) == 0
    near_frame = np.zeros((200, 200), bool)
    near_frame[15:-15, 15:-15] = True
    there = outside & near_frame & (drawn[..., 1] > 150)
    difference = np.abs(shown - drawn[..., 1].astype(float))[there]
    assert difference.mean() < 2.5


def test_a_color_tints_the_shadow():
    _, picture = make(scene("shadow-soft", color="#203060"), box())

    seen = picture[picture[..., 3] > 40][:, :3].mean(axis=0)
    assert seen == pytest.approx((0x20, 0x30, 0x60), abs=8)


def test_a_light_without_shadow_says_so():
    what = scene("shadow-soft")
    dark = replace(what, light=replace(what.light, contact_shadow=0, cast_shadow=0))

    result, picture = make(dark, SHIRT)

    assert picture[..., 3].max() == 0
    assert warnings_of(result) == ["no_shadow"]
