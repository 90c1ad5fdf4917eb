"""Connected regions of a mask: grow, shrink, keep, fill.

Owns the shape arithmetic that the other segmentation modules share. Knows nothing of color.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

Mask: TypeAlias = npt.NDArray[np.bool_]
"""(h, w) bool, true is product (or the named property)."""

CENTER = (0.5, 0.5)
"""Where products stand in a frame: share of width, share of height."""


def iou(one: Mask, other: Mask) -> float:
    """Return intersection over union of two masks; 1 if both are empty."""
    union = np.count_nonzero(one | other)
    return np.count_nonzero(one & other) / union if union else 1.0


def disc(radius: int) -> npt.NDArray[np.uint8]:
    """Return a round structuring element of 2 radius + 1 pixels."""
    element = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    return np.asarray(element, np.uint8)


def grow(mask: Mask, radius: int) -> Mask:
    """Return the mask dilated by a disc."""
    return np.asarray(cv2.dilate(mask.astype(np.uint8), disc(radius)) > 0)


def shrink(mask: Mask, radius: int) -> Mask:
    """Return the mask eroded by a disc; the frame counts as product."""
    return np.asarray(cv2.erode(mask.astype(np.uint8), disc(radius)) > 0)


def opened(mask: Mask, radius: int) -> Mask:
    """Return the mask without parts narrower than the disc."""
    element = disc(radius)
    return np.asarray(cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, element) > 0)


def closed(mask: Mask, radius: int) -> Mask:
    """Return the mask with gaps narrower than the disc bridged."""
    element = disc(radius)
    return np.asarray(cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, element) > 0)


def frame(shape: tuple[int, int], share: float, *, at_least_px: int = 2) -> Mask:
    """Return the outermost pixels: a band of ``share`` of the short side."""
    height, width = shape
    band = max(at_least_px, int(share * min(shape)))
    mask = np.ones((height, width), bool)
    mask[band : height - band, band : width - band] = False
    return mask


def reachable_from_frame(barrier: Mask) -> Mask:
    """Return what a walker from outside reaches without stepping on the barrier."""
    padded = np.pad(barrier.astype(np.uint8), 1)
    cv2.floodFill(padded, None, (0, 0), (2,), flags=4)
    return np.asarray(padded[1:-1, 1:-1] == 2)


def touching(mask: Mask, seeds: Mask) -> Mask:
    """Return the 4-connected regions of the mask that hold at least one seed."""
    count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)
    kept = np.zeros(count, bool)
    kept[np.unique(labels[seeds & mask])] = True
    kept[0] = False
    return np.asarray(kept[labels])


def regions(
    mask: Mask, *, connectivity: int = 4
) -> Iterator[tuple[Mask, int, tuple[slice, slice]]]:
    """Yield each connected region as (mask cut to its box, area in px, box)."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(
        mask.astype(np.uint8), connectivity=connectivity
    )
    for label in range(1, count):
        left, top, width, height, area = (int(value) for value in stats[label])
        box = (slice(top, top + height), slice(left, left + width))
        yield labels[box] == label, area, box


def keep_main_parts(mask: Mask, *, share: float = 0.03) -> Mask:
    """Return the parts whose area, weighted to the center, is over ``share`` of the largest."""
    height, width = mask.shape
    count, labels, stats, centers = cv2.connectedComponentsWithStats(
        mask.astype(np.uint8), connectivity=8
    )
    if count <= 2:
        return mask.copy()
    x, y = centers[1:, 0] / width - CENTER[0], centers[1:, 1] / height - CENTER[1]
    nearness = np.exp(-((x / 0.3) ** 2 + (y / 0.3) ** 2) / 2)
    weight = stats[1:, cv2.CC_STAT_AREA] * (0.3 + 0.7 * nearness)
    kept = np.concatenate([[False], weight > share * weight.max()])
    return np.asarray(kept[labels])


def fill_small_holes(mask: Mask, *, share: float) -> Mask:
    """Return the mask with holes under ``share`` of its area filled; the outside stays."""
    filled = mask.copy()
    limit = share * float(mask.sum())
    outside = reachable_from_frame(mask)
    for hole, area, box in regions(~mask & ~outside):
        if area < limit:
            filled[box] |= hole
    return filled


def without_specks(mask: Mask, *, thin: Mask | None = None) -> Mask:
    """Return the main parts without specks, but with straps, laces and stalks.

    Parameters
    ----------
    mask
        (h, w) bool.
    thin
        (h, w) bool, pixels known to be product however narrow; they stay where the mask has them.
    """
    main = keep_main_parts(mask)
    body = opened(main, 1)
    long_side = 0.02 * max(mask.shape)
    for part, _, box in regions(main & ~body, connectivity=8):
        if max(part.shape) > long_side:
            body[box] |= part
    if thin is not None:
        body |= main & thin
    return fill_small_holes(keep_main_parts(body), share=0.0015)
