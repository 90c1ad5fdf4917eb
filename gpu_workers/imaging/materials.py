"""Table tops and cloths, drawn: wood, marble, stone, linen, concrete, paper, gloss.

Owns how a surface looks seen straight from above under even light, as a tile that repeats
without a seam. Does not own perspective or light (`backdrop`, `lighting`).

A tile is (side, side, 3) uint8, sRGB, and shows `TILE_UNITS` units of a table; one unit is about
40 cm where a product of 25 cm stands on it. x runs along the front edge of the table.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Final, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from gpu_workers.imaging.arrays import Photo
from gpu_workers.imaging.color import from_hex, to_levels
from gpu_workers.imaging.noise import fractal, normal, smooth

Floats: TypeAlias = npt.NDArray[np.float32]
Look: TypeAlias = tuple[Floats, tuple[float, float, float]]
"""Natural log of the tone against the material's color, and how strongly red, green and blue
follow it: the dark parts of wood and stone differ in hue, not only in tone."""
Draw: TypeAlias = Callable[[int, np.random.Generator, float], Look]

TILE_UNITS: Final = 1.6
SIDES: Final = (576, 1152, 2304)
"""Sizes in which tiles are drawn: for canvases up to about 500, 1,000 and 2,000 px and above.
The largest takes 1 to 2 s and 250 MB once, then 16 MB for as long as it is cached."""
_FINEST: Final = SIDES[-1]
_VARIANTS: Final = 3
"""Different boards, veins and stains of one material; a render's seed picks one."""


def tile(material: str, color: str, side: int, seed: int, light_side: float) -> Photo:
    """Return a tile of a material.

    Parameters
    ----------
    material
        Name as in `scene_spec.Material`.
    color
        ``#rrggbb``, the material's middle tone.
    side
        One of `SIDES`.
    seed
        Picks one of three variants.
    light_side
        -1 for light from the left to 1 for light from the right: what relief is lit by.

    Raises
    ------
    ValueError
        If the material is not known.
    """
    if material not in _DRAW:
        raise ValueError(f"material {material!r} is none of {', '.join(_DRAW)}")
    return _tile(material, color, side, seed % _VARIANTS, -1.0 if light_side < 0 else 1.0)


@lru_cache(maxsize=3)
def _tile(material: str, color: str, side: int, variant: int, light_side: float) -> Photo:
    generator = np.random.default_rng((variant, *material.encode()))
    tone, tint = _DRAW[material](side, generator, light_side)
    linear = from_hex(color)
    photo = np.empty((side, side, 3), np.uint8)
    for channel in range(3):
        levels = to_levels(linear[channel] * np.exp(np.float32(tint[channel]) * tone))
        photo[..., channel] = levels + np.float32(0.5)
    photo.flags.writeable = False
    return photo


def _wrapped(field: Floats, pad: int) -> Floats:
    return np.asarray(cv2.copyMakeBorder(field, pad, pad, pad, pad, cv2.BORDER_WRAP), np.float32)


def _blurred(field: Floats, sigma: float) -> Floats:
    pad = int(4 * sigma) + 1
    blurred = cv2.GaussianBlur(_wrapped(field, pad), (0, 0), sigma)
    return np.asarray(blurred[pad:-pad, pad:-pad], np.float32)


def _relief(height: Floats, light_side: float, strength: float) -> Floats:
    """Return the shading of a relief under low light from one side and the back."""
    around = _wrapped(height, 1)
    slope_x = cv2.Sobel(around, cv2.CV_32F, 1, 0, ksize=3, scale=0.125)[1:-1, 1:-1]
    slope_y = cv2.Sobel(around, cv2.CV_32F, 0, 1, ksize=3, scale=0.125)[1:-1, 1:-1]
    return np.asarray(strength * (-0.8 * light_side * slope_x - 0.6 * slope_y), dtype=np.float32)


