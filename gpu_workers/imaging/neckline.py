"""The open neck of a garment whose wearer is gone.

Owns the edge of the front's neck as it is seen in a silhouette. A neck that shows the inside of
the back, as on a garment laid flat or on a hanger, is closed: there nothing is missing. Units:
pixels; rows grow downwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from gpu_workers.imaging.arrays import Matte
from gpu_workers.imaging.garment_pose import GarmentPose

Points: TypeAlias = npt.NDArray[np.float64]

_REACH: Final = 0.36
"""How far from the axis a collar may end, in torso widths."""
_LEAST_DEPTH: Final = 0.035
"""Dip of the upper edge, in torso widths, from which a neck is open; flatter is a collar."""
_LEAST_WIDTH: Final = 0.12
_LEVEL: Final = 0.12
"""Difference in height of the two ends, in torso widths, up to which both are a collar's."""
_SMOOTH: Final = 0.006


@dataclass(frozen=True, slots=True)
class Neckline:
    """The edge of an open neck."""

    edge: Points
    """(n, 2) x and y of the front's edge, from its left end to its right, one for each column."""

    @property
    def left(self) -> Points:
        """Where the collar ends on the left, as seen."""
        return np.asarray(self.edge[0])

    @property
    def right(self) -> Points:
        """Where the collar ends on the right."""
        return np.asarray(self.edge[-1])

    @property
    def width(self) -> float:
        """Distance of the two ends across."""
        return float(self.edge[-1, 0] - self.edge[0, 0])

    @property
    def depth(self) -> float:
        """How far the lowest point lies below the middle of the ends."""
        return float(self.edge[:, 1].max() - (self.edge[0, 1] + self.edge[-1, 1]) / 2)


def find_neckline(matte: Matte, pose: GarmentPose) -> Neckline | None:
    """Return the edge of an open neck, or None where a garment has none.

    The ends are the highest points on either side of the axis; between them the upper edge dips.

    Parameters
    ----------
    matte
        (h, w) float32, the garment without its wearer.
    """
    height, width = matte.shape
    torso = pose.torso_width
    first = max(0, round(pose.axis - _REACH * torso))
    last = min(width - 1, round(pose.axis + _REACH * torso))
    middle = round(pose.axis)
    if not first + 4 < middle < last - 4:
        return None
    seen = matte[:, first : last + 1] > 0.5
    top = np.where(seen.any(axis=0), np.argmax(seen, axis=0), height).astype(np.float32)
    size = 2 * max(1, round(_SMOOTH * torso)) + 1
    smooth = cv2.medianBlur(top[np.newaxis], 5)[0] if top.size > 5 else top
    smooth = np.asarray(cv2.blur(smooth[np.newaxis], (size, 1)), np.float64)[0]
    lowest_near = _lowest(smooth, middle - first, round(0.14 * torso))
    left = _last_minimum(smooth[: lowest_near + 1])
    right = lowest_near + _first_minimum(smooth[lowest_near:])
    if right - left < _LEAST_WIDTH * torso:
        return None
    ends = smooth[[left, right]]
    depth = float(smooth[left : right + 1].max() - ends.max())
    if depth < _LEAST_DEPTH * torso or abs(ends[0] - ends[1]) > _LEVEL * torso:
        return None
    columns = np.arange(left, right + 1)
    return Neckline(np.column_stack([columns + first + 0.0, top[left : right + 1]]))


def _lowest(top: npt.NDArray[np.float64], middle: int, reach: int) -> int:
    """Return the column near the middle where the edge lies lowest."""
    first, last = max(0, middle - reach), min(len(top), middle + reach + 1)
    part = top[first:last]
    candidates = np.flatnonzero(part >= part.max() - 1e-6)
    return first + int(candidates[len(candidates) // 2])


def _last_minimum(values: npt.NDArray[np.float64]) -> int:
    return len(values) - 1 - int(np.argmin(values[::-1]))


def _first_minimum(values: npt.NDArray[np.float64]) -> int:
    return int(np.argmin(values))
