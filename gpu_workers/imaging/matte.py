"""From a hard mask to a soft matte: closed-form matting in a narrow band.

Owns opacity at the edge of the product. Does not find the product nor clean its colors. Works on
encoded sRGB, like the smoothing and scaling that most photos went through before.

Source: Levin, Lischinski and Weiss, "A Closed-Form Solution to Natural Image Matting", PAMI 2008.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array, diags_array

from gpu_workers.imaging.arrays import Matte, Photo
from gpu_workers.imaging.segmentation.regions import Mask, disc
from gpu_workers.imaging.segmentation.roughness import edge_band

_Floats = npt.NDArray[np.float64]
_Indices = npt.NDArray[np.int64]

_WINDOW: Final = tuple((dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1))
_REACH: Final = tuple((dy, dx) for dy in range(-2, 3) for dx in range(-2, 3))
_REGULARITY: Final = 1e-6
"""Levin's epsilon, for colors of 0 to 1."""
_PRIOR: Final = 1e-2
"""Pull towards the smoothed mask: settles flat places where colors say nothing."""
_LOW, _HIGH = 0.12, 0.96
"""Opacities that become 0 and 1: removes the faint veil that matting leaves on either side."""
_UNIT_SIDE: Final = 1600
_SOFT_PX: Final = (1.5, 3.5)
"""Distance from the line of half opacity over which an edge fades, at a longest side of 1600."""
_STRAND_PX: Final = 3
"""Half width of the widest strand, at a longest side of 1600."""
_TOLERANCE: Final = 1e-3
_MAX_ROUNDS: Final = 300
_CHUNK: Final = 30_000
"""Windows at a time: bounds the working memory to about 60 MB."""


