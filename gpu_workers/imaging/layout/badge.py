"""What words stand on: buttons, cards, badges.

Owns shapes as coverage. Does not own their color, place or words.

Units: pixels of the canvas; coverage is (h, w) float32, 0 to 1, with even edges.
"""

from __future__ import annotations

import math
from typing import Final

import cv2
import numpy as np

from gpu_workers.imaging.arrays import Matte
from gpu_workers.kind_options.collateral import BadgeShape

_SHARP: Final = 4
_POINTS: Final = 24
"""Points of a burst: enough to be a seal, few enough to be seen at 150 px."""
_DEPTH: Final = 0.09
"""How deep its points are cut, as a share of the radius."""
_NOTCH: Final = 0.32
"""How deep the ends of a ribbon are cut, as a share of its height."""

PROPORTION: Final[dict[BadgeShape, float]] = {
    "circle": 1.0,
    "burst": 1.0,
    "ribbon": 2.5,
    "pill": 2.5,
}
"""Width over height."""

ROOM: Final[dict[BadgeShape, tuple[float, float]]] = {
    "circle": (0.74, 0.58),
    "burst": (0.68, 0.54),
    "ribbon": (0.68, 0.58),
    "pill": (0.78, 0.60),
}
"""Part of width and height that words may take: within the shape with air around them."""

TILT_DEG: Final[dict[BadgeShape, float]] = {
    "circle": 8.0,
    "burst": 8.0,
    "ribbon": 0.0,
    "pill": 0.0,
}
"""How far a badge is turned, against the clock."""


def rounded(size: tuple[int, int], radius: float) -> Matte:
    """Return a rectangle with round corners.

    Parameters
    ----------
    size
        Width and height.
    radius
        Of the corners, as a share of the shorter side, 0 to 0.5.
    """
    width, height = size
    half_w, half_h = width / 2, height / 2
    curve = radius * min(width, height)
    x = np.abs(np.arange(width, dtype=np.float32) + 0.5 - half_w) - (half_w - curve)
    y = np.abs(np.arange(height, dtype=np.float32) + 0.5 - half_h) - (half_h - curve)
    outside = np.hypot(np.maximum(x, 0)[np.newaxis], np.maximum(y, 0)[:, np.newaxis])
    inside = np.minimum(np.maximum(x[np.newaxis], y[:, np.newaxis]), 0)
    # The distance to the edge, one pixel around it, is the coverage.
    return np.asarray(np.clip(0.5 + curve - outside - inside, 0, 1), np.float32)


def badge_shape(shape: BadgeShape, size: tuple[int, int], radius: float) -> Matte:
    """Return a badge of a width and height."""
    width, height = size
    if shape == "circle":
        return rounded(size, 0.5)
    if shape == "pill":
        return rounded(size, radius)
    points = _burst(width, height) if shape == "burst" else _ribbon(width, height)
    sheet = np.zeros((height * _SHARP, width * _SHARP), np.uint8)
    cv2.fillPoly(sheet, [np.round(points * _SHARP).astype(np.int32)], 255)
    small = cv2.resize(sheet, size, interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32) / np.float32(255)


def turned(coverage: Matte, degrees: float) -> Matte:
    """Return a coverage turned about its middle, against the clock, in a frame of the same size."""
    if degrees == 0:
        return coverage
    height, width = coverage.shape
    about = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1.0)
    flags = cv2.INTER_CUBIC
    return np.asarray(
        np.clip(cv2.warpAffine(coverage, about, (width, height), flags=flags), 0, 1), np.float32
    )


def _burst(width: int, height: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    angle = np.arange(2 * _POINTS) * math.pi / _POINTS
    reach = np.where(np.arange(2 * _POINTS) % 2 == 0, 1.0, 1.0 - _DEPTH)
    x = width / 2 * (1 + reach * np.cos(angle))
    y = height / 2 * (1 + reach * np.sin(angle))
    return np.stack([x, y], axis=1)


def _ribbon(width: int, height: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    notch = _NOTCH * height
    return np.array(
        [
            (0, 0),
            (width, 0),
            (width - notch, height / 2),
            (width, height),
            (0, height),
            (notch, height / 2),
        ],
        np.float64,
    )
