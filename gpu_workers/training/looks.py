"""Random colors, textures, print and shading of the things in a training picture.

Owns how a drawn shape gets the look of a thing. All fields are float32 in linear light; a canvas is
square. Deterministic for a given generator.
"""

from __future__ import annotations

import colorsys
from functools import lru_cache
from typing import Any, Final, get_args

import cv2
import numpy as np
import numpy.typing as npt

from gpu_workers.imaging.arrays import Image, to_linear
from gpu_workers.imaging.materials import tile
from gpu_workers.imaging.segmentation.background import Field
from gpu_workers.scene_spec import Material
from gpu_workers.training.outlines import Part, Points, ellipse_like

Color = npt.NDArray[np.float32]
"""(3,) float32, linear sRGB."""
Coverage = npt.NDArray[np.uint8]
"""(side, side) uint8, 255 where a part covers the pixel."""

_FRACTION_BITS: Final = 4
_MATERIALS: Final[tuple[str, ...]] = get_args(Material)
_TILE_SIDE: Final = 576
_TILE_COLOR: Final = "#b0a89c"


def paint(part: Part, corners: Points, side: int, size: float) -> Coverage:
    """Return which pixels a part covers.

    Parameters
    ----------
    part
        What is painted.
    corners
        (n, 2) its points on the canvas, in pixels.
    side
        Of the canvas, in pixels.
    size
        Pixels to one unit of the product, for the width of lines.
    """
    canvas = np.zeros((side, side), np.uint8)
    fixed = [np.round(corners * 2**_FRACTION_BITS).astype(np.int32)]
    if part.width:
        thick = max(1, round(part.width * size))
        cv2.polylines(canvas, fixed, part.is_closed, 255, thick, cv2.LINE_AA, _FRACTION_BITS)
    else:
        cv2.fillPoly(canvas, fixed, 255, cv2.LINE_AA, _FRACTION_BITS)
    return canvas


def random_color(rng: np.random.Generator) -> Color:
    """Return a color as products have them: whites, blacks, greys, earths and all others."""
    kind = rng.random()
    if kind < 0.16:
        color: npt.NDArray[np.float64] = rng.uniform(0.75, 1) - rng.uniform(0, 0.08, 3)
    elif kind < 0.30:
        color = rng.uniform(0.01, 0.15) + rng.uniform(0, 0.06, 3)
    elif kind < 0.42:
        color = rng.uniform(0.15, 0.75) + rng.uniform(-0.04, 0.04, 3)
    elif kind < 0.62:
        falls = [1, rng.uniform(0.6, 0.95), rng.uniform(0.4, 0.95)]
        color = np.asarray(rng.uniform(0.3, 0.9) * np.cumprod(falls), np.float64)
    else:
        color = np.array(
            colorsys.hsv_to_rgb(rng.uniform(), rng.uniform(0.2, 1), rng.uniform(0.15, 1))
        )
    return np.clip(color, 0.005, 1).astype(np.float32)


def uneven(
    rng: np.random.Generator,
    side: int,
    cells: tuple[float, float],
    *,
    octaves: int = 4,
    gain: float = 0.55,
) -> Field:
    """Return smooth noise of about unit deviation; ``cells`` of the coarsest octave, y and x."""
    total = np.zeros((side, side), np.float32)
    amplitude, (down, across) = 1.0, cells
    for _ in range(octaves):
        if max(down, across) > side:
            break
        grid = rng.standard_normal((int(down) + 2, int(across) + 2), dtype=np.float32)
        total += amplitude * cv2.resize(grid, (side, side), interpolation=cv2.INTER_CUBIC)
        amplitude, down, across = amplitude * gain, 2 * down, 2 * across
    return total


