"""Guesses at the mask from what a trained network holds for likely, and agreement with it.

Owns how a coarse field of likelihood becomes masks with the photo's own edges. Does not run the
network; see `engines.product_finder`.
"""

from __future__ import annotations

import numpy as np

from gpu_workers.imaging.arrays import Photo
from gpu_workers.imaging.segmentation.background import Field
from gpu_workers.imaging.segmentation.color_cut import MAYBE, MAYBE_NOT, SURE, SURE_NOT
from gpu_workers.imaging.segmentation.regions import Mask, frame, grow, opened, shrink

_REACH = 0.02
"""Longer sides by which the coarse edge can be off: between two and three of 128 pixels."""
_EVEN = 0.5
_SURELY, _HARDLY = 0.9, 0.2
"""Likelihoods from which a pixel well inside is product, and up to which one outside is not."""


def seeds_of(likely: Field, shade: Mask) -> Photo:
    """Return GrabCut seeds: what is likely may be product, what is far from it is not.

    Parameters
    ----------
    likely
        (h, w) float32, 0 to 1.
    shade
        What is shadow beyond doubt.
    """
    radius, product = _reach_px(likely), likely > _EVEN
    seeds = np.full(likely.shape, MAYBE_NOT, np.uint8)
    seeds[product] = MAYBE
    seeds[shrink(product, radius) & (likely > _SURELY)] = SURE
    seeds[shade & (likely < _SURELY)] = SURE_NOT
    seeds[~grow(likely > _HARDLY, radius)] = SURE_NOT
    seeds[frame((likely.shape[0], likely.shape[1]), 0.006)] = SURE_NOT
    return seeds


def band_of(likely: Field) -> tuple[Mask, Mask]:
    """Return what lies inside the band in which the edge is, and what lies inside its outer rim."""
    radius, product = _reach_px(likely), likely > _EVEN
    return shrink(product, radius), grow(product, radius)


def decided(likely: Field) -> float:
    """Return how sure the network is itself, 0 to 1; 0 where it finds no product.

    One less the area it cannot tell, over the area that it holds for product.
    """
    unsure = float(((likely > _HARDLY) & (likely < 1 - _HARDLY)).sum())
    return max(0.0, 1 - unsure / max(1.0, float((likely > _EVEN).sum())))


def agreement(mask: Mask, likely: Field) -> dict[str, float]:
    """Return how far a mask and a likelihood agree, each 0 to 1.

    "fits the likely" is their soft intersection over union. "differs from likely" is the area of
    pieces too wide for a coarse edge that only one of the two holds, over the mask's: 0 if they
    show the same thing.
    """
    inside = float((likely * mask).sum())
    area, total = float(mask.sum()), float(likely.sum())
    radius = max(2, round(_REACH / 2 * max(likely.shape)))
    pieces = opened(mask ^ (likely > _EVEN), radius)
    return {
        "fits the likely": inside / max(1.0, area + total - inside),
        "differs from likely": min(1.0, float(pieces.sum()) / max(1.0, area)),
    }


def _reach_px(likely: Field) -> int:
    longest: int = max(likely.shape)
    return max(3, round(_REACH * longest))
