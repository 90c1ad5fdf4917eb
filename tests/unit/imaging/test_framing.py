"""Where a product goes on its canvas."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpu_workers.imaging.arrays import Cutout
from gpu_workers.imaging.framing import (
    Box,
    place,
    plan_placement,
    product_box,
    resample,
)
from gpu_workers.imaging.quality import measure_fill, sides_cut


def cutout_of(box: Box, frame: tuple[int, int]) -> Cutout:
    matte = np.zeros((frame[1], frame[0]), np.float32)
    matte[box.top : box.bottom, box.left : box.right] = 1
    color = np.full((frame[1], frame[0], 3), 0.25, np.float32)
    return Cutout(color=color, matte=matte, confidence=1.0)


# Enlarged more than threefold, the soft rim of a product itself is wider than the tolerance.
@given(
    st.integers(100, 200),
    st.integers(100, 200),
    st.sampled_from([(400, 400), (300, 400), (400, 300), (216, 384)]),
    st.floats(0.3, 0.95),
)
@settings(max_examples=40, deadline=None)
def test_the_picture_is_filled_as_asked_and_the_margins_are_equal(width, height, canvas, fill):
    product, frame = Box(40, 30, width, height), (300, 280)

    placement = plan_placement(product, frame, canvas, fill=fill)
    _, matte = place(cutout_of(product, frame), placement)

    box = product_box(matte)
    # Two pixels of the narrowest canvas and its rounding.
    assert measure_fill(matte) == pytest.approx(fill, abs=0.0125)
    assert abs(box.left - (canvas[0] - box.right)) <= 0.01 * canvas[0] + 1
    assert abs(box.top - (canvas[1] - box.bottom)) <= 0.01 * canvas[1] + 1
    if canvas[0] == canvas[1]:
        # Without this a box stretched to the canvas would pass.
        assert box.width / box.height == pytest.approx(width / height, rel=0.06)


@given(st.integers(40, 200), st.integers(40, 200), st.floats(0.3, 0.9), st.floats(0.6, 0.9))
@settings(max_examples=40, deadline=None)
def test_a_standing_product_stays_in_the_frame_and_not_below_its_ground_line(
    width, height, fill, ground_line
):
    placement = plan_placement(
        Box(20, 20, width, height),
        (260, 260),
        (500, 500),
        fill=fill,
        anchor="ground",
        ground_line=ground_line,
    )

    box = placement.product
    assert box.top >= 0
    assert box.bottom <= 500
    # Lowered below the line only where a tall product needs the room above.
    assert box.bottom <= max(ground_line * 500, box.height + 0.05 * 500) + 1


def test_a_tall_product_stands_on_the_ground_line():
    placement = plan_placement(
        Box(0, 0, 100, 200), (100, 200), (1000, 1000), fill=0.6, anchor="ground", ground_line=0.84
    )

    assert placement.product.bottom == pytest.approx(840, abs=1)


def test_a_low_product_moves_up_to_the_optical_center():
    placement = plan_placement(
        Box(0, 0, 200, 50), (200, 50), (1000, 1000), fill=0.6, anchor="ground", ground_line=0.84
    )

    assert placement.product.bottom < 700


def test_a_hanging_product_touches_the_upper_edge():
    placement = plan_placement(Box(10, 0, 50, 100), (80, 120), (500, 500), fill=0.6, anchor="hang")

    assert placement.product.top == 0


def test_upscale_says_how_much_the_product_was_enlarged():
    placement = plan_placement(Box(10, 10, 100, 100), (120, 120), (1000, 1000), fill=0.8)

    assert placement.upscale == pytest.approx(8, rel=0.01)


def test_placing_leaves_the_cutout_alone_and_gives_no_color_where_there_is_no_product():
    cutout = cutout_of(Box(20, 20, 60, 60), (100, 100))
    color, matte = cutout.color.copy(), cutout.matte.copy()

    placed, opacity = place(
        cutout, plan_placement(Box(20, 20, 60, 60), (100, 100), (90, 90), fill=0.7)
    )

    assert np.array_equal(cutout.color, color)
    assert np.array_equal(cutout.matte, matte)
    assert placed[opacity == 0].max() == 0
    assert (opacity == 0).mean() > 0.4


def test_a_faint_haze_far_from_the_product_does_not_reach_the_canvas():
    cutout = cutout_of(Box(20, 20, 60, 60), (100, 100))
    hazy = Cutout(cutout.color, np.maximum(cutout.matte, 0.01).astype(np.float32), 1.0)

    _, opacity = place(hazy, plan_placement(Box(20, 20, 60, 60), (100, 100), (90, 90), fill=0.5))

    assert (opacity[:, 0] == 0).all()
    assert opacity[opacity > 0].min() >= 0.02


def soft_bar(width: float) -> Cutout:
    """A bar whose left edge fades over so many pixels."""
    matte = np.clip((np.arange(90, dtype=np.float32) - 30) / width, 0, 1)
    matte[60:] = 0
    opacity = np.repeat(matte[np.newaxis], 60, axis=0).astype(np.float32)
    return Cutout(np.full((60, 90, 3), 0.25, np.float32), opacity, 1.0)


def test_an_edge_that_is_enlarged_stays_as_narrow_as_it_was():
    cutout = soft_bar(6)
    box = product_box(cutout.matte)
    assert box is not None

    enlarged = plan_placement(box, (90, 60), (400, 400), fill=0.75)
    _, matte = place(cutout, enlarged)

    row = matte[200]
    soft = int(((row[:200] > 0.02) & (row[:200] < 0.98)).sum())
    assert enlarged.upscale > 4
    assert soft <= 8
    assert np.argmax(row > 0.5) == pytest.approx(
        enlarged.target.left + (33 - enlarged.source.left + 0.5) * enlarged.upscale, abs=2
    )


def test_the_color_of_a_steeper_edge_stays_the_products():
    cutout = soft_bar(6)
    box = product_box(cutout.matte)
    assert box is not None

    color, matte = place(cutout, plan_placement(box, (90, 60), (400, 400), fill=0.75))

    seen = matte > 0.1
    assert np.abs(color[seen] / matte[seen][:, None] - 0.25).max() < 0.02
    assert (color[matte == 0] == 0).all()


@given(st.integers(4, 40), st.integers(0, 9), st.integers(1, 60))
@settings(max_examples=30, deadline=None)
def test_a_part_of_the_rows_is_resampled_as_in_the_whole(rows, first, height):
    array = np.random.default_rng(1).random((60, 7, 3), dtype=np.float32)
    whole = resample(array, (9, height))
    scale = 60 / height
    top, bottom = min(first, height - 1), min(first + rows, height)

    part = resample(array, (9, bottom - top), rows=(top * scale, bottom * scale))

    assert np.abs(part - whole[top:bottom]).max() < 1e-5


def test_resampling_keeps_light():
    generator = np.random.default_rng(0)
    image = generator.random((120, 90, 3), dtype=np.float32)

    small = resample(image, (30, 40))

    assert small.shape == (40, 30, 3)
    assert small.mean() == pytest.approx(image.mean(), rel=0.01)


def test_a_product_at_the_border_touches_that_side():
    matte = np.zeros((50, 50), np.float32)
    matte[0:30, 10:50] = 1

    assert sides_cut(matte) == {"top", "right"}


def test_an_empty_matte_has_no_box():
    assert product_box(np.zeros((9, 9), np.float32)) is None
