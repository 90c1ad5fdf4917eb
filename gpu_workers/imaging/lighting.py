"""How light falls on wall and ground, and the color it takes from the product.

Owns brightness as smooth maps around 1 and the tint of shadows. Does not own shadows of the
product (`shadow`). Coordinates are shares of the canvas: x and y from 0 to 1; on the ground, x
in units from the product and depth as in `camera.Ground`.
"""

from __future__ import annotations

import math
from typing import Final, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from gpu_workers.imaging.arrays import Image, Matte
from gpu_workers.imaging.camera import Ground
from gpu_workers.imaging.color import luminance, to_lab
from gpu_workers.scene_spec import Light

Floats: TypeAlias = npt.NDArray[np.float32]

_MAP_PX: Final = 400
_FRONDS: Final = (
    (-0.08, 0.02, 0.42, 0.78),
    (-0.10, 0.34, 0.08, 0.66),
    (0.20, -0.12, 1.02, 0.62),
    (-0.12, 0.62, -0.30, 0.60),
)
"""Foot across (of the width) and down (of the height), heading in radians, length in heights."""
_NEUTRAL_CHROMA: Final = 9.0
_MAX_TINT: Final = 0.025
"""Largest change of a channel of the backdrop: more would no longer be the color ordered."""


def light_maps(canvas: tuple[int, int], ground: Ground, light: Light) -> tuple[Floats, Floats]:
    """Return the light on the wall and on the ground for every pixel of a canvas.

    Both are (h, w) float32 around 1; the ground is 1 where the product stands. Only the rows
    where wall or ground are visible mean anything.
    """
    width, height = canvas
    scale = min(1.0, _MAP_PX / max(canvas))
    size = (max(2, round(width * scale)), max(2, round(height * scale)))
    y, x = np.mgrid[0 : size[1], 0 : size[0]].astype(np.float32)
    y, x = (y + 0.5) / size[1], (x + 0.5) / size[0]
    side = math.sin(math.radians(light.azimuth_deg))
    wall = _wall_light(x, y, ground.edge / height, side, light.falloff)
    floor = _floor_light(x * width, y * height, ground, side, light.falloff)
    if light.pattern == "window":
        wall *= _window_on_wall(x, y * height / width, ground.edge / width, side)
        floor *= _window_on_floor(x * width, y * height, ground, side)
    if light.pattern == "foliage":
        shade_x, shade_y = x * width / height, y
        leaves = foliage_shadow(shade_x, shade_y, side)
        wall *= leaves
        floor *= 0.5 + 0.5 * leaves
    base_row = min(size[1] - 1, int(ground.base * scale))
    floor /= max(0.2, float(floor[base_row, size[0] // 2]))
    return _enlarged(wall, canvas), _enlarged(floor, canvas)


def shade(backdrop: Image, dark: Floats, tint: Floats) -> Image:
    """Return the backdrop under a shadow map. Deep shadows keep a trace of the surface's hue.

    Parameters
    ----------
    backdrop
        (h, w, 3) float32, linear sRGB.
    dark
        (h, w) float32, 0 is lit and 1 is black.
    tint
        (3,) light that reaches shadows, as a share of what reaches lit parts.
    """
    result = np.empty_like(backdrop)
    left = np.empty_like(dark)
    for channel in range(3):
        np.multiply(dark, tint[channel] - 1, out=left)
        left += 1
        np.multiply(backdrop[..., channel], left, out=result[..., channel])
    return result


def ambient_tint(color: Floats) -> Floats:
    """Return the light that bounces into a shadow on a surface of this color, 0 to 1."""
    hue = color / max(1e-4, float(color.max()))
    return np.asarray(0.04 + 0.07 * hue, np.float32)


def matched_tint(color: Image, matte: Matte) -> Floats:
    """Return gains for the backdrop that bring its white point to that of the product.

    The scene follows the product, never the reverse: the product's pixels stay as photographed.
    Read from the product's near-neutral light parts; (1, 1, 1) where it has too few of them.
    """
    layer = np.dstack([color, matte])
    small = np.asarray(cv2.resize(layer, (96, 96), interpolation=cv2.INTER_AREA), np.float32)
    pixels = small[small[..., 3] > 0.98][:, :3]
    if pixels.shape[0] < 50:
        return np.ones(3, np.float32)
    lab = to_lab(pixels)
    chroma = np.hypot(lab[:, 1], lab[:, 2])
    neutral = pixels[(chroma < _NEUTRAL_CHROMA) & (lab[:, 0] > 62) & (lab[:, 0] < 98)]
    if neutral.shape[0] < max(40, 0.03 * pixels.shape[0]):
        return np.ones(3, np.float32)
    mean = neutral.mean(axis=0)
    gain = mean / max(1e-4, float(luminance(mean)))
    return np.asarray(np.clip(gain, 1 - _MAX_TINT, 1 + _MAX_TINT), np.float32)


def _wall_light(x: Floats, y: Floats, edge: float, side: float, falloff: float) -> Floats:
    glow_x, glow_y = 0.5 + 0.22 * side, max(0.12, edge - 0.22)
    glow = np.exp(-(((x - glow_x) / 0.62) ** 2 + ((y - glow_y) / 0.60) ** 2))
    slope = 1 + 0.30 * falloff * side * (x - 0.5) * 2
    return np.asarray((1 - falloff * 0.62 * (1 - glow)) * slope, np.float32)


def _floor_light(
    column: Floats, row: Floats, ground: Ground, side: float, falloff: float
) -> Floats:
    across = (column - ground.center) / ground.unit_px
    if ground.pitch == "top":
        along = (row - ground.base) / ground.unit_px + 0.35
        distance = ((across - 0.55 * side) / 1.0) ** 2 + ((along + 0.35) / 1.0) ** 2
    else:
        depth = np.minimum(ground.depth(row), 6.0).astype(np.float32)
        along = (depth - 1) * ground.focal_units
        distance = ((across * depth - 0.30 * side) / 0.85) ** 2 + ((along - 0.1) / 0.95) ** 2
    pool = 1 / (1 + distance)
    slope = np.clip(1 + 0.35 * falloff * side * across, 0.5, 1.6)
    return np.asarray((1 - 0.75 * falloff * (1 - pool)) * slope, np.float32)


def _window_on_wall(x: Floats, y: Floats, edge: float, side: float) -> Floats:
    """Return panes of light, slanted away from the window, with wide penumbrae."""
    lean = -0.45 * math.copysign(1, side)
    center = 0.5 - 0.16 * side
    u = (x - center) + lean * (y - edge * 0.5)
    columns = _bump(u, -0.14, 0.115, 0.035) + _bump(u, 0.14, 0.115, 0.035)
    middle = edge * 0.5
    panes = columns * (_bump(y, middle - 0.19, 0.16, 0.04) + _bump(y, middle + 0.19, 0.16, 0.04))
    return np.asarray(0.80 + 0.34 * panes, np.float32)


def _window_on_floor(column: Floats, row: Floats, ground: Ground, side: float) -> Floats:
    across = (column - ground.center) / ground.unit_px
    depth = np.ones_like(across)
    if ground.pitch != "top":
        depth = np.minimum(ground.depth(row), 4.0).astype(np.float32)
    along = (depth - 1) * ground.focal_units
    u = np.asarray(across * depth + 0.8 * math.copysign(1, side) * along, np.float32)
    panes = _bump(u, -0.55, 0.2, 0.07) + _bump(u, -0.05, 0.2, 0.07) + _bump(u, 0.45, 0.2, 0.07)
    return np.asarray(0.86 + 0.16 * panes, np.float32)


def foliage_shadow(x: Floats, y: Floats, side: float) -> Floats:
    """Return the light between the leaves of a palm outside the window, 0.6 to 1.1.

    Parameters
    ----------
    x, y
        Coordinates in canvas heights.
    side
        From where the light comes, -1 left to 1 right; the fronds hang in from there.
    """
    dark = np.zeros_like(x)
    toward = math.copysign(1.0, side)
    right = float(x.max())
    for foot_x, foot_y, heading, length in _FRONDS:
        start = foot_x * right if toward < 0 else (1 - foot_x) * right
        angle = heading if toward < 0 else math.pi - heading
        along = (x - start) * math.cos(angle) + (y - foot_y) * math.sin(angle)
        across = -(x - start) * math.sin(angle) + (y - foot_y) * math.cos(angle)
        across = across - 0.22 * along**2 * toward
        reach = np.clip(along / length, 0, 1)
        width = 0.30 * length * np.sin(np.pi * (0.12 + 0.87 * reach)) ** 0.7
        # Leaflets leave the rib at an angle: stripes that run with it the farther out they are.
        stripe = np.mod((along - 0.9 * np.abs(across)) / (0.075 * length), 1.0)
        leaflet = _bump(np.asarray(stripe, np.float32), 0.5, 0.30, 0.16)
        inside = (along > 0) & (along < length) & (np.abs(across) < width)
        edge = np.clip(1 - (np.abs(across) / np.maximum(width, 1e-4)) ** 4, 0, 1)
        frond = np.where(inside, leaflet * edge, 0)
        frond = np.maximum(frond, np.exp(-((across / (0.012 * length)) ** 2)) * inside)
        dark = np.maximum(dark, frond)
    sigma = 0.011 * dark.shape[0]
    soft = cv2.GaussianBlur(dark.astype(np.float32), (0, 0), max(0.6, sigma))
    return np.asarray(1.10 - 0.52 * soft, np.float32)


def _bump(value: Floats, center: float, half: float, soft: float) -> Floats:
    """Return 1 within `half` of the center, 0 beyond, over a soft edge."""
    inside = (half - np.abs(value - center)) / soft
    return np.asarray(1 / (1 + np.exp(-2.2 * np.clip(inside, -9, 9))), np.float32)


def _enlarged(values: Floats, canvas: tuple[int, int]) -> Floats:
    return np.asarray(cv2.resize(values, canvas, interpolation=cv2.INTER_CUBIC), np.float32)
