"""How clean an edge is, without knowing the true one.

Owns *bleed*, the old backdrop's color left in the edge, and *halo*, what of it shows on white.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from gpu_workers.imaging.arrays import Matte, Photo

_SOFT: Final = (0.1, 0.9)
_INSIDE: Final = 0.98
_OUTSIDE: Final = 0.02
_APART: Final = 24.0
"""Least distance, in 8-bit steps, of product and backdrop: between like colors there is nothing to
bleed, and their difference is noise."""
_STRONG: Final = 0.3
_RING_PX: Final = (2, 6)
_WIDER_THAN_STRANDS: Final = np.ones((3, 3), np.uint8)


@dataclass(frozen=True, slots=True)
class Bleed:
    """The old backdrop in the soft edge."""

    median: float
    """Where the edge's color lies between the product's, 0, and the old backdrop's, 1."""
    share: float
    """Share of the edge in which that is above 0.3, 0 to 1."""


def bleed(photo: Photo, color: Photo, matte: Matte) -> Bleed | None:
    """Return how much of the backdrop is left in the colors of the edge.

    Parameters
    ----------
    photo
        (h, w, 3) uint8: the source.
    color
        (h, w, 3) uint8: the product's colors as cut out, not premultiplied.
    matte
        (h, w) float32, 0 to 1.

    Returns
    -------
    None where there is no soft edge between two colors that can be told apart.
    """
    inside, outside = matte >= _INSIDE, matte <= _OUTSIDE
    edge = np.flatnonzero((matte > _SOFT[0]) & (matte < _SOFT[1]))
    if not (edge.size and inside.any() and outside.any()):
        return None
    before = color.reshape(-1, 3)[_nearest(inside)[edge]].astype(np.float32)
    behind = photo.reshape(-1, 3)[_nearest(outside)[edge]].astype(np.float32)
    way = behind - before
    length = (way**2).sum(axis=1)
    told_apart = length >= _APART**2
    if not told_apart.any():
        return None
    here = color.reshape(-1, 3)[edge].astype(np.float32) - before
    place = ((here * way).sum(axis=1)[told_apart]) / length[told_apart]
    return Bleed(
        median=round(float(np.median(place)), 4),
        share=round(float((place > _STRONG).mean()), 4),
    )


def halo(picture: Photo, matte: Matte) -> float:
    """Return the mean darkness, 0 to 255, of a ring of 2 to 6 px around the product on white.

    Spines, threads and single hairs, up to 2 px wide, are the product's own and left out.

    Parameters
    ----------
    picture
        (h, w, 3) uint8: the product on white, as decoded from its file.
    matte
        (h, w) float32: the product's opacity on that canvas.
    """
    away = cv2.distanceTransform((matte <= 0.5).astype(np.uint8), cv2.DIST_L2, 5)
    ring = (away > _RING_PX[0]) & (away <= _RING_PX[1])
    if not ring.any():
        return 0.0
    darkness = cv2.morphologyEx(255 - picture.min(axis=2), cv2.MORPH_OPEN, _WIDER_THAN_STRANDS)
    return round(float(darkness[ring].mean()), 4)


def _nearest(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Return for every pixel, flat, the flat index of the nearest one of a mask."""
    _, labels = cv2.distanceTransformWithLabels(
        (~mask).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    found = np.flatnonzero(mask)
    places = np.zeros(int(labels.max()) + 1, np.int64)
    places[labels.reshape(-1)[found]] = found
    return np.asarray(places[labels.reshape(-1)], np.int64)
