"""GrabCut: a mask recut where colors say it ends, from a map of what is sure and what is open.

Owns the learning of colors and the cut. Does not decide what is sure (`hypotheses`,
`refinement`). Deterministic, on any number of threads: the clusters are seeded.

In a large photo, whose seeds leave a narrow band open, colors are learned from a lattice of pixels
and only the box about the band is cut: both take most of the time of a cut of everything. In a
small one, where a product is still looked for, all pixels count: the outcome hangs on them.

Source: Rother, Kolmogorov and Blake, "GrabCut", SIGGRAPH 2004.
"""

from __future__ import annotations

import math
from typing import Final

import cv2
import numpy as np

from gpu_workers.imaging.arrays import Photo
from gpu_workers.imaging.segmentation.regions import Mask

SURE_NOT, SURE, MAYBE_NOT, MAYBE = cv2.GC_BGD, cv2.GC_FGD, cv2.GC_PR_BGD, cv2.GC_PR_FGD

_LEAST_SAMPLES: Final = 32
"""Pixels of either class below which five colors each cannot be learned."""
_SAMPLES: Final = 24_000
_SETTLED: Final = 0.0005
"""Share of the photo below which what a round changed is not worth another."""
_MARGIN_PX: Final = 2
_LARGE_PX: Final = 720
"""Longest side above which a photo is large; all rounds but the last cut it at half its size."""


def grab_cut(photo: Photo, seeds: Photo, *, rounds: int) -> Mask:
    """Return the GrabCut of a photo from a map of seeds, which stays as it is.

    A map with hardly any product or backdrop in it has nothing to learn from: then the seeds
    themselves are the answer. Stops early where a round changes next to nothing.

    Parameters
    ----------
    photo
        (h, w, 3) uint8.
    seeds
        (h, w) uint8: `SURE`, `SURE_NOT`, `MAYBE` or `MAYBE_NOT` for each pixel.
    rounds
        How often colors are learned and the mask cut by them, at least 1.
    """
    mask = _product(seeds)
    is_open = (seeds == MAYBE) | (seeds == MAYBE_NOT)
    if min(_count(mask), _count(~mask)) < _LEAST_SAMPLES or not is_open.any():
        return mask
    if max(photo.shape) <= _LARGE_PX:
        return _cut_whole(photo, seeds, rounds)
    box = _box_about(is_open)
    labels, part = seeds.copy(), np.ascontiguousarray(photo[box])
    colors = _Colors(photo, seeds)
    half = _halved(part)
    for turn in range(rounds):
        colors.learn(labels)
        if turn < rounds - 1:
            labels[box] = _cut_at_half(half, labels[box], colors)
        else:
            labels[box] = colors.cut(part, np.ascontiguousarray(labels[box]))
        before, mask = mask, _product(labels)
        if _count(before != mask) < _SETTLED * mask.size or not mask.any() or mask.all():
            break
    return mask


def _cut_whole(photo: Photo, seeds: Photo, rounds: int) -> Mask:
    labels, mask = seeds.copy(), _product(seeds)
    cv2.setRNGSeed(1)
    product, backdrop = np.zeros((1, 65)), np.zeros((1, 65))
    # The rectangle is not read in these modes.
    whole = (0, 0, photo.shape[1], photo.shape[0])
    for turn in range(rounds):
        mode = cv2.GC_EVAL if turn else cv2.GC_INIT_WITH_MASK
        cv2.grabCut(photo, labels, whole, backdrop, product, 1, mode)
        before, mask = mask, _product(labels)
        if _count(before != mask) < _SETTLED * mask.size or not mask.any() or mask.all():
            break
    return mask


class _Colors:
    """What colors product and backdrop have: five Gaussians each."""

    def __init__(self, photo: Photo, seeds: Photo) -> None:
        step = max(1, math.isqrt(seeds.size // _SAMPLES))
        few = _product(seeds[::step, ::step])
        if min(_count(few), _count(~few)) < _LEAST_SAMPLES:
            step = 1
        self._lattice = (slice(None, None, step), slice(None, None, step))
        self._sample = np.ascontiguousarray(photo[self._lattice])
        self._product, self._backdrop = np.zeros((1, 65)), np.zeros((1, 65))
        self._mode = cv2.GC_INIT_WITH_MASK
        # One start of the clusters is as good as another; this one does well on pale products.
        cv2.setRNGSeed(5)

    def learn(self, labels: Photo) -> None:
        """Learn the colors of product and backdrop as labeled."""
        # The cut of the sample itself is of no use; learning alone is no mode of its own.
        self._run(self._sample, labels[self._lattice].copy(), self._mode)
        self._mode = cv2.GC_EVAL

    def cut(self, photo: Photo, labels: Photo) -> Photo:
        """Return the labels of a photo, or a part of it, cut by these colors; writes to them."""
        self._run(photo, labels, cv2.GC_EVAL_FREEZE_MODEL)
        return labels

    def _run(self, photo: Photo, labels: Photo, mode: int) -> None:
        # The rectangle is not read in these modes.
        whole = (0, 0, photo.shape[1], photo.shape[0])
        cv2.grabCut(photo, labels, whole, self._backdrop, self._product, 1, mode)


def _cut_at_half(half: Photo, labels: Photo, colors: _Colors) -> Photo:
    """Return the labels with what is open cut at half the size."""
    small = colors.cut(half, labels[::2, ::2].copy())
    size = (labels.shape[1], labels.shape[0])
    large = np.asarray(cv2.resize(small, size, interpolation=cv2.INTER_NEAREST), np.uint8)
    is_open = (labels >= MAYBE_NOT) & (large >= MAYBE_NOT)
    return np.where(is_open, large, labels)


def _halved(photo: Photo) -> Photo:
    size = (-(-photo.shape[1] // 2), -(-photo.shape[0] // 2))
    return np.asarray(cv2.resize(photo, size, interpolation=cv2.INTER_AREA), np.uint8)


def _product(labels: Photo) -> Mask:
    return np.asarray((labels & 1) == 1)


def _count(mask: Mask) -> int:
    return int(np.count_nonzero(mask))


def _box_about(mask: Mask) -> tuple[slice, slice]:
    """Return rows and columns that hold everything of a mask that is not empty."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return (
        slice(max(0, int(rows[0]) - _MARGIN_PX), int(rows[-1]) + 1 + _MARGIN_PX),
        slice(max(0, int(columns[0]) - _MARGIN_PX), int(columns[-1]) + 1 + _MARGIN_PX),
    )