def textured(rng: np.random.Generator, base: Color, side: int) -> Image:
    """Return the base color, plain or with stripes, checks, blotches or grain."""
    plain = np.full((side, side, 3), base, np.float32)
    kind = rng.random()
    if kind < 0.35:
        return plain
    other = random_color(rng) if rng.random() < 0.6 else np.clip(base * rng.uniform(0.5, 1.5), 0, 1)
    along, across = _turned_axes(rng, side)
    if kind < 0.48:
        share: npt.NDArray[Any] = _wave(along, rng.uniform(4, 40) * side / 144) > rng.uniform(
            -0.6, 0.6
        )
    elif kind < 0.54:
        columns = _wave(along, rng.uniform(8, 40) * side / 144) > 0
        share = columns ^ (_wave(across, rng.uniform(8, 40) * side / 144) > 0)
    elif kind < 0.76:
        field = uneven(rng, side, (rng.uniform(2, 30), rng.uniform(2, 30)))
        share = 1 / (1 + np.exp(-rng.uniform(1, 6) * field))
    elif kind < 0.86:
        cells = rng.uniform(3, 14)
        share = uneven(rng, side, (cells, cells), octaves=2) > rng.uniform(0.3, 1.2)
    else:
        grain = np.clip(0.5 + 0.3 * rng.standard_normal((side, side)), 0, 1)
        share = np.asarray(cv2.GaussianBlur(grain, (0, 0), rng.uniform(0.3, 1.2)))
    strength = rng.uniform(0.15, 1) if rng.random() < 0.6 else rng.uniform(0.02, 0.2)
    mix = (strength * np.asarray(share, np.float32))[..., np.newaxis]
    return np.asarray(plain + (other - base) * mix, np.float32)


def material(rng: np.random.Generator, base: Color, side: int) -> Image:
    """Return a piece of one of the studio's own materials in a given mean color."""
    whole = _material(int(rng.integers(len(_MATERIALS))), int(rng.integers(3)))
    piece = min(_TILE_SIDE, max(24, int(side / rng.uniform(0.4, 3))))
    y, x = rng.integers(0, _TILE_SIDE - piece + 1, 2)
    shown = whole[y : y + piece, x : x + piece]
    way = cv2.INTER_AREA if piece > side else cv2.INTER_LINEAR
    resized = cv2.resize(shown, (side, side), interpolation=way)
    return np.asarray(np.clip(resized / resized.mean(axis=(0, 1)) * base, 0, 1), np.float32)


@lru_cache(maxsize=64)
def _material(number: int, variant: int) -> Image:
    return to_linear(tile(_MATERIALS[number], _TILE_COLOR, _TILE_SIDE, variant, 1.0))


def shaded(
    rng: np.random.Generator, covered: Coverage, light: npt.NDArray[np.float64]
) -> tuple[Field, Field | float]:
    """Return how much light a part throws back, and its highlight to be added.

    Parameters
    ----------
    covered
        (side, side) the part.
    light
        (3,) unit vector towards the light; x to the right, y down, z towards the camera.
    """
    side = covered.shape[0]
    down, across = np.mgrid[0:side, 0:side].astype(np.float32) / side - 0.5
    shade: Field = np.ones((side, side), np.float32)
    highlight: Field | float = 0.0
    kind = rng.random()
    if kind < 0.25:
        shade = 1 + rng.uniform(-0.15, 0.15) * across + rng.uniform(-0.15, 0.15) * down
    elif kind < 0.75:
        lit = _as_cushion(rng, covered, light)
        ambient = rng.uniform(0.3, 0.75)
        shade = ambient + (1 - ambient) * np.clip(lit, 0, 1.3)
        if rng.random() < 0.4:
            highlight = rng.uniform(0.1, 0.9) * np.clip(lit, 0, 1) ** rng.uniform(8, 60)
    else:
        columns = np.flatnonzero(covered.max(axis=0) > 100)
        if len(columns) > 4:
            first, width = columns[0], np.ptp(columns) + 1
            round_x = np.clip((np.arange(side) - first) / width * 2 - 1, -1, 1)
            lit = 0.4 + 0.65 * np.cos(np.arcsin(round_x) - np.arctan2(light[0], light[2]))
            shade = np.broadcast_to(lit, (side, side))
            if rng.random() < 0.5:
                offset = (round_x - rng.uniform(-0.8, 0.8)) / rng.uniform(0.03, 0.15)
                line = rng.uniform(0.1, 0.8) * np.exp(-(offset**2))
                highlight = np.broadcast_to(line, (side, side)).astype(np.float32)
    if rng.random() < 0.35:
        folds = uneven(rng, side, (rng.uniform(2, 8), rng.uniform(2, 8)), octaves=3)
        shade = shade * (1 + rng.uniform(0.03, 0.14) * folds)
    return np.asarray(shade, np.float32), highlight


