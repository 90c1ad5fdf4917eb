"""Rooms on canvases of all proportions, and inks that can be read in them."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpu_workers.imaging.color import from_hex, luminance
from gpu_workers.imaging.framing import Box
from gpu_workers.imaging.layout.badge import badge_shape, rounded
from gpu_workers.imaging.layout.ink import (
    READABLE,
    choose_ink,
    contrast_of,
    readable_on,
    worst_contrast,
)
from gpu_workers.imaging.layout.zones import ROOMS, fitted, intersects, plan_zones, safe_box
from gpu_workers.kind_options.collateral import BadgeShape, CollateralOptions, Layout, SafeArea

LAYOUTS = get_args(Layout)
HEX = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


def inside(inner: Box, outer: Box) -> bool:
    return (
        outer.left <= inner.left
        and outer.top <= inner.top
        and inner.right <= outer.right
        and inner.bottom <= outer.bottom
    )


@given(
    st.sampled_from(LAYOUTS),
    st.sampled_from(get_args(SafeArea)),
    st.floats(-0.6, 0.61),
    st.integers(240, 2000),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.integers(0, ROOMS - 1),
    st.floats(0.2, 1.0),
)
@settings(max_examples=200, deadline=None)
def test_words_stay_safe_and_clear_of_the_product(
    layout, area, proportion, side, rtl, hangs, is_slim, more, taken
):
    long = round(side * 10 ** abs(proportion))
    canvas = (long, side) if proportion > 0 else (side, long)
    options = CollateralOptions(layout=layout, safe_area=area)

    zones = plan_zones(options, canvas, rtl=rtl, hangs=hangs, is_slim=is_slim, more=more)

    whole = Box(0, 0, *canvas)
    height = max(4, round(zones.text.height * taken))
    top = {"top": 0, "middle": 0.5, "bottom": 1}[zones.hold] * (zones.text.height - height)
    words = Box(zones.text.left, zones.text.top + round(top), zones.text.width, height)
    last = fitted(zones, layout, words, canvas)
    assert inside(zones.text, safe_box(area, canvas))
    assert inside(last.product, whole)
    assert min(last.product.width, last.product.height) >= 0.1 * min(canvas)
    assert not intersects(words, last.product)
    if last.panel is not None:
        assert inside(words, last.panel)
        assert inside(last.panel, whole)
        assert not intersects(last.panel, last.product)


def test_left_and_right_change_places_where_words_run_to_the_left():
    options = CollateralOptions(layout="banner_left")

    ltr = plan_zones(options, (1200, 628), rtl=False)
    rtl = plan_zones(options, (1200, 628), rtl=True)

    assert ltr.text.right < ltr.product.left
    assert rtl.product.right < rtl.text.left
    assert (ltr.align, rtl.align) == ("left", "right")


def test_a_story_leaves_room_for_the_controls_of_the_app():
    safe = safe_box("story", (1080, 1920))

    assert (safe.top, 1920 - safe.bottom) == (269, 384)
    assert safe_box("reel", (1080, 1920)).bottom == 1920 - 672


def test_contrast_is_that_of_the_guidelines():
    assert contrast_of("#000000", "#ffffff") == pytest.approx(21)
    # The gray that is known as the lightest allowed on white.
    assert contrast_of("#767676", "#ffffff") == pytest.approx(4.54, abs=0.005)
    assert contrast_of("#c8102e", "#ffffff") == contrast_of("#ffffff", "#c8102e")


@given(HEX, HEX, HEX)
def test_on_an_even_color_something_can_be_read(color, first, second):
    chosen = readable_on(color, (first, second))

    assert contrast_of(chosen, color) >= READABLE
    if contrast_of(first, color) >= 4.7:
        assert chosen == first


@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=60), HEX, HEX)
@settings(deadline=None)
def test_on_any_ground_words_can_be_read_with_the_field_that_is_asked_for(lights, ink, paper):
    ground = np.array(lights, np.float32)

    chosen, field, opacity = choose_ink([ground], (ink, paper), (paper, ink))

    light = float(luminance(from_hex(field)))
    assert worst_contrast(chosen, ground * (1 - opacity) + light * opacity) >= READABLE


def test_no_field_is_laid_where_the_brands_ink_can_be_read():
    light = np.full(50, 0.8, np.float32)

    assert choose_ink([light], ("#16181d", "#ffffff"), ("#ffffff",)) == ("#16181d", "#ffffff", 0.0)
    assert choose_ink([light * 0], ("#16181d", "#fefefe"), ("#ffffff",))[0] == "#fefefe"
    checkers = np.tile(np.array([0, 1], np.float32), 50)
    assert choose_ink([checkers], ("#16181d", "#ffffff"), ("#ffffff",))[2] > 0


@pytest.mark.parametrize("shape", get_args(BadgeShape))
def test_a_badge_fills_its_frame_and_keeps_to_it(shape):
    coverage = badge_shape(shape, (120, 60), 0.5)

    assert coverage.shape == (60, 120)
    assert (coverage.min(), coverage.max()) == (0, 1)
    assert coverage[30, 60] == 1
    assert 0.45 < coverage.mean() < 0.97


def test_round_corners_have_even_edges():
    coverage = rounded((100, 60), 0.5)

    assert coverage.mean() == pytest.approx((40 * 60 + np.pi * 900) / 6000, abs=0.002)
    assert rounded((40, 30), 0.0).min() == 1
