"""Which other guesses at the mask are worth showing to a person.

Owns the choice of a few masks that differ from the chosen one and from each other. Does not make
masks (`hypotheses`) nor say which is best (`confidence`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gpu_workers.imaging.segmentation.regions import Mask, iou

MOST: Final = 3
"""Alternatives a person can take in at a glance."""
SAME: Final = 0.95
"""Intersection over union from which two masks are one to the eye at thumbnail size."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """A guess at the mask that was not chosen."""

    name: str
    """How it was made; one name to a photo."""
    mask: Mask
    """(h, w) bool at work size."""
    score: float
    """Intersection over union that can be expected of it, 0 to 1."""


def different(
    chosen: Mask, candidates: Sequence[Alternative], *, most: int = MOST
) -> tuple[Alternative, ...]:
    """Return the candidates that differ most from ``chosen`` and from each other.

    Each next one is that whose nearest mask among those taken is farthest (Gonzalez, "Clustering
    to minimize the maximum intercluster distance", 1985), the distance being one minus
    intersection over union, weighed by its score, so that a likely mask comes before a wild one.
    The first wins a tie. Masks with `SAME` overlap or more are not shown twice.
    """
    taken: list[Alternative] = []
    nearest = [iou(chosen, candidate.mask) for candidate in candidates]
    while len(taken) < most:
        worth = [
            (1 - overlap) * candidate.score if overlap < SAME else 0.0
            for overlap, candidate in zip(nearest, candidates, strict=True)
        ]
        best = max(range(len(worth)), key=worth.__getitem__, default=None)
        if best is None or worth[best] <= 0:
            break
        taken.append(candidates[best])
        nearest = [
            max(overlap, iou(candidates[best].mask, candidate.mask))
            for overlap, candidate in zip(nearest, candidates, strict=True)
        ]
    return tuple(taken)
