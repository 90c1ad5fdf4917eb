"""A backdrop goes on beyond the frame of its photo, plain or textured.

Owns the continuation of light, grain and texture outwards. What was photographed is never
touched: functions return a canvas that holds the picture, unchanged, at its place. Arrays are
(h, w, 3) float32, sRGB encoded 0 to 255 unless a function says that any unit will do.

Sources: Galerne, Gousseau, Morel, "Random Phase Textures" (2011), for grain with the spectrum of
a sample; Efros and Freeman, "Image Quilting" (SIGGRAPH 2001), for texture with cut seams.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from gpu_workers.imaging.framing import Box

Floats: TypeAlias = npt.NDArray[np.float32]
Bools: TypeAlias = npt.NDArray[np.bool_]

_STRIP: Final = 0.05
"""Depth of the strip along a side that tells how the backdrop goes on, as a share of the side."""
_EVEN: Final = 0.012
"""Smoothing along a side: finer changes are grain or texture."""
_SLOPE_EVEN: Final = 0.12
"""Smoothing of slopes along a side: they are carried far."""
_LEVELS_OFF: Final = 0.18
"""Distance, as a share of the picture, over which a slope fades to even light."""
_SEAM: Final = 0.012
_MIN_STRIP_PX: Final = 4


def extend_light(picture: Floats, backdrop: Bools, box: Box, canvas: tuple[int, int]) -> Floats:
    """Continue a smooth backdrop to the size of a canvas.

    Every row goes on from its own brightness and slope at the frame, which fades with distance;
    then every column of the widened picture, so that corners follow both.

    Parameters
    ----------
    picture
        (h, w, c) float32, any unit.
    backdrop
        (h, w) where the picture shows nothing but backdrop.
    box
        Where the picture lies on the canvas; may reach over its frame, and then is cut.
    canvas
        Width and height.

    Returns
    -------
    (H, W, c) float32; inside `box` the picture itself.
    """
    width, height = canvas
    left, top = max(0, box.left), max(0, box.top)
    right, bottom = min(width, box.right), min(height, box.bottom)
    inner = picture[top - box.top : bottom - box.top, left - box.left : right - box.left]
    known = backdrop[top - box.top : bottom - box.top, left - box.left : right - box.left]
    if inner.shape[:2] == (height, width):
        return inner.copy()
    wide = _widened(inner, known, left, width - right)
    seen = np.pad(known, ((0, 0), (left, width - right)), constant_values=True)
    turned = _widened(wide.transpose(1, 0, 2), seen.T, top, height - bottom)
    result = np.ascontiguousarray(turned.transpose(1, 0, 2))
    result[top:bottom, left:right] = inner
    return result


def _widened(picture: Floats, known: Bools, before: int, after: int) -> Floats:
    """Return the picture with columns added on its left and right."""
    parts = [picture]
    if before:
        parts.insert(0, _grown(picture[:, ::-1], known[:, ::-1], before)[:, ::-1])
    if after:
        parts.append(_grown(picture, known, after))
    return np.concatenate(parts, axis=1) if len(parts) > 1 else picture


def _grown(picture: Floats, known: Bools, count: int) -> Floats:
    """Return `count` columns that follow the right side of the picture."""
    height, width = picture.shape[:2]
    depth = min(width, max(_MIN_STRIP_PX, round(_STRIP * max(width, height))))
    strip, seen = picture[:, -depth:], known[:, -depth:].astype(np.float32)
    half = depth // 2
    near = _smoothed(strip[:, half:], seen[:, half:], _EVEN)
    far = _smoothed(strip[:, :half], seen[:, :half], _EVEN) if half else near
    slope = _along((near - far) / max(1.0, depth / 2), _SLOPE_EVEN * height)
    at_edge = near + slope * (depth - half) / 2
    distance = np.arange(1, count + 1, dtype=np.float32)
    reach = np.float32(_LEVELS_OFF * max(width, height))
    ahead = reach * (1 - np.exp(-distance / reach))
    grown = _diffused(at_edge, distance) + slope[:, np.newaxis] * ahead[np.newaxis, :, np.newaxis]
    # What smoothing along the side left out fades away within a few pixels: no visible seam.
    last = min(depth, 3)
    row = strip[:, -last:].mean(axis=1)
    clear = seen[:, -last:].min(axis=1)[:, np.newaxis]
    rest = _along((row - at_edge) * clear, 1.6)[:, np.newaxis]
    fade = np.exp(-distance / max(2.0, _SEAM * max(width, height)))
    grown += rest * fade[np.newaxis, :, np.newaxis]
    return np.asarray(grown, np.float32)


def _diffused(edge: Floats, distance: Floats) -> Floats:
    """Return the values along a side as they go on: the farther away, the more even.

    Light that leaves a patch spreads; values that ran straight on would show as streaks. Three
    ever wider averages along the side are blended by distance.
    """
    rows = edge.shape[0]
    levels, reaches = [edge], [0.0]
    for width in (0.03, 0.09, 0.25):
        levels.append(_along(edge, width * rows))
        reaches.append(1.2 * width * rows)
    result = np.empty((rows, distance.size, edge.shape[1]), np.float32)
    for column, far in enumerate(distance):
        at = min(len(reaches) - 2, int(np.searchsorted(reaches, far, side="right")) - 1)
        span = reaches[at + 1] - reaches[at]
        share = np.float32(min(1.0, (far - reaches[at]) / span))
        result[:, column] = levels[at] + (levels[at + 1] - levels[at]) * share
    return result


def _along(values: Floats, sigma: float) -> Floats:
    """Return values (n, c) smoothed along the side, reflected at its ends."""
    wide = values[:, np.newaxis]
    blurred = cv2.GaussianBlur(
        wide, (1, 0), sigmaX=0.1, sigmaY=max(0.6, sigma), borderType=cv2.BORDER_REFLECT
    )
    return np.asarray(blurred.reshape(values.shape), np.float32)


def _smoothed(strip: Floats, seen: Floats, even: float) -> Floats:
    """Return the strip's mean along each row, smoothed over rows; rows of product are bridged."""
    weight = seen.sum(axis=1)
    total = (strip * seen[..., np.newaxis]).sum(axis=1)
    rows = strip.shape[0]
    result = np.zeros_like(total)
    share = np.zeros((rows, 1), np.float32)
    # Wider and wider looks until every row has found some backdrop.
    sigma = max(1.0, even * rows)
    while True:
        near = cv2.GaussianBlur(
            total, (1, 0), sigmaX=0.1, sigmaY=sigma, borderType=cv2.BORDER_REFLECT
        )
        count = cv2.GaussianBlur(
            weight[:, np.newaxis], (1, 0), sigmaX=0.1, sigmaY=sigma, borderType=cv2.BORDER_REFLECT
        ).reshape(rows, 1)
        level = near.reshape(rows, -1) / np.maximum(count, 1e-6)
        trust = np.clip(count / (0.25 * strip.shape[1]), 0, 1) * (1 - share)
        result += level * trust
        share += trust
        if share.min() > 0.999 or sigma > 2 * rows:
            break
        sigma *= 2
    if share.max() <= 1e-6:
        return np.broadcast_to(strip.mean(axis=(0, 1)), total.shape).astype(np.float32)
    return np.asarray(result / np.maximum(share, 1e-6), np.float32)


