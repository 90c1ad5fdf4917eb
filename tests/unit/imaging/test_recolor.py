"""Another dye on the same cloth, and which part of a product has one color."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpu_workers.imaging.arrays import to_linear, to_photo
from gpu_workers.imaging.color import delta_e_2000, from_hex, luminance, to_lab
from gpu_workers.imaging.dye_region import dye_region
from gpu_workers.imaging.recolor import dye_of, from_lab, recolor
from tests.fakes.garments import tee

HEX = st.integers(0, 0xFFFFFF).map("#{:06x}".format)


def cloth(color: str, *, folds: float = 0.35) -> np.ndarray:
    """A patch of one dye under a fold of light and some grain."""
    y, x = np.mgrid[0:48, 0:64].astype(np.float32)
    light = 1 + folds * np.sin(x / 9 + y / 23)
    grain = np.random.default_rng(3).normal(1, 0.02, (48, 64)).astype(np.float32)
    return np.clip(from_hex(color) * (light * grain)[..., None] * 0.6, 0, 1).astype(np.float32)


@given(source=HEX, target=HEX)
@settings(max_examples=60, deadline=None)
def test_every_dye_becomes_every_color(source, target):
    color = cloth(source)

    made = recolor(color, np.ones((48, 64), np.float32), from_hex(target))

    seen = dye_of(to_linear(to_photo(made.color)), np.ones((48, 64), np.float32))
    assert made.measured_delta_e < 1.0
    # Once more by another road: what an 8-bit file shows.
    assert delta_e_2000(seen, to_lab(np.float64(from_hex(target)))) < 2.0


@given(source=HEX, target=HEX)
@settings(max_examples=60, deadline=None)
def test_no_fold_changes_sides(source, target):
    color = cloth(source)

    made = recolor(color, np.ones((48, 64), np.float32), from_hex(target)).color

    before, after = luminance(color).ravel(), luminance(made).ravel()
    order = np.argsort(before)
    assert np.diff(after[order].astype(np.float64)).min() > -2e-4


@pytest.mark.parametrize("target", ["#111111", "#eeeeee", "#b3282d", "#2f5d9b"])
def test_texture_stays(target):
    color = cloth("#88898c")

    made = recolor(color, np.ones((48, 64), np.float32), from_hex(target)).color

    kept = np.corrcoef(to_lab(color)[..., 0].ravel(), to_lab(made)[..., 0].ravel())[0, 1]
    assert kept > 0.97
    assert to_lab(made)[..., 0].std() > 1.2


def test_pixels_outside_the_region_stay_to_the_bit():
    color = cloth("#88898c")
    region = np.zeros((48, 64), np.float32)
    region[:, :32] = 1
    region[:, 32] = 0.5
    untouched = color.copy()

    made = recolor(color, region, from_hex("#b3282d")).color

    assert np.array_equal(made[:, 33:], color[:, 33:])
    assert not np.array_equal(made[:, :32], color[:, :32])
    half = recolor(color, np.ones((48, 64), np.float32), from_hex("#b3282d")).color[:, 32]
    assert made[:, 32] == pytest.approx((color[:, 32] + half) / 2, abs=0.02)
    assert np.array_equal(color, untouched)


@given(st.lists(st.floats(-120, 120), min_size=2, max_size=2), st.floats(1, 99))
@settings(max_examples=80, deadline=None)
def test_a_color_no_screen_shows_keeps_its_lightness_and_hue(chroma, lightness):
    lab = np.array([[lightness, *chroma]])

    shown = to_lab(from_lab(lab))[0]

    assert shown[0] == pytest.approx(lightness, abs=0.1)
    assert np.hypot(*shown[1:]) <= np.hypot(*chroma) + 0.2
    # Same direction: the cross product of old and new chroma vanishes.
    assert abs(shown[1] * chroma[1] - shown[2] * chroma[0]) <= 0.5 + 0.01 * np.hypot(*chroma) ** 2


def test_an_empty_region_or_one_of_another_shape_is_refused():
    with pytest.raises(ValueError, match="empty"):
        recolor(cloth("#888888"), np.zeros((48, 64), np.float32), from_hex("#ffffff"))
    with pytest.raises(ValueError, match="shapes"):
        recolor(cloth("#888888"), np.ones((4, 6), np.float32), from_hex("#ffffff"))


def printed_tee() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A blue shirt with a white print; color, matte and where the print is."""
    pixels = tee(240, color=(40, 70, 150), open_neck=False).pixels.copy()
    ink = np.zeros((240, 240), bool)
    ink[110:140, 95:145] = True
    pixels[ink, :3] = (238, 238, 232)
    return to_linear(pixels[..., :3]), pixels[..., 3].astype(np.float32) / 255, ink


def test_the_cloth_is_found_without_its_print():
    color, matte, ink = printed_tee()

    region, share = dye_region(color, matte)

    cloth_only = (matte > 0.9) & ~ink
    assert region[ink][5:-5].mean() < 0.15
    assert (region[cloth_only] > 0.5).mean() > 0.97
    assert share == pytest.approx(1 - ink.sum() / matte.sum(), abs=0.03)


def test_the_print_is_found_by_its_color():
    color, matte, ink = printed_tee()

    region, share = dye_region(color, matte, from_hex("#f0f0f0"))

    assert (region[ink] > 0.5).mean() > 0.85
    assert share < 0.1


def test_folds_of_a_gray_cloth_are_that_cloth():
    pixels = tee(240, color=(120, 120, 124), folds=2.5, open_neck=False).pixels

    _, share = dye_region(to_linear(pixels[..., :3]), pixels[..., 3].astype(np.float32) / 255)

    assert share > 0.97


def test_black_is_not_a_fold_of_red():
    pixels = tee(240, color=(180, 30, 30), open_neck=False).pixels.copy()
    pixels[160:, :, :3] = (10, 9, 9)

    region, _ = dye_region(
        to_linear(pixels[..., :3]), pixels[..., 3].astype(np.float32) / 255, from_hex("#b41e1e")
    )

    assert region[165:].max() < 0.2


def test_nothing_has_no_color():
    with pytest.raises(ValueError, match="empty"):
        dye_region(cloth("#888888"), np.zeros((48, 64), np.float32))
