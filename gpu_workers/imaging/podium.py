"""A podium under the product: a drum or a block of painted plaster.

Owns its geometry and its shading. Does not own the shadow it throws, which is that of any body
(`shadow`), nor the product's on it. Results are (h, w, 3) float32 linear sRGB, premultiplied.

The podium's top is the plane the product stands on; its foot stands on the ground. Both are seen
from the height of `camera.Ground`, without perspective within the podium, which is shallow.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from gpu_workers.imaging.arrays import Image, Matte
from gpu_workers.imaging.camera import Ground
from gpu_workers.imaging.framing import Box
from gpu_workers.imaging.noise import fractal
from gpu_workers.scene_spec import Light

Floats: TypeAlias = npt.NDArray[np.float32]

_DEPTH: Final = 0.8
"""Depth of a product's base over its width: most are a little wider than deep."""
_MARGIN: Final = 0.06
"""Air left between podium and frame, as a share of the canvas."""
_NARROWEST: Final = 1.05
"""Over the product's width: narrower, and the product would stand in the air."""
_LOWEST: Final = 0.03
_AMBIENT: Final = 0.56
_RIM: Final = 0.004
"""Width of the rounded edge that catches the light, in canvas widths."""
_FOOT: Final = 0.16
"""How much darker the side gets towards the ground that shades it."""
_SUBPIXEL: Final = 3
"""Bits below the pixel in which outlines are drawn."""


@dataclass(frozen=True, slots=True)
class Podium:
    """Where a podium stands on the canvas, in pixels."""

    shape: Literal["round", "block"]
    center: float
    """Column of its middle."""
    top: float
    """Row of the middle of its top."""
    half_width: float
    half_depth: float
    """Half the rows that its top covers."""
    height: float
    """Rows of its side."""

    @property
    def foot(self) -> float:
        """Row on which its front stands on the ground."""
        return self.top + self.half_depth + self.height


def plan_podium(
    product: Box,
    ground: Ground,
    canvas: tuple[int, int],
    *,
    shape: Literal["round", "block"],
    width: float,
    height: float,
) -> Podium:
    """Return the podium on which a product's base rests on its middle.

    Parameters
    ----------
    product
        The product's visible box on the canvas.
    ground
        The plane of the podium's top, whose `base` is the row the product stands on.
    canvas
        Width and height; the podium is made narrower and lower until it fits.
    width
        Of the podium over that of the product.
    height
        Of its side, in rows.
    """
    flat = max(ground.foreshortening, 0.04)
    middle = ground.base - 0.5 * _DEPTH * product.width * flat
    room = (1 - _MARGIN) * canvas[1] - middle
    widest = min((0.5 - _MARGIN) * canvas[0], (room - _LOWEST * canvas[1]) / flat)
    half_width = max(0.5 * _NARROWEST * product.width, min(0.5 * width * product.width, widest))
    half_depth = max(3.0, half_width * flat)
    height = max(_LOWEST * canvas[1], min(height, room - half_depth))
    center = product.left + product.width / 2
    return Podium(shape, center, middle, half_width, half_depth, height)


def draw_podium(
    podium: Podium, canvas: tuple[int, int], light: Light, color: Floats, *, seed: int
) -> tuple[Image, Matte, Matte]:
    """Return a podium as a layer, and its top alone.

    Parameters
    ----------
    canvas
        Width and height.
    color
        (3,) float32 linear sRGB, 0 to 1.

    Returns
    -------
    (h, w, 3) premultiplied, (h, w) opacity of the whole, (h, w) opacity of the top.
    """
    width, height = canvas
    top, whole = _outlines(podium, canvas)
    x = np.arange(width, dtype=np.float32)[np.newaxis, :] + 0.5
    y = np.arange(height, dtype=np.float32)[:, np.newaxis] + 0.5
    across = np.clip((x - podium.center) / podium.half_width, -1, 1)
    side = _side_light(podium, across, light) * _foot_shade(podium, across, y)
    tone = side * (1 - top) + _top_light(podium, across, y, light) * top
    tone *= 1 + 0.10 * _rim(podium, across, y, width) * whole
    generator = np.random.default_rng((seed, 23))
    plaster = fractal((256, 256), (24, 24), generator, gain=0.7)
    tone *= 1 + np.float32(0.008) * cv2.resize(plaster, canvas, interpolation=cv2.INTER_CUBIC)
    layer = np.clip(tone[..., np.newaxis] * color, 0, 1) * whole[..., np.newaxis]
    return np.asarray(layer, np.float32), whole, top