@dataclass(frozen=True, slots=True)
class Extended:
    """A picture on its larger canvas."""

    picture: Floats
    """(H, W, 3), 0 to 255; inside its box the picture itself."""
    is_textured: bool
    """Whether the backdrop had structure that was laid from pieces of itself."""


def extend(
    picture: Floats, backdrop: Bools, box: Box, canvas: tuple[int, int], *, seed: int
) -> Extended:
    """Continue the backdrop of a picture to the size of a canvas, with its light and its grain.

    Parameters
    ----------
    picture
        (h, w, 3) float32, sRGB encoded, 0 to 255.
    backdrop
        (h, w) where it shows nothing but backdrop.
    box
        Where it lies on the canvas; may reach over its frame, and then is cut.
    canvas
        Width and height.
    seed
        The same seed gives the same grain and the same pieces.
    """
    smooth = extend_light(picture, backdrop, box, canvas)
    outside = np.ones((canvas[1], canvas[0]), np.bool_)
    outside[max(0, box.top) : max(0, box.bottom), max(0, box.left) : max(0, box.right)] = False
    if not outside.any():
        return Extended(smooth, is_textured=False)
    generator = np.random.default_rng((seed, 51))
    sides = _sides(box, canvas)
    structure = structure_of(picture, backdrop, sides)
    is_textured = structure > _STRUCTURE
    if is_textured:
        result = _laid(picture, backdrop, box, canvas, generator)
        return Extended(result, is_textured=True)
    sample = _sample_of(picture, backdrop)
    if sample is not None:
        field = grain_like(sample, (canvas[1], canvas[0]), generator)
        smooth[outside] += field[outside]
    return Extended(np.clip(smooth, 0, 255), is_textured=False)


