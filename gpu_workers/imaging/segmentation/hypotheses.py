"""Several independent guesses at the mask of the product.

Owns the making of candidate masks: from evidence where the backdrop is plain, from saliency
everywhere, and their vote and union. Does not choose between them (`confidence`). Deterministic:
GrabCut is seeded.

Source: Rother, Kolmogorov and Blake, "GrabCut", SIGGRAPH 2004.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from gpu_workers.imaging.arrays import Photo
from gpu_workers.imaging.segmentation.background import Backdrop, Lab
from gpu_workers.imaging.segmentation.evidence import Evidence
from gpu_workers.imaging.segmentation.regions import (
    Mask,
    fill_small_holes,
    frame,
    grow,
    keep_main_parts,
    shrink,
    without_specks,
)
from gpu_workers.imaging.segmentation.saliency import (
    Field,
    barrier_distance,
    center_weight,
    frame_distance,
)

_SURE_NOT, _SURE, _MAYBE_NOT, _MAYBE = cv2.GC_BGD, cv2.GC_FGD, cv2.GC_PR_BGD, cv2.GC_PR_FGD


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One guess at the mask."""

    name: str
    mask: Mask
    bonus: float = 0.0
    """Added to its score: prior trust in the way it was made."""
    is_from_evidence: bool = False
    """Whether its holes were found by comparison with a plain backdrop."""


@dataclass(frozen=True, slots=True)
class Saliency:
    """The fields a salient product is read from; see `saliency`."""

    barrier: Field
    color: Field
    center: Field


def read_saliency(lab: Lab) -> Saliency:
    """Compute the three saliency fields of a small photo."""
    height, width = lab.shape[:2]
    return Saliency(barrier_distance(lab), frame_distance(lab), center_weight((height, width)))


def make_hypotheses(
    photo: Photo, backdrop: Backdrop, saliency: Saliency, evidence: Evidence | None
) -> tuple[Hypothesis, ...]:
    """Return all guesses that came out non-empty, in a fixed order.

    ``evidence`` is None where the backdrop is not plain.
    """
    found: list[Hypothesis] = []
    if evidence is not None:
        found += [_from_evidence(photo, evidence, fill=fill) for fill in (False, True)]
    found += _from_saliency(photo, saliency, keep_holes=backdrop.is_plain)
    found = [hypothesis for hypothesis in found if hypothesis.mask.any()]
    if len(found) >= 3:
        votes = np.sum([hypothesis.mask for hypothesis in found], axis=0)
        majority = votes >= max(2, (len(found) + 1) // 2)
        found.append(Hypothesis("vote", without_specks(majority), 0.01))
        found.append(Hypothesis("union", without_specks(votes >= 1), -0.02))
    if evidence is not None:
        found = [replace(h, mask=_with_holes_open(h.mask, evidence)) for h in found]
    return tuple(hypothesis for hypothesis in found if hypothesis.mask.any())


def grab_cut(photo: Photo, seeds: Photo, *, rounds: int) -> Mask:
    """Return the GrabCut of a photo from a map of GC_* seeds; the seeds stay as they are.

    A map without product or without backdrop seeds has nothing to learn from: then the seeds
    themselves are the answer.
    """
    labels = seeds.copy()
    is_product = (labels == _SURE) | (labels == _MAYBE)
    if not is_product.any() or is_product.all():
        return np.asarray(is_product)
    cv2.setRNGSeed(1)
    product, backdrop = np.zeros((1, 65)), np.zeros((1, 65))
    # The rectangle is not read in mask mode.
    whole = (0, 0, photo.shape[1], photo.shape[0])
    cv2.grabCut(photo, labels, whole, backdrop, product, rounds, cv2.GC_INIT_WITH_MASK)
    return np.asarray((labels == _SURE) | (labels == _MAYBE))


def _from_evidence(photo: Photo, evidence: Evidence, *, fill: bool) -> Hypothesis:
    start = keep_main_parts(evidence.product | evidence.enclosed if fill else evidence.product)
    outside = ~evidence.enclosed
    seeds = np.full(start.shape, _MAYBE_NOT, np.uint8)
    seeds[start] = _MAYBE
    seeds[start & (evidence.deviation > 9) & ~evidence.shadow] = _SURE
    seeds[outside & (evidence.deviation < 2)] = _SURE_NOT
    if fill:
        seeds[evidence.shadow & outside] = _MAYBE_NOT
        seeds[shrink(evidence.enclosed, 3)] = _SURE
    else:
        seeds[evidence.shadow & outside] = _SURE_NOT
        seeds[evidence.hole & ~start] = _SURE_NOT
    seeds[frame(start.shape, 0.012)] = _SURE_NOT
    mask = grab_cut(photo, seeds, rounds=2)
    if fill:
        mask |= shrink(evidence.enclosed, 1)
    name = "closed contours" if fill else "open differences"
    return Hypothesis(
        name, without_specks(mask, thin=evidence.product), 0.05, is_from_evidence=True
    )


def _from_saliency(photo: Photo, saliency: Saliency, *, keep_holes: bool) -> list[Hypothesis]:
    barrier, color, center = saliency.barrier, saliency.color, saliency.center
    mixes = {
        "salient": (0.55 * barrier + 0.45 * color) * (0.3 + 0.7 * center),
        "walled off": barrier * (0.45 + 0.55 * center),
        "central": (0.35 * barrier + 0.25 * color + 0.4) * center,
    }
    calm = cv2.bilateralFilter(photo, 5, 22, 3)
    share = 0.004 if keep_holes else 0.012
    found = []
    for name, mix in mixes.items():
        mask = grab_cut(np.asarray(calm, np.uint8), _seeds_of(mix), rounds=4)
        found.append(Hypothesis(name, fill_small_holes(without_specks(mask), share=share)))
    return found


def _seeds_of(mix: Field) -> Photo:
    blurred = np.asarray(cv2.GaussianBlur(mix, (0, 0), 2.5))
    smooth = blurred / max(float(blurred.max()), 1e-6)
    levels = (smooth * 255).astype(np.uint8)
    split = cv2.threshold(levels, 0, 255, cv2.THRESH_OTSU)[0] / 255
    seeds = np.full(mix.shape, _MAYBE_NOT, np.uint8)
    seeds[smooth > split] = _MAYBE
    seeds[smooth > min(0.95, split + 0.35)] = _SURE
    seeds[smooth < 0.3 * split] = _SURE_NOT
    seeds[frame((mix.shape[0], mix.shape[1]), 0.012)] = _SURE_NOT
    return seeds


def _with_holes_open(mask: Mask, evidence: Evidence) -> Mask:
    return keep_main_parts(mask & ~evidence.hole)


def refine(photo: Photo, mask: Mask, *, keep_interior: bool) -> Mask:
    """Return the mask re-cut at the size of ``photo`` in a narrow band about its edge.

    Parameters
    ----------
    photo
        (h, w, 3) uint8.
    mask
        (h, w) bool, scaled up from a smaller one.
    keep_interior
        Forbid new holes inside the band's inner edge; for masks whose holes are known.
    """
    radius = max(3, int(0.011 * max(mask.shape)))
    inner, outer = shrink(mask, radius), grow(mask, radius)
    seeds = np.full(mask.shape, _SURE_NOT, np.uint8)
    seeds[outer] = _MAYBE_NOT
    seeds[mask] = _MAYBE
    seeds[inner] = _SURE
    refined = grab_cut(photo, seeds, rounds=2)
    if keep_interior:
        refined |= inner
    return fill_small_holes(keep_main_parts(refined, share=0.02), share=0.0005)