def soft_matte(photo: Photo, mask: npt.NDArray[np.bool_]) -> Matte:
    """Return the opacity of a product from a hard mask of any smaller or equal size.

    Parameters
    ----------
    photo
        (h, w, 3) uint8, sRGB encoded.
    mask
        (h', w') bool, the same frame.

    Returns
    -------
    (h, w) float32, 0 to 1, drawn in by about half a pixel: a tight edge hides, a fringe shows.
    """
    height, width = photo.shape[:2]
    scale = max(height, width) / max(mask.shape)
    soft = cv2.resize(mask.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    soft = cv2.GaussianBlur(soft, (0, 0), max(0.7, 0.5 * scale))
    hard = soft > 0.5
    band = edge_band(photo, mask)
    known = _trimap(hard, band)
    if not (known < 0).any():
        return known.astype(np.float32)
    matte = np.where(known < 0, soft, known).astype(np.float32)
    box = _box_of(known != 0)
    trust = (np.float32(band.min()) / band[box].astype(np.float32)) ** 2
    matte[box] = closed_form_matte(photo[box], known[box], matte[box], trust)
    matte[box] = _unveiled(_drawn_in(matte[box]), max(height, width))
    return matte


def closed_form_matte(
    photo: Photo, known: npt.NDArray[np.int8], guess: Matte, trust: Matte
) -> Matte:
    """Solve for the opacity of the unknown pixels.

    Parameters
    ----------
    photo
        (h, w, 3) uint8, sRGB encoded.
    known
        (h, w) int8, the trimap: 0 is backdrop, 1 is product, -1 is unknown.
    guess
        (h, w) float32, 0 to 1: where to start and, weakly, where to stay.
    trust
        (h, w) float32, 0 to 1: how far the guess holds; less where strands leave the product.

    Returns
    -------
    (h, w) float32, 0 to 1; exactly 0 and 1 where known.
    """
    height, width = known.shape
    unknown = known < 0
    unknown[[0, -1]] = False
    unknown[:, [0, -1]] = False
    matte = np.where(known < 0, guess, known).astype(np.float32)
    pixels = np.flatnonzero(unknown)
    if len(pixels) == 0:
        return matte
    number = np.full(height * width, -1, np.int64)
    number[pixels] = np.arange(len(pixels))
    centers = _window_centers(unknown)
    stencil = _laplacian_stencil(photo.reshape(-1, 3), centers, number, len(pixels), width)
    prior = _PRIOR * trust.reshape(-1)[pixels].astype(np.float64)
    alpha = matte.reshape(-1).astype(np.float64)
    solved = _solve(stencil, pixels, number, alpha=alpha, prior=prior, width=width)
    matte.reshape(-1)[pixels] = np.clip(solved, 0, 1)
    return matte


def _trimap(hard: Mask, band: npt.NDArray[np.int32]) -> npt.NDArray[np.int8]:
    """Return 1 and 0 further from the edge of the mask than the band is wide there, -1 within."""
    inside = cv2.distanceTransform(hard.astype(np.uint8), cv2.DIST_L2, 3)
    outside = cv2.distanceTransform((~hard).astype(np.uint8), cv2.DIST_L2, 3)
    known = np.full(hard.shape, -1, np.int8)
    known[inside > band] = 1
    known[outside > band] = 0
    return known


def _box_of(mask: npt.NDArray[np.bool_]) -> tuple[slice, slice]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if len(rows) == 0:
        return slice(0, 0), slice(0, 0)
    return (
        slice(max(0, rows[0] - 2), rows[-1] + 3),
        slice(max(0, columns[0] - 2), columns[-1] + 3),
    )


def _drawn_in(matte: Matte) -> Matte:
    return np.asarray(np.clip((matte - _LOW) / (_HIGH - _LOW), 0, 1), np.float32)


def _unveiled(matte: Matte, longest: int) -> Matte:
    """Return the matte without the veil that matting leaves beyond the edge, but with strands.

    Further out than an edge is soft, only what is thin is product: what a small disc can slide
    into (the opening of the matte, Serra 1982) is veil.
    """
    unit = max(1.0, longest / _UNIT_SIDE)
    away = cv2.distanceTransform((matte <= 0.5).astype(np.uint8), cv2.DIST_L2, 3)
    first, last = (unit * px for px in _SOFT_PX)
    share = np.clip((away - np.float32(first)) / np.float32(last - first), 0, 1)
    veil = cv2.morphologyEx(matte, cv2.MORPH_OPEN, disc(round(unit * _STRAND_PX)))
    return np.asarray(matte - veil * share, np.float32)


def _window_centers(unknown: npt.NDArray[np.bool_]) -> _Indices:
    touching = cv2.dilate(unknown.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    touching[[0, -1]] = False
    touching[:, [0, -1]] = False
    return np.flatnonzero(touching)


def _laplacian_stencil(
    colors: npt.NDArray[np.uint8],
    centers: _Indices,
    number: _Indices,
    count: int,
    width: int,
) -> _Floats:
    """Return (count, 25): the matting Laplacian's row of each unknown pixel, by offset."""
    stencil = np.zeros((count, len(_REACH)))
    offsets = np.array([dy * width + dx for dy, dx in _WINDOW])
    for start in range(0, len(centers), _CHUNK):
        window = centers[start : start + _CHUNK, None] + offsets
        weights = _window_weights(colors[window].astype(np.float64) / 255)
        rows = number[window]
        for i, (dy, dx) in enumerate(_WINDOW):
            inside = np.flatnonzero(rows[:, i] >= 0)
            row = rows[inside, i]
            for j, (ey, ex) in enumerate(_WINDOW):
                # One pixel is the i-th of at most one window, so no index repeats here.
                stencil[row, _REACH.index((ey - dy, ex - dx))] += weights[inside, i, j]
    return stencil


def _window_weights(colors: _Floats) -> _Floats:
    """Return (n, 9, 9): identity minus the affinity of the colors (n, 9, 3) of each window."""
    offset = colors - colors.mean(axis=1, keepdims=True)
    covariance = np.swapaxes(offset, 1, 2) @ offset / 9
    precision = np.linalg.inv(covariance + _REGULARITY / 9 * np.eye(3))
    affinity = (1 + (offset @ precision) @ np.swapaxes(offset, 1, 2)) / 9
    return np.asarray(np.eye(9) - affinity)


def _solve(
    stencil: _Floats,
    pixels: _Indices,
    number: _Indices,
    *,
    alpha: _Floats,
    prior: _Floats,
    width: int,
) -> _Floats:
    count = len(pixels)
    columns = np.full(stencil.shape, -1, np.int64)
    right = prior * alpha[pixels]
    for position, (dy, dx) in enumerate(_REACH):
        neighbor = pixels + dy * width + dx
        # Beyond the frame the Laplacian holds zeros; the clip only keeps the index legal.
        neighbor = np.clip(neighbor, 0, len(number) - 1)
        columns[:, position] = number[neighbor]
        is_known = columns[:, position] < 0
        right[is_known] -= stencil[is_known, position] * alpha[neighbor[is_known]]
    free = columns >= 0
    starts = np.concatenate([[0], np.cumsum(free.sum(axis=1))])
    laplacian = csr_array((stencil[free], columns[free], starts), shape=(count, count))
    system = laplacian + diags_array(prior)
    return _conjugate_gradient(system, right, start=alpha[pixels])


def _conjugate_gradient(system: csr_array, right: _Floats, *, start: _Floats) -> _Floats:
    """Solve a symmetric positive definite system, preconditioned by its diagonal.

    Written out because scipy's takes dot products through threaded BLAS: on a busy machine its
    threads waited for one another far longer than they worked, and the sums, so the last
    bits of a matte, depended on their number. Source: Hestenes and Stiefel (1952).
    """
    inverse = 1 / system.diagonal()
    solution = start.copy()
    residual = right - system @ solution
    direction = inverse * residual
    energy = _dot(residual, direction)
    enough = _TOLERANCE**2 * max(_dot(right, inverse * right), 1e-12)
    for _ in range(_MAX_ROUNDS):
        if energy <= enough:
            break
        pushed = system @ direction
        step = energy / _dot(direction, pushed)
        solution += step * direction
        residual -= step * pushed
        scaled = inverse * residual
        before, energy = energy, _dot(residual, scaled)
        direction = scaled + energy / before * direction
    return solution


def _dot(one: _Floats, other: _Floats) -> float:
    return float(np.einsum("i,i->", one, other))
