"""The cut by color: what is sure stays, what is open goes where its color belongs."""

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from gpu_workers.imaging.segmentation.color_cut import MAYBE, MAYBE_NOT, SURE, SURE_NOT, grab_cut
from gpu_workers.imaging.segmentation.regions import iou

RED, GREEN = (190, 60, 50), (90, 150, 80)


def scene(side, *, center=0.5):
    """Return a red disc on green with noise, its true mask and seeds that are open about it."""
    middle, radius = (round(center * side), side // 2), side // 5
    true = cv2.circle(np.zeros((side, side), np.uint8), middle, radius, 1, -1) > 0
    noise = np.random.default_rng(2).normal(0, 9, (side, side, 3))
    photo = np.clip(np.where(true[..., None], RED, GREEN) + noise, 0, 255).astype(np.uint8)
    seeds = np.full((side, side), SURE_NOT, np.uint8)
    # The guess is a disc that is too large, moved to the right.
    moved = (middle[0] + side // 40, middle[1])
    cv2.circle(seeds, moved, radius + side // 16, MAYBE_NOT, -1)
    cv2.circle(seeds, moved, radius + side // 32, MAYBE, -1)
    cv2.circle(seeds, moved, radius - side // 16, SURE, -1)
    return photo, true, seeds


@pytest.mark.parametrize("side", [160, 730])
def test_an_open_edge_goes_where_the_colors_end(side):
    photo, true, seeds = scene(side)
    assert iou(np.isin(seeds, (SURE, MAYBE)), true) < 0.85
    assert iou(grab_cut(photo, seeds, rounds=2), true) > 0.985


@pytest.mark.parametrize("side", [160, 730])
def test_what_is_sure_stays_whatever_its_color_and_the_seeds_are_not_written_to(side):
    photo, _, seeds = scene(side)
    seeds[side // 2, side // 3 : side // 2] = SURE_NOT
    seeds[:20, :20] = SURE
    before = seeds.copy()
    mask = grab_cut(photo, seeds, rounds=2)
    assert mask[seeds == SURE].all()
    assert not mask[seeds == SURE_NOT].any()
    assert np.array_equal(seeds, before)


def test_a_product_at_the_frame_is_cut_like_one_in_the_middle():
    photo, true, seeds = scene(200, center=0.18)
    assert iou(grab_cut(photo, seeds, rounds=2), true) > 0.985


def test_seeds_that_teach_nothing_are_the_answer():
    photo, _, seeds = scene(200)
    for all_alike in (MAYBE, SURE, SURE_NOT):
        same = np.full_like(seeds, all_alike)
        assert grab_cut(photo, same, rounds=2).all() == (all_alike != SURE_NOT)
    closed = np.where(seeds == SURE, SURE, SURE_NOT).astype(np.uint8)
    assert np.array_equal(grab_cut(photo, closed, rounds=2), closed == SURE)


def test_the_cut_is_the_same_beside_others_on_other_threads():
    pairs = [scene(140, center=center) for center in (0.5, 0.4, 0.5)]
    alone = [grab_cut(photo, seeds, rounds=2) for photo, _, seeds in pairs]
    with ThreadPoolExecutor(2) as pool:
        beside = list(pool.map(lambda pair: grab_cut(pair[0], pair[2], rounds=2), pairs))
    assert all(np.array_equal(one, other) for one, other in zip(alone, beside, strict=True))
