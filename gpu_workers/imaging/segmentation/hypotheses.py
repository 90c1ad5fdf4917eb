"""Several independent guesses at the mask of the product.

Owns the making of candidate masks: from evidence where the backdrop is plain, from saliency and
closed outlines everywhere, and the vote and union of those that go by color. Does not choose
between them (`confidence`) nor cut by color itself (`color_cut`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from gpu_workers.imaging.arrays import Photo
from gpu_workers.imaging.segmentation import learned
from gpu_workers.imaging.segmentation.background import Backdrop, Field, Lab, to_lab
from gpu_workers.imaging.segmentation.color_cut import (
    MAYBE,
    MAYBE_NOT,
    SURE,
    SURE_NOT,
    grab_cut,
)
from gpu_workers.imaging.segmentation.contours import closed_regions
from gpu_workers.imaging.segmentation.edge_cut import along_edges
from gpu_workers.imaging.segmentation.evidence import Evidence, bare, openings, other_light
from gpu_workers.imaging.segmentation.regions import (
    Mask,
    fill_small_holes,
    frame,
    grow,
    iou,
    keep_main_parts,
    reachable_from_frame,
    regions,
    shrink,
    without_specks,
)
from gpu_workers.imaging.segmentation.saliency import (
    barrier_distance,
    center_weight,
    frame_distance,
)

_CLEAN = 0.03
"""Trust in a backdrop from which its shadows are no question."""
_EQUAL = 0.985
"""Intersection over union from which two guesses are one."""
_TOLD_APART = 0.35
"""Separation of colors from which a patch of the backdrop's color is no part of the product."""
_SALIENT = 0.7
_SEE_THROUGH = 0.88
"""Overlap of colors from which a hole shows the surroundings: grass through a handle 0.95, a black
visor before a grey sofa 0.83."""


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One guess at the mask."""

    name: str
    mask: Mask
    bonus: float = 0.0
    """Prior trust in the way it was made."""
    is_outlined: bool = False
    """Whether only edges speak for it, not colors."""


@dataclass(frozen=True, slots=True)
class Saliency:
    """The fields a salient product is read from; see `saliency`."""

    barrier: Field
    color: Field
    center: Field
    likely: Field
    """What a trained network holds for likely, 0 to 1; see `engines.product_finder`."""


def read_saliency(lab: Lab, likely: Field) -> Saliency:
    """Compute the saliency fields of a small photo from its colors, beside the network's."""
    center = center_weight((lab.shape[0], lab.shape[1]))
    return Saliency(barrier_distance(lab), frame_distance(lab), center, likely)