_STRUCTURE: Final = 4.2
"""Levels of structure between grain and shading from which a backdrop counts as textured:
measured 0.3 to 3.3 along plain sides and 5.2 to 10.7 along planks, cloth, stone and grass."""
_TILE: Final = 512
_SAMPLE: Final = (96, 64, 40, 24)


def _sides(box: Box, canvas: tuple[int, int]) -> tuple[str, ...]:
    """Return the sides on which the canvas goes on."""
    grows = {
        "left": box.left > 0,
        "top": box.top > 0,
        "right": box.right < canvas[0],
        "bottom": box.bottom < canvas[1],
    }
    return tuple(side for side, does in grows.items() if does)


def structure_of(picture: Floats, backdrop: Bools, sides: tuple[str, ...]) -> float:
    """Return the strongest structure along the sides that go on, in levels.

    Grain is what is finer than 2 px at 1,000, light what is coarser than 8 % of the picture.
    """
    height, width = picture.shape[:2]
    size = max(height, width)
    seen = backdrop.astype(np.float32)
    fine = _known_blur(picture.mean(axis=2), seen, 0.002 * size)
    band = np.abs(fine - _known_blur(picture.mean(axis=2), seen, 0.03 * size))
    depth = max(_MIN_STRIP_PX, round(0.12 * min(height, width)))
    strips = {
        "left": (slice(None), slice(0, depth)),
        "right": (slice(None), slice(width - depth, width)),
        "top": (slice(0, depth), slice(None)),
        "bottom": (slice(height - depth, height), slice(None)),
    }
    found = [0.0]
    for side in sides:
        values = band[strips[side]][backdrop[strips[side]]]
        if values.size:
            # Far tails are stray objects, the middle is the backdrop's own pattern.
            found.append(float(np.sqrt(np.mean(np.minimum(values, 12.0) ** 2))))
    return max(found)


