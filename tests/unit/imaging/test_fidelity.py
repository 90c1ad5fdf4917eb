"""Color difference and the comparison of product with source."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu_workers.imaging import fidelity
from gpu_workers.imaging.arrays import Cutout, to_encoded, to_linear, to_photo
from gpu_workers.imaging.color import delta_e_2000, from_hex, to_lab, to_levels
from gpu_workers.imaging.composite import over
from gpu_workers.imaging.fidelity import compare
from gpu_workers.imaging.framing import Box, Placement, place, plan_placement

channel = st.floats(0, 1)
colors = st.tuples(channel, channel, channel)

# Sharma, Wu, Dalal (2005), table 1: pairs 1, 4, 7, 13, 17, 20, 25, 33.
PUBLISHED = [
    ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
    ((50.0, -1.3802, -84.2814), (50.0, 0.0, -82.7485), 1.0),
    ((50.0, 0.0, 0.0), (50.0, -1.0, 2.0), 2.3669),
    ((50.0, -0.001, 2.49), (50.0, 0.0009, -2.49), 4.8045),
    ((50.0, 2.5, 0.0), (73.0, 25.0, -18.0), 27.1492),
    ((50.0, 2.5, 0.0), (58.0, 24.0, 15.0), 19.4535),
    ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ((6.7747, -0.2908, -2.4247), (5.8714, -0.0985, -2.2286), 0.6377),
]


@pytest.mark.parametrize(("first", "second", "expected"), PUBLISHED)
def test_ciede2000_agrees_with_the_published_pairs(first, second, expected):
    assert float(delta_e_2000(np.array(first), np.array(second))) == pytest.approx(
        expected, abs=1e-4
    )


@given(colors, colors)
def test_color_difference_is_symmetric_and_zero_for_the_same_color(first, second):
    one, two = to_lab(np.array(first)), to_lab(np.array(second))

    assert float(delta_e_2000(one, one)) == 0
    assert float(delta_e_2000(one, two)) == pytest.approx(float(delta_e_2000(two, one)), abs=1e-6)


def test_white_is_the_lightest_neutral():
    assert to_lab(np.ones(3)) == pytest.approx([100, 0, 0], abs=1e-3)


def test_the_encoding_table_agrees_with_the_formula():
    image = np.random.default_rng(0).random((64, 64, 3), dtype=np.float32)

    assert np.abs(to_levels(image) - to_encoded(image) * 255).max() < 0.05
    assert float(to_levels(np.ones((1, 1, 3), np.float32)).min()) == pytest.approx(255, abs=1e-3)


def test_hex_colors_are_read_in_linear_light():
    assert from_hex("#808080") == pytest.approx([0.2158605] * 3, abs=1e-6)


def photographed() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(4)
    photo = generator.integers(30, 220, (25, 25, 3)).astype(np.uint8).repeat(8, 0).repeat(8, 1)
    matte = np.zeros((200, 200), np.float32)
    matte[40:160, 50:150] = 1
    return photo, matte


def composed(photo: np.ndarray, matte: np.ndarray) -> tuple[np.ndarray, np.ndarray, Placement]:
    placement = plan_placement(Box(50, 40, 100, 120), (200, 200), (300, 300), fill=0.8)
    product, opacity = place(Cutout(to_linear(photo), matte, 1.0), placement)
    return to_photo(over(product, opacity, np.ones_like(product))), opacity, placement


def test_an_unaltered_product_differs_by_rounding_only():
    photo, matte = photographed()
    picture, opacity, placement = composed(photo, matte)

    found = compare(picture, opacity, photo, matte, placement)

    assert found.delta_e_mean < 0.3
    assert found.delta_e_p99 < 1
    assert found.silhouette_iou > 0.98


def test_a_recolored_product_is_found():
    photo, matte = photographed()
    picture, opacity, placement = composed(photo, matte)
    reddened = picture.copy()
    reddened[..., 0] = np.clip(reddened[..., 0].astype(int) + 12, 0, 255)

    assert compare(reddened, opacity, photo, matte, placement).delta_e_mean > 1.5


def test_a_shifted_product_is_found_in_its_silhouette_and_its_pixels():
    photo, matte = photographed()
    picture, opacity, placement = composed(photo, matte)
    shifted, moved = np.roll(picture, 9, axis=1), np.roll(opacity, 9, axis=1)

    found = compare(shifted, moved, photo, matte, placement)

    assert found.silhouette_iou < 0.93
    assert found.delta_e_mean > 2


def test_different_shapes_are_refused():
    photo, matte = photographed()
    picture, opacity, placement = composed(photo, matte)

    with pytest.raises(ValueError, match="shapes differ"):
        compare(picture[1:], opacity, photo, matte, placement)


def test_strips_of_a_large_canvas_are_compared_with_the_very_pixels_placed(monkeypatch):
    photo, matte = photographed()
    picture, opacity, placement = composed(photo, matte)
    whole = compare(picture, opacity, photo, matte, placement)
    monkeypatch.setattr(fidelity, "_MAX_SAMPLES", 4000)

    some = compare(picture, opacity, photo, matte, placement)

    assert some.delta_e_mean == pytest.approx(whole.delta_e_mean, abs=0.05)
    assert some.delta_e_p99 < 1
    assert some != whole


def test_a_strip_is_what_the_whole_is_there():
    photo, _ = photographed()
    target = Box(-20, 15, 260, 170)
    whole = fidelity._expected(photo, target, slice(0, 200), 200)

    for top in (0, 16, 80, 180, 196):
        strip = fidelity._expected(photo, target, slice(top, top + 4), 200)
        assert np.abs(strip - whole[top : top + 4]).max() < 1e-5


def test_a_canvas_in_linear_light_is_rounded_like_its_file():
    photo, matte = photographed()
    picture, opacity, placement = composed(photo, matte)

    assert compare(to_linear(picture), opacity, photo, matte, placement) == compare(
        picture, opacity, photo, matte, placement
    )


def test_eight_bits_survive_linear_light():
    levels = np.arange(256, dtype=np.uint8)

    assert np.array_equal(to_photo(to_linear(levels)), levels)