def make_hypotheses(
    photo: Photo, lab: Lab, backdrop: Backdrop, saliency: Saliency, evidence: Evidence | None
) -> tuple[Hypothesis, ...]:
    """Return all guesses that came out non-empty, in a fixed order.

    ``evidence`` is None where the backdrop is not plain.
    """
    found: list[Hypothesis] = []
    if evidence is not None:
        trust = _trust(backdrop)
        found += [_from_evidence(photo, evidence, trust, fill=fill) for fill in (False, True)]
    shade = _shade(photo, backdrop, saliency, evidence)
    found += _from_saliency(photo, saliency, shade, trusts_holes=evidence is not None)
    found = [hypothesis for hypothesis in found if hypothesis.mask.any()]
    if len(found) >= 3:
        votes = np.sum([hypothesis.mask for hypothesis in found], axis=0)
        majority = votes >= max(2, (len(found) + 1) // 2)
        found.append(Hypothesis("vote", without_specks(majority), 0.02))
        found.append(Hypothesis("union", without_specks(votes >= 1), -0.02))
    if evidence is not None:
        found = [replace(h, mask=_with_holes_open(h.mask, evidence)) for h in found]
    found += _from_outlines(lab, backdrop)
    inner, outer = learned.band_of(saliency.likely)
    if inner.any():
        found.append(Hypothesis("likely by edge", along_edges(lab, inner, outer), is_outlined=True))
    return _distinct(found)


def _from_outlines(lab: Lab, backdrop: Backdrop) -> Iterator[Hypothesis]:
    flat = bare(lab, backdrop) if backdrop.is_plain else None
    for name, mask in closed_regions(lab):
        if flat is None:
            yield Hypothesis(name, mask, is_outlined=True)
        else:
            yield Hypothesis(name, _with_true_openings(mask, flat, lab, backdrop), is_outlined=True)


def _with_true_openings(mask: Mask, flat: Mask, lab: Lab, backdrop: Backdrop) -> Mask:
    """Return the mask open where the backdrop shows, unless the product itself looks like it."""
    open_mask = keep_main_parts(mask & ~openings(mask, flat, lab, backdrop))
    return open_mask if separation(open_mask, lab) > _TOLD_APART else mask


def _distinct(hypotheses: Iterable[Hypothesis]) -> tuple[Hypothesis, ...]:
    """Return the first of all that are as good as equal, without empty ones."""
    kept: list[Hypothesis] = []
    for hypothesis in hypotheses:
        if hypothesis.mask.any() and all(
            iou(hypothesis.mask, other.mask) < _EQUAL for other in kept
        ):
            kept.append(hypothesis)
    return tuple(kept)


def _trust(backdrop: Backdrop) -> float:
    """Return how far evidence goes before saliency: 0.1 on even paper, below 0 on planks."""
    return float(np.interp(backdrop.spread + backdrop.noise_l, [2.5, 7.0], [0.10, -0.03]))


def _from_evidence(photo: Photo, evidence: Evidence, trust: float, *, fill: bool) -> Hypothesis:
    start = keep_main_parts(evidence.product | evidence.enclosed if fill else evidence.product)
    outside = ~evidence.enclosed
    seeds = np.full(start.shape, MAYBE_NOT, np.uint8)
    seeds[start] = MAYBE
    seeds[start & (evidence.deviation > 9) & ~evidence.shadow] = SURE
    if trust > 0:
        seeds[shrink(start & ~evidence.hole, 3)] = SURE
    seeds[outside & (evidence.deviation < 2)] = SURE_NOT
    if fill:
        seeds[evidence.shadow & outside] = MAYBE_NOT
        seeds[shrink(evidence.enclosed, 3)] = SURE
    else:
        seeds[evidence.shadow] = SURE_NOT
        seeds[evidence.hole & ~start] = SURE_NOT
    seeds[frame(start.shape, 0.012)] = SURE_NOT
    mask = grab_cut(photo, seeds, rounds=2)
    if fill:
        mask |= shrink(evidence.enclosed, 1)
    name = "closed contours" if fill else "open differences"
    return Hypothesis(name, without_specks(mask, thin=evidence.product), trust)


def _shade(photo: Photo, backdrop: Backdrop, saliency: Saliency, evidence: Evidence | None) -> Mask:
    """Return what is shadow beyond doubt, so that no guess may take it for product."""
    if evidence is not None and _trust(backdrop) > _CLEAN:
        return evidence.shadow & ~evidence.enclosed
    _, dimmed = other_light(photo, to_lab(photo), backdrop)
    return without_core(dimmed, saliency.barrier > _SALIENT)


def without_core(dimmed: Mask, core: Mask) -> Mask:
    """Return ``dimmed``, or nothing of it if it is the color of the product's core as well."""
    is_product_color = float((dimmed & core).sum()) > 0.05 * float(core.sum())
    return np.zeros_like(dimmed) if is_product_color else dimmed


def _from_saliency(
    photo: Photo, saliency: Saliency, shade: Mask, *, trusts_holes: bool
) -> list[Hypothesis]:
    barrier, color, center = saliency.barrier, saliency.color, saliency.center
    mixes = {
        "salient": (0.55 * barrier + 0.45 * color) * (0.3 + 0.7 * center),
        "walled off": barrier * (0.45 + 0.55 * center),
        "central": (0.35 * barrier + 0.25 * color + 0.4) * center,
    }
    calm = np.asarray(cv2.bilateralFilter(photo, 5, 22, 3), np.uint8)

    starts = {name: _seeds_of(mix) for name, mix in mixes.items()}
    for seeds in starts.values():
        seeds[shade] = SURE_NOT
    starts["likely by color"] = learned.seeds_of(saliency.likely, shade)

    def cut(name: str) -> Hypothesis:
        mask = without_specks(grab_cut(calm, starts[name], rounds=4))
        if not trusts_holes:
            mask = fill_false_holes(mask, photo)
        return Hypothesis(name, fill_small_holes(mask, share=0.004))

    # An engine keeps to the threads it was given, as OpenCV does.
    with ThreadPoolExecutor(max(1, min(2, cv2.getNumThreads()))) as pool:
        return list(pool.map(cut, starts))


def fill_false_holes(mask: Mask, photo: Photo) -> Mask:
    """Return the mask with those holes filled that do not show what lies around the product.

    Without a backdrop model a hole is believed if its colors are the colors next to the outline;
    a black visor before a grey sofa is part of the product.
    """
    outside = reachable_from_frame(mask)
    around = outside & grow(mask, max(4, max(mask.shape) // 24))
    filled = mask.copy()
    small, large = 0.012 * float(mask.sum()), 0.15 * float(mask.sum())
    for hole, area, box in regions(~mask & ~outside):
        is_alike = overlap(photo[box][hole], photo[around]) > _SEE_THROUGH
        if area < small or (area < large and not is_alike):
            filled[box] |= hole
    return filled


def overlap(one: npt.NDArray[np.uint8], other: npt.NDArray[np.uint8]) -> float:
    """Return the Bhattacharyya coefficient of two sets of (n, 3) colors, 0 to 1."""
    histograms = []
    for colors in (one, other):
        bins = (colors >> 5).astype(np.int64) @ [64, 8, 1]
        counts = np.bincount(bins, minlength=512) + 1e-9
        histograms.append(counts / counts.sum())
    return float(np.sqrt(histograms[0] * histograms[1]).sum())


def separation(mask: Mask, lab: Lab) -> float:
    """Return one minus the Bhattacharyya overlap of colors just inside and just outside."""
    width = max(4, int(0.02 * max(mask.shape)))
    inside, outside = mask & ~shrink(mask, width), grow(mask, width) & ~mask
    if not inside.any() or not outside.any():
        return 0.0
    return 1 - float(np.sqrt(_histogram(lab[inside]) * _histogram(lab[outside])).sum())


def _histogram(colors: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    unit = np.clip(colors / [100, 255, 255] + [0, 0.5, 0.5], 0, 0.999)
    bins = (unit * [8, 16, 16]).astype(np.int64)
    counts = np.bincount(bins @ [256, 16, 1], minlength=2048)
    return np.asarray(counts / counts.sum())


def _seeds_of(mix: Field) -> Photo:
    blurred = np.asarray(cv2.GaussianBlur(mix, (0, 0), 2.5))
    smooth = blurred / max(float(blurred.max()), 1e-6)
    levels = (smooth * 255).astype(np.uint8)
    split = cv2.threshold(levels, 0, 255, cv2.THRESH_OTSU)[0] / 255
    seeds = np.full(mix.shape, MAYBE_NOT, np.uint8)
    seeds[smooth > split] = MAYBE
    seeds[smooth > min(0.95, split + 0.35)] = SURE
    seeds[smooth < 0.3 * split] = SURE_NOT
    seeds[frame((mix.shape[0], mix.shape[1]), 0.012)] = SURE_NOT
    return seeds


def _with_holes_open(mask: Mask, evidence: Evidence) -> Mask:
    return keep_main_parts(mask & ~evidence.hole)
