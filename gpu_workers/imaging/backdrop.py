"""The empty set: seamless sweeps, table tops with a wall behind, surfaces from above.

Owns what stands behind and under the product, in perspective and out of focus with distance.
Does not own shadows and reflections of the product. Results are (h, w, 3) float32 linear sRGB.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Final, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from gpu_workers.imaging.arrays import Image, Photo, to_linear
from gpu_workers.imaging.camera import Ground
from gpu_workers.imaging.color import from_hex
from gpu_workers.imaging.lighting import light_maps
from gpu_workers.imaging.materials import SIDES, TILE_UNITS, tile
from gpu_workers.imaging.noise import fractal
from gpu_workers.imaging.water import ripples
from gpu_workers.scene_spec import SceneSpec

Floats: TypeAlias = npt.NDArray[np.float32]

_DEFOCUS: Final = 0.013
"""Blur (standard deviation) of a point at infinity, as a share of the canvas side."""
_IN_FOCUS: Final = 0.05
"""Depth of field: relative change of distance that stays sharp."""
_SHEEN: Final[dict[str, float]] = {
    "wood": 0.10,
    "marble": 0.16,
    "stone": 0.05,
    "concrete": 0.04,
    "linen": 0.0,
    "paper": 0.0,
    "gloss": 0.42,
    "water": 0.75,
}
"""Share of the wall a surface mirrors where it is seen at a grazing angle."""


def sweep(scene: SceneSpec, canvas: tuple[int, int], ground: Ground) -> Image:
    """Return a seamless paper sweep: ground and wall in one color, joined by a curve."""
    height = canvas[1]
    wall, floor = light_maps(canvas, ground, scene.light)
    rows = np.arange(height, dtype=np.float32)[:, np.newaxis]
    curve = 0.10 * height
    edge = int(np.clip(ground.edge, 0, height - 1))
    wall *= _evened(floor[edge]) / _evened(wall[edge])
    on_floor = 1 / (1 + np.exp(-np.clip((rows - ground.edge) / curve * 1.6, -30, 30)))
    if ground.pitch == "top":
        on_floor = np.ones_like(rows)
    light = wall * (1 - on_floor) + floor * on_floor
    return np.asarray(light[..., np.newaxis] * from_hex(scene.color), np.float32)


def surface(
    scene: SceneSpec, canvas: tuple[int, int], ground: Ground, tint: Floats, *, seed: int
) -> Image:
    """Return a table top, with a wall behind it where the camera sees one.

    Parameters
    ----------
    tint
        (3,) gains on all colors of the scene.
    seed
        Picks the piece of material that is seen.
    """
    width, height = canvas
    wall_light, floor_light = light_maps(canvas, ground, scene.light)
    top = 0 if ground.pitch == "top" else int(np.clip(ground.edge, 0, height - 2))
    picture = np.empty((height, width, 3), np.float32)
    picture[top:] = _ground_texture(scene, canvas, ground, top, seed)
    picture[top:] *= floor_light[top:, :, np.newaxis]
    if top > 0:
        picture[:top] = _wall(scene, wall_light[:top], seed)
    if scene.material == "water":
        _add_ripples(picture, top, ground, seed)
    if ground.pitch != "top":
        _add_sheen(picture, top, ground, wall_light, scene, seed=seed)
        picture = _defocused(picture, ground)
    lines = picture.reshape(height, -1)
    lines *= np.tile(tint, width)
    return picture


def _evened(row: Floats) -> Floats:
    """Return one row smoothed over half its width."""
    return np.asarray(cv2.blur(row[np.newaxis], (max(1, row.size // 2), 1)), np.float32)


def _wall(scene: SceneSpec, light: Floats, seed: int) -> Image:
    """Return a painted wall, a shade darker right above the table."""
    height, width = light.shape
    generator = np.random.default_rng((seed, 11))
    plaster = cv2.resize(
        fractal((256, 256), (4, 4), generator, gain=0.6),
        (width, height),
        interpolation=cv2.INTER_CUBIC,
    )
    rows = np.arange(height, dtype=np.float32)[:, np.newaxis]
    seam = 1 - 0.16 * np.exp(-(height - rows) / (0.035 * max(width, height)))
    tone = light * seam * (1 + np.float32(0.008) * plaster)
    return np.asarray(tone[..., np.newaxis] * from_hex(scene.color), np.float32)


def _ground_texture(
    scene: SceneSpec, canvas: tuple[int, int], ground: Ground, top: int, seed: int
) -> Image:
    """Return rows `top` to the bottom of the material, in perspective, free of aliasing."""
    width, height = canvas
    wanted = ground.unit_px * TILE_UNITS
    side = next((size for size in SIDES if size >= 0.7 * wanted), SIDES[-1])
    photo = tile(scene.material, scene.material_color, side, seed, scene.light.azimuth_deg)
    density = side / TILE_UNITS
    generator = np.random.default_rng((seed, 23))
    start_x, start_y = generator.uniform(0, side, 2)
    edges = np.arange(top, height + 1, dtype=np.float64)
    if ground.pitch == "top":
        depth = np.ones(edges.size - 1)
        along = start_y + edges / ground.unit_px * density
    else:
        depth = ground.depth(edges[:-1] + 0.5)
        along = start_y - ground.depth(edges) * ground.focal_units * density
    squeezed = _squeezed(photo, along)
    x = np.arange(width, dtype=np.float64) + 0.5 - ground.center
    from_x = start_x + x[np.newaxis] * depth[:, np.newaxis] / ground.unit_px * density
    from_x = np.mod(from_x, side).astype(np.float32)
    from_y = np.broadcast_to(
        np.arange(depth.size, dtype=np.float32)[:, np.newaxis], from_x.shape
    ).copy()
    wrapped = cv2.copyMakeBorder(squeezed, 0, 0, 0, 1, cv2.BORDER_WRAP)
    return np.asarray(cv2.remap(wrapped, from_x, from_y, cv2.INTER_LINEAR), np.float32)


def _squeezed(photo: Photo, along: npt.NDArray[np.float64]) -> Image:
    """Return the tile averaged over the span of rows that each output row covers.

    From a low camera ten rows of a table fall into one row of the picture; a summed-area table
    along one axis (Crow 1984) averages any span exactly, at the same cost.
    """
    side = photo.shape[0]
    first, last = np.minimum(along[:-1], along[1:]), np.maximum(along[:-1], along[1:])
    middle, span = (first + last) / 2, np.maximum(last - first, 1.0)
    result = np.empty((first.size, side, 3), np.float32)
    span_of_row = span.astype(np.float32)[:, np.newaxis]

    def average(channel: int) -> None:
        linear = to_linear(photo[..., channel])
        mean = linear.mean(axis=0)
        linear -= mean
        summed = np.zeros((side + 1, side), np.float32)
        # Row by row: numpy's own running sum goes down the columns, against the memory.
        for row in range(side):
            np.add(summed[row], linear[row], out=summed[row + 1])
        upper = _rows_at(summed, np.mod(middle + span / 2, side))
        upper -= _rows_at(summed, np.mod(middle - span / 2, side))
        upper /= span_of_row
        result[..., channel] = upper + mean

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(average, range(3)))
    return result


def _rows_at(table: Floats, position: npt.NDArray[np.float64]) -> Floats:
    whole = np.minimum(position.astype(np.int64), table.shape[0] - 2)
    share = (position - whole).astype(np.float32)[:, np.newaxis]
    return np.asarray(table[whole] * (1 - share) + table[whole + 1] * share, np.float32)


def _add_ripples(picture: Image, top: int, ground: Ground, seed: int) -> None:
    """Let waves gather and scatter the light on the bed. Writes to `picture`."""
    height, width = picture.shape[:2]
    across, along = ripples((width, height), ground, seed=seed)
    bend_x = np.asarray(cv2.Sobel(across, cv2.CV_32F, 1, 0, ksize=5), np.float32)
    bend_y = np.asarray(cv2.Sobel(along, cv2.CV_32F, 0, 1, ksize=5), np.float32)
    caustics = bend_x + bend_y
    caustics = caustics / max(1e-6, float(np.abs(caustics[top:]).mean()) * 6)
    tone = 1 + 0.16 * np.clip(along, -1, 1) + 0.10 * np.clip(caustics, -1, 1.5)
    picture[top:] *= tone[top:, :, np.newaxis]


def _add_sheen(
    picture: Image,
    top: int,
    ground: Ground,
    wall_light: Floats,
    scene: SceneSpec,
    *,
    seed: int,
) -> None:
    """Let the surface mirror the wall, more towards its back edge. Writes to `picture`."""
    strength = _SHEEN[scene.material]
    height = picture.shape[0]
    rows = np.arange(top, height, dtype=np.float64)
    grazing = 1 - np.clip((rows - ground.vanish) / (height - ground.vanish), 0, 1)
    share = (strength * (0.25 + 0.75 * (grazing / max(grazing.max(), 0.05)) ** 1.5)).astype(
        np.float32
    )
    mirrored = np.clip(2 * top - np.arange(top, height), 0, height - 1)
    light = cv2.GaussianBlur(wall_light[mirrored], (0, 0), 0.01 * height)
    if scene.material == "water":
        width = picture.shape[1]
        across, along = ripples((width, height), ground, seed=seed)
        y, x = np.mgrid[0 : height - top, 0:width].astype(np.float32)
        bent_x = x + 0.03 * width * across[top:]
        bent_y = y + 0.10 * height * along[top:]
        light = cv2.remap(light, bent_x, bent_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    wall = light[..., np.newaxis] * from_hex(scene.color)
    picture[top:] *= (1 - share)[:, np.newaxis, np.newaxis]
    picture[top:] += wall * share[:, np.newaxis, np.newaxis]


def _defocused(picture: Image, ground: Ground) -> Image:
    """Return the set as a lens focused on the product sees it."""
    height, width = picture.shape[:2]
    limit = _DEFOCUS * min(height, width)
    rows = np.arange(height, dtype=np.float64)
    depth = ground.depth(np.maximum(rows, max(ground.edge, 0.0)))
    wanted = limit * np.maximum(np.abs(1 - 1 / depth) - _IN_FOCUS, 0)
    wanted[rows < ground.edge] = wanted.max()
    levels = [0.0, 0.12 * limit, 0.3 * limit, limit]
    result = picture.copy()
    for low, high in pairwise(levels):
        chosen = np.flatnonzero((wanted > low) & (wanted <= high))
        for rows_of_band in np.split(chosen, np.flatnonzero(np.diff(chosen) > 1) + 1):
            if rows_of_band.size:
                share = ((wanted[rows_of_band] - low) / (high - low)).astype(np.float32)
                first, last = int(rows_of_band[0]), int(rows_of_band[-1]) + 1
                near = _blurred_band(picture, first, last, low)
                near += (_blurred_band(picture, first, last, high) - near) * share[:, None, None]
                result[first:last] = near
    return result


def _blurred_band(picture: Image, first: int, last: int, sigma: float) -> Image:
    """Return rows `first` to `last` as they look with the whole picture blurred."""
    if sigma == 0:
        return picture[first:last].copy()
    reach = 4 * (int(3 * sigma) // 4 + 1)
    top = max(0, first - reach) // 4 * 4
    blurred = _blurred(picture[top : last + reach], sigma)
    return blurred[first - top : last - top]


def _blurred(picture: Image, sigma: float) -> Image:
    """Gaussian blur; wide ones at half or a quarter of the size, where nothing is lost."""
    factor = 4 if sigma > 8 else 2 if sigma > 4 else 1
    if factor == 1:
        return np.asarray(cv2.GaussianBlur(picture, (0, 0), max(sigma, 0.4)), np.float32)
    height, width = picture.shape[:2]
    size = (max(1, width // factor), max(1, height // factor))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma / factor)
    return np.asarray(
        cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.float32
    )
