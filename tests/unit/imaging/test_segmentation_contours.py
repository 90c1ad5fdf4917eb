"""Products closed off by their outline, whatever their color."""

import cv2
import numpy as np
import pytest

from gpu_workers.imaging.segmentation.background import to_lab
from gpu_workers.imaging.segmentation.contours import (
    closed_regions,
    closes_off_something,
    enclosed,
)
from gpu_workers.imaging.segmentation.regions import iou

SIDE = 240


def white_box(*, rise=5.0, gap=0):
    """White paper with an almost equally white box on it: (photo, true mask)."""
    noise = np.random.default_rng(2).normal(0, 0.7, (SIDE, SIDE, 1))
    picture = np.full((SIDE, SIDE, 3), 238.0) + noise
    mask = np.zeros((SIDE, SIDE), bool)
    mask[70:180, 60:170] = True
    raised = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 0.8)
    if gap:
        ramp = np.clip((np.arange(SIDE) - 110) / 40, 0, 1)[:, None]
        raised[:, 115 : 115 + gap] = np.minimum(raised[:, 115 : 115 + gap], ramp)
    return np.clip(picture + rise * raised[..., None], 0, 255).astype(np.uint8), mask


def ring(*, gap):
    """A square outline with an opening of ``gap`` pixels in its upper side."""
    outline = np.zeros((120, 120), bool)
    outline[30:91, [30, 90]] = True
    outline[[30, 90], 30:91] = True
    outline[30, 60 : 60 + gap] = False
    return outline


def test_white_on_white_is_closed_off_by_a_faint_outline():
    photo, mask = white_box()

    best = max(iou(region, mask) for _, region in closed_regions(to_lab(photo)))

    assert best > 0.95


def test_an_outline_that_fades_out_is_closed_over_the_gap():
    photo, mask = white_box(gap=8)

    by_name = dict(closed_regions(to_lab(photo)))

    wide = max(iou(region, mask) for name, region in by_name.items() if name.endswith("/8"))
    assert wide > 0.9


@pytest.mark.parametrize(("gap", "radius", "is_closed"), [(5, 1, False), (5, 4, True)])
def test_a_ball_does_not_slip_through_gaps_narrower_than_itself(gap, radius, is_closed):
    region = enclosed(ring(gap=gap), radius)

    assert region[60, 60] == is_closed
    assert not region[10, 10]


def test_a_ball_leaves_the_outline_where_it_was():
    region = enclosed(ring(gap=0), 6)

    assert region[31:90, 31:90].all()
    assert not region[:29].any()


@pytest.mark.parametrize("seed", range(3))
def test_a_faint_box_is_told_from_noise(seed):
    noise = np.random.default_rng(seed).normal(0, 2.5, (SIDE, SIDE, 3))
    bare = np.clip(np.full((SIDE, SIDE, 3), 228.0) + noise, 0, 255).astype(np.uint8)

    assert closes_off_something(to_lab(white_box()[0]))
    assert not closes_off_something(to_lab(bare))


def test_every_region_has_its_own_name_and_could_be_a_product():
    photo, _ = white_box()

    regions = list(closed_regions(to_lab(photo)))

    assert len({name for name, _ in regions}) == len(regions)
    assert all(0.004 < region.mean() < 0.9 for _, region in regions)


def test_the_same_photo_gives_the_same_regions():
    lab = to_lab(white_box()[0])

    first, second = list(closed_regions(lab)), list(closed_regions(lab))

    assert all(np.array_equal(one[1], other[1]) for one, other in zip(first, second, strict=True))
