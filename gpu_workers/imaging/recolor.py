"""The same cloth in another color: texture and shading stay, the dye changes.

Owns the mapping of colors from one dye to another and the measure of what was reached. Does not
own which pixels are dyed (`dye_region`). Images are (h, w, 3) float32 linear sRGB.

Works in CIE Lab along one rule: light on cloth scales its luminance and its chroma together, so
a pixel is told by its lightness and by how far it strays from the chroma that its dye has at that
lightness. Lightness goes through a curve that only rises, so no fold changes sides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from gpu_workers.imaging.arrays import Image, Matte
from gpu_workers.imaging.color import delta_e_2000, to_lab

Labs: TypeAlias = npt.NDArray[np.float64]

_ZERO_LIGHT: Final = 16.0
"""Lightness under which light and chroma vanish: L* + 16 is proportional to the cube root of
luminance."""
_CONTRAST_RANGE: Final = (0.45, 1.7)
"""How far the contrast of folds may be lowered or raised: black cloth made white in full
proportion would show its noise three times."""
_DARKEST, _LIGHTEST = 0.5, 99.5
_MOST_STRAY: Final = 7.0
"""Largest difference of chroma from the dye's that is kept as texture, in Lab units; more is not
texture but another color that was meant to be dyed too."""
_GAMUT_STEPS: Final = 8
_STRIP_ROWS: Final = 256
_DYED: Final = 0.5
_MIDTONES: Final = (35.0, 65.0)
"""Percentiles of lightness between which a cloth shows its color: neither gloss nor fold."""
_MAX_SAMPLES: Final = 60_000
_FROM_XYZ: Final = np.linalg.inv(
    np.array(
        [
            [0.4123908, 0.3575843, 0.1804808],
            [0.2126390, 0.7151687, 0.0721923],
            [0.0193308, 0.1191948, 0.9505322],
        ]
    )
)
_WHITE_D65: Final = np.linalg.inv(_FROM_XYZ).sum(axis=1)


@dataclass(frozen=True, slots=True)
class Recolored:
    """A picture with a region in another color."""

    color: Image
    measured_delta_e: float
    """CIEDE2000 between the target and the region's midtones as they came out: half of them lie
    nearer, when all are looked at in the light of their median."""


def recolor(color: Image, region: Matte, target: npt.NDArray[np.floating]) -> Recolored:
    """Dye a region.

    Parameters
    ----------
    color
        (h, w, 3) float32, linear sRGB.
    region
        (h, w) float32, 0 to 1: how far each pixel is dyed; where it is 0 the color stays exactly.
    target
        (3,) linear sRGB: the color of the cloth where it is evenly lit.

    Returns
    -------
    The dyed picture; luminance keeps its order wherever the region is 1.

    Raises
    ------
    ValueError
        If shapes differ or the region is empty.
    """
    if color.shape[:2] != region.shape:
        raise ValueError(f"shapes differ: {color.shape}, {region.shape}")
    if not (region > _DYED).any():
        raise ValueError("the region is empty")
    before = dye_of(color, region)
    wanted = to_lab(np.asarray(target, np.float64))
    result = color.copy()
    for top in range(0, color.shape[0], _STRIP_ROWS):
        rows = slice(top, top + _STRIP_ROWS)
        share = region[rows]
        inside = share > 0
        if not inside.any():
            continue
        old = color[rows][inside]
        new = from_lab(_dyed(to_lab(old), before, wanted))
        part = share[inside][:, np.newaxis]
        result[rows][inside] = old + (new - old) * part
    return Recolored(result, round(_missed(_midtones(result, region), wanted), 3))


def dye_of(color: Image, region: Matte) -> Labs:
    """Return the color of a region as (3,) Lab: the mean of its midtones.

    Raises
    ------
    ValueError
        If no pixel lies in the region by more than half.
    """
    return np.asarray(np.median(_midtones(color, region), axis=0))


def from_lab(lab: Labs) -> Image:
    """Return linear sRGB of CIE Lab (D65); what no screen shows loses chroma, never lightness."""
    scale = np.ones(lab.shape[:-1])
    linear = _linear(lab, scale)
    outside = _is_outside(linear)
    if outside.any():
        stray = lab[outside]
        low, high = np.zeros(stray.shape[0]), np.ones(stray.shape[0])
        for _ in range(_GAMUT_STEPS):
            middle = (low + high) / 2
            fits = ~_is_outside(_linear(stray, middle))
            low, high = np.where(fits, middle, low), np.where(fits, high, middle)
        linear[outside] = _linear(stray, low)
    return np.clip(linear, 0, 1).astype(np.float32)


def _midtones(color: Image, region: Matte) -> Labs:
    inside = np.flatnonzero(region.reshape(-1) > _DYED)
    if inside.size == 0:
        raise ValueError("the region is empty")
    lab = to_lab(color.reshape(-1, 3)[inside[:: -(-inside.size // _MAX_SAMPLES)]])
    low, high = np.percentile(lab[:, 0], _MIDTONES)
    return np.asarray(lab[(lab[:, 0] >= low) & (lab[:, 0] <= high)])


def _missed(midtones: Labs, wanted: Labs) -> float:
    middle = float(np.median(midtones[:, 0]))
    chroma = midtones[:, 1:] / _lit(midtones[:, 0], middle)[:, np.newaxis]
    seen = np.column_stack([np.full(len(chroma), middle), chroma])
    return float(np.median(delta_e_2000(np.broadcast_to(wanted, seen.shape), seen)))


def _dyed(lab: Labs, before: Labs, wanted: Labs) -> Labs:
    lightness = _curve(lab[:, 0], float(before[0]), float(wanted[0]))
    stray = lab[:, 1:] - before[1:] * _lit(lab[:, 0], before[0])[:, np.newaxis]
    length = np.hypot(stray[:, 0], stray[:, 1])
    kept = _MOST_STRAY * np.tanh(length / _MOST_STRAY) / np.maximum(length, 1e-9)
    # A light cloth shows less stray chroma than a dark one, as it shows less of its own.
    chroma = wanted[1:] * _lit(lightness, wanted[0])[:, np.newaxis]
    return np.column_stack([lightness, chroma + stray * (0.5 * kept)[:, np.newaxis]])


def _curve(
    lightness: npt.NDArray[np.float64], before: float, wanted: float
) -> npt.NDArray[np.float64]:
    """Return lightness moved so that `before` becomes `wanted`; rises everywhere.

    Around the dye the slope is that of light on cloth; towards black and white it bends so that
    neither is passed.
    """
    slope = float(np.clip((wanted + _ZERO_LIGHT) / (before + _ZERO_LIGHT), *_CONTRAST_RANGE))
    wanted = float(np.clip(wanted, _DARKEST, _LIGHTEST))
    offset = slope * (lightness - before)
    room = np.where(offset > 0, max(100 - wanted, 0.5), max(wanted, 0.5))
    return np.asarray(wanted + np.sign(offset) * room * (1 - np.exp(-np.abs(offset) / room)))


def _lit(
    lightness: npt.NDArray[np.float64], middle: float | np.floating
) -> npt.NDArray[np.float64]:
    return np.asarray((lightness + _ZERO_LIGHT) / (middle + _ZERO_LIGHT))


def _linear(lab: Labs, chroma: npt.NDArray[np.float64]) -> Labs:
    """Return linear sRGB with the chroma scaled, not clipped."""
    y = (lab[..., 0] + 16) / 116
    x, z = y + chroma * lab[..., 1] / 500, y - chroma * lab[..., 2] / 200
    curve = np.stack([x, y, z], axis=-1)
    delta = 6 / 29
    ratio = np.where(curve > delta, curve**3, 3 * delta**2 * (curve - 4 / 29))
    return np.asarray((ratio * _WHITE_D65) @ _FROM_XYZ.T)


def _is_outside(linear: Labs) -> npt.NDArray[np.bool_]:
    return np.asarray((linear.min(axis=-1) < -1e-5) | (linear.max(axis=-1) > 1 + 1e-5), np.bool_)