def _wood(side: int, generator: np.random.Generator, _light: float) -> Look:
    """Oak boards: growth rings cut at a varying depth, fibers, open pores, fine joints."""
    boards = 6
    rows = np.arange(side, dtype=np.float32) * np.float32(boards / side)
    board = rows.astype(np.int64)
    across = (rows - board)[:, np.newaxis]

    def per_board(low: float, high: float) -> Floats:
        return generator.uniform(low, high, boards).astype(np.float32)[board][:, np.newaxis]

    def shifted(field: Floats) -> Floats:
        moved = field.copy()
        for number, shift in enumerate(generator.integers(0, side, boards)):
            part = board == number
            moved[part] = np.roll(field[part], int(shift), axis=1)
        return moved

    sway = shifted(fractal((side, side), (12, 3), generator, gain=0.45))
    depth = shifted(smooth((side, side), (boards, 2), generator))
    radius = np.sqrt(
        (across - per_board(-0.6, 1.6) + 0.07 * sway) ** 2
        + (per_board(0.1, 0.9) + 0.22 * depth) ** 2
    )
    phase = radius * per_board(11, 19) * np.float32(2 * np.pi)
    ring = (0.5 + 0.5 * np.sin(phase + 0.7 * np.sin(phase))) ** np.float32(1.5)
    del radius, phase, depth
    streak = shifted(fractal((side, side), (64, 2), generator, gain=0.6))
    fiber = smooth((side, side), (side // 2, max(2, side // 48)), generator)
    fiber += 0.7 * smooth((side, side), (side // 6, max(2, side // 128)), generator)
    pore = smooth((side, side), (side // 3, max(2, side // 36)), generator)
    pore = np.clip(pore - np.float32(1.3), 0, 1) * (0.35 + ring)
    tone = -0.20 * ring - 0.075 * streak - 0.05 * fiber - 0.42 * pore
    tone += per_board(-0.13, 0.13) + 0.06 * sway
    from_joint = np.minimum(across, 1 - across) * np.float32(TILE_UNITS / boards)
    tone -= 0.75 * np.exp(-((from_joint / 0.0011) ** 2)) + 0.10 * np.exp(-from_joint / 0.006)
    return tone.astype(np.float32), (0.9, 1.05, 1.3)


def _marble(side: int, generator: np.random.Generator, _light: float) -> Look:
    """White marble: drifting clouds and veins that run one way, break and thin out."""
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) / np.float32(side)
    drift = fractal((side, side), (3, 3), generator, gain=0.52)
    jitter = fractal((side, side), (12, 12), generator, gain=0.6)
    presence = smooth((side, side), (4, 4), generator)
    clouds = fractal((side, side), (4, 4), generator, gain=0.55)
    tone = -0.05 * np.clip(clouds + 0.5, 0, None)
    for turns_x, turns_y, width, strength, bend in (
        (1, 2, 0.020, 0.42, 0.16),
        (2, 3, 0.008, 0.30, 0.13),
        (-1, 3, 0.005, 0.20, 0.20),
    ):
        phase = turns_x * x + turns_y * y + bend * drift + 0.018 * jitter
        phase += np.float32(generator.uniform())
        distance = np.abs(phase - np.round(phase))
        shown = np.clip(0.15 + 0.75 * presence + 0.25 * jitter, 0, 1.4)
        presence = np.roll(presence, (side // 3, side // 5), axis=(0, 1))
        vein = np.exp(-distance / (np.float32(width) * (0.35 + 0.65 * shown)))
        tone -= np.float32(strength) * shown * vein
    return tone.astype(np.float32), (1.02, 1.0, 0.95)


def _stone(side: int, generator: np.random.Generator, light: float) -> Look:
    """Slate: cleft layers in low relief, mineral flecks, a dull bloom."""
    layers = fractal((side, side), (6, 4), generator, gain=0.62)
    rough = fractal((side, side), (48, 32), generator, gain=0.72)
    steps = layers * 2.2 + 0.25 * rough
    whole = np.floor(steps)
    rise = np.clip((steps - whole - 0.86) / 0.14, 0, 1)
    height = (whole + rise * rise * (3 - 2 * rise)) * 0.55 + 0.5 * layers + 0.22 * rough
    grain = generator.standard_normal((side, side), dtype=np.float32)
    bloom = fractal((side, side), (3, 3), generator, gain=0.5)
    shade = _relief(height.astype(np.float32), light, 0.6 * side / _FINEST * 4)
    tone = np.clip(shade, -0.55, 0.6) + 0.10 * bloom + 0.06 * rough + 0.05 * grain
    return tone.astype(np.float32), (1.0, 1.0, 0.97)


def _concrete(side: int, generator: np.random.Generator, light: float) -> Look:
    """Troweled concrete: broad clouds, faint trowel arcs, sand, few small air holes."""
    clouds = fractal((side, side), (3, 3), generator, gain=0.58)
    patches = fractal((side, side), (10, 10), generator, gain=0.5)
    sand = normal(_blurred(generator.standard_normal((side, side), dtype=np.float32), 0.8))
    trowel = fractal((side, side), (18, 4), generator, gain=0.55)
    tone = 0.065 * clouds + 0.03 * patches + 0.028 * sand + 0.015 * trowel
    holes = np.zeros((side, side), np.float32)
    for _ in range(170):
        center = (int(generator.integers(side)), int(generator.integers(side)))
        size = side / _FINEST * float(np.exp(generator.normal(0.9, 0.5)))
        cv2.circle(holes, center, max(1, round(size)), 1.0, -1, cv2.LINE_AA)
    holes = _blurred(holes, max(0.6, 0.9 * side / _FINEST))
    tone += -0.5 * holes + _relief(-holes, light, 0.8)
    return tone.astype(np.float32), (0.98, 1.0, 1.03)


def _linen(side: int, generator: np.random.Generator, light: float) -> Look:
    """Plain weave of uneven threads with slubs, and soft folds."""
    threads = side // 5
    weft = _threads(side, threads, generator)
    warp = _threads(side, threads, generator).T
    position = np.arange(side) * threads // side
    over = ((position[:, np.newaxis] + position[np.newaxis, :]) % 2).astype(np.float32)
    over = _blurred(over, 0.8)
    weave = over * weft + (1 - over) * warp
    folds = fractal((side, side), (3, 4), generator, gain=0.42)
    clouds = fractal((side, side), (6, 6), generator, gain=0.5)
    height = _blurred(folds, side / 200)
    shade = _relief(height, light, 3.5 * side / _FINEST * 4)
    tone = 0.17 * weave + 0.025 * clouds + np.clip(shade, -0.25, 0.2)
    return tone.astype(np.float32), (0.95, 1.0, 1.08)


def _threads(side: int, count: int, generator: np.random.Generator) -> Floats:
    """Return horizontal threads: round in section, each its own tone, thicker here and there."""
    rows = np.arange(side, dtype=np.float32) * np.float32(count / side)
    section = np.sin(np.float32(np.pi) * (rows % 1)) ** np.float32(0.7)
    tone = generator.normal(0, 0.16, count).astype(np.float32)[rows.astype(np.int64)]
    slub = np.clip(smooth((side, side), (count, max(2, side // 256)), generator) - 1.2, 0, 2)
    return np.asarray((section * 2.2 - 1.4 + tone)[:, np.newaxis] + 0.5 * slub, dtype=np.float32)


def _paper(side: int, generator: np.random.Generator, _light: float) -> Look:
    """Seamless background paper: all but even."""
    tooth = fractal((side, side), (side // 8, side // 8), generator, gain=0.8)
    return (0.006 * tooth).astype(np.float32), (1.0, 1.0, 1.0)


def _gloss(side: int, _generator: np.random.Generator, _light: float) -> Look:
    """Polished acrylic: even; what shows is what it mirrors."""
    return np.zeros((side, side), np.float32), (1.0, 1.0, 1.0)


def _water(side: int, generator: np.random.Generator, _light: float) -> Look:
    """A shallow bed under water: broad patches; waves and mirror image come with the view."""
    patches = fractal((side, side), (5, 5), generator, gain=0.45)
    return (0.05 * patches).astype(np.float32), (1.1, 1.0, 0.95)


_DRAW: Final[dict[str, Draw]] = {
    "wood": _wood,
    "marble": _marble,
    "stone": _stone,
    "concrete": _concrete,
    "linen": _linen,
    "paper": _paper,
    "gloss": _gloss,
    "water": _water,
}
