"""A coarse likelihood becomes masks with the photo's own edges."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu_workers.imaging.segmentation.background import to_lab
from gpu_workers.imaging.segmentation.edge_cut import along_edges
from gpu_workers.imaging.segmentation.learned import agreement, band_of, seeds_of
from gpu_workers.imaging.segmentation.regions import iou

SIDE = 240


def disc(radius: int, x: int = 120) -> np.ndarray:
    mask = np.zeros((SIDE, SIDE), np.uint8)
    cv2.circle(mask, (x, 120), radius, 1, -1)
    return mask.astype(bool)


def coarse(mask: np.ndarray, shift: int = 0) -> np.ndarray:
    """What a network of 128 pixels would say, off by some pixels."""
    small = cv2.resize(np.roll(mask, shift, axis=1).astype(np.float32), (64, 64))
    return np.clip(cv2.resize(small, (SIDE, SIDE)), 0, 1)


def test_seeds_are_sure_only_where_a_coarse_edge_cannot_be() -> None:
    product, nothing = disc(60), np.zeros((SIDE, SIDE), bool)
    for shift in (-3, 0, 3):
        seeds = seeds_of(coarse(product, shift), nothing)
        assert (seeds == cv2.GC_FGD).any()
        assert product[seeds == cv2.GC_FGD].all()
        assert not product[seeds == cv2.GC_BGD].any()


def test_shadow_is_no_product_unless_the_network_is_sure_of_it() -> None:
    likely = np.zeros((SIDE, SIDE), np.float32)
    likely[disc(60)] = 1
    likely[disc(20, x=200)] = 0.7
    seeds = seeds_of(likely, disc(20, x=200) | disc(20))
    assert (seeds[disc(15, x=200)] == cv2.GC_BGD).all()
    assert (seeds[disc(15)] == cv2.GC_FGD).all()


def test_an_edge_without_color_is_found_within_the_band() -> None:
    """White on white: one step of lightness is all there is."""
    noise = np.random.default_rng(1).normal(0, 0.6, (SIDE, SIDE, 1))
    photo = np.clip(np.where(disc(60)[..., None], 246, 240) + noise, 0, 255)
    lab = to_lab(np.repeat(photo, 3, axis=2).astype(np.uint8))
    inner, outer = band_of(coarse(disc(60), shift=3))
    assert iou(coarse(disc(60), shift=3) > 0.5, disc(60)) < 0.95
    assert iou(along_edges(lab, inner, outer), disc(60)) > 0.97


@pytest.mark.parametrize("radius", [30, 55, 59, 60, 61, 65, 90])
def test_agreement_is_best_for_the_same_shape(radius: int) -> None:
    same, other = (agreement(disc(r), coarse(disc(60))) for r in (60, radius))
    assert same["fits the likely"] >= other["fits the likely"]
    assert same["differs from likely"] == 0
    assert (other["differs from likely"] > 0) == (abs(radius - 60) > 2)


@given(st.integers(1, 110), st.integers(0, 110))
def test_measures_of_agreement_stay_within_bounds(radius: int, likely_radius: int) -> None:
    measured = agreement(disc(radius), coarse(disc(likely_radius)))
    assert all(0 <= value <= 1 for value in measured.values())
