"""A T-shirt drawn by the project: the garment of tests and of the cards of garment scenes.

Its anatomy is known to the pixel, so that what is found in it can be compared with the truth. To
write one as a file: ``python -m tests.fakes.garments FILE.png``, with its neck open, for the cards
of scenes that dress no product of the sample photos.
"""

from __future__ import annotations

import io
import sys
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image as Pillow

_FINER = 4
_OUTLINE = (
    # x to the right of the axis, y from the collar's ends; the torso is 2 units wide.
    (0.38, 0.0), (0.46, 0.03), (0.70, 0.12), (0.98, 0.24), (1.10, 0.34), (1.25, 0.58),
    (1.42, 0.92), (1.47, 1.02), (1.33, 1.10), (1.05, 1.20), (1.00, 1.02), (0.985, 1.25),
    (0.975, 1.7), (0.985, 2.2), (1.00, 2.80), (0.99, 2.84), (0.45, 2.86), (0.0, 2.86),
)  # fmt: skip
_HEM = 2.86
_NECK_DROP = 0.30
"""Depth of the open neck below the collar's ends, in half torso widths."""


@dataclass(frozen=True, slots=True)
class Tee:
    """A drawn T-shirt and where its parts lie, in pixels."""

    pixels: np.ndarray
    """(side, side, 4) uint8, straight alpha."""
    axis: float
    collar_row: float
    """Row of the ends of the collar."""
    neck_row: float
    """Lowest row of the open neck, on the axis."""
    half_torso: float
    hem_row: float
    neck_half: float

    def png(self) -> bytes:
        """Return it as a transparent PNG."""
        file = io.BytesIO()
        Pillow.fromarray(self.pixels).save(file, "PNG")
        return file.getvalue()


def tee(
    side: int = 360,
    *,
    axis: float = 0.5,
    top: float = 0.12,
    half_torso: float = 0.235,
    color: tuple[int, int, int] = (196, 198, 205),
    open_neck: bool = True,
    tilt_deg: float = 0.0,
    folds: float = 1.0,
) -> Tee:
    """Draw a T-shirt.

    Parameters
    ----------
    axis, top, half_torso
        Shares of the side: middle of the shirt, row of the collar's ends, half its torso.
    color
        Of the cloth where it is evenly lit, 0 to 255.
    open_neck
        Whether nothing is seen through the neck, as after a person was cut away; else the neck
        is filled by the inside of the back, as it is on a shirt laid flat.
    tilt_deg
        By how much it is turned about its collar, clockwise.
    """
    unit = half_torso * side
    center, collar = axis * side, top * side
    half = np.array(_OUTLINE)
    outline = _rounded(np.concatenate([half, half[::-1] * (-1, 1)]))
    turn = np.radians(tilt_deg)
    spin = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])

    def on_canvas(points: np.ndarray) -> np.ndarray:
        return points @ spin * unit + (center, collar)

    steps = np.linspace(0, np.pi, 60)
    neck = np.stack([0.38 * np.cos(steps), _NECK_DROP * np.sin(steps)], axis=1)
    rim = np.stack([0.47 * np.cos(steps), 0.02 + (_NECK_DROP + 0.09) * np.sin(steps)], axis=1)
    back = np.stack([0.38 * np.cos(steps), -0.06 * np.sin(steps)], axis=1)
    body = _filled(side, on_canvas(outline))
    hole = _filled(side, on_canvas(np.concatenate([neck, back[::-1]])))
    collar_band = _filled(side, on_canvas(np.concatenate([rim, neck[::-1]]))) * (1 - hole)
    shade = 1 + folds * _folds(side, unit, center, collar)
    shade *= 1 - 0.10 * collar_band * _ribs(side)
    alpha = np.maximum(body, collar_band)
    if open_neck:
        alpha = alpha * (1 - hole)
    else:
        shade *= 1 - 0.42 * hole
        alpha = np.maximum(alpha, hole)
    cloth = np.clip(np.array(color) * shade[..., None], 0, 255)
    pixels = np.dstack([cloth, alpha * 255]).round().astype(np.uint8)
    low = on_canvas(np.array([[0.0, _NECK_DROP], [0.0, _HEM]]))
    return Tee(
        pixels=pixels,
        axis=center,
        collar_row=collar,
        neck_row=float(low[0, 1]),
        half_torso=unit,
        hem_row=float(low[1, 1]),
        neck_half=0.38 * unit,
    )


