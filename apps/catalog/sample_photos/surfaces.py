"""Tables, cloths and walls: where products stand in the demo photos.

Owns the geometry of the set and the look of its materials. It does not own light or products.

Coordinates are centimetres; albedo is linear reflectance. A finish is a function of two
coordinates on the surface and returns albedo (3, n), roughness (n,) and the slope of its relief
along both coordinates (cm per cm). Patterns come from periodic noise, read at several scales.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from apps.catalog.sample_photos.sdf import Array, noise2
from apps.catalog.sample_photos.trace import FLOOR, MISS, WALL, Ints, Material, bump

Color = tuple[float, float, float]
Finish = Callable[[Array, Array], tuple[Array, Array, Array, Array]]


def srgb(red: int, green: int, blue: int) -> Color:
    """Return linear reflectance for 8-bit sRGB values."""
    c = np.array([red, green, blue]) / 255.0
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    return float(linear[0]), float(linear[1]), float(linear[2])


def mix(a: Color | Array, b: Color | Array, share: Array) -> Array:
    """Blend two colors (3,) or (3, n) by `share` (n,)."""
    ca = np.asarray(a, dtype=np.float32).reshape(3, -1)
    cb = np.asarray(b, dtype=np.float32).reshape(3, -1)
    return ca + (cb - ca) * share


def _relief(
    height: Callable[[Array, Array], Array], u: Array, v: Array, step_cm: float
) -> tuple[Array, Array]:
    here = height(u, v)
    return (
        (height(u + step_cm, v) - here) / step_cm,
        (height(u, v + step_cm) - here) / step_cm,
    )


def wood(
    light: Color, dark: Color, *, plank_cm: float = 11.0, seed: int = 3, gloss: float = 0.42
) -> Finish:
    """Return oiled planks with the grain along the first coordinate."""

    def finish(u: Array, v: Array) -> tuple[Array, Array, Array, Array]:
        v = v + 4.0
        plank = np.floor(v / plank_cm)
        tone = np.modf(np.sin(plank * 12.9898 + seed) * 43758.547)[0]
        shift = tone * 57.0
        across = v + 0.5 * noise2(u / 90 + shift, v / 60, slope=2.0, seed=seed)
        rings = across * 0.55 + 1.1 * noise2(
            u / 160 + shift, across / 22 + shift, slope=1.9, seed=seed
        )
        band = 0.5 + 0.5 * np.sin(rings * 6.2832)
        band = band * band * (3 - 2 * band)
        streak = noise2(u / 70 + shift, v / 9, slope=0.55, seed=seed + 1)
        fibre = noise2(u / 45 + shift, v / 3.2, slope=0.35, seed=seed + 2)
        pore = np.clip(noise2(u / 26 + shift, v / 2.2, slope=0.25, seed=seed + 3) - 1.25, 0.0, 1.0)
        share = 0.34 + 0.26 * (band - 0.5) + 0.1 * streak + 0.06 * fibre + 0.22 * tone
        albedo = mix(light, dark, np.clip(share, 0.0, 1.15))
        albedo = albedo * (1.0 - 0.45 * pore)
        edge = np.abs(v - (plank + 0.5) * plank_cm)
        gap = np.clip((edge - plank_cm / 2 + 0.05) / 0.05, 0.0, 1.0)
        albedo = albedo * (1.0 - 0.82 * gap)
        bevel = np.clip((edge - plank_cm / 2 + 0.14) / 0.14, 0.0, 1.0)
        side = np.sign(v - (plank + 0.5) * plank_cm)
        slope_v = 0.035 * fibre + 0.06 * pore - 0.5 * bevel * side
        rough = np.clip(gloss + 0.05 * streak + 0.25 * pore + 0.3 * gap, 0.15, 1.0)
        return albedo, rough, 0.004 * streak, slope_v

    return finish


def linen(base: Color, *, seed: int = 11, wrinkle: float = 1.0) -> Finish:
    """Return a woven cloth with slubs and soft wrinkles."""
    threads_per_cm = 9.0

    def folds(u: Array, v: Array) -> Array:
        a = noise2(u / 90 + v / 130 + 0.1, v / 190 - u / 260, slope=2.7, seed=seed)
        crease = noise2(u / 70 + v / 110, v / 240 - u / 300, slope=2.3, seed=seed + 1)
        return 0.9 * a - 0.5 * np.sqrt(crease * crease + 0.01)

    def finish(u: Array, v: Array) -> tuple[Array, Array, Array, Array]:
        # Threads are not straight lines: they wander a little.
        wu = u + 0.05 * noise2(u / 20, v / 20, slope=1.2, seed=seed + 2)
        wv = v + 0.05 * noise2(u / 20 + 0.5, v / 20, slope=1.2, seed=seed + 3)
        warp = np.sin(wu * threads_per_cm * 6.2832)
        weft = np.sin(wv * threads_per_cm * 6.2832)
        slub_u = noise2(u / 6, v / 60, slope=0.5, seed=seed + 4)
        slub_v = noise2(u / 60, v / 6, slope=0.5, seed=seed + 5)
        level = 1.0 + 0.07 * warp * weft + 0.05 * slub_u + 0.05 * slub_v
        albedo = np.asarray(base, dtype=np.float32)[:, None] * level
        su, sv = _relief(folds, u, v, 0.6)
        su = su * wrinkle + 0.13 * np.cos(wu * threads_per_cm * 6.2832) * (0.6 + 0.4 * weft)
        sv = sv * wrinkle + 0.13 * np.cos(wv * threads_per_cm * 6.2832) * (0.6 + 0.4 * warp)
        return albedo.astype(np.float32), np.full_like(u, 0.9), su, sv

    return finish


def plaster(base: Color, *, seed: int = 21, relief: float = 1.0) -> Finish:
    """Return a painted wall with the unevenness of a roller."""

    def height(u: Array, v: Array) -> Array:
        return 0.02 * noise2(u / 40, v / 40, slope=1.0, seed=seed)

    def finish(u: Array, v: Array) -> tuple[Array, Array, Array, Array]:
        cloud = noise2(u / 130, v / 130, slope=1.5, seed=seed + 1)
        albedo = np.asarray(base, dtype=np.float32)[:, None] * (1.0 + 0.035 * cloud)
        su, sv = _relief(height, u, v, 0.12)
        return albedo.astype(np.float32), np.full_like(u, 0.85), su * relief, sv * relief

    return finish


def paper(base: Color, *, seed: int = 31, fleck: float = 0.0) -> Finish:
    """Return a roll of background paper; `fleck` gives kraft its fibres."""

    def height(u: Array, v: Array) -> Array:
        return 0.10 * noise2(u / 120, v / 90, slope=2.0, seed=seed)

    def finish(u: Array, v: Array) -> tuple[Array, Array, Array, Array]:
        grain = noise2(u / 14, v / 14, slope=0.35, seed=seed + 1)
        level = 1.0 + (0.012 + 0.05 * fleck) * grain
        albedo = np.asarray(base, dtype=np.float32)[:, None] * level
        if fleck:
            dots = np.clip(noise2(u / 17, v / 9, slope=0.5, seed=seed + 2) - 1.7, 0.0, 0.6)
            albedo = albedo * (1.0 - 0.9 * fleck * dots)
        su, sv = _relief(height, u, v, 0.8)
        return albedo.astype(np.float32), np.full_like(u, 0.78), su, sv

    return finish


@dataclass(frozen=True)
class TableAndWall:
    """A table that ends behind the product, and a wall some way beyond it."""

    table: Finish
    wall: Finish
    edge_cm: float = 34.0
    wall_cm: float = 75.0
    turn_deg: float = 0.0

    def intersect(self, o: Array, d: Array) -> tuple[Array, Ints]:
        """See `trace.Backdrop`."""
        down = np.where(d[1] < -1e-6, d[1], np.float32(-1e-6))
        t_floor = -o[1] / down
        x, z = o[0] + d[0] * t_floor, o[2] + d[2] * t_floor
        on_table = (d[1] < -1e-6) & (o[1] > 0) & (z > -self.edge_cm) & (z < 140)
        on_table &= np.abs(x) < 130
        back = np.where(d[2] < -1e-6, d[2], np.float32(-1e-6))
        t_wall = (-self.wall_cm - o[2]) / back
        wx, wy = o[0] + d[0] * t_wall, o[1] + d[1] * t_wall
        on_wall = (d[2] < -1e-6) & (t_wall > 0) & (np.abs(wx) < 220) & (wy < 170) & (wy > -90)
        inf = np.float32(np.inf)
        t_floor = np.where(on_table, t_floor, inf)
        t_wall = np.where(on_wall, t_wall, inf)
        t = np.minimum(t_floor, t_wall).astype(np.float32)
        kind = np.where(np.isfinite(t), np.where(t_floor <= t_wall, FLOOR, WALL), MISS)
        return t, kind.astype(np.int32)

    def material(self, p: Array, kind: Ints) -> tuple[Array, Material]:
        """See `trace.Backdrop`."""
        n_points = p.shape[1]
        floor = kind == FLOOR
        normal = np.zeros((3, n_points), dtype=np.float32)
        normal[1, floor] = 1.0
        normal[2, ~floor] = 1.0
        albedo = np.empty((3, n_points), dtype=np.float32)
        rough = np.empty(n_points, dtype=np.float32)
        slope = np.zeros((3, n_points), dtype=np.float32)
        c, s = float(np.cos(np.radians(self.turn_deg))), float(np.sin(np.radians(self.turn_deg)))
        q = p[:, floor]
        u, v = q[0] * c + q[2] * s, -q[0] * s + q[2] * c
        albedo[:, floor], rough[floor], su, sv = self.table(u, v)
        slope[0, floor], slope[2, floor] = su * c - sv * s, su * s + sv * c
        q = p[:, ~floor]
        albedo[:, ~floor], rough[~floor], su, sv = self.wall(q[0], q[1])
        slope[0, ~floor], slope[1, ~floor] = su, sv
        return normal, _dielectric(albedo, rough, bump(normal, slope))


@dataclass(frozen=True)
class Sweep:
    """Background paper that curves from the table up behind the product."""

    finish: Finish
    back_cm: float = 60.0
    radius_cm: float = 28.0

    def intersect(self, o: Array, d: Array) -> tuple[Array, Ints]:
        """See `trace.Backdrop`."""
        r, zc = self.radius_cm, -(self.back_cm - self.radius_cm)
        inf = np.float32(np.inf)
        down = np.where(d[1] < -1e-6, d[1], np.float32(-1e-6))
        t_floor = -o[1] / down
        x, z = o[0] + d[0] * t_floor, o[2] + d[2] * t_floor
        ok = (d[1] < -1e-6) & (o[1] > 0) & (z > zc) & (z < 140) & (np.abs(x) < 130)
        t_floor = np.where(ok, t_floor, inf)
        back = np.where(d[2] < -1e-6, d[2], np.float32(-1e-6))
        t_wall = (-self.back_cm - o[2]) / back
        wy, wx = o[1] + d[1] * t_wall, o[0] + d[0] * t_wall
        ok = (d[2] < -1e-6) & (t_wall > 0) & (wy > r) & (wy < 150) & (np.abs(wx) < 150)
        t_wall = np.where(ok, t_wall, inf)
        # The curve: the far root on the cylinder about (y, z) = (r, zc).
        oy, oz = o[1] - r, o[2] - zc
        a = d[1] * d[1] + d[2] * d[2]
        b = oy * d[1] + oz * d[2]
        c = oy * oy + oz * oz - r * r
        under = b * b - a * c
        t_curve = (-b + np.sqrt(np.maximum(under, 0.0))) / np.maximum(a, 1e-9)
        cy, cz = o[1] + d[1] * t_curve, o[2] + d[2] * t_curve
        ok = (under > 0) & (t_curve > 0) & (cy <= r) & (cz <= zc)
        ok &= np.abs(o[0] + d[0] * t_curve) < 150
        t_curve = np.where(ok, t_curve, inf)
        t = np.minimum(np.minimum(t_floor, t_wall), t_curve).astype(np.float32)
        kind = np.where(np.isfinite(t), np.where(t_floor <= t, FLOOR, WALL), MISS)
        return t, kind.astype(np.int32)

    def material(self, p: Array, kind: Ints) -> tuple[Array, Material]:
        """See `trace.Backdrop`."""
        r, zc = self.radius_cm, -(self.back_cm - self.radius_cm)
        turn = np.arctan2(np.clip(zc - p[2], 0.0, None), np.maximum(r - p[1], 0.0) + 1e-3)
        turn = np.where(p[2] > zc, np.float32(0.0), turn)
        normal = np.stack([np.zeros_like(turn), np.cos(turn), np.sin(turn)]).astype(np.float32)
        along = np.where(p[2] > zc, -p[2], -zc + r * turn + np.maximum(p[1] - r, 0.0))
        albedo, rough, su, sv = self.finish(p[0], along)
        slope = np.stack([su, sv * np.sin(turn), -sv * np.cos(turn)]).astype(np.float32)
        return normal, _dielectric(albedo, rough, bump(normal, slope))


def _dielectric(albedo: Array, rough: Array, normal: Array) -> Material:
    return Material(albedo, np.full_like(albedo, 0.04), rough, normal)
