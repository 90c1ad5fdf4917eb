"""A mask corrected by a person: strokes that keep or remove, and a rough outline.

Owns what a step does to a mask. A stroke holds exactly where it was painted and grows from there,
within a few brush widths, over what looks like the place it was painted on: it adds or takes
away, never both, and never changes anything farther off. Does not find the product and makes no
soft edge: that is `segmentation`'s and `matte`'s.

Source: Rother, Kolmogorov and Blake, "GrabCut", SIGGRAPH 2004, with color models that are ours:
the stroke against what stays, fixed for one cut.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from gpu_workers.imaging.arrays import Photo
from gpu_workers.imaging.segmentation.regions import Mask, disc, grow, regions, shrink, touching
from gpu_workers.retouch_steps import Step

_Box: TypeAlias = tuple[slice, slice]
_Colors: TypeAlias = npt.NDArray[np.float32]
_Model: TypeAlias = npt.NDArray[np.float64]

REACH: Final = 4.0
"""How far a stroke grows, in brush radii. A larger brush is a bolder one."""
_LEAST_REACH: Final = 0.02
"""... and at least so far, in shares of the longest side."""
_CAUTION: Final = 2.0
"""By how many nats a color has to look more like the stroke than like what stays."""
_OUTLINE_BAND: Final = 0.016
"""How far from a rough outline the edge is looked for, in shares of the longest side."""
_SAMPLES: Final = 1_500
_STROKE_COLORS: Final = 3
_OTHER_COLORS: Final = 5
_LEAST_VARIANCE: Final = 12.0
"""Of a color component, in squared 8-bit steps: below sensor noise nothing is told apart."""
_GRABCUT_COLORS: Final = 5
_SEED: Final = 7


@dataclass(frozen=True, slots=True)
class Retouch:
    """A mask and what of it a person painted."""

    mask: Mask
    """(h, w) bool, true is product."""
    painted: npt.NDArray[np.int8]
    """(h, w): 1 is kept by hand, -1 removed by hand, 0 neither. No later stroke grows over what
    was painted; only painting changes it."""
    is_outlined: bool = False
    """Whether an outline was drawn: a further one adds to it."""


def begun(mask: Mask) -> Retouch:
    """Return a mask that nobody has touched yet."""
    return Retouch(mask, np.zeros(mask.shape, np.int8))


def with_step(photo: Photo, before: Retouch, step: Step) -> Retouch:
    """Return the mask after one more step.

    Parameters
    ----------
    photo
        (h, w, 3) uint8, sRGB encoded, at the size of the mask.

    Raises
    ------
    ValueError
        If photo and mask differ in size.
    """
    if photo.shape[:2] != before.mask.shape:
        raise ValueError(f"photo {photo.shape[:2]} and mask {before.mask.shape} differ in size")
    if step.tool == "outline":
        return _outlined(photo, before, step)
    return _stroked(photo, before, step)


def _stroked(photo: Photo, before: Retouch, step: Step) -> Retouch:
    keeps = step.tool == "keep"
    radius = max(1, round(step.radius * max(photo.shape[:2])))
    core = _drawn(step, before.mask.shape, radius)
    painted = before.painted.copy()
    painted[core] = 1 if keeps else -1
    # From here on true is what the stroke wants: product for one, backdrop for the other.
    has = before.mask if keeps else ~before.mask
    new = core & ~has
    wanted = has | core
    if new.any():
        reach = max(round(REACH * radius), round(_LEAST_REACH * max(photo.shape[:2])), 2)
        held = painted == (-1 if keeps else 1)
        wanted |= _growth(photo, has, core, held, reach=reach)
    return Retouch(wanted if keeps else ~wanted, painted, before.is_outlined)


def _growth(photo: Photo, has: Mask, core: Mask, held: Mask, *, reach: int) -> Mask:
    """Return what around a stroke looks like it: connected to it and within reach.

    Parameters
    ----------
    has
        (h, w) bool, where the mask is as the stroke wants it already.
    core
        (h, w) bool, the stroke itself.
    held
        (h, w) bool, what was painted the other way and must stay.
    reach
        In pixels.
    """
    grown = np.zeros_like(has)
    new = core & ~has
    box = _padded(new, 2 * reach)
    seeds, inside = new[box], has[box] | core[box]
    near = cv2.distanceTransform((~seeds).astype(np.uint8), cv2.DIST_L2, 3) <= reach
    free = near & ~inside & ~held[box]
    far = ~has & ~core
    far[box] &= ~near
    far |= held & ~core
    # As many from close by as from the whole frame: a stroke on what goes on beyond its reach
    # shall not run out to it.
    others = np.concatenate([_sampled(photo[far]), _sampled(photo[box][far[box]])])
    if not free.any() or not len(others):
        return grown
    labels = np.full(seeds.shape, cv2.GC_BGD, np.uint8)
    labels[inside] = cv2.GC_FGD
    labels[free] = cv2.GC_PR_BGD
    if not (labels == cv2.GC_BGD).any():
        return grown
    cv2.setRNGSeed(_SEED)
    stroke_model = _color_model(_sampled(photo[new]), _STROKE_COLORS, weight=np.exp(-_CAUTION))
    other_model = _color_model(others, _OTHER_COLORS)
    _cut(photo[box], labels, other_model, stroke_model)
    like = free & ((labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD))
    grown[box] = touching(like | seeds, seeds) & free
    grown[box] |= _small_gaps(grown[box] | inside, free, reach)
    return grown


def _small_gaps(filled: Mask, free: Mask, reach: int) -> Mask:
    """Return the free places that what is filled encloses, smaller than the brush."""
    gaps = np.zeros_like(filled)
    for gap, area, box in regions(~filled):
        if area < (reach / REACH) ** 2 and free[box][gap].all():
            gaps[box] |= gap
    return gaps


def _outlined(photo: Photo, before: Retouch, step: Step) -> Retouch:
    shape = before.mask.shape
    inside = np.zeros(shape, np.uint8)
    cv2.fillPoly(inside, [_pixels(step, shape)], 1)
    rough = inside > 0
    band = max(2, round(_OUTLINE_BAND * max(shape)))
    found = _cut_in_band(photo, rough, band) if rough.any() else rough
    if before.is_outlined:
        found |= before.mask
    return Retouch(found, np.zeros(shape, np.int8), is_outlined=True)


def _cut_in_band(photo: Photo, rough: Mask, band: int) -> Mask:
    """Return a rough mask with its edge found again within a band."""
    box = _padded(rough, 4 * band)
    inside = rough[box]
    labels = np.full(inside.shape, cv2.GC_BGD, np.uint8)
    labels[grow(inside, band)] = cv2.GC_PR_BGD
    labels[inside] = cv2.GC_PR_FGD
    labels[shrink(inside, band)] = cv2.GC_FGD
    cut = rough.copy()
    crop = photo[box]
    backdrop = crop[labels == cv2.GC_BGD]
    if len(backdrop) == 0:
        return cut
    certain = crop[labels == cv2.GC_FGD]
    product = certain if len(certain) else crop[inside]
    cv2.setRNGSeed(_SEED)
    models = [_color_model(_sampled(colors), _OTHER_COLORS) for colors in (backdrop, product)]
    _cut(crop, labels, *models)
    cut[box] = (labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)
    return cut


def _cut(photo: Photo, labels: npt.NDArray[np.uint8], backdrop: _Model, product: _Model) -> None:
    """Settle the undecided labels in place: one cut with color models that stay as they are."""
    whole = (0, 0, 1, 1)  # not looked at: the labels say what is undecided
    mode = cv2.GC_EVAL_FREEZE_MODEL
    cv2.grabCut(np.ascontiguousarray(photo), labels, whole, backdrop, product, 1, mode)


def _color_model(colors: _Colors, count: int, *, weight: float = 1.0) -> _Model:
    """Return a mixture of normal distributions in the form that `cv2.grabCut` reads.

    Parameters
    ----------
    colors
        (n, 3) float32, 0 to 255.
    weight
        Sum of the components' weights: below 1 the model has to look better by as much.
    """
    if len(colors) <= count:
        # A single row would be read as one long column.
        colors = np.repeat(colors, count + 1, axis=0)
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_MAX_ITER, 10, 1.0)
    start = np.zeros((len(colors), 1), np.int32)
    labels = cv2.kmeans(colors, count, start, criteria, 1, cv2.KMEANS_PP_CENTERS)[1].ravel()
    shares = np.zeros(_GRABCUT_COLORS)
    means = np.zeros((_GRABCUT_COLORS, 3))
    covariances = np.zeros((_GRABCUT_COLORS, 3, 3))
    for place in range(count):
        own = colors[labels == place].astype(np.float64)
        if len(own) == 0:
            continue
        shares[place] = weight * len(own) / len(colors)
        means[place] = own.mean(axis=0)
        offset = own - means[place]
        covariances[place] = offset.T @ offset / len(own) + _LEAST_VARIANCE * np.eye(3)
    return np.concatenate([shares, means.ravel(), covariances.ravel()])[np.newaxis]


def _sampled(colors: npt.NDArray[np.uint8]) -> _Colors:
    step = max(1, len(colors) // _SAMPLES)
    return np.ascontiguousarray(colors[::step], dtype=np.float32)


def _drawn(step: Step, shape: tuple[int, int], radius: int) -> Mask:
    line = np.zeros(shape, np.uint8)
    points = _pixels(step, shape)
    cv2.polylines(line, [points], isClosed=False, color=1, thickness=1)
    line[points[:, 0, 1], points[:, 0, 0]] = 1  # of a single point no line is drawn
    return np.asarray(cv2.dilate(line, disc(radius)) > 0)


def _pixels(step: Step, shape: tuple[int, int]) -> npt.NDArray[np.int32]:
    """Return (n, 1, 2) int32: the step's points as columns and rows."""
    height, width = shape
    corner = np.array([width - 1, height - 1])
    places = np.round(np.array(step.points) * corner).astype(np.int32)
    return np.asarray(places.reshape(-1, 1, 2), np.int32)


def _padded(mask: Mask, margin: int) -> _Box:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return (
        slice(max(0, int(rows[0]) - margin), int(rows[-1]) + margin + 1),
        slice(max(0, int(columns[0]) - margin), int(columns[-1]) + margin + 1),
    )