def worn(
    shirt: Tee, *, skin: tuple[int, int, int] = (141, 96, 72)
) -> tuple[np.ndarray, np.ndarray]:
    """Put arms into the sleeves of a shirt, before a blue wall.

    Returns
    -------
    (side, side, 3) uint8 photo, and (side, side) float32 opacity of shirt and arms together.
    """
    side, unit = shirt.pixels.shape[0], shirt.half_torso
    arms = np.zeros((side, side), np.float32)
    for way in (-1, 1):
        points = np.array([[1.12, 0.9], [1.38, 0.9], [1.46, 2.2], [1.26, 2.2]]) * (way, 1)
        arms = np.maximum(arms, _filled(side, points * unit + (shirt.axis, shirt.collar_row)))
    alpha = shirt.pixels[..., 3].astype(np.float32) / 255
    y = np.linspace(0.9, 1.1, side)[:, None, None]
    wall = np.full((side, side, 3), (96, 122, 160), np.float32) * y
    flesh = np.array(skin, np.float32) * (0.9 + 0.2 * np.sin(np.arange(side) / 9))[None, :, None]
    behind = wall + (flesh - wall) * arms[..., None]
    photo = behind + (shirt.pixels[..., :3] - behind) * alpha[..., None]
    photo += np.random.default_rng(9).normal(0, 1.5, photo.shape)
    return np.clip(photo, 0, 255).astype(np.uint8), np.maximum(alpha, arms)


def _rounded(points: np.ndarray) -> np.ndarray:
    """Return a closed line with its corners cut twice (Chaikin 1974)."""
    for _ in range(2):
        after = np.roll(points, -1, axis=0)
        cut = np.stack([0.8 * points + 0.2 * after, 0.2 * points + 0.8 * after], axis=1)
        points = cut.reshape(-1, 2)
    return points


def _filled(side: int, points: np.ndarray) -> np.ndarray:
    large = np.zeros((side * _FINER, side * _FINER), np.uint8)
    corners = np.round((points + 0.5) * _FINER - 0.5).astype(np.int32)
    cv2.fillPoly(large, [corners], 255)
    return cv2.resize(large, (side, side), interpolation=cv2.INTER_AREA).astype(np.float32) / 255


def _folds(side: int, unit: float, center: float, collar: float) -> np.ndarray:
    """Return soft folds that fan out from the armpits, the round of the body, and the knit."""
    y, x = np.mgrid[0:side, 0:side].astype(np.float32)
    u, v = (x - center) / unit, (y - collar) / unit
    aside = np.sqrt(u**2 + 0.05)
    round_body = -0.20 * np.clip(aside - 0.3, 0, 1) ** 2
    fan = (
        0.035 * np.sin(11 * (aside - 0.5 * v)) * np.exp(-((v - 1.2) ** 2) - (aside - 0.9) ** 2 * 4)
    )
    drape = 0.045 * np.sin(4.3 * u + 0.8 * v + 0.9 * np.sin(v)) * np.clip(v / 2.7, 0, 1) ** 2
    seam = -0.09 * np.exp(-(((v - _HEM + 0.14) / 0.012) ** 2))
    knit = np.random.default_rng(4).normal(0, 0.02, (side, side)).astype(np.float32)
    return round_body + fan + drape + seam + cv2.GaussianBlur(knit, (0, 0), 0.8)


def _ribs(side: int) -> np.ndarray:
    x = np.arange(side, dtype=np.float32)
    return np.broadcast_to(0.75 + 0.25 * np.sin(x * 1.6), (side, side))


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(tee(1600, color=(122, 142, 150)).png())