def _as_cushion(
    rng: np.random.Generator, covered: Coverage, light: npt.NDArray[np.float64]
) -> Field:
    """Return the cosine towards the light of a part that bulges towards the camera."""
    depth = cv2.distanceTransform((covered > 127).astype(np.uint8), cv2.DIST_L2, 3)
    radius = max(3.0, float(depth.max()) * rng.uniform(0.3, 1.1))
    rim = np.clip(depth / radius, 0, 1)
    bulge = radius * np.sqrt(np.clip(1 - (1 - rim) ** 2, 0, 1))
    height = cv2.GaussianBlur(bulge.astype(np.float32), (0, 0), rng.uniform(0.8, 3))
    slope_x = cv2.Sobel(height, cv2.CV_32F, 1, 0, ksize=1, scale=0.5)
    slope_y = cv2.Sobel(height, cv2.CV_32F, 0, 1, ksize=1, scale=0.5)
    towards = light[2] - slope_x * light[0] - slope_y * light[1]
    return np.asarray(towards / np.sqrt(1 + slope_x**2 + slope_y**2), np.float32)


def print_on(rng: np.random.Generator, look: Image, covered: Coverage) -> None:
    """Print a label with words on a part; writes to ``look``."""
    rows, columns = np.nonzero(covered > 200)
    if len(rows) < 50:
        return
    side = covered.shape[0]
    if rng.random() < 0.6:
        center = np.array([columns.mean(), rows.mean()]) + rng.normal(0, 0.05 * side, 2)
    else:
        one = rng.integers(len(rows))
        center = np.array([columns[one], rows[one]], np.float64)
    reach = np.array([np.ptp(columns), np.ptp(rows)])
    half = reach * [rng.uniform(0.15, 0.9), rng.uniform(0.08, 0.6)] / 2
    if rng.random() < 0.6:
        sticker = Part(ellipse_like(rng))
        _mix_in(look, covered, paint(sticker, sticker.points * half + center, side, 1), rng)
    words = np.zeros((side, side), np.uint8)
    for _ in range(rng.integers(0, 4)):
        word = "".join(chr(rng.integers(65, 91)) for _ in range(rng.integers(2, 8)))
        at = int(center[0] - half[0]), int(center[1] + rng.uniform(-0.8, 0.8) * half[1])
        size, thick = rng.uniform(0.25, 1) * side / 144, int(rng.integers(1, 3))
        cv2.putText(words, word, at, int(rng.integers(0, 8)), size, 255, thick, cv2.LINE_AA)
    _mix_in(look, covered, words, rng)


def _mix_in(look: Image, one: Coverage, other: Coverage, rng: np.random.Generator) -> None:
    share = one.astype(np.float32) * other / 255**2
    look += share[..., np.newaxis] * (random_color(rng) - look)


def _turned_axes(rng: np.random.Generator, side: int) -> tuple[Field, Field]:
    down, across = np.mgrid[0:side, 0:side].astype(np.float32)
    angle = rng.uniform(0, np.pi)
    cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    return across * cos + down * sin, down * cos - across * sin


def _wave(along: Field, length: float) -> Field:
    return np.asarray(np.sin(along * np.float32(2 * np.pi / length)), np.float32)
