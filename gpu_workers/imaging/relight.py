"""Another light on the same product, within bounds.

Owns the guess of a product's relief from its silhouette, of the light it was photographed in, and
the gain that moves it towards another. The gain is smooth and the same for all channels, so detail
and hue stay. Units: light directions are unit vectors (x right, y down, z towards the camera).

Sources: Johnston, "Lumo: Illumination for Cel Animation" (NPAR 2002) for relief by inflation;
Barron and Malik, "Shape, Illumination, and Reflectance from Shading" (PAMI 2015) for what a
silhouette cannot tell.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array, diags_array
from scipy.sparse.linalg import spsolve

from gpu_workers.imaging.arrays import Image, Matte
from gpu_workers.imaging.color import delta_e_2000, luminance, to_lab
from gpu_workers.scene_spec import Light

Floats: TypeAlias = npt.NDArray[np.float32]

LOWEST, HIGHEST = 0.85, 1.2
"""Bounds of the gain: beyond, a guessed relief shows as a guess."""
_WORK_PX: Final = 120
_ROUND: Final = 0.55
"""Height of the relief over its half width: less than a half circle, as most products are."""
_AMBIENT: Final = 0.45
_KEY: Final = 0.55
_SMOOTH: Final = 0.03
"""Blur of the gain in longest sides: it follows the body, never a seam or a letter."""
_OLD_LIGHT_TRUST: Final = 0.5
"""Least share of the brightness that a light has to explain before it counts as seen; below,
paint tells as much as light, and the light is taken to come from the camera."""
_STEPS: Final = 7
_MAX_SAMPLES: Final = 30_000


@dataclass(frozen=True, slots=True)
class Relit:
    """A product in another light."""

    color: Image
    gain: Floats
    """(h, w) factor on linear light, `LOWEST` to `HIGHEST`."""
    strength: float
    """Share of the wanted change that the bound allowed, 0 to 1."""
    delta_e_p99: float
    """99th percentile of CIEDE2000 between before and after."""


def relight(color: Image, matte: Matte, light: Light, *, strength: float, limit: float) -> Relit:
    """Move the light on a product towards another direction.

    Parameters
    ----------
    color, matte
        The cutout.
    light
        Where the new light comes from.
    strength
        0 changes nothing, 1 goes all the way to the new light as far as the bounds allow.
    limit
        CIEDE2000 that no more than a hundredth of the product may change by.

    Returns
    -------
    The product with the same mean brightness. No argument is written to.
    """
    normals = relief(matte)
    old = seen_light(color, matte, normals)
    wanted = np.log(_shading(normals, direction_of(light)) / _shading(normals, old))
    size = (matte.shape[1], matte.shape[0])
    smooth = cv2.GaussianBlur(wanted, (0, 0), max(0.8, _SMOOTH * max(wanted.shape)))
    small = cv2.resize(matte, (wanted.shape[1], wanted.shape[0]), interpolation=cv2.INTER_AREA)
    smooth -= np.float32(np.average(smooth, weights=np.maximum(small, 1e-6)))
    change = np.asarray(cv2.resize(smooth, size, interpolation=cv2.INTER_CUBIC), np.float32)
    sample = np.flatnonzero(matte.reshape(-1) > 0.99)
    sample = sample[:: max(1, -(-sample.size // _MAX_SAMPLES))]
    before, there = color.reshape(-1, 3)[sample], change.reshape(-1)[sample]

    def missed(share: float) -> float:
        if sample.size == 0:
            return 0.0
        after = _lit(before, gain_of(share * there))
        return float(np.percentile(delta_e_2000(to_lab(before), to_lab(after)), 99))

    allowed = _largest(missed, strength, limit)
    gain = gain_of(np.float32(allowed) * change)
    return Relit(
        _lit(color, gain),
        gain,
        strength=round(allowed / strength, 3) if strength > 0 else 1.0,
        delta_e_p99=round(missed(allowed), 3),
    )


def gain_of(change: Floats) -> Floats:
    """Return the gain of a change in natural log of light, within `LOWEST` and `HIGHEST`.

    Bends before the bounds, so that no edge shows where one is reached.
    """
    low, high = math.log(LOWEST), math.log(HIGHEST)
    bent = np.where(change > 0, high * np.tanh(change / high), low * np.tanh(change / low))
    return np.asarray(np.exp(bent), np.float32)


def direction_of(light: Light) -> Floats:
    """Return the unit vector from the product to the light.

    In front of the product: a light from behind only rims it, which no gain on what the camera
    saw can show.
    """
    azimuth, elevation = math.radians(light.azimuth_deg), math.radians(light.elevation_deg)
    level = math.cos(elevation)
    vector = np.array(
        [math.sin(azimuth) * level, -math.sin(elevation), max(0.15, math.cos(azimuth) * level)]
    )
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


def relief(matte: Matte) -> Floats:
    """Return (h', w', 3) unit normals of a relief inflated from a silhouette, at most 120 px.

    Height solves Poisson's equation with a constant source inside and zero on the contour; its
    square root is round where the solution is a parabola.
    """
    height, width = matte.shape
    scale = min(1.0, _WORK_PX / max(height, width))
    size = (max(3, round(width * scale)), max(3, round(height * scale)))
    small = np.asarray(cv2.resize(matte, size, interpolation=cv2.INTER_AREA), np.float32)
    inside = small > 0.5
    inside[[0, -1]] = False
    inside[:, [0, -1]] = False
    if not inside.any():
        flat = np.zeros((*small.shape, 3), np.float32)
        flat[..., 2] = 1
        return flat
    round_height = np.sqrt(np.maximum(_inflated(inside), 0))
    round_height *= _ROUND * _half_width(inside) / max(float(round_height.max()), 1e-6)
    smooth = cv2.GaussianBlur(round_height.astype(np.float32), (0, 0), 1.5)
    slope_x = cv2.Sobel(smooth, cv2.CV_32F, 1, 0, ksize=3, scale=0.125)
    slope_y = cv2.Sobel(smooth, cv2.CV_32F, 0, 1, ksize=3, scale=0.125)
    normals = np.dstack([-slope_x, -slope_y, np.ones_like(slope_x)])
    return np.asarray(normals / np.linalg.norm(normals, axis=2, keepdims=True), np.float32)


def seen_light(color: Image, matte: Matte, normals: Floats) -> Floats:
    """Return the direction of the light that a product was photographed in.

    The one that explains its brightness best by least squares over the relief; straight from the
    camera where none explains much.
    """
    camera = np.array([0, 0, 1], np.float32)
    size = (normals.shape[1], normals.shape[0])
    layer = np.dstack([luminance(color), matte])
    small = np.asarray(cv2.resize(layer, size, interpolation=cv2.INTER_AREA), np.float32)
    inside = small[..., 1] > 0.98
    if int(inside.sum()) < 40:
        return camera
    bright = np.log(np.maximum(small[..., 0][inside], 1e-3)).astype(np.float64)
    basis = np.column_stack([normals[inside].astype(np.float64), np.ones(bright.size)])
    found, *_ = np.linalg.lstsq(basis, bright, rcond=None)
    explained = 1 - float((bright - basis @ found).var() / max(float(bright.var()), 1e-9))
    # Half-way to the camera: a guess of light may not be trusted to a quarter turn.
    vector = found[:3] + np.array([0, 0, 0.35])
    if explained < _OLD_LIGHT_TRUST or vector[2] < 0:
        return camera
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


def _lit(color: Image, gain: Floats) -> Image:
    """Return the color under a gain; where it would pass white, just up to it, in its hue."""
    room = 1 / np.maximum(color.max(axis=-1), 1e-6)
    kept = np.minimum(gain, np.maximum(room, 1))
    return np.asarray(color * kept[..., np.newaxis], np.float32)


def _shading(normals: Floats, light: Floats) -> Floats:
    return np.asarray(_AMBIENT + _KEY * np.maximum(normals @ light, 0), np.float32)


def _largest(missed: Callable[[float], float], strength: float, limit: float) -> float:
    """Return the largest share up to `strength` whose change stays within the limit."""
    if missed(strength) <= limit:
        return strength
    low, high = 0.0, strength
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if missed(middle) <= limit else (low, middle)
    return low


def _inflated(inside: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Solve -laplace(h) = 1 where `inside`, h = 0 elsewhere."""
    width = inside.shape[1]
    pixels = np.flatnonzero(inside)
    number = np.full(inside.size, -1, np.int64)
    number[pixels] = np.arange(pixels.size)
    rows, columns = [], []
    for offset in (-1, 1, -width, width):
        neighbor = number[pixels + offset]
        known = np.flatnonzero(neighbor >= 0)
        rows.append(known)
        columns.append(neighbor[known])
    row, column = np.concatenate(rows), np.concatenate(columns)
    links = coo_array((-np.ones(row.size), (row, column)), shape=(pixels.size, pixels.size))
    system = (links + diags_array(np.full(pixels.size, 4.0))).tocsc()
    height = np.zeros(inside.shape)
    height.reshape(-1)[pixels] = spsolve(system, np.ones(pixels.size))
    return height


def _half_width(inside: npt.NDArray[np.bool_]) -> float:
    """Return the largest distance from the contour, in pixels."""
    return float(cv2.distanceTransform(inside.astype(np.uint8), cv2.DIST_L2, 3).max())
