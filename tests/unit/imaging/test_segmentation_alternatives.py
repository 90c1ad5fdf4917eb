"""Other guesses at the mask: which are shown, and how the one a person picks becomes a cutout."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu_workers.engines.classical_segmenter import (
    WORK_SIDE_PX,
    alternatives,
    cutout_of_mask,
    find_product,
)
from gpu_workers.errors import SourceUnusable
from gpu_workers.imaging.segmentation.alternatives import MOST, SAME, Alternative, different
from gpu_workers.imaging.segmentation.regions import iou

SIDE = 400


def strip(first, last, *, side=60):
    mask = np.zeros((side, side), bool)
    mask[:, first:last] = True
    return mask


def guess(name, mask, score=0.7):
    return Alternative(name, mask, score)


def two_boxes():
    """A red and a pale box on noisy paper: (photo, mask of the red one, mask of both)."""
    noise = np.random.default_rng(5).normal(0, 1.5, (SIDE, SIDE, 3))
    picture = np.full((SIDE, SIDE, 3), (226, 224, 220), float) + noise
    red, pale = np.zeros((SIDE, SIDE), bool), np.zeros((SIDE, SIDE), bool)
    red[120:300, 80:190], pale[160:300, 230:320] = True, True
    picture[red], picture[pale] = (170, 40, 40), (190, 188, 200)
    return np.clip(picture, 0, 255).astype(np.uint8), red, red | pale


def test_the_mask_farthest_from_the_chosen_one_comes_first():
    chosen, near, far = strip(0, 30), strip(0, 26), strip(30, 60)

    shown = different(chosen, [guess("near", near), guess("far", far)])

    assert [each.name for each in shown] == ["far", "near"]


def test_the_chosen_mask_and_its_twins_are_not_shown():
    chosen, twin = strip(0, 40), strip(0, 41, side=60)

    assert iou(chosen, twin) > SAME
    assert different(chosen, [guess("itself", chosen), guess("twin", twin)]) == ()


def test_of_two_equally_different_masks_the_likelier_one_comes_first():
    chosen = strip(20, 40)

    shown = different(
        chosen, [guess("wild", strip(0, 20), 0.2), guess("likely", strip(40, 60), 0.8)]
    )

    assert shown[0].name == "likely"


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(31, 60)), max_size=8))
def test_what_is_shown_is_few_and_never_twice_the_same(edges):
    chosen = strip(10, 50)
    candidates = [guess(str(i), strip(*edge)) for i, edge in enumerate(edges)]

    shown = different(chosen, candidates)

    masks = [chosen, *(each.mask for each in shown)]
    overlaps = [iou(one, other) for i, one in enumerate(masks) for other in masks[:i]]
    assert len(shown) <= MOST
    assert all(overlap < SAME for overlap in overlaps)


def test_alternatives_of_a_photo_have_its_work_size_and_differ_from_the_chosen_mask():
    photo, _, _ = two_boxes()
    large = np.asarray(cv2.resize(photo, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC))

    choice, _ = find_product(large)
    shown = alternatives(large)

    assert shown
    assert all(each.mask.shape == (WORK_SIDE_PX, WORK_SIDE_PX) for each in shown)
    assert all(each.mask.dtype == bool for each in shown)
    assert all(iou(each.mask, choice.mask) < SAME for each in shown)
    assert len({each.name for each in shown}) == len(shown)


def test_a_picked_mask_becomes_a_sure_cutout_with_its_edge_on_the_photos_edge():
    photo, red, _ = two_boxes()
    marked = np.roll(red, 3, axis=1)[::2, ::2]

    cutout = cutout_of_mask(photo, marked)

    assert iou(cutout.matte > 0.5, red) > 0.98
    assert cutout.confidence == 1
    assert cutout.matte.shape == cutout.color.shape[:2] == photo.shape[:2]


@pytest.mark.parametrize("is_marked", [False, True])
def test_a_mask_of_nothing_or_everything_is_refused_with_its_cure(is_marked):
    photo, _, _ = two_boxes()

    with pytest.raises(SourceUnusable, match="mark the product"):
        cutout_of_mask(photo, np.full((100, 100), is_marked))


@pytest.mark.parametrize("shape", [(100, 140), (2 * SIDE, 2 * SIDE)])
def test_a_mask_of_another_frame_is_a_mistake(shape):
    photo, _, _ = two_boxes()

    with pytest.raises(ValueError, match="does not fit"):
        cutout_of_mask(photo, np.ones(shape, bool))


def test_a_mask_scaled_down_by_an_odd_factor_fits():
    photo = two_boxes()[0][:267]
    mask = np.zeros((round(267 * 0.3), round(400 * 0.3)), bool)
    mask[40:75, 26:55] = True

    assert cutout_of_mask(photo, mask).matte[200, 130] == 1
