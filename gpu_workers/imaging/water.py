"""Shallow water: ripples that bend what it mirrors.

Owns the slopes of the surface as maps over the canvas. What is mirrored is drawn by those who know
it: the wall by `backdrop`, the product by `reflection`.
"""

from __future__ import annotations

import math
from typing import Final, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from gpu_workers.imaging.camera import Ground

Floats: TypeAlias = npt.NDArray[np.float32]

_WAVES: Final = 14
_LENGTHS: Final = (0.05, 0.34)
"""Shortest and longest wave, in units of the ground (about 40 cm)."""
_RINGS: Final = 0.16
"""Length of the rings that a thing put down sends out, in the same units."""
_FAR: Final = 3.2
"""Depth from which waves are finer than a pixel and only dull the mirror."""


def ripples(canvas: tuple[int, int], ground: Ground, *, seed: int) -> tuple[Floats, Floats]:
    """Return the slope of the water across and along the view.

    Parameters
    ----------
    canvas
        Width and height.
    ground
        The plane of the water. Rings run out from where the product stands.
    seed
        Another one, another breeze.

    Returns
    -------
    Two (h, w) float32 maps, about -1 to 1; 0 above the water's edge.
    """
    width, height = canvas
    scale = min(1.0, 900 / max(canvas))
    size = (max(2, round(width * scale)), max(2, round(height * scale)))
    rows = (np.arange(size[1], dtype=np.float64)[:, np.newaxis] + 0.5) / scale
    columns = (np.arange(size[0], dtype=np.float64)[np.newaxis, :] + 0.5) / scale
    if ground.pitch == "top":
        depth = np.ones_like(rows)
        along = (ground.base - rows) / ground.unit_px
    else:
        depth = np.minimum(ground.depth(rows), 12.0)
        along = (depth - 1) * ground.focal_units
    across = (columns - ground.center) * depth / ground.unit_px
    generator = np.random.default_rng((seed, 31))
    slope_x = np.zeros((size[1], size[0]))
    slope_y = np.zeros((size[1], size[0]))
    for length in np.geomspace(*_LENGTHS, _WAVES):
        heading = generator.normal(0.5 * math.pi, 0.7)
        phase = (
            2
            * math.pi
            * (
                (across * math.cos(heading) + along * math.sin(heading)) / length
                + generator.uniform()
            )
        )
        # Waves shorter than two pixels of this row would alias into a moire.
        seen = np.clip(1.6 - depth * 2.5 / (length * ground.unit_px * scale), 0, 1)
        wave = np.cos(phase) * seen * math.sqrt(length)
        slope_x += wave * math.cos(heading)
        slope_y += wave * math.sin(heading)
    away = np.hypot(across, along)
    rings = np.cos(2 * math.pi * away / _RINGS) * np.exp(-away / 0.55) * 0.9
    slope_x += rings * across / np.maximum(away, 1e-3)
    slope_y += rings * along / np.maximum(away, 1e-3)
    fade = np.clip((_FAR + 2 - depth) / 2, 0.15, 1) * (rows > ground.edge)
    return _enlarged(0.5 * slope_x * fade, canvas), _enlarged(0.5 * slope_y * fade, canvas)


def _enlarged(values: npt.NDArray[np.float64], canvas: tuple[int, int]) -> Floats:
    small = values.astype(np.float32)
    return np.asarray(cv2.resize(small, canvas, interpolation=cv2.INTER_CUBIC), np.float32)
