"""Where the edge of a product is fur, hair, bristle or spine, and how wide its soft band must be.

Owns the reading of roughness along an edge. Does not solve for opacity (`matte`).

Strands leave a product across its edge, so colors change *along* the edge just outside of it,
and more so than farther out: asphalt and grass vary everywhere, paper nowhere. Compare the
directional energy of structure tensors: Bigün and Granlund, "Optimal Orientation Detection of
Linear Symmetry", ICCV 1987.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from gpu_workers.imaging.arrays import Photo
from gpu_workers.imaging.segmentation.background import Field, to_lab
from gpu_workers.imaging.segmentation.regions import Mask

NARROW_SHARE: Final = 0.002
"""Half width of the band at a clean edge, in longest sides: 4 px at 2000."""
WIDE_SHARE: Final = 0.0075
"""Half width of the band at fur: 15 px at 2000."""
LEAST_PX: Final = 4
"""Half width below which a band misses the edge on small photos."""

_SIDE_PX: Final = 800
"""Longest side at which strands are looked for; the distances below are pixels at this size."""
_BODY_SIGMA: Final = 4.0
_NORMAL_SIGMA: Final = 5.0
_NEAR: Final = (1, 7)
_FAR: Final = (14, 28)
_REACH_SIGMA: Final = 10.0
_COARSE: Final = 4
_EXCESS: Final = (0.3, 1.3)
"""Lab units to a pixel by which colors change more along the edge than farther out: up to the
first an edge is clean (98 % of the edges of a hoodie, a vase and a lamp), from the second it is
rough (spines of a cactus)."""
_LEANING: Final = (0.35, 0.75)
"""The change along the edge over that across it: text and folds near a clean edge stay below."""


def edge_band(photo: Photo, mask: Mask) -> npt.NDArray[np.int32]:
    """Return how far to either side of the edge opacity is unknown.

    Parameters
    ----------
    photo
        (h, w, 3) uint8, sRGB encoded.
    mask
        (h', w') bool, the same frame at any smaller or equal size.

    Returns
    -------
    (h, w) int32, pixels of ``photo``: `NARROW_SHARE` of the longest side, and up to `WIDE_SHARE`
    near edges that are rough, at least `LEAST_PX`. A pixel is unknown if its distance to the
    edge is at most its own value.
    """
    height, width = photo.shape[:2]
    narrow = max(LEAST_PX, round(NARROW_SHARE * max(height, width)))
    wide = max(LEAST_PX, round(WIDE_SHARE * max(height, width)))
    rough = cv2.resize(roughness(photo, mask), (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(narrow + np.round((wide - narrow) * rough), np.int32)


def roughness(photo: Photo, mask: Mask) -> Field:
    """Return how rough the edge is about each point of a grid of at most 200 by 200, 0 to 1.

    Parameters
    ----------
    photo
        (h, w, 3) uint8, sRGB encoded.
    mask
        (h', w') bool, the same frame at any smaller or equal size.

    Returns
    -------
    (h'', w'') float32, the same frame; means something only near the edge and is 0 far away.
    """
    height, width = photo.shape[:2]
    scale = min(1.0, _SIDE_PX / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = np.asarray(cv2.resize(photo, size, interpolation=cv2.INTER_AREA), np.uint8)
    soft = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    outside = _distance_outside(np.asarray(soft, np.float32))
    along, across = _changes(to_lab(small), outside)
    near = _between(outside, _NEAR)
    here, there = _mean(along, near), _mean(along, _between(outside, _FAR))
    excess = np.interp(here - there, _EXCESS, (0, 1))
    leaning = np.interp(here / (_mean(across, near) + _EXCESS[0]), _LEANING, (0, 1))
    return np.asarray(excess * leaning, np.float32)


def _distance_outside(soft: Field) -> Field:
    """Return the distance from the smoothed outline, negative inside; infinite without one."""
    body = (cv2.GaussianBlur(soft, (0, 0), _BODY_SIGMA) > 0.5).astype(np.uint8)
    if not body.any() or body.all():
        return np.full(soft.shape, np.inf, np.float32)
    outer = cv2.distanceTransform(1 - body, cv2.DIST_L2, 5)
    inner = cv2.distanceTransform(body, cv2.DIST_L2, 5)
    return np.asarray(outer - inner, np.float32)


def _changes(lab: npt.NDArray[np.float32], outside: Field) -> tuple[Field, Field]:
    """Return how much color changes to a pixel along the outline, and across it."""
    smooth = cv2.GaussianBlur(np.where(np.isfinite(outside), outside, 0), (0, 0), _NORMAL_SIGMA)
    normal_x, normal_y = _slopes(np.asarray(smooth, np.float32))
    length = np.hypot(normal_x, normal_y) + 1e-3
    unit_x, unit_y = (normal_x / length)[..., None], (normal_y / length)[..., None]
    slope_x, slope_y = _slopes(lab)
    along = np.linalg.norm(slope_y * unit_x - slope_x * unit_y, axis=2)
    across = np.linalg.norm(slope_x * unit_x + slope_y * unit_y, axis=2)
    return np.asarray(along, np.float32), np.asarray(across, np.float32)


def _slopes(picture: npt.NDArray[np.float32]) -> tuple[Field, Field]:
    across = cv2.Sobel(picture, cv2.CV_32F, 1, 0, scale=1 / 8)
    down = cv2.Sobel(picture, cv2.CV_32F, 0, 1, scale=1 / 8)
    return np.asarray(across, np.float32), np.asarray(down, np.float32)


def _between(distance: Field, limits: tuple[int, int]) -> Field:
    return ((distance > limits[0]) & (distance <= limits[1])).astype(np.float32)


def _mean(field: Field, ring: Field) -> Field:
    """Return the mean over the ring about each pixel, on a coarser grid; 0 far from the ring."""
    size = max(1, ring.shape[1] // _COARSE), max(1, ring.shape[0] // _COARSE)
    sigma = _REACH_SIGMA / _COARSE
    total, mass = (
        cv2.GaussianBlur(cv2.resize(each, size, interpolation=cv2.INTER_AREA), (0, 0), sigma)
        for each in (field * ring, ring)
    )
    return np.asarray(total / (mass + 1e-3), np.float32)
