"""What makes a product stand: the line where it meets the ground, contact and cast shadows.

Owns shadow strength as a map over the canvas, 0 (lit) to 1 (black). Does not own the color of
shadows (`lighting`). Everything here is soft, so it is computed on a canvas of at most 640 px
and enlarged.

Sources: Porter and Duff (1984) for layers; Fernando, "Percentage-Closer Soft Shadows" (2005)
for penumbrae that grow with distance; the height of a pixel above its base line as the third
dimension follows Sheng et al., "PixHt-Lab" (CVPR 2023).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from gpu_workers.imaging.arrays import Matte
from gpu_workers.imaging.camera import Ground
from gpu_workers.imaging.framing import product_box
from gpu_workers.scene_spec import CameraPitch, Light

Floats: TypeAlias = npt.NDArray[np.float32]

_WORK_PX: Final = 640
_MAX_SLOPE: Final[dict[CameraPitch, float]] = {"front": 0.16, "slightly_above": 0.5, "top": 0.5}
"""Steepest stretch of the lower hull a product may stand on: from above, the base of a turned
box runs up into the picture and the base of a jar is the front of an ellipse."""
_GAP: Final[dict[CameraPitch, float]] = {"front": 0.02, "slightly_above": 0.028, "top": 0.03}
"""Distance above the standing line, in product sizes, at which contact has faded to a third."""
_RAISED: Final[dict[CameraPitch, float]] = {"front": 0.08, "slightly_above": 0.3, "top": 0.3}
"""The same for the distance above the lowest point of all."""
_FOOT_GAP: Final = 0.1
"""Feet up to this far above the standing line are rear feet, not overhangs."""
_FOOT_WIDTH: Final = 0.14
_LYING_HEIGHT: Final = 0.05
"""Height over the surface assumed for products seen from straight above, in product sizes."""


_CONTACT_SCALES: Final = ((0.005, 0.007, 0.85), (0.018, 0.024, 0.75), (0.06, 0.06, 0.5))
"""Blur, half width and strength of crease, near and wide occlusion, in product sizes."""
_THICKNESS: Final = 0.42
"""Depth of a product over its width, for the shadow: a silhouette alone would throw that of a
sheet of card."""


@dataclass(frozen=True, slots=True)
class Stance:
    """How a product stands, column by column of its canvas."""

    row: Floats
    """(w,) row on which each column would meet the ground."""
    contact: Floats
    """(w,) 0 hovers, 1 touches."""
    size: float
    """Longest side of the product in pixels."""


def shadow_map(matte: Matte, ground: Ground, light: Light) -> Floats:
    """Return how much light the product takes from each canvas pixel.

    Parameters
    ----------
    matte
        (h, w) float32, the product's opacity on the canvas.
    ground
        The plane it stands on.
    light
        Direction, softness and strengths.

    Returns
    -------
    (h, w) float32, 0 is fully lit and 1 is no light at all.
    """
    height, width = matte.shape
    box = product_box(matte)
    if box is None or light.contact_shadow == light.cast_shadow == 0:
        return np.zeros_like(matte)
    scale = min(1.0, _WORK_PX / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = np.asarray(cv2.resize(matte, size, interpolation=cv2.INTER_AREA), np.float32)
    if ground.pitch == "top":
        dark = _lying_shadow(small, max(box.width, box.height) * scale, light)
    else:
        stance = find_stance(small, ground.pitch)
        contact = light.contact_shadow * contact_shadow(small.shape, stance, ground)
        cast = light.cast_shadow * cast_shadow(small, stance, ground, light)
        cast *= _above_edge(small.shape[0], ground.edge * scale, stance.size)[:, np.newaxis]
        dark = 1 - (1 - contact) * (1 - cast)
    return np.asarray(
        np.clip(cv2.resize(dark, (width, height), interpolation=cv2.INTER_CUBIC), 0, 1), np.float32
    )


def find_stance(matte: Matte, pitch: CameraPitch) -> Stance:
    """Return where each column of a product meets the ground.

    The standing line is the flat stretch of the silhouette's lower convex hull: what a product
    stands on lies on its hull. Columns near the line touch; narrow feet some way above it are
    the rear ones; everything else overhangs.
    """
    box = product_box(matte)
    columns = np.arange(matte.shape[1], dtype=np.float32)
    if box is None:
        return Stance(np.full(columns.shape, matte.shape[0], np.float32), columns * 0, 1.0)
    size = float(max(box.width, box.height))
    opaque = matte > 0.5
    has = np.asarray(opaque.any(axis=0), np.bool_)
    lowest = matte.shape[0] - np.argmax(opaque[::-1], axis=0).astype(np.float32)
    line = _standing_line(columns, lowest, has, _MAX_SLOPE[pitch])
    gap = np.where(has, np.maximum(line - lowest, 0), size)
    raised = (float(lowest[has].max()) - lowest) / (_RAISED[pitch] * size)
    contact = np.exp(-((gap / (_GAP[pitch] * size)) ** 2) - raised**2)
    if pitch != "front":
        contact = np.maximum(contact, 0.8 * _rear_feet(lowest, has, gap, size))
    contact = np.where(has, contact, 0).astype(np.float32)
    row = np.where(has, contact * lowest + (1 - contact) * line, line).astype(np.float32)
    smooth = cv2.GaussianBlur(row[np.newaxis], (0, 0), max(0.6, 0.004 * size))[0]
    return Stance(np.asarray(smooth, np.float32), contact, size)


def contact_shadow(shape: tuple[int, ...], stance: Stance, ground: Ground) -> Floats:
    """Return the darkness where light cannot reach under the product, 0 to 1.

    A band along the contact line, blurred at three scales: the crease, the near and the wide
    occlusion, each squashed by the view of the ground.
    """
    flat = min(1.0, max(0.3, 1.25 * ground.foreshortening))
    rows = np.arange(shape[0], dtype=np.float32)[:, np.newaxis] + 0.5
    total = np.zeros(shape, np.float32)
    for sigma, half, strength in _CONTACT_SCALES:
        thickness = max(0.6, half * stance.size * flat)
        band = np.clip(thickness + 0.5 - np.abs(rows - stance.row), 0, 1) * stance.contact
        spread = max(0.6, sigma * stance.size)
        blurred = cv2.GaussianBlur(band, (0, 0), spread, sigmaY=max(0.6, spread * flat))
        total = 1 - (1 - total) * (1 - strength * np.clip(1.25 * blurred, 0, 1))
    return np.asarray(total, np.float32)


def cast_shadow(matte: Matte, stance: Stance, ground: Ground, light: Light) -> Floats:
    """Return the shadow the product throws on the ground, 0 to 1.

    Each ground pixel is followed towards the light to the silhouette: over a column at (x, b)
    a part of height t shades the pixel (x + t a, b - t k). The base b differs from column to
    column, so t is found by iteration.
    """
    height, width = matte.shape
    throw = 1 / math.tan(math.radians(light.elevation_deg))
    azimuth = math.radians(light.azimuth_deg)
    across = -math.sin(azimuth) * throw
    back = math.cos(azimuth) * throw * ground.foreshortening
    back = math.copysign(max(abs(back), 0.06), back)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    columns = np.arange(width, dtype=np.float32)
    tallest = np.float32(1.1 * stance.size)
    rise = np.clip((stance.row[np.newaxis] - y) / np.float32(back), 0, tallest)
    for _ in range(5):
        base = np.interp(x - across * rise, columns, stance.row).astype(np.float32)
        rise = 0.4 * rise + 0.6 * np.clip((base - y) / np.float32(back), -tallest, tallest)
    from_x = x - across * rise
    base = np.interp(from_x, columns, stance.row).astype(np.float32)
    hit = np.asarray(cv2.remap(matte, from_x, base - rise - 0.5, cv2.INTER_LINEAR), np.float32)
    hit *= np.clip(rise + 1, 0, 1)
    hit = _thickened(hit, stance, ground)
    reach = np.clip(rise / np.float32(stance.size), 0, 1.2)
    shadow = _growing_blur(hit, reach, stance.size, light.softness)
    return np.asarray(shadow * np.exp(-reach * (0.6 + 1.1 * light.softness)), np.float32)


def _standing_line(
    columns: Floats, lowest: Floats, has: npt.NDArray[np.bool_], max_slope: float
) -> Floats:
    """Return the lower hull where it is no steeper than allowed, continued level beyond."""
    hull: list[npt.NDArray[np.float32]] = []
    for point in np.stack([columns[has], lowest[has]], axis=1):
        while len(hull) > 1 and _turns_up(hull[-2], hull[-1], point):
            hull.pop()
        hull.append(point)
    bottom = max(range(len(hull)), key=lambda index: float(hull[index][1]))
    first = last = bottom
    while first > 0 and abs(_slope(hull[first - 1], hull[first])) <= max_slope:
        first -= 1
    while last < len(hull) - 1 and abs(_slope(hull[last], hull[last + 1])) <= max_slope:
        last += 1
    flat = np.stack(hull[first : last + 1])
    return np.asarray(np.interp(columns, flat[:, 0], flat[:, 1]), np.float32)


def _slope(first: npt.NDArray[np.float32], second: npt.NDArray[np.float32]) -> float:
    return float((second[1] - first[1]) / max(float(second[0] - first[0]), 1e-3))


def _turns_up(
    first: npt.NDArray[np.float32], second: npt.NDArray[np.float32], third: npt.NDArray[np.float32]
) -> bool:
    """Whether the middle point lies on or above the chord (rows grow downwards)."""
    cross = (second[0] - first[0]) * (third[1] - first[1]) - (second[1] - first[1]) * (
        third[0] - first[0]
    )
    return bool(cross >= 0)


def _rear_feet(lowest: Floats, has: npt.NDArray[np.bool_], gap: Floats, size: float) -> Floats:
    """Return 1 on columns whose lowest pixel ends a narrow leg not far above the line."""
    reach = max(1, round(_FOOT_WIDTH * size))
    around = np.where(has, lowest, 0)[np.newaxis]
    opened = cv2.morphologyEx(around, cv2.MORPH_OPEN, np.ones((1, 2 * reach + 1), np.uint8))[0]
    stands_out = np.clip((around[0] - opened - 0.05 * size) / (0.05 * size), 0, 1)
    tip = cv2.dilate(around, np.ones((1, reach), np.uint8))[0] - around[0] < 0.012 * size
    return np.asarray(stands_out * tip * (gap < _FOOT_GAP * size), np.float32)


def _growing_blur(hit: Floats, reach: Floats, size: float, softness: float) -> Floats:
    """Return the shadow blurred in proportion to the height of what throws it."""
    stops = (0.0, 0.2, 0.55, 1.2)
    layers = [
        cv2.GaussianBlur(
            hit, (0, 0), max(0.7, size * (0.004 + 0.012 * softness + 0.13 * softness * s))
        )
        for s in stops
    ]
    result = layers[-1]
    for index in range(len(stops) - 1):
        low, high = stops[index], stops[index + 1]
        share = (reach - low) / (high - low)
        blend = layers[index] * (1 - share) + layers[index + 1] * share
        result = np.where((reach >= low) & (reach < high), blend, result)
    return np.asarray(result, np.float32)


def _thickened(hit: Floats, stance: Stance, ground: Ground) -> Floats:
    """Return the shadow swept back over the depth of the product."""
    width = float((stance.contact > 0.2).sum())
    rows = round(_THICKNESS * min(width, 0.6 * stance.size) * ground.foreshortening)
    if rows < 2:
        return hit
    return np.asarray(
        cv2.dilate(hit, np.ones((rows, 1), np.uint8), anchor=(0, 0)), dtype=np.float32
    )


def _above_edge(height: int, edge: float, size: float) -> Floats:
    """Return 1 on the surface, falling to 0 towards its back edge: no shadow climbs the wall."""
    rows = np.arange(height, dtype=np.float32)
    return np.asarray(np.clip((rows - edge) / max(1.0, 0.12 * size), 0, 1), np.float32)


def _lying_shadow(matte: Matte, size: float, light: Light) -> Floats:
    throw = _LYING_HEIGHT * size / math.tan(math.radians(max(light.elevation_deg, 25.0)))
    azimuth = math.radians(light.azimuth_deg)
    move = np.array(
        [[1, 0, -math.sin(azimuth) * throw], [0, 1, math.cos(azimuth) * throw * 0.9]], np.float32
    )
    moved = cv2.warpAffine(matte, move, (matte.shape[1], matte.shape[0]))
    soft = max(0.8, size * (0.006 + 0.03 * light.softness))
    cast = cv2.GaussianBlur(moved, (0, 0), soft)
    near = cv2.GaussianBlur(matte, (0, 0), max(0.7, 0.006 * size))
    wide = cv2.GaussianBlur(matte, (0, 0), 0.03 * size)
    contact = np.clip(0.55 * near + 0.35 * wide, 0, 1)
    return np.asarray(
        1 - (1 - light.contact_shadow * contact) * (1 - light.cast_shadow * cast), np.float32
    )