def _known_blur(picture: Floats, seen: Floats, sigma: float) -> Floats:
    """Return the blur of the known part of a picture (h, w) or (h, w, c).

    Wide blurs are made at a fraction of the size, where nothing is lost.
    """
    sigma = max(0.6, sigma)
    height, width = seen.shape
    factor = max(1, int(sigma / 4))
    size = (max(1, width // factor), max(1, height // factor))

    def blurred(plane: Floats) -> Floats:
        small = plane if factor == 1 else cv2.resize(plane, size, interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.GaussianBlur(small, (0, 0), sigma / factor), np.float32)

    share = np.maximum(blurred(seen), np.float32(1e-4))
    if picture.ndim == 3:
        total, share = blurred(picture * seen[..., np.newaxis]), share[..., np.newaxis]
    else:
        total = blurred(picture * seen)
    result = total / share
    if factor == 1:
        return np.asarray(result, np.float32)
    wide = cv2.resize(result, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(wide, np.float32)


def _sample_of(picture: Floats, backdrop: Bools) -> Floats | None:
    """Return a square of backdrop from near the frame without its light, or None."""
    height, width = picture.shape[:2]
    for side in _SAMPLE:
        if side > min(height, width):
            continue
        known = cv2.erode(backdrop.astype(np.uint8), np.ones((side, side), np.uint8), anchor=(0, 0))
        known = known[: height - side + 1, : width - side + 1]
        rows, columns = np.nonzero(known)
        if rows.size == 0:
            continue
        # The corner squares first: they lie next to what is added.
        near = np.minimum(columns, width - side - columns) + np.minimum(rows, height - side - rows)
        order = np.argsort(near, kind="stable")[:: max(1, rows.size // 24)][:24]
        squares = [picture[rows[k] : rows[k] + side, columns[k] : columns[k] + side] for k in order]
        rest = [square - cv2.GaussianBlur(square, (0, 0), 2.2) for square in squares]
        rest.sort(key=lambda each: float(each.std()))
        return np.asarray(rest[len(rest) // 2], np.float32)
    return None


def grain_like(sample: Floats, size: tuple[int, int], generator: np.random.Generator) -> Floats:
    """Return noise with the spectrum and the correlation of colors of a sample.

    Parameters
    ----------
    sample
        (n, n, 3) grain without light.
    size
        Height and width.

    References
    ----------
    Galerne, Gousseau, Morel (2011), asymptotic discrete spot noise.
    """
    side = sample.shape[0]
    window = np.hanning(side + 2)[1:-1].astype(np.float32)
    flat = np.outer(window, window)[..., np.newaxis]
    centered = (sample - sample.mean(axis=(0, 1))) * flat
    centered /= np.sqrt(np.mean(flat**2))
    spot = np.zeros((_TILE, _TILE, 3), np.float32)
    spot[:side, :side] = centered / side
    noise = np.fft.rfft2(generator.standard_normal((_TILE, _TILE)))
    tile = np.dstack(
        [np.fft.irfft2(np.fft.rfft2(spot[..., c]) * noise, s=(_TILE, _TILE)) for c in range(3)]
    )
    repeats = (-(-size[0] // _TILE), -(-size[1] // _TILE), 1)
    return np.asarray(np.tile(tile, repeats)[: size[0], : size[1]], np.float32)


_PIECE: Final = 0.10
"""Side of a laid piece as a share of the picture's shorter side."""
_PIECE_PX: Final = (24, 220)
_OVERLAP: Final = 0.34
_SEARCH_PIECE_PX: Final = 20
"""Side of a piece while it is looked for: 400 candidates a millisecond."""
_CONTRAST_WEIGHT: Final = 3.0
_GOOD: Final = 1.12
"""Pieces that fit at most this much worse than the best are drawn from by lot."""


def _laid(
    picture: Floats,
    backdrop: Bools,
    box: Box,
    canvas: tuple[int, int],
    generator: np.random.Generator,
) -> Floats:
    """Continue a textured backdrop by pieces of itself, side by side.

    Light is taken off first and put back at the end, so that pieces from far away fit.
    """
    width, height = canvas
    left, top = max(0, box.left), max(0, box.top)
    right, bottom = min(width, box.right), min(height, box.bottom)
    rows = slice(top - box.top, bottom - box.top)
    columns = slice(left - box.left, right - box.left)
    inner, known = picture[rows, columns], backdrop[rows, columns]
    sigma = 0.08 * max(inner.shape[:2])
    seen = known.astype(np.float32)
    light = _known_blur(inner, seen, sigma)
    frame = Box(left, top, right - left, bottom - top)
    light_all = extend_light(light, np.ones_like(known), frame, canvas)
    rest = inner - light
    source = (rest, known)
    wide = rest
    if width - right:
        wide = _quilted(wide, source, width - right, generator)
    if left:
        mirrored = (rest[:, ::-1], known[:, ::-1])
        wide = _quilted(wide[:, ::-1], mirrored, left, generator)[:, ::-1]
    turned = (rest.transpose(1, 0, 2), known.T)
    tall = np.ascontiguousarray(wide.transpose(1, 0, 2))
    if height - bottom:
        tall = _quilted(tall, turned, height - bottom, generator)
    if top:
        flipped = (turned[0][:, ::-1], turned[1][:, ::-1])
        tall = _quilted(tall[:, ::-1], flipped, top, generator)[:, ::-1]
    result = np.clip(tall.transpose(1, 0, 2) + light_all, 0, 255)
    result[top:bottom, left:right] = inner
    return np.ascontiguousarray(result, np.float32)


def _quilted(
    have: Floats, source: tuple[Floats, Bools], count: int, generator: np.random.Generator
) -> Floats:
    """Return a picture with `count` columns of texture added on its right."""
    texture, known = source
    height, width = have.shape[:2]
    low, high = _PIECE_PX
    side = int(np.clip(_PIECE * min(texture.shape[:2]), low, high))
    side = min(side, texture.shape[0], texture.shape[1])
    overlap = max(4, round(_OVERLAP * side))
    step = side - overlap
    columns, rows = -(-count // step), -(-max(1, height - overlap) // step)
    result = np.zeros((max(height, rows * step + overlap), width + columns * step, 3), np.float32)
    result[:height, :width] = have
    filled = np.zeros(result.shape[:2], np.bool_)
    filled[:height, :width] = True
    finder = _Finder(texture, known, side)
    for column in range(columns):
        x = width - overlap + column * step
        for row in range(rows):
            y = row * step
            target = result[y : y + side, x : x + side]
            ready = filled[y : y + side, x : x + side]
            at_y, at_x = finder.find(target, ready, y, generator)
            piece = texture[at_y : at_y + side, at_x : at_x + side]
            share = _cut(piece, target, ready, overlap)
            target *= 1 - share
            target += piece * share
            ready[:] = True
    return result[:height, : width + count]


class _Finder:
    """Looks for pieces of a texture that go on from what is there."""

    def __init__(self, texture: Floats, known: Bools, side: int) -> None:
        self._scale = min(1.0, _SEARCH_PIECE_PX / side)
        self._side = side
        self._texture = self._smaller(texture)
        rows, columns = self._texture.shape[:2]
        small = cv2.resize(known.astype(np.float32), (columns, rows), interpolation=cv2.INTER_AREA)
        self._piece = max(2, round(side * self._scale))
        pure = cv2.erode(
            (small > 0.98).astype(np.uint8),
            np.ones((self._piece, self._piece), np.uint8),
            anchor=(0, 0),
            borderValue=0,
        )
        self._pure = pure[: rows - self._piece + 1, : columns - self._piece + 1].astype(np.bool_)
        self._contrast = self._contrast_of(self._texture)
        self._limit = (texture.shape[0] - side, texture.shape[1] - side)

    def find(
        self, target: Floats, ready: Bools, y: int, generator: np.random.Generator
    ) -> tuple[int, int]:
        """Return the row and column of a piece that fits `target` where it is `ready`."""
        size = (self._piece, self._piece)
        template = cv2.resize(target, size, interpolation=cv2.INTER_AREA)
        mask = cv2.resize(ready.astype(np.float32), size, interpolation=cv2.INTER_AREA)
        mask = np.repeat((mask > 0.5).astype(np.float32)[..., np.newaxis], 3, axis=2)
        cost = cv2.matchTemplate(self._texture, template, cv2.TM_SQDIFF, mask=mask)
        cost = np.maximum(cost, 0) / max(1.0, float(mask.sum()))
        # Smooth pieces fit anything a little; what is next to sharp texture must be as sharp.
        there = template[mask[..., 0] > 0]
        own = float(there.std()) if there.size else 0.0
        cost = cost + _CONTRAST_WEIGHT * (self._contrast - np.float32(own)) ** 2
        # What lies at the same height is seen in the same perspective and focus.
        away = np.abs(np.arange(cost.shape[0]) - y * self._scale) / cost.shape[0]
        # And next to the side that goes on, as near or as far from the camera.
        behind = np.linspace(0.6, 0.0, cost.shape[1])
        cost = (cost + 0.5) * (1 + away[:, np.newaxis] + behind).astype(np.float32)
        if self._pure.any():
            cost = np.where(self._pure, cost, np.inf)
        good = np.flatnonzero(cost.ravel() <= _GOOD * float(cost.min()))
        chosen = int(good[int(generator.integers(good.size))])
        row, column = divmod(chosen, cost.shape[1])
        return (
            min(self._limit[0], round(row / self._scale)),
            min(self._limit[1], round(column / self._scale)),
        )

    def _contrast_of(self, texture: Floats) -> Floats:
        """Return the standard deviation of every piece, at its upper left corner."""
        tone = texture.mean(axis=2)
        rows, columns = tone.shape[0] - self._piece + 1, tone.shape[1] - self._piece + 1
        size, anchor = (self._piece, self._piece), (0, 0)
        mean = cv2.boxFilter(tone, -1, size, anchor=anchor)
        square = cv2.boxFilter(tone * tone, -1, size, anchor=anchor)
        return np.asarray(np.sqrt(np.maximum(square - mean**2, 0))[:rows, :columns], np.float32)

    def _smaller(self, picture: Floats) -> Floats:
        return np.asarray(
            cv2.resize(
                np.ascontiguousarray(picture),
                None,
                fx=self._scale,
                fy=self._scale,
                interpolation=cv2.INTER_AREA,
            ),
            np.float32,
        )


def _cut(piece: Floats, target: Floats, ready: Bools, overlap: int) -> Floats:
    """Return the share of a piece in each pixel: cut where it differs least from what is there.

    The cut runs down the left overlap and, where the piece above is there too, along the upper
    one (Efros and Freeman 2001, section 2.1); it is softened over two pixels.
    """
    side = piece.shape[0]
    error = ((piece - target) ** 2).sum(axis=2)
    share = np.ones((side, side), np.float32)
    if ready[side // 2, :overlap].any():
        path = _path(error[:, :overlap])
        share *= np.arange(side)[np.newaxis, :] >= path[:, np.newaxis]
    if ready[:overlap, -1].any():
        path = _path(error[:overlap].T)
        share *= np.arange(side)[:, np.newaxis] >= path[np.newaxis, :]
    share[~ready] = 1
    soft = cv2.GaussianBlur(share, (0, 0), 0.8)
    soft[~ready] = 1
    return np.asarray(soft[..., np.newaxis], np.float32)


def _path(error: Floats) -> npt.NDArray[np.int64]:
    """Return for each row the column at which the cheapest cut from top to bottom runs."""
    total = error.astype(np.float64)
    rows, columns = total.shape
    for row in range(1, rows):
        above = total[row - 1]
        best = np.minimum(above, np.minimum(np.r_[np.inf, above[:-1]], np.r_[above[1:], np.inf]))
        total[row] += best
    path = np.empty(rows, np.int64)
    path[-1] = int(np.argmin(total[-1]))
    for row in range(rows - 2, -1, -1):
        low = max(0, path[row + 1] - 1)
        high = min(columns, path[row + 1] + 2)
        path[row] = low + int(np.argmin(total[row, low:high]))
    return path
