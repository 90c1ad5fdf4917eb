"""The classical cutout on real photos with known masks."""

import os
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest

from gpu_workers.bench_quality import measured_photos
from gpu_workers.engines.classical_segmenter import segment
from gpu_workers.imaging.likeness import likeness

ROOT = Path(__file__).parents[3]
SHARED = Path(os.environ.get("PACKSHOT_SHARED", ROOT.parent / "shared"))
PHOTOS = SHARED / "photos"
SIDE_PX = 480

FLOORS = {
    "backpack_red": 0.96,
    "plush_bear_grass": 0.96,
    "syn_hoodie_blue__carpet": 0.98,
    "syn_hoodie_blue__white": 0.98,
    "syn_mug_set__planks": 0.93,
    "syn_mug_set__white": 0.98,
    "syn_polo_front__grey": 0.98,
    "syn_tote__grass": 0.98,
}
"""Least intersection over union; each a little under what was measured when it was written."""


@cache
def photos():
    """Photos and true mattes by name, scaled down so that the tests stay quick."""
    if not PHOTOS.is_dir():
        return {}
    return {
        each.name: (smaller(each.photo), smaller(each.truth))
        for each in measured_photos(PHOTOS)
        if each.truth is not None
    }


def smaller(picture):
    scale = SIDE_PX / max(picture.shape[:2])
    return cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def pair(name):
    if name not in photos():
        pytest.skip(f"no {name} in {PHOTOS}; point PACKSHOT_SHARED at the folder above it")
    return photos()[name]


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(FLOORS))
def test_a_masked_photo_is_cut_out_as_well_as_before(name):
    photo, truth = pair(name)

    cutout = segment(photo)

    assert likeness(cutout.matte, truth).iou >= FLOORS[name]


@pytest.mark.slow
def test_glass_bottles_are_reported_as_unsure():
    photo, _ = pair("glass_bottles")

    assert segment(photo).confidence < 0.6


def test_a_matte_equal_to_the_truth_measures_perfect():
    truth = np.zeros((60, 80), np.float32)
    truth[20:40, 20:60] = 1

    result = likeness(truth, truth)

    assert (result.iou, result.boundary_f, result.absolute_sum) == (1, 1, 0)


def test_a_missing_half_costs_half_of_the_overlap():
    truth = np.zeros((60, 80), np.float32)
    truth[20:40, 20:60] = 1
    half = truth.copy()
    half[:, 40:] = 0

    result = likeness(half, truth)

    assert result.iou == pytest.approx(0.5)
    assert result.absolute_sum == pytest.approx(0.4)
    assert result.boundary_f < 0.8
