"""Which guess at the mask is best, and how far it can be trusted.

Owns the choice and the confidence that a seller sees. Does not make masks (`hypotheses`) nor
measure them (`judgement`).

Judges that learned from different pictures rarely err alike: one is a regression on composed
pictures, one was weighed by eye on photos and does not see guesses made from edges alone, and one
is a network that only knows drawn shapes. Where they agree, and the other likely guesses with them,
nobody needs to look.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gpu_workers.imaging.segmentation.alternatives import Alternative, different
from gpu_workers.imaging.segmentation.hypotheses import Hypothesis
from gpu_workers.imaging.segmentation.judgement import (
    Scene,
    consensus,
    expected_overlap,
    measure,
    wholeness,
)
from gpu_workers.imaging.segmentation.learned import decided
from gpu_workers.imaging.segmentation.regions import Mask, iou

SURE = 0.6
"""Confidence from which nobody needs to look."""

_ENOUGH = 0.755
"""Agreement that means `SURE`: 25 of 31 bad masks of 107 pictures stay below it, among them 6 of 8
on photos, and 15 of the 76 good ones. Bad is an overlap below 0.9, or what looks so."""
_DECIDED, _OTHERS = 0.5, 0.1
"""Exponents of what speaks beside the network's fit; by itself each is a weaker sign of doubt."""
_LEAD = 0.03
"""Expected overlap by which a guess that only edges speak for must beat the others."""
_LIKELY = 0.15
"""Expected overlap short of the best up to which another guess is likely too."""
_SMALLEST, _LARGEST = 0.004, 0.93
"""Shares of the frame between which a mask can be a product."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The chosen mask with what speaks for it."""

    name: str
    mask: Mask
    score: float
    """Intersection over union that can be expected of it, 0 to 1."""
    agreement: float
    """How far a network, a second opinion and the other likely guesses overlap it, 0 to 1."""
    is_outlined: bool = False
    """Whether only edges speak for it, not colors."""
    alternatives: tuple[Alternative, ...] = ()
    """Guesses that differ most from ``mask`` and from each other, at most three."""

    @property
    def confidence(self) -> float:
        """0 to 1; reaches `SURE` where the agreement is enough."""
        return float(np.interp(self.agreement, [0, _ENOUGH, 1], [0, SURE, 1]))


def choose(hypotheses: Sequence[Hypothesis], scene: Scene) -> Choice | None:
    """Return the hypothesis of the highest expected overlap; the first one wins a tie.

    None if none has the size of a product.
    """
    fit = [h for h in hypotheses if _SMALLEST <= float(h.mask.mean()) <= _LARGEST]
    if not fit:
        return None
    overlaps = np.array([[iou(one.mask, other.mask) for other in fit] for one in fit])
    measures = [measure(hypothesis.mask, scene) for hypothesis in fit]
    scores = [
        max(0.0, expected_overlap(of_it | consensus(own)) - _LEAD * hypothesis.is_outlined)
        for hypothesis, of_it, own in zip(fit, measures, overlaps, strict=True)
    ]
    best = max(range(len(fit)), key=scores.__getitem__)
    by_color = [i for i in range(len(fit)) if not fit[i].is_outlined]
    second = max(by_color, key=lambda i: wholeness(measures[i]) + fit[i].bonus, default=None)
    likely = [i for i in range(len(fit)) if i != best and scores[i] > scores[best] - _LIKELY]
    agreement = 0.0 if second is None else float(overlaps[best, second])
    if likely:
        agreement *= float(overlaps[best, likely].mean())
    agreement = agreement**_OTHERS * decided(scene.likely) ** _DECIDED
    agreement *= measures[best]["fits the likely"]
    others = [
        Alternative(hypothesis.name, hypothesis.mask, score)
        for hypothesis, score in zip(fit, scores, strict=True)
    ]
    return Choice(
        name=fit[best].name,
        mask=fit[best].mask,
        score=scores[best],
        agreement=agreement,
        is_outlined=fit[best].is_outlined,
        alternatives=different(fit[best].mask, others),
    )
