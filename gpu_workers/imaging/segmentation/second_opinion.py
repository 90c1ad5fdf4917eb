"""How far the mask of a trained network can be trusted.

Owns the checks of what a network answered: whether there is a product in it, whether the network
was decided, and whether the classical segmenter, asked beside it, sees the same thing. Does not run
networks nor make masks.

A network always answers, also for a photo without a product, and rembg stretches its answer to the
full range. So its mask counts for little by itself. The classical segmenter errs on other photos
than a network does: where it is sure and sees something else, somebody has to look; where it is
unsure itself, its objection weighs less.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from gpu_workers.imaging.segmentation.confidence import SURE, Choice
from gpu_workers.imaging.segmentation.regions import (
    Mask,
    fill_small_holes,
    iou,
    keep_main_parts,
    opened,
    regions,
)

Probability = npt.NDArray[np.float32]
"""(h, w) float32, 0 to 1."""

_LEAST_PRODUCT: Final = 0.002
"""Share of the frame that a product covers at least, as for the classical segmenter."""
_MOST_PRODUCT: Final = 0.93
"""Share from which the mask is more likely the whole frame than a product."""
_UNDECIDED: Final = (0.2, 0.8)
_DISAGREEMENT: Final = 0.2
_PIECE: Final = 0.15
"""What means `SURE`, for a guess that is believed. Set on networks imitated from the true masks of
18 photos, right (but for an edge wrong by 1.5 of 320 pixels) and wrong in nine ways: a part or a
hole missing, a neighbor, a shadow or the box taken along, and so on. 144 of 159 wrong masks fall
below and 2 of 36 right ones; 0.10 for a piece would find 154 and doubt 6, all over faults of the
classical guess."""
_COMPACT: Final = 0.01
"""Radius of what counts as compact, in longer sides: edges differ in thin lines."""
_BAREST_PART: Final = 0.02
_HOLE: Final = 0.0005


@dataclass(frozen=True, slots=True)
class Opinion:
    """A network's mask and how far it can be trusted."""

    mask: Mask
    """(h, w) bool."""
    area: float
    """Share of the frame."""
    decided: float
    """0 to 1: one minus the soft area over the product's area."""
    agreement: float | None
    """Intersection over union with the classical guess; None where there was none."""
    piece: float
    """Largest compact piece that only one of the two sees, over the product's area; 0 without a
    guess."""
    witness: float
    """0 to 1: how far the classical guess can be believed itself."""

    @property
    def confidence(self) -> float:
        """0 to 1; reaches `SURE` where every check reaches what it needs."""
        disagreement = 0.0 if self.agreement is None else self.witness * (1 - self.agreement)
        piece = min(1.0, self.witness * self.piece)
        return float(
            min(
                np.interp(disagreement, [0, _DISAGREEMENT, 1], [1, SURE, 0]),
                np.interp(piece, [0, _PIECE, 1], [1, SURE, 0]),
                np.interp(self.decided, [0.4, 0.7, 1], [0, SURE, 1]),
                np.interp(self.area, [0, 2 * _LEAST_PRODUCT, 0.02], [0, SURE, 1]),
                np.interp(self.area, [0.8, _MOST_PRODUCT, 1], [1, SURE, 0]),
            )
        )


def weigh(probability: Probability, guess: Choice | None) -> Opinion | None:
    """Return what to make of a network's answer; None if there is no product in it.

    Parameters
    ----------
    probability
        (h, w) float32, 0 to 1.
    guess
        What the classical segmenter chose on the same frame, at any size; None if it found nothing.
    """
    mask = fill_small_holes(
        keep_main_parts(np.asarray(probability > 0.5), share=_BAREST_PART), share=_HOLE
    )
    area = float(mask.mean())
    if area < _LEAST_PRODUCT:
        return None
    low, high = _UNDECIDED
    soft = float(((probability > low) & (probability < high)).mean())
    agreement, piece = (None, 0.0) if guess is None else _compared(mask, guess.mask)
    return Opinion(
        mask=mask,
        area=area,
        decided=max(0.0, 1 - soft / area),
        agreement=agreement,
        piece=piece,
        witness=0.0 if guess is None else min(1.0, guess.confidence / SURE),
    )


def _compared(mask: Mask, other: Mask) -> tuple[float, float]:
    """Return agreement and the largest compact piece of disagreement, at the size of ``other``."""
    height, width = other.shape
    soft = cv2.resize(mask.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
    own = np.asarray(soft > 0.5)
    apart = opened(own ^ other, max(2, round(_COMPACT * max(height, width))))
    largest = max((area for _, area, _ in regions(apart)), default=0)
    return iou(own, other), largest / max(1, int(own.sum()))
