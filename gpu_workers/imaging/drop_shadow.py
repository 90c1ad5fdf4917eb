"""The shadow of something that lies on a surface or hangs just before one, seen square on.

Owns shadow strength as a map over the canvas, 0 (lit) to 1 (black). Standing products are
`shadow`'s. Everything here is soft, so it is computed on a canvas of at most 640 px and enlarged.

Source: Fernando, "Percentage-Closer Soft Shadows" (2005) for the penumbra that grows with the
height of what throws the shadow.
"""

from __future__ import annotations

import math
from typing import Final, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from gpu_workers.imaging.arrays import Matte
from gpu_workers.imaging.framing import product_box
from gpu_workers.scene_spec import Light

Floats: TypeAlias = npt.NDArray[np.float32]

_WORK_PX: Final = 640
_HEIGHTS: Final = (0.3, 0.65, 1.0)
"""Heights, in lifts, that throw the cast shadow: the edge of cloth lies low, its body higher, so
the shadow is dark and sharp beside the edge and runs out softly."""
_LOWEST_ELEVATION_DEG: Final = 20.0
"""A lower light would throw the shadow of cloth over the whole table."""
_OCCLUSION: Final = ((0.10, 0.45), (0.40, 0.30), (1.20, 0.22))
"""Blur, in lifts, and strength of crease, near and wide occlusion."""
_FINEST: Final = 0.0025
"""Least blur in product sizes: no shadow on a real surface is sharper."""


def drop_shadow(matte: Matte, light: Light, *, lift: float) -> Floats:
    """Return how much light the product takes from each pixel of the surface behind it.

    Parameters
    ----------
    matte
        (h, w) float32, the product's opacity on the canvas.
    light
        Direction, softness and strengths; ``azimuth_deg`` is where the light comes from, seen
        from the middle of the picture: 0 from the upper edge, negative from the left.
    lift
        How high the product rises over the surface, in its longest sides; more than 0.

    Returns
    -------
    (h, w) float32, 0 is fully lit and 1 is no light at all.
    """
    height, width = matte.shape
    box = product_box(matte)
    if box is None or light.contact_shadow == light.cast_shadow == 0:
        return np.zeros_like(matte)
    scale = min(1.0, _WORK_PX / max(height, width))
    work = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = np.asarray(cv2.resize(matte, work, interpolation=cv2.INTER_AREA), np.float32)
    size = max(box.width, box.height) * scale
    contact = light.contact_shadow * _occlusion(small, size, lift)
    cast = light.cast_shadow * _cast(small, size, lift, light)
    dark = 1 - (1 - contact) * (1 - cast)
    enlarged = cv2.resize(dark, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(np.clip(enlarged, 0, 1), np.float32)


def _occlusion(matte: Matte, size: float, lift: float) -> Floats:
    """Return the darkness all round, where the product hides part of the room's light."""
    total = np.zeros_like(matte)
    for spread, strength in _OCCLUSION:
        blurred = _blurred(matte, size * max(_FINEST, spread * lift))
        total = 1 - (1 - total) * (1 - strength * np.clip(1.6 * blurred, 0, 1))
    return np.asarray(total, np.float32)


def _cast(matte: Matte, size: float, lift: float, light: Light) -> Floats:
    elevation = math.radians(max(light.elevation_deg, _LOWEST_ELEVATION_DEG))
    azimuth = math.radians(light.azimuth_deg)
    total = np.zeros_like(matte)
    for share in _HEIGHTS:
        rise = share * lift * size
        throw = rise / math.tan(elevation)
        move = np.array(
            [[1, 0, -math.sin(azimuth) * throw], [0, 1, math.cos(azimuth) * throw]], np.float32
        )
        size_px = (matte.shape[1], matte.shape[0])
        moved = np.asarray(cv2.warpAffine(matte, move, size_px), np.float32)
        spread = max(_FINEST * size, rise * (0.12 + 1.1 * light.softness))
        total = np.maximum(total, _blurred(moved, spread) * (1.12 - 0.22 * share))
    return np.asarray(np.clip(total, 0, 1), np.float32)


def _blurred(matte: Matte, sigma: float) -> Floats:
    return np.asarray(cv2.GaussianBlur(matte, (0, 0), max(0.6, sigma)), np.float32)
