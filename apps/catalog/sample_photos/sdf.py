"""Signed distances: primitives, operators, tabulated profiles and periodic noise.

Owns geometry only. It knows nothing of materials, lights or cameras.

Lengths are centimetres, y points up. Every function is vectorised over float32 arrays of one
shape; a distance is negative inside. Source of the primitive formulas: elementary geometry; the
smooth minimum is the quadratic one of the implicit modelling literature (Ricci 1973, in spirit).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating[Any]]
"""float32, any shape. Python numbers keep it so, though the type checker cannot tell."""

Field = Callable[[Array, Array, Array], Array]
"""Distance in centimetres at (x, y, z)."""


def smooth_union(a: Array, b: Array, k: float) -> Array:
    """Return the union of two distances with a fillet of about `k` centimetres."""
    h = np.maximum(k - np.abs(a - b), 0.0) / k
    return np.minimum(a, b) - h * h * (k * 0.25)


def smooth_intersection(a: Array, b: Array, k: float) -> Array:
    """Return the intersection of two distances with an edge rounded over `k` centimetres."""
    h = np.maximum(k - np.abs(a - b), 0.0) / k
    return np.maximum(a, b) + h * h * (k * 0.25)


def box(
    x: Array, y: Array, z: Array, half: tuple[float, float, float], radius: float = 0.0
) -> Array:
    """Return the distance to an axis-aligned box at the origin.

    Parameters
    ----------
    x, y, z
        Coordinates in centimetres.
    half
        Half extents, rounding included.
    radius
        Rounding of edges and corners.
    """
    qx = np.abs(x) - (half[0] - radius)
    qy = np.abs(y) - (half[1] - radius)
    qz = np.abs(z) - (half[2] - radius)
    inside = np.minimum(np.maximum(qx, np.maximum(qy, qz)), 0.0)
    ox, oy, oz = np.maximum(qx, 0.0), np.maximum(qy, 0.0), np.maximum(qz, 0.0)
    result: Array = np.sqrt(ox * ox + oy * oy + oz * oz) + inside - radius
    return result


def slab(across: Array, along: Array, radius: float, half: float, rounding: float = 0.0) -> Array:
    """Return the distance to a cylinder given its radial and axial coordinates.

    Parameters
    ----------
    across
        Distance from the axis.
    along
        Signed coordinate along the axis, 0 in the middle.
    radius, half
        Radius and half length, rounding included.
    rounding
        Rounding of both rims.
    """
    qx = across - (radius - rounding)
    qy = np.abs(along) - (half - rounding)
    ox, oy = np.maximum(qx, 0.0), np.maximum(qy, 0.0)
    result: Array = np.minimum(np.maximum(qx, qy), 0.0) + np.sqrt(ox * ox + oy * oy) - rounding
    return result


def capsule(
    x: Array,
    y: Array,
    z: Array,
    start: tuple[float, float, float],
    end: tuple[float, float, float],
    *,
    radius: float,
) -> Array:
    """Return the distance to a round rod from `start` to `end`."""
    ax, ay, az = x - start[0], y - start[1], z - start[2]
    bx, by, bz = (end[i] - start[i] for i in range(3))
    h = np.clip((ax * bx + ay * by + az * bz) / (bx * bx + by * by + bz * bz), 0.0, 1.0)
    dx, dy, dz = ax - bx * h, ay - by * h, az - bz * h
    result: Array = np.sqrt(dx * dx + dy * dy + dz * dz) - radius
    return result


def ring(across: Array, along: Array, radius: float, tube: float) -> Array:
    """Return the distance to a torus given its radial and axial coordinates."""
    q = across - radius
    return np.sqrt(q * q + along * along) - tube


def octagon(x: Array, z: Array) -> Array:
    """Return the apothem coordinate of a regular octagon: constant on each concentric octagon."""
    ax, az = np.abs(x), np.abs(z)
    return np.maximum(np.maximum(ax, az), (ax + az) * 0.70710678)


def fillet(corners: Sequence[tuple[float, float, float]], *, closed: bool = False) -> Array:
    """Turn a polygon with a rounding per corner into a dense polyline.

    Parameters
    ----------
    corners
        (x, y, rounding) per corner; rounding is the length cut from both adjoining edges,
        limited to just under half of each.
    closed
        Whether the last corner joins the first.

    Returns
    -------
    (m, 2) float32.
    """
    points = [np.array(c[:2], dtype=np.float64) for c in corners]
    count = len(points)
    out: list[npt.NDArray[np.float64]] = []
    steps = np.linspace(0.0, 1.0, 13)[:, None]
    for i, (here, corner) in enumerate(zip(points, corners, strict=True)):
        cut = corner[2]
        if cut <= 0.0 or (not closed and i in (0, count - 1)):
            out.append(here[None])
            continue
        before, after = points[i - 1] - here, points[(i + 1) % count] - here
        len_b, len_a = float(np.hypot(*before)), float(np.hypot(*after))
        start = here + before / len_b * min(cut, 0.49 * len_b)
        end = here + after / len_a * min(cut, 0.49 * len_a)
        # A rational quadratic with this weight is a circular arc at a right angle.
        w = 0.7071 * 2 * steps * (1 - steps)
        a, b = (1 - steps) ** 2, steps**2
        out.append((a * start + w * here + b * end) / (a + w + b))
    return np.concatenate(out).astype(np.float32)


class Outline:
    """The exact distance to a plane polygon, tabulated so that any outline costs the same.

    Outside the table the value is that of its border: a lower bound, as sphere tracing needs.
    """

    def __init__(self, polygon: Array, margin_cm: float = 1.0, cell_cm: float = 0.03) -> None:
        lo = polygon.min(axis=0) - margin_cm
        hi = polygon.max(axis=0) + margin_cm
        self._lo = (float(lo[0]), float(lo[1]))
        self._inverse_cell = 1.0 / cell_cm
        self._cols = int(np.ceil((hi[0] - lo[0]) / cell_cm)) + 1
        self._rows = int(np.ceil((hi[1] - lo[1]) / cell_cm)) + 1
        gx = (lo[0] + cell_cm * np.arange(self._cols)).astype(np.float32)[None, :]
        gy = (lo[1] + cell_cm * np.arange(self._rows)).astype(np.float32)[:, None]
        best = np.full((self._rows, self._cols), np.inf, dtype=np.float32)
        odd = np.zeros((self._rows, self._cols), dtype=bool)
        ends = np.roll(polygon, -1, axis=0)
        for (ax, ay), (bx, by) in zip(polygon.tolist(), ends.tolist(), strict=True):
            ex, ey = bx - ax, by - ay
            length2 = ex * ex + ey * ey
            if length2 < 1e-12:
                continue
            h = np.clip(((gx - ax) * ex + (gy - ay) * ey) / length2, 0.0, 1.0)
            dx, dy = gx - ax - ex * h, gy - ay - ey * h
            np.minimum(best, dx * dx + dy * dy, out=best)
            if ay != by:
                crosses = (gy >= min(ay, by)) & (gy < max(ay, by))
                odd ^= crosses & (gx < ax + (gy - ay) * (ex / ey))
        self._table = (np.sqrt(best) * np.where(odd, -1.0, 1.0)).astype(np.float32).ravel()

    def distance(self, u: Array, v: Array) -> Array:
        """Return the distance in centimetres at plane coordinates (u, v)."""
        cu = np.clip((u - self._lo[0]) * self._inverse_cell, 0.0, self._cols - 1.001)
        cv = np.clip((v - self._lo[1]) * self._inverse_cell, 0.0, self._rows - 1.001)
        iu, iv = cu.astype(np.int32), cv.astype(np.int32)
        cu -= iu
        cv -= iv
        iv *= self._cols
        iv += iu
        table = self._table
        top = table[iv]
        top += (table[iv + 1] - top) * cu
        iv += self._cols
        bottom = table[iv]
        bottom += (table[iv + 1] - bottom) * cu
        bottom -= top
        bottom *= cv
        top += bottom
        result: Array = top
        return result


def lathe(corners: Sequence[tuple[float, float, float]], cell_cm: float = 0.03) -> Outline:
    """Return the outline of a turned body from its half profile.

    Parameters
    ----------
    corners
        (radius, height, rounding) from the axis at the bottom to the axis at the top.
    cell_cm
        Cell of the table.
    """
    half = fillet(corners)
    # The mirrored half keeps the axis from counting as a surface.
    mirrored = half[::-1] * np.array([-1.0, 1.0], dtype=np.float32)
    return Outline(np.concatenate([half, mirrored]), cell_cm=cell_cm)


class Baked:
    """A field sampled once on a grid, for shapes too costly to evaluate at every step."""

    def __init__(
        self,
        field: Field,
        lo: tuple[float, float, float],
        hi: tuple[float, float, float],
        cell_cm: float,
    ) -> None:
        self._lo, self._inverse_cell = lo, 1.0 / cell_cm
        axes = [np.arange(lo[i], hi[i] + cell_cm, cell_cm, dtype=np.float32) for i in range(3)]
        self._shape = tuple(len(axis) for axis in axes)
        table = np.empty(self._shape, dtype=np.float32)
        for i, x in enumerate(axes[0]):
            y, z = np.meshgrid(axes[1], axes[2], indexing="ij")
            table[i] = field(np.full_like(y, x), y, z)
        self._table = table.ravel()

    def distance(self, x: Array, y: Array, z: Array) -> Array:
        """Return the distance by trilinear interpolation, clamped to the grid."""
        nx, ny, nz = self._shape
        fx = np.clip((x - self._lo[0]) * self._inverse_cell, 0.0, nx - 1.001)
        fy = np.clip((y - self._lo[1]) * self._inverse_cell, 0.0, ny - 1.001)
        fz = np.clip((z - self._lo[2]) * self._inverse_cell, 0.0, nz - 1.001)
        ix, iy, iz = fx.astype(np.int32), fy.astype(np.int32), fz.astype(np.int32)
        return _trilinear(
            self._table, (ix * ny + iy) * nz + iz, (fx - ix, fy - iy, fz - iz), (ny * nz, nz)
        )


def _trilinear(
    table: Array,
    at: npt.NDArray[np.int32],
    share: tuple[Array, Array, Array],
    steps: tuple[int, int],
) -> Array:
    a, b, c = share
    step_x, step_y = steps

    def line(base: npt.NDArray[np.int32]) -> Array:
        low = table[base]
        return low + (table[base + 1] - low) * c

    def plane(base: npt.NDArray[np.int32]) -> Array:
        low = line(base)
        return low + (line(base + step_y) - low) * b

    near = plane(at)
    return near + (plane(at + step_x) - near) * a


@lru_cache(maxsize=64)
def _fractal(size: int, slope: float, seed: int) -> Array:
    """Return periodic noise (size + 1 squared) with power falling as frequency ** -2 slope."""
    white = np.random.default_rng(seed).standard_normal((size, size))
    fy = np.fft.fftfreq(size)[:, None] * size
    fx = np.fft.rfftfreq(size)[None, :] * size
    radius = np.maximum(np.sqrt(fx * fx + fy * fy), 1.0)
    spectrum = np.fft.rfft2(white) * radius**-slope
    spectrum[0, 0] = 0.0
    noise = np.fft.irfft2(spectrum, s=(size, size))
    noise /= noise.std()
    return np.pad(noise, ((0, 1), (0, 1)), mode="wrap").astype(np.float32)


def noise2(u: Array, v: Array, *, slope: float = 1.0, seed: int = 1, size: int = 512) -> Array:
    """Return fractal noise of period 1 in both directions.

    Parameters
    ----------
    u, v
        Coordinates in periods.
    slope
        0 is white, 1 is cloudy, 2 is very smooth.
    seed
        Which noise.
    size
        Cells per period.

    Returns
    -------
    Standard normal values, roughly.
    """
    table = _fractal(size, slope, seed)
    fu, fv = (u - np.floor(u)) * size, (v - np.floor(v)) * size
    iu, iv = fu.astype(np.int32), fv.astype(np.int32)
    np.clip(iu, 0, size - 1, out=iu)
    np.clip(iv, 0, size - 1, out=iv)
    a, b = fu - iu, fv - iv
    flat, width = table.ravel(), size + 1
    at = iv * width + iu
    top = flat[at] * (1 - a) + flat[at + 1] * a
    at += width
    result: Array = top * (1 - b) + (flat[at] * (1 - a) + flat[at + 1] * a) * b
    return result


@lru_cache(maxsize=64)
def _lattice(seed: int, size: int) -> Array:
    values = np.random.default_rng(seed).uniform(-1, 1, (size, size, size)).astype(np.float32)
    return np.pad(values, ((0, 1), (0, 1), (0, 1)), mode="wrap").ravel()


def noise3(x: Array, y: Array, z: Array, *, seed: int = 1, size: int = 32) -> Array:
    """Return smooth value noise in -1 to 1 on the unit lattice, of period `size`."""
    fx, fy, fz = (w - np.floor(w / size) * size for w in (x, y, z))
    ix, iy, iz = fx.astype(np.int32), fy.astype(np.int32), fz.astype(np.int32)
    for index in (ix, iy, iz):
        np.clip(index, 0, size - 1, out=index)
    a, b, c = fx - ix, fy - iy, fz - iz
    a, b, c = a * a * (3 - 2 * a), b * b * (3 - 2 * b), c * c * (3 - 2 * c)
    width = size + 1
    return _trilinear(
        _lattice(seed, size), (ix * width + iy) * width + iz, (a, b, c), (width * width, width)
    )
