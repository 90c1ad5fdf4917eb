"""Backdrops that go on beyond the frame."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpu_workers.imaging.extension import extend, extend_light, grain_like, structure_of
from gpu_workers.imaging.framing import Box

ALL = ("left", "top", "right", "bottom")


def picture(height=60, width=80, *, grain=0.0, seed=1):
    """A gray gradient with grain and a red box in its middle, and where it is backdrop."""
    generator = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    made = np.repeat((60 + 0.4 * x + 0.2 * y)[..., None], 3, axis=2)
    made += generator.normal(0, grain, made.shape)
    backdrop = np.ones((height, width), bool)
    backdrop[height // 4 : -height // 4, width // 3 : -width // 3] = False
    made[~backdrop] = (200, 30, 30)
    return made.astype(np.float32), backdrop


boxes = st.tuples(
    st.integers(-20, 60), st.integers(-20, 60), st.integers(70, 140), st.integers(70, 140)
)


@given(box=boxes)
@settings(max_examples=30, deadline=None)
def test_what_was_photographed_stays_to_the_bit(box):
    left, top, width, height = box
    made, backdrop = picture(grain=2)

    wide = extend(made, backdrop, Box(left, top, 80, 60), (width, height), seed=3).picture

    rows = slice(max(0, top), min(height, top + 60))
    columns = slice(max(0, left), min(width, left + 80))
    inner = made[max(0, -top) :, max(0, -left) :][
        : rows.stop - rows.start, : columns.stop - columns.start
    ]
    assert wide.shape == (height, width, 3)
    assert np.array_equal(wide[rows, columns], inner)
    assert wide.min() >= 0
    assert wide.max() <= 255


def test_exact_white_goes_on_as_exact_white():
    white = np.full((50, 50, 3), 255, np.float32)
    backdrop = np.ones((50, 50), bool)
    white[20:30, 20:30] = 40
    backdrop[18:32, 18:32] = False

    made = extend(white, backdrop, Box(30, 30, 50, 50), (120, 110), seed=1).picture

    outside = np.ones((110, 120), bool)
    outside[30:80, 30:80] = False
    assert (np.round(made[outside]) == 255).all()


def test_a_gradient_goes_on_without_a_seam_and_levels_off():
    made, backdrop = picture()

    wide = extend_light(made, backdrop, Box(40, 0, 80, 60), (200, 60))

    row = wide[30, :, 0]
    assert abs(row[120] - row[119]) < 1.0
    assert row[120] < row[160] < row[199] + 0.01
    assert row[199] < 60 + 0.4 * 160
    assert 0 < row[40] - row[0] < 20


def test_nothing_of_the_product_bleeds_into_what_is_added():
    made, backdrop = picture()
    backdrop[20:40, 60:] = False
    made[20:40, 60:] = (200, 30, 30)

    wide = extend_light(made, backdrop, Box(0, 0, 80, 60), (140, 60))

    added = wide[:, 80:]
    assert (added[..., 0] - added[..., 1]).max() < 4


def test_added_grain_is_like_that_of_the_photo():
    made, backdrop = picture(200, 240, grain=4)

    wide = extend(made, backdrop, Box(0, 0, 240, 200), (420, 200), seed=5).picture

    def grain(part):
        return float((part[:, 1:] - part[:, :-1]).std())

    assert grain(wide[:, 260:]) == pytest.approx(grain(made[:40]), rel=0.2)


@given(seed=st.integers(0, 99))
@settings(max_examples=10, deadline=None)
def test_grain_keeps_strength_and_the_correlation_of_its_colors(seed):
    generator = np.random.default_rng(seed)
    shared = generator.normal(0, 3, (64, 64, 1))
    sample = (shared + generator.normal(0, 1, (64, 64, 3))).astype(np.float32)

    field = grain_like(sample, (300, 280), np.random.default_rng(seed + 1))

    assert field.shape == (300, 280, 3)
    assert field.std() == pytest.approx(sample.std(), rel=0.25)
    together = np.corrcoef(field[..., 0].ravel(), field[..., 2].ravel())[0, 1]
    assert together > 0.75


def texture(side=200):
    generator = np.random.default_rng(4)
    coarse = generator.normal(0, 1, (side // 8, side // 8))
    made = 120 + 40 * np.kron(coarse, np.ones((8, 8)))
    return np.repeat(np.clip(made, 0, 255)[..., None], 3, axis=2).astype(np.float32)


def test_texture_goes_on_as_texture_and_is_told():
    made = texture()
    backdrop = np.ones((200, 200), bool)

    wide = extend(made, backdrop, Box(50, 0, 200, 200), (300, 200), seed=2)
    again = extend(made, backdrop, Box(50, 0, 200, 200), (300, 200), seed=2)

    assert wide.is_textured
    assert wide.picture[:, :50].std() > 0.55 * made.std()
    assert wide.picture[:, 250:].std() > 0.55 * made.std()
    assert np.array_equal(wide.picture, again.picture)


def test_pieces_of_the_product_are_not_laid():
    made = texture()
    backdrop = np.ones((200, 200), bool)
    made[60:140, 60:140] = (255, 0, 0)
    backdrop[55:145, 55:145] = False

    wide = extend(made, backdrop, Box(0, 0, 200, 200), (260, 200), seed=2).picture

    assert (wide[:, 200:, 0] - wide[:, 200:, 1]).max() < 30


def test_plain_and_textured_sides_are_told_apart():
    made, backdrop = picture(200, 240, grain=2)

    assert structure_of(made, backdrop, ALL) < 3
    assert structure_of(texture(), np.ones((200, 200), bool), ALL) > 6
