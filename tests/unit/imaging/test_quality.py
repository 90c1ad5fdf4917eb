"""What a finished file measures."""

from __future__ import annotations

import numpy as np
import pytest

from gpu_workers.imaging.quality import measure_fill, measure_white


def white_picture() -> tuple[np.ndarray, np.ndarray]:
    photo = np.full((100, 120, 3), 255, np.uint8)
    matte = np.zeros((100, 120), np.float32)
    matte[30:70, 40:80] = 1
    photo[30:70, 40:80] = 90
    return photo, matte


def test_a_white_background_is_exact():
    white = measure_white(*white_picture())

    assert white.is_exact
    assert white.share == 1
    assert white.darkest == 255


def test_one_off_white_pixel_in_the_open_is_found():
    photo, matte = white_picture()
    photo[10, 10, 2] = 254

    white = measure_white(photo, matte)

    assert not white.is_exact
    assert white.darkest == 254
    assert white.share == pytest.approx(1 - 1 / (100 * 120 - 40 * 40))


def test_ringing_at_the_edge_counts_like_any_other_background():
    photo, matte = white_picture()
    photo[29, 50] = 253

    white = measure_white(photo, matte)

    assert not white.is_exact
    assert white.darkest == 253
    assert white.share == pytest.approx(1 - 1 / (100 * 120 - 40 * 40))


def test_the_product_may_have_any_color():
    photo, matte = white_picture()
    matte[20, 20], photo[20, 20] = 0.01, 0

    assert measure_white(photo, matte).is_exact


def test_a_picture_without_background_has_no_white():
    photo, _ = white_picture()

    assert measure_white(photo, np.ones((100, 120), np.float32)).share == 0


def test_different_shapes_are_refused():
    photo, matte = white_picture()

    with pytest.raises(ValueError, match="shapes differ"):
        measure_white(photo, matte[1:])


def test_fill_is_the_longest_side_over_the_side_that_binds_it():
    _, matte = white_picture()

    assert measure_fill(matte) == pytest.approx(0.4)
    assert measure_fill(np.zeros((5, 5), np.float32)) == 0