def _outlines(podium: Podium, canvas: tuple[int, int]) -> tuple[Matte, Matte]:
    """Return the opacity of the top and of the whole, antialiased."""
    front = _edge(podium, 1.0)
    back = _edge(podium, -1.0)
    top = np.concatenate([front, back[::-1]])
    foot = front + np.array([0.0, podium.height])
    return _filled(top, canvas), _filled(
        np.concatenate([foot, front[-1:], back[::-1], front[:1]]), canvas
    )


def _edge(podium: Podium, toward: float) -> npt.NDArray[np.float64]:
    """Return the front (1) or back (-1) edge of the top, from left to right: (n, 2) pixels."""
    if podium.shape == "block":
        # The back edge is farther away and so a little shorter.
        half = podium.half_width * (1.0 if toward > 0 else 0.94)
        corners = [-half, half]
        rows = podium.top + toward * podium.half_depth
        return np.array([[podium.center + c, rows] for c in corners])
    angles = np.linspace(math.pi, 0, 181)
    return np.stack(
        [
            podium.center + podium.half_width * np.cos(angles),
            podium.top + toward * podium.half_depth * np.sin(angles),
        ],
        axis=1,
    )


def _filled(outline: npt.NDArray[np.float64], canvas: tuple[int, int]) -> Matte:
    mask = np.zeros((canvas[1], canvas[0]), np.uint8)
    points = np.round(outline * 2**_SUBPIXEL).astype(np.int32)
    cv2.fillPoly(mask, [points], 255, cv2.LINE_AA, _SUBPIXEL)
    return np.asarray(cv2.GaussianBlur(mask.astype(np.float32) / 255, (0, 0), 0.6), np.float32)


def _side_light(podium: Podium, across: Floats, light: Light) -> Floats:
    """Return the light on the side: a cylinder turns away from the lamp, a block does not."""
    azimuth = math.radians(light.azimuth_deg)
    if podium.shape == "block":
        facing = np.float32(max(0.0, math.cos(azimuth))) + 0.06 * math.sin(azimuth) * across
    else:
        angle = np.arcsin(across)
        facing = np.asarray(np.clip(np.cos(angle - azimuth), 0, 1), np.float32)
        # A cylinder's outline meets the eye at a grazing angle and is lit by what is behind it.
        facing += np.float32(0.10) * np.clip(np.abs(across) - 0.8, 0, 1)
    level = math.cos(math.radians(light.elevation_deg))
    return np.asarray(_AMBIENT + (0.25 + 0.35 * level) * facing, np.float32)


def _foot_shade(podium: Podium, across: Floats, y: Floats) -> Floats:
    below = (y - _front_edge(podium, across)) / max(podium.height, 1.0)
    return np.asarray(1 - _FOOT * np.clip(below, 0, 1) ** 2, np.float32)


def _top_light(podium: Podium, across: Floats, y: Floats, light: Light) -> Floats:
    along = np.clip((y - podium.top) / podium.half_depth, -1, 1)
    level = math.sin(math.radians(light.elevation_deg))
    slope = 0.05 * math.sin(math.radians(light.azimuth_deg)) * across - 0.03 * along
    return np.asarray(_AMBIENT + 0.12 + 0.42 * level + slope, np.float32)


def _rim(podium: Podium, across: Floats, y: Floats, width: int) -> Floats:
    """Return 1 on the rounded front edge of the top, falling to 0 within its width."""
    away = np.abs(y - _front_edge(podium, across)) / max(1.0, _RIM * width)
    return np.asarray(np.exp(-(away**2)), np.float32)


def _front_edge(podium: Podium, across: Floats) -> Floats:
    """Return the row of the top's front edge in every column."""
    bow = np.ones_like(across)
    if podium.shape == "round":
        bow = np.sqrt(np.clip(1 - across**2, 0, 1))
    return np.asarray(podium.top + podium.half_depth * bow, np.float32)
