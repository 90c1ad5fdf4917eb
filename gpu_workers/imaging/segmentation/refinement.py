"""The edge of a chosen mask, found again at a larger size.

Owns what only shows when the photo is larger than the one the product was found in: the exact
line, thin spines and laces, narrow slots. Does not choose the product nor soften the edge.
"""

from __future__ import annotations

import cv2
import numpy as np

from gpu_workers.imaging.arrays import Photo
from gpu_workers.imaging.segmentation.background import (
    Backdrop,
    Lab,
    enlarged,
    grain,
    to_lab,
)
from gpu_workers.imaging.segmentation.color_cut import (
    MAYBE,
    MAYBE_NOT,
    SURE,
    SURE_NOT,
    grab_cut,
)
from gpu_workers.imaging.segmentation.edge_cut import along_edges
from gpu_workers.imaging.segmentation.evidence import bare, openings, other_light, read_evidence
from gpu_workers.imaging.segmentation.hypotheses import separation, without_core
from gpu_workers.imaging.segmentation.regions import (
    Mask,
    disc,
    fill_small_holes,
    grow,
    keep_main_parts,
    opened,
    regions,
    shrink,
    touching,
)

_EVEN_SPREAD = 3.5
"""Spread up to which a backdrop is even enough to read single pixels against it."""
_SAME_COLORS = 0.20
"""Separation of the colors on either side below which only edges tell where a product ends; there
GrabCut left 0.85 of the mask, the edges 0.97."""
_LIKE_COLORS = 0.45
"""The same where the mask was found by its edges in the first place."""
_THIN_PX = 4
_THIN_LENGTH_PX = 10


def refine(photo: Photo, mask: Mask, backdrop: Backdrop, *, is_outlined: bool = False) -> Mask:
    """Return the mask re-cut at the size of ``photo`` in a narrow band about its edge.

    Parameters
    ----------
    photo
        (h, w, 3) uint8.
    mask
        (h, w) bool, scaled up from a smaller one.
    backdrop
        Fitted to a smaller version of the photo.
    is_outlined
        Whether the mask was found by its edges, because no color told it from the backdrop.
    """
    radius = max(3, int(0.011 * max(mask.shape)))
    inner, outer = shrink(mask, radius), grow(mask, radius)
    seeds = np.full(mask.shape, SURE_NOT, np.uint8)
    seeds[outer] = MAYBE_NOT
    seeds[mask] = MAYBE
    seeds[inner] = SURE
    lab = to_lab(photo)
    if separation(mask, lab) < (_LIKE_COLORS if is_outlined else _SAME_COLORS):
        return fill_small_holes(
            along_edges(lab, inner | _slender(mask, radius), outer), share=0.0001
        )
    large = enlarged(backdrop, lab, mask)
    if backdrop.spread >= _EVEN_SPREAD:
        _, dimmed = other_light(photo, lab, large)
        seeds[outer & ~inner & without_core(dimmed, inner)] = SURE_NOT
        refined = grab_cut(photo, seeds, rounds=2)
        if backdrop.is_plain:
            refined |= inner
        return fill_small_holes(keep_main_parts(refined, share=0.02), share=0.0005)
    evidence = read_evidence(photo, lab, large)
    band = outer & ~inner
    seeds[band & evidence.product & (evidence.deviation > 9)] = MAYBE
    seeds[band & (evidence.hole | evidence.shadow)] = SURE_NOT
    refined = grab_cut(photo, seeds, rounds=2) | inner
    refined |= _thin_parts(refined, lab, large)
    refined &= ~_slots(refined, lab, large)
    return fill_small_holes(keep_main_parts(refined, share=0.02), share=0.0001)


def _slender(mask: Mask, radius: int) -> Mask:
    """Return the middle of straps and legs, which a band eats whole."""
    return shrink(mask & ~opened(mask, radius), 1)


def _thin_parts(mask: Mask, lab: Lab, backdrop: Backdrop) -> Mask:
    """Return spines, laces and strings that leave the mask: narrow lines darker or brighter."""
    lightness = np.ascontiguousarray(lab[..., 0])
    dark = cv2.morphologyEx(lightness, cv2.MORPH_BLACKHAT, disc(_THIN_PX))
    bright = cv2.morphologyEx(lightness, cv2.MORPH_TOPHAT, disc(_THIN_PX))
    clear = np.maximum(dark, bright) > max(7.0, 5 * backdrop.noise_l, 8 * grain(lightness))
    lines = clear & ~grow(mask, 1)
    long = np.zeros(mask.shape, bool)
    for line, _, box in regions(lines, connectivity=8):
        if max(line.shape) >= _THIN_LENGTH_PX:
            long[box] |= line
    joined = touching(grow(long, 1) | mask, mask)
    return np.asarray(joined & (long | (grow(long, 1) & grow(mask, 2))))


def _slots(mask: Mask, lab: Lab, backdrop: Backdrop) -> Mask:
    """Return openings that were too narrow to be seen at the smaller size."""
    slots = np.zeros(mask.shape, bool)
    least = max(100.0, 0.001 * float(mask.sum()))
    for slot, area, box in regions(openings(mask, bare(lab, backdrop), lab, backdrop)):
        if area > least:
            slots[box] |= slot
    return slots
