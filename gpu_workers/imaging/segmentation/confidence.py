"""Which guess at the mask is best, and how far it can be trusted.

Owns the score of a mask and the confidence that a seller sees. Does not make masks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from gpu_workers.imaging.segmentation.alternatives import Alternative, different
from gpu_workers.imaging.segmentation.background import Field, Lab, color_edges
from gpu_workers.imaging.segmentation.evidence import Evidence
from gpu_workers.imaging.segmentation.hypotheses import Hypothesis, Saliency
from gpu_workers.imaging.segmentation.regions import Mask, grow, iou, opened, shrink

SURE = 0.6
"""Confidence from which nobody needs to look."""

_AGREEMENT_ON_PLAIN = 0.73
_AGREEMENT_ELSEWHERE = 0.96
"""Agreement that means `SURE`. Off a plain backdrop the guesses are cousins, so they must agree
almost fully. Set on 41 photos judged by eye: right ones reach 0.78 and 0.98, wrong ones 0.67 and
0.95, but for products of which all guesses miss the same part."""
_SCORE = 0.60
_WORTH = 0.65
"""Share of the best score below which another guess is no witness."""
_DERIVED = ("vote", "union")


@dataclass(frozen=True, slots=True)
class Choice:
    """The chosen mask with what speaks for it."""

    name: str
    mask: Mask
    score: float
    agreement: float
    """Intersection over union with the independent guesses: middle of their mean and minimum."""
    on_plain: bool
    """Whether the backdrop was plain enough for evidence."""
    alternatives: tuple[Alternative, ...] = ()
    """Guesses that differ most from ``mask`` and from each other, at most three."""

    @property
    def confidence(self) -> float:
        """0 to 1; reaches `SURE` where agreement and score both reach what they need."""
        needed = _AGREEMENT_ON_PLAIN if self.on_plain else _AGREEMENT_ELSEWHERE
        by_agreement = np.interp(self.agreement, [0, needed, 1], [0, SURE, 1])
        by_score = np.interp(self.score, [0, _SCORE, 0.95], [0, SURE, 1])
        return float(min(by_agreement, by_score))


def choose(
    lab: Lab, hypotheses: Sequence[Hypothesis], saliency: Saliency, evidence: Evidence | None
) -> Choice:
    """Return the hypothesis with the best score; the first one wins a tie.

    Raises
    ------
    ValueError
        If there is no hypothesis.
    """
    if not hypotheses:
        raise ValueError("no hypothesis to choose from")
    edges = color_edges(lab)
    salient = _salient(saliency, evidence)
    scores = [score(h.mask, lab, edges, salient) for h in hypotheses]
    best = max(range(len(hypotheses)), key=lambda i: scores[i] + hypotheses[i].bonus)
    chosen = hypotheses[best]
    overlaps = [
        iou(chosen.mask, other.mask)
        for i, other in enumerate(hypotheses)
        if i != best and other.name not in _DERIVED and scores[i] > _WORTH * scores[best]
    ]
    agreement = (float(np.mean(overlaps)) + min(overlaps)) / 2 if overlaps else 0.0
    others = [
        Alternative(hypothesis.name, hypothesis.mask, of_it)
        for hypothesis, of_it in zip(hypotheses, scores, strict=True)
    ]
    return Choice(
        name=chosen.name,
        mask=chosen.mask,
        score=scores[best],
        agreement=agreement,
        on_plain=evidence is not None,
        alternatives=different(chosen.mask, others),
    )


def score(mask: Mask, lab: Lab, edges: Field, salient: Field) -> float:
    """Return how much a mask looks like one whole product, 0 to 1."""
    area = float(mask.mean())
    if not 0.004 <= area <= 0.93:
        return 0.0
    contour = mask & ~shrink(mask, 1)
    body = opened(mask, 2)
    body = body if body.any() else mask
    outline = body & ~shrink(body, 1)
    shape = (
        0.38 * _alignment(contour, edges)
        + 0.27 * _separation(mask, lab)
        + 0.15 * min(1.0, 1.15 * _solidity(body))
        + 0.10 * _centeredness(mask)
        + 0.10 * min(1.0, 24 * np.pi * float(body.sum()) / max(1.0, float(outline.sum()) ** 2))
    )
    touch = np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]]).mean()
    whole = float((salient * mask).sum()) / (float(salient.sum()) + 1e-6)
    purity = float(salient[mask].mean()) / (float(np.percentile(salient, 98)) + 1e-6)
    return float(
        shape
        * (1 - min(1.0, 1.6 * float(touch)))
        * min(1.0, area / 0.02)
        * (0.35 + 0.65 * min(1.0, whole / 0.92))
        * (0.7 + 0.3 * min(1.0, 1.6 * purity))
    )


def _salient(saliency: Saliency, evidence: Evidence | None) -> Field:
    mix = 0.5 * (saliency.barrier + saliency.color) * np.sqrt(saliency.center)
    field = np.where(mix > np.median(mix) + 0.12, mix, 0)
    if evidence is not None:
        field = np.where(evidence.shadow, 0, field)
    return field.astype(np.float32)


def _alignment(contour: Mask, edges: Field) -> float:
    """Share of the contour, frame apart, that lies on a color edge."""
    inside = contour.copy()
    inside[:3] = inside[-3:] = False
    inside[:, :3] = inside[:, -3:] = False
    if not inside.any():
        return 0.0
    near = cv2.dilate(edges, np.ones((3, 3), np.uint8))
    return float((near[inside] > max(1.6, 2.2 * float(np.median(edges)))).mean())


def _separation(mask: Mask, lab: Lab) -> float:
    """One minus the Bhattacharyya overlap of colors just inside and just outside."""
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


def _solidity(mask: Mask) -> float:
    outlines, _ = cv2.findContours(
        mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE
    )
    hull = cv2.convexHull(np.concatenate(outlines))
    return float(mask.sum()) / max(1.0, cv2.contourArea(hull))


def _centeredness(mask: Mask) -> float:
    y, x = np.nonzero(mask)
    height, width = mask.shape
    across, down = (x.mean() / width - 0.5) / 0.3, (y.mean() / height - 0.52) / 0.3
    return float(np.exp(-(across**2 + down**2) / 2))
