"""The demo products: shapes, materials and prints.

Owns what each product is; it does not own where it stands or how it is lit (`render`).

Coordinates are local centimetres: the product stands on y = 0 and its front looks to +z. A tiny
gap under each body keeps floor and body from being one surface.
"""

from __future__ import annotations

import numpy as np

from apps.catalog.sample_photos import sdf
from apps.catalog.sample_photos.labels import artwork
from apps.catalog.sample_photos.sdf import Array, noise2, noise3
from apps.catalog.sample_photos.surfaces import Color, mix, srgb
from apps.catalog.sample_photos.trace import (
    Body,
    Bools,
    Ints,
    Material,
    Medium,
    bump,
    smudges,
)

GAP_CM = 0.015


def _blank(p: Array, n: Array, albedo: Color, roughness: float, f0: float = 0.04) -> Material:
    count = p.shape[1]
    return Material(
        np.repeat(np.array(albedo, dtype=np.float32)[:, None], count, axis=1),
        np.full((3, count), f0, dtype=np.float32),
        np.full(count, roughness, dtype=np.float32),
        n.copy(),
    )


def _put(into: Material, where: Bools, part: Material) -> None:
    """Copy the chosen columns of one material into another."""
    into.albedo[:, where] = part.albedo[:, where]
    into.f0[:, where] = part.f0[:, where]
    into.roughness[where] = part.roughness[where]
    into.normal[:, where] = part.normal[:, where]


def _metal(p: Array, n: Array, f0: Color, roughness: float) -> Material:
    m = _blank(p, n, (0.0, 0.0, 0.0), roughness)
    m.f0[:] = np.array(f0, dtype=np.float32)[:, None]
    return m


def _paper(p: Array, n: Array, color: Array) -> Material:
    """Uncoated label stock under ink of reflectance `color` (3, n)."""
    m = _blank(p, n, (0, 0, 0), 0.55)
    grain = noise2((p[0] + p[2]) / 5, p[1] / 5, slope=0.4, seed=61)
    m.albedo = (color * (1.0 + 0.018 * grain)).astype(np.float32)
    return m


def _timber(p: Array, n: Array, light: Color, dark: Color, scale: float = 1.0) -> Material:
    """Sanded, waxed wood cut along x."""
    x, y, z = p[0] * scale, p[1] * scale, p[2] * scale
    wob = noise3(x * 0.10, y * 0.35, z * 0.35, seed=4) * 1.3
    rings = np.sqrt((y + 9.0) ** 2 + (z + 5.0) ** 2) * 1.5 + wob
    band = (rings - np.floor(rings)).astype(np.float32)
    fibre = noise2(x / 26 + z * 0.37, (y + z) / 2.4, slope=0.35, seed=5)
    streak = noise2(x / 40 + z * 0.11, (y + 0.7 * z) / 7, slope=0.7, seed=6)
    share = np.clip(0.15 + 0.5 * band**2.2 + 0.09 * fibre + 0.08 * streak, 0.0, 1.2)
    m = _blank(p, n, light, 0.42)
    m.albedo = mix(light, dark, share).astype(np.float32)
    m.roughness = np.clip(0.42 + 0.05 * fibre, 0.2, 0.8).astype(np.float32)
    return m


class _Bottle(Body):
    """Shared by vessels of glass: an outer skin, a cavity and something inside up to a level."""

    level: float

    def _outer(self, x: Array, y: Array, z: Array) -> Array:
        raise NotImplementedError

    def _cavity(self, x: Array, y: Array, z: Array) -> Array:
        raise NotImplementedError

    def regions(self, x: Array, y: Array, z: Array) -> list[Array]:
        """See `trace.Body.regions`."""
        cavity = self._cavity(x, y, z)
        return [self._outer(x, y, z), cavity, np.maximum(cavity, y - self.level)]

    def medium(self, x: Array, y: Array, z: Array) -> Ints:
        """See `trace.Body.medium`."""
        outer, cavity, liquid = self.regions(x, y, z)
        inside = np.where(cavity < 0, np.where(liquid < 0, 2, 0), 1)
        return np.where(outer < 0, inside, 0).astype(np.int32)


class AmberBottle(_Bottle):
    """A pharmacy bottle of brown glass, 250 ml, with a black pump and two paper labels."""

    lo = (-3.5, 0.0, -3.5)
    hi = (4.9, 18.4, 3.5)
    media = (
        Medium(1.0),
        Medium(1.5, (0.42, 1.55, 4.6)),
        Medium(1.38, (0.015, 0.03, 0.09)),
    )
    clear = 0.12
    level = 9.6
    radius = 3.2

    def __init__(self) -> None:
        self._skin = sdf.lathe(
            [
                (0, 0.35, 0),
                (2.4, GAP_CM, 0.3),
                (3.2, GAP_CM, 0.75),
                (3.2, 10.4, 2.1),
                (1.35, 11.9, 1.0),
                (1.35, 13.4, 0.2),
                (0, 13.4, 0),
            ]
        )
        self._hollow = sdf.lathe(
            [
                (0, 0.65, 0),
                (2.95, 0.4, 0.75),
                (2.95, 10.25, 2.0),
                (1.05, 11.8, 0.9),
                (1.05, 13.2, 0.0),
                (0, 13.2, 0),
            ]
        )

    def _outer(self, x: Array, y: Array, z: Array) -> Array:
        return self._skin.distance(np.sqrt(x * x + z * z), y)

    def _cavity(self, x: Array, y: Array, z: Array) -> Array:
        return self._hollow.distance(np.sqrt(x * x + z * z), y)

    def opaque(self, x: Array, y: Array, z: Array) -> list[Array]:
        """See `trace.Body.opaque`."""
        r = np.sqrt(x * x + z * z)
        ribs = 0.028 * np.cos(np.arctan2(z, x) * 44.0)
        collar = sdf.slab(r + ribs, y - 13.15, 1.72, 0.95, 0.12)
        shoulder = sdf.slab(r, y - 14.25, 1.25, 0.32, 0.18)
        stem = sdf.slab(r, y - 15.4, 0.42, 1.6, 0.05)
        head = sdf.slab(r, y - 16.95, 1.0, 0.55, 0.22)
        spout = sdf.capsule(x, y, z, (0.3, 17.05, 0.0), (3.7, 16.9, 0.0), radius=0.40)
        spout = sdf.smooth_union(
            spout, sdf.capsule(x, y, z, (3.7, 16.9, 0.0), (4.25, 16.35, 0.0), radius=0.36), 0.15
        )
        head = sdf.smooth_union(head, spout, 0.5)
        pump = np.minimum(np.minimum(collar, shoulder), np.minimum(stem, head))
        tube = sdf.capsule(x, y, z, (0.5, 0.9, 0.3), (0.0, 13.0, 0.0), radius=0.24)
        return [pump, tube]

    def printed(self, x: Array, y: Array, z: Array) -> Bools:
        """See `trace.Body.printed`."""
        angle = np.abs(np.arctan2(x, z))
        front = (angle < 1.14) & (y > 2.05) & (y < 8.6)
        back = (angle > np.pi - 0.98) & (y > 2.05) & (y < 8.6)
        return np.asarray((front | back) & (x * x + z * z > 9.6))

    def material(self, part: Ints, p: Array, n: Array) -> Material:
        """See `trace.Body.material`."""
        m = _blank(p, n, (0.012, 0.012, 0.013), 0.33)
        m.roughness = (0.30 + 0.08 * smudges(p[0] / 9 + p[1] / 14, p[2] / 9)).astype(np.float32)
        _put(m, part == 1, _blank(p, n, (0.7, 0.7, 0.68), 0.4))
        angle = np.arctan2(p[0], p[2])
        v = (8.6 - p[1]) / 6.55
        front, _ = artwork("amber-front").read(angle / 2.28 + 0.5, v)
        wrapped = np.where(angle > 0, angle - np.pi, angle + np.pi)
        back, _ = artwork("amber-back").read(wrapped / 1.96 + 0.5, v)
        ink = np.where(np.abs(angle) < 1.6, front, back)
        label = _paper(p, n, ink)
        # Labels are stuck by hand: a hint of bubbles under the paper.
        wave = noise2(angle / 5, p[1] / 16, slope=1.7, seed=62) * 0.012
        label.normal = bump(n, np.stack([wave * 0, wave, wave]).astype(np.float32))
        _put(m, part == -1, label)
        return m


class PerfumeBottle(_Bottle):
    """A block of clear glass with a thick base, pale perfume, a gold collar and a black cap."""

    lo = (-3.2, 0.0, -1.9)
    hi = (3.2, 12.2, 1.9)
    media = (Medium(1.0), Medium(1.5, (0.012, 0.006, 0.010)), Medium(1.36, (0.02, 0.17, 0.22)))
    clear = 0.8
    level = 6.5

    def _outer(self, x: Array, y: Array, z: Array) -> Array:
        block = sdf.box(x, y - 4.0 - GAP_CM, z, (3.0, 4.0, 1.7), 0.32)
        neck = sdf.slab(np.sqrt(x * x + z * z), y - 8.2, 0.75, 0.6, 0.05)
        return sdf.smooth_union(block, neck, 0.2)

    def _cavity(self, x: Array, y: Array, z: Array) -> Array:
        chamber = sdf.box(x, y - 4.45, z, (2.45, 3.1, 1.15), 0.45)
        neck = sdf.slab(np.sqrt(x * x + z * z), y - 8.0, 0.45, 0.9, 0.02)
        return sdf.smooth_union(chamber, neck, 0.3)

    def opaque(self, x: Array, y: Array, z: Array) -> list[Array]:
        """See `trace.Body.opaque`."""
        r = np.sqrt(x * x + z * z)
        collar = sdf.slab(r, y - 8.42, 1.02, 0.36, 0.06)
        cap = sdf.slab(r, y - 10.25, 1.38, 1.45, 0.16)
        tube = sdf.capsule(x, y, z, (0.25, 1.6, 0.1), (0.0, 8.4, 0.0), radius=0.13)
        return [collar, cap, tube]

    def printed(self, x: Array, y: Array, z: Array) -> Bools:
        """See `trace.Body.printed`."""
        return np.asarray((np.abs(x) < 1.55) & (y > 2.55) & (y < 5.15) & (z > 1.66))

    def material(self, part: Ints, p: Array, n: Array) -> Material:
        """See `trace.Body.material`."""
        m = _metal(p, n, srgb(236, 200, 138), 0.16)
        cap = _blank(p, n, (0.010, 0.010, 0.011), 0.12)
        cap.roughness = (0.10 + 0.10 * smudges(p[0] / 5, p[1] / 5)).astype(np.float32)
        _put(m, part == 1, cap)
        _put(m, part == 2, _blank(p, n, (0.75, 0.75, 0.75), 0.3))
        ink, _ = artwork("perfume").read(p[0] / 3.1 + 0.5, (5.15 - p[1]) / 2.6)
        _put(m, part == -1, _paper(p, n, ink))
        return m


class CandleJar(_Bottle):
    """A soy candle in a clear tumbler with a paper label and a wooden wick."""

    lo = (-4.3, 0.0, -4.3)
    hi = (4.3, 9.4, 4.3)
    media = (Medium(1.0), Medium(1.5, (0.02, 0.012, 0.016)), Medium(1.0))
    clear = 0.75
    level = -1.0
    """Nothing liquid: the wax is an opaque part."""

    def __init__(self) -> None:
        self._skin = sdf.lathe(
            [
                (0, 0.2, 0),
                (2.6, GAP_CM, 0.2),
                (3.9, GAP_CM, 0.8),
                (4.05, 9.2, 0.16),
                (3.72, 9.2, 0.16),
                (3.6, 1.15, 0.9),
                (0, 1.05, 0),
            ]
        )
        self._fill = sdf.lathe(
            [(0, 1.03, 0), (3.63, 1.12, 0.9), (3.70, 6.75, 0.05), (3.3, 6.62, 0.3), (0, 6.6, 0)]
        )

    def _outer(self, x: Array, y: Array, z: Array) -> Array:
        return self._skin.distance(np.sqrt(x * x + z * z), y)

    def regions(self, x: Array, y: Array, z: Array) -> list[Array]:
        """See `trace.Body.regions`."""
        return [self._outer(x, y, z)]

    def medium(self, x: Array, y: Array, z: Array) -> Ints:
        """See `trace.Body.medium`."""
        return np.where(self._outer(x, y, z) < 0, 1, 0).astype(np.int32)

    def opaque(self, x: Array, y: Array, z: Array) -> list[Array]:
        """See `trace.Body.opaque`."""
        wax = self._fill.distance(np.sqrt(x * x + z * z), y + 0.03 * noise3(x, y, z, seed=9))
        wick = sdf.box(x, y - 6.8, z, (0.55, 1.0, 0.08), 0.03)
        return [wax, wick]

    def printed(self, x: Array, y: Array, z: Array) -> Bools:
        """See `trace.Body.printed`."""
        angle = np.abs(np.arctan2(x, z))
        return np.asarray((angle < 0.86) & (y > 1.7) & (y < 6.5) & (x * x + z * z > 14.6))

    def material(self, part: Ints, p: Array, n: Array) -> Material:
        """See `trace.Body.material`."""
        m = _blank(p, n, srgb(243, 234, 214), 0.5)
        m.albedo *= 1.0 + 0.02 * noise2(p[0] / 9, p[2] / 9 + p[1] / 7, slope=1.2, seed=63)
        wick = _timber(p, n, srgb(196, 160, 116), srgb(120, 84, 52))
        char = np.clip((p[1] - 7.25) / 0.4, 0.0, 1.0)
        wick.albedo = wick.albedo * (1.0 - 0.9 * char)
        _put(m, part == 1, wick)
        angle = np.arctan2(p[0], p[2])
        ink, _ = artwork("candle").read(angle / 1.72 + 0.5, (6.5 - p[1]) / 4.8)
        _put(m, part == -1, _paper(p, n, ink))
        return m


class Mug(Body):
    """A stoneware mug: speckled glaze, a printed meadow, raw clay at the foot."""

    lo = (-4.6, 0.0, -4.6)
    hi = (7.7, 9.7, 4.6)
    step_scale = 0.9

    def __init__(self) -> None:
        self._wall = sdf.lathe(
            [
                (0, 0.35, 0),
                (2.9, 0.35, 0.1),
                (3.0, GAP_CM, 0.12),
                (3.45, GAP_CM, 0.3),
                (4.15, 1.0, 0.9),
                (4.25, 9.4, 0.28),
                (3.78, 9.4, 0.22),
                (3.7, 1.2, 1.2),
                (0, 0.9, 0),
            ]
        )
        self._hollow = sdf.lathe(
            [(0, 0.9, 0), (3.7, 1.2, 1.2), (3.78, 9.4, 0), (3.8, 11.0, 0), (0, 11.0, 0)]
        )

    def opaque(self, x: Array, y: Array, z: Array) -> list[Array]:
        """See `trace.Body.opaque`."""
        # Thrown by hand: rings and a hint of wobble.
        wobble = 0.035 * noise3(x * 0.35, y * 0.5, z * 0.35, seed=7) + 0.012 * np.sin(y * 4.2)
        r = np.sqrt(x * x + z * z) + wobble
        wall = self._wall.distance(r, y)
        hy = y - 5.0 - np.clip(y - 5.0, -0.9, 0.9)
        q = np.sqrt((x - 4.3) ** 2 + hy * hy) - 2.25
        handle = np.sqrt(q * q * 1.5 + (z * 0.82) ** 2) * 0.87 - 0.50
        handle = np.maximum(handle, -(self._hollow.distance(r, y) - 0.2))
        return [sdf.smooth_union(wall, handle, 0.7)]

    def material(self, part: Ints, p: Array, n: Array) -> Material:
        """See `trace.Body.material`."""
        x, y, z = p
        angle = np.arctan2(x, z)
        glaze = _blank(p, n, srgb(233, 226, 212), 0.11, 0.048)
        cloud = noise3(x * 0.5, y * 0.5, z * 0.5, seed=10)
        glaze.albedo *= 1.0 + 0.03 * cloud
        outside = np.sqrt(x * x + z * z) > 4.0
        ink, cover = artwork("mug").read(angle / 3.5 + 0.5, (8.9 - y) / 7.4)
        band = outside & (np.abs(angle) < 1.75) & (y < 8.9) & (y > 1.6) & (x < 4.3)
        cover = np.where(band, cover, 0.0) * (0.9 + 0.08 * cloud)
        glaze.albedo = glaze.albedo * (1 - cover) + ink * cover
        grain = noise3(x * 5.5, y * 5.5, z * 5.5, seed=11)
        grain += 0.6 * noise3(x * 9.5, y * 9.5, z * 9.5, seed=12)
        speck = np.clip((grain - 0.86) * 9.0, 0.0, 0.85)
        glaze.albedo = (glaze.albedo * (1 - speck) + 0.07 * speck).astype(np.float32)
        slope = np.stack([noise3(x * 0.9, y * 0.9, z * 0.9, seed=s) * 0.030 for s in (13, 14, 15)])
        glaze.normal = bump(n, slope.astype(np.float32))
        clay = _blank(p, n, srgb(186, 152, 118), 0.9)
        clay.albedo *= 1.0 + 0.10 * noise3(x * 7, y * 7, z * 7, seed=16)
        rough = np.stack([noise3(x * 8, y * 8, z * 8, seed=s) * 0.12 for s in (17, 18, 19)])
        clay.normal = bump(n, rough.astype(np.float32))
        line = 1.35 + 0.14 * noise3(x * 0.8, y * 0.1, z * 0.8, seed=20)
        _put(glaze, np.asarray((y < line) & outside | (y < 0.4)), clay)
        return glaze


class MokaPot(Body):
    """An eight-sided stove-top coffee maker of polished aluminium with black handle and knob."""

    lo = (-10.2, 0.0, -5.6)
    hi = (7.0, 19.4, 5.6)
    step_scale = 0.85

    def __init__(self) -> None:
        self._profile = sdf.Outline(
            _mirror(
                [
                    (0, GAP_CM, 0),
                    (5.0, GAP_CM, 0.25),
                    (5.0, 0.55, 0.2),
                    (4.55, 7.2, 0.2),
                    (3.72, 7.75, 0.3),
                    (3.72, 9.0, 0.3),
                    (5.05, 15.6, 0.12),
                    (5.05, 15.9, 0.1),
                    (4.9, 15.95, 0.08),
                    (4.85, 16.25, 0.1),
                    (1.4, 17.35, 0.4),
                    (0, 17.4, 0),
                ]
            )
        )
        self._grip = sdf.Outline(
            sdf.fillet(
                [
                    (-4.2, 15.75, 0.3),
                    (-4.4, 14.5, 0.3),
                    (-6.7, 14.4, 0.9),
                    (-7.5, 7.4, 0.7),
                    (-8.9, 7.2, 0.6),
                    (-8.85, 13.8, 1.6),
                    (-7.9, 15.95, 1.2),
                ],
                closed=True,
            ),
        )

    def opaque(self, x: Array, y: Array, z: Array) -> list[Array]:
        """See `trace.Body.opaque`."""
        # A regular octagon with the faces' edges softened, as cast metal is.
        ax, az = np.abs(x), np.abs(z)
        square = sdf.smooth_intersection(ax, az, 0.18)
        across = sdf.smooth_intersection(square, (ax + az) * 0.70710678, 0.18)
        pot = self._profile.distance(across, y)
        lean = (y - 11.8) * 0.42
        lip = np.maximum(
            np.sqrt((x - 3.1 - lean) ** 2 * 0.8 + z * z * 1.7) - 0.35 - (y - 11.8) * 0.32,
            np.abs(y - 13.8) - 2.1,
        )
        pot = sdf.smooth_union(pot, lip * 0.75, 0.25)
        r = np.sqrt(x * x + z * z)
        band = sdf.slab(r + 0.03 * np.cos(np.arctan2(z, x) * 60.0), y - 8.35, 4.08, 0.5, 0.12)
        pot = np.minimum(pot, band)
        hinge = sdf.slab(np.sqrt((x + 5.05) ** 2 + (y - 16.1) ** 2), z, 0.33, 0.9, 0.06)
        pot = np.minimum(pot, hinge)
        side = sdf.smooth_intersection(self._grip.distance(x, y), np.abs(z) - 0.72, 0.45)
        knob_r = r + 0.05 * np.cos(np.arctan2(z, x) * 8.0)
        knob = sdf.slab(knob_r, y - 18.15, 0.95, 0.85, 0.35)
        knob = np.minimum(knob, sdf.slab(r, y - 17.3, 0.45, 0.4))
        valve = sdf.slab(np.sqrt((x - 2.1) ** 2 + (y - 5.6) ** 2), z - 4.6, 0.5, 0.55, 0.08)
        valve = np.minimum(
            valve, sdf.slab(np.sqrt((x - 2.1) ** 2 + (y - 5.6) ** 2), z - 5.1, 0.26, 0.35, 0.06)
        )
        return [pot, np.minimum(side, knob), valve]

    def material(self, part: Ints, p: Array, n: Array) -> Material:
        """See `trace.Body.material`."""
        x, y, z = p
        m = _metal(p, n, (0.90, 0.905, 0.91), 0.15)
        haze = smudges(x / 14 + z / 11, y / 14)
        m.roughness = (0.11 + 0.13 * haze).astype(np.float32)
        m.f0 *= 0.93 + 0.07 * haze
        around = np.arctan2(z, x) * 4.5
        brush = noise2(around / 40, y / 1.6, slope=0.3, seed=71) * 0.014
        wave = noise2(around / 34, y / 26, slope=2.0, seed=72) * 0.022
        m.normal = bump(n, np.stack([wave, brush + wave, wave * 0.5]).astype(np.float32))
        black = _blank(p, n, (0.011, 0.011, 0.012), 0.3)
        black.roughness = (0.24 + 0.14 * smudges(x / 8, y / 8)).astype(np.float32)
        _put(m, part == 1, black)
        _put(m, part == 2, _metal(p, n, srgb(222, 186, 118), 0.22))
        return m


def _mirror(corners: list[tuple[float, float, float]]) -> Array:
    half = sdf.fillet(corners)
    return np.concatenate([half, half[::-1] * np.array([-1.0, 1.0], dtype=np.float32)])


class TeaCarton(Body):
    """A folding carton with printed faces, slightly bulged as filled cartons are."""

    lo = (-5.8, 0.0, -3.2)
    hi = (5.8, 16.4, 3.2)

    def opaque(self, x: Array, y: Array, z: Array) -> list[Array]:
        """See `trace.Body.opaque`."""
        cy = y - 8.0 - GAP_CM
        upright = np.cos(np.clip(cy / 8, -1, 1) * 1.5)
        swell_z = 0.16 * np.cos(np.clip(x / 5.5, -1, 1) * 1.5) * upright
        swell_x = 0.09 * np.cos(np.clip(z / 2.8, -1, 1) * 1.5) * upright
        board = sdf.box(x / (1 + swell_x / 5.5), cy, z / (1 + swell_z / 2.8), (5.5, 8.0, 2.8), 0.09)
        slot = np.sqrt(np.maximum(np.abs(z - 2.62) - 0.025, 0) ** 2 + (cy - 8.0) ** 2) - 0.03
        ear = np.sqrt(np.maximum(np.abs(np.abs(x) - 5.33) - 0.02, 0) ** 2 + (cy - 8.0) ** 2) - 0.03
        return [np.maximum(board, -np.minimum(slot, ear))]

    def material(self, part: Ints, p: Array, n: Array) -> Material:
        """See `trace.Body.material`."""
        x, y, z = p
        v = (16.0 - y) / 16.0
        front, _ = artwork("tea-front").read(np.where(n[2] > 0, x, -x) / 11.0 + 0.5, v)
        side, _ = artwork("tea-side").read(np.where(n[0] > 0, -z, z) / 5.6 + 0.5, v)
        m = _blank(p, n, srgb(30, 74, 76), 0.34, 0.045)
        ink = np.where(np.abs(n[2]) > 0.6, front, np.where(np.abs(n[0]) > 0.6, side, m.albedo))
        # Where the board is folded, the ink breaks and the white fibres show.
        edges = np.sort(np.stack([5.5 - np.abs(x), 8.0 - np.abs(y - 8.0), 2.8 - np.abs(z)]), axis=0)
        worn = np.clip(1.0 - edges[1] / 0.11, 0.0, 1.0)
        worn = worn * np.clip(0.45 + 0.35 * noise2((x + z) / 6, y / 6, slope=0.6, seed=66), 0, 1)
        m.albedo = mix(ink, (0.75, 0.72, 0.66), 0.55 * worn).astype(np.float32)
        m.roughness = (0.30 + 0.08 * smudges((x + z) / 20, y / 20) + 0.3 * worn).astype(np.float32)
        slope = noise2((x + z) / 14, y / 14, slope=1.6, seed=67) * 0.010
        fine = noise2((x + z) / 4, y / 4, slope=0.5, seed=68) * 0.008
        m.normal = bump(n, np.stack([slope, slope + fine, slope]).astype(np.float32))
        return m


class ToyCar(Body):
    """A wooden pull car: painted body, beech wheels, a peg driver behind the window."""

    lo = (-8.2, 0.0, -4.4)
    hi = (8.2, 9.6, 4.4)

    def __init__(self) -> None:
        self._side = sdf.Outline(
            sdf.fillet(
                [
                    (-7.4, 1.5, 0.7),
                    (7.5, 1.5, 1.1),
                    (7.7, 4.1, 1.2),
                    (3.4, 4.9, 0.8),
                    (1.6, 8.6, 1.7),
                    (-5.0, 8.8, 2.4),
                    (-7.6, 5.2, 2.4),
                ],
                closed=True,
            )
        )
        self._window = sdf.Outline(
            sdf.fillet(
                [(-3.9, 5.1, 0.6), (1.75, 5.1, 0.5), (0.75, 7.5, 0.8), (-3.9, 7.5, 0.9)],
                closed=True,
            )
        )

    def opaque(self, x: Array, y: Array, z: Array) -> list[Array]:
        """See `trace.Body.opaque`."""
        flat, w = self._side.distance(x, y), np.abs(z) - 2.6
        r = 0.5
        a, b = np.maximum(flat + r, 0.0), np.maximum(w + r, 0.0)
        shell = np.sqrt(a * a + b * b) + np.minimum(np.maximum(flat, w) + r, 0.0) - r
        shell = sdf.smooth_intersection(shell, -self._window.distance(x, y), 0.25)
        for cx in (-4.5, 4.6):
            arch = np.sqrt((x - cx) ** 2 + (y - 1.95) ** 2) - 2.25
            shell = np.maximum(shell, -np.maximum(arch, 2.0 - np.abs(z)))
        wx = np.abs(x - 0.05) - 4.55
        from_axle = np.sqrt(wx * wx + (y - 1.95) ** 2)
        wz = np.abs(z) - 3.05
        wheels = sdf.slab(from_axle, wz, 1.93, 0.85, 0.32)
        # A turned groove on the face of each wheel.
        groove = sdf.ring(from_axle, wz - 0.85, 1.3, 0.09)
        wheels = sdf.smooth_intersection(wheels, -groove, 0.05)
        pegs = sdf.slab(from_axle, wz - 0.85, 0.52, 0.28, 0.18)
        head = np.sqrt((x + 1.0) ** 2 + (y - 6.3) ** 2 + z * z) - 0.95
        torso = sdf.slab(np.sqrt((x + 1.0) ** 2 + z * z), y - 4.9, 0.85, 0.7, 0.1)
        lamp = sdf.slab(np.sqrt((y - 3.3) ** 2 + (np.abs(z) - 1.6) ** 2), x - 7.5, 0.5, 0.38, 0.15)
        return [shell, wheels, pegs, np.minimum(head, torso), lamp]

    def material(self, part: Ints, p: Array, n: Array) -> Material:
        """See `trace.Body.material`."""
        x, y, z = p
        beech, ring = srgb(222, 184, 138), srgb(186, 138, 92)
        wood = _timber(p, n, beech, ring)
        fibre = noise2(x / 22 + z * 0.4, (y + z) / 2.2, slope=0.4, seed=73)
        paint = _blank(p, n, srgb(196, 64, 46), 0.34)
        paint.albedo *= 1.0 + 0.035 * fibre
        grain = np.stack([fibre * 0, fibre * 0.012, fibre * 0.012])
        paint.normal = bump(n, grain.astype(np.float32))
        paint.roughness = (0.30 + 0.1 * smudges((x + z) / 17, y / 17)).astype(np.float32)
        # The upper half is bare wood; the paint ends in a brushed, slightly uneven line.
        upper = y > 5.0 + 0.03 * fibre
        inside = (self._window.distance(x, y) < 0.12) & (np.abs(z) < 2.5)
        _put(paint, np.asarray(upper | inside), wood)
        # Rubbed edges let the wood through.
        m = paint
        wheel = _timber(np.stack([z * 2, x, y]), n, srgb(214, 172, 122), srgb(170, 120, 76))
        _put(m, part == 1, wheel)
        _put(m, part == 2, _timber(p, n, srgb(122, 78, 48), srgb(84, 50, 30)))
        face = _timber(p, n, srgb(232, 200, 160), srgb(208, 168, 122))
        shirt = _blank(p, n, srgb(46, 92, 122), 0.4)
        _put(face, y < 5.55, shirt)
        _put(m, part == 3, face)
        _put(m, part == 4, _blank(p, n, srgb(242, 202, 92), 0.35))
        return m


class ToteBag(Body):
    """A canvas tote with leather handles: soft folds, hems, stitches and a screen print."""

    lo = (-18.2, 0.0, -8.2)
    hi = (18.2, 43.5, 8.2)
    step_scale = 0.7
    tall = 28.0

    def __init__(self) -> None:
        self._canvas = sdf.Baked(self._bag, self.lo, self.hi, 0.26)
        self._sewn = self._seats()

    @staticmethod
    def _depth(y: Array) -> Array:
        """Half thickness of the bag by height: full below, nearly closed above."""
        s = np.clip(y / 28.0, 0.0, 1.0)
        return np.asarray(6.0 - 3.6 * s * s)

    def _bag(self, x: Array, y: Array, z: Array) -> Array:
        """Evaluate the soft body slowly; only used to bake it."""
        s = np.clip(y / self.tall, 0.0, 1.0)
        # The front sags between its corners, and the top edge hangs a little in the middle.
        sag = 0.9 * np.cos(np.clip(x / 15.0, -1, 1) * 1.57) * s * s
        fold = 0.80 * noise3(x * 0.13, y * 0.045, z * 0.2, seed=31) * (0.45 + 0.55 * s)
        fold += 0.20 * noise3(x * 0.30 + y * 0.12, y * 0.07, z * 0.3, seed=32)
        # Where cloth buckles above the base, folds run from the corners to the middle.
        slant = noise3(np.abs(x) * 0.36 - y * 0.30, y * 0.07, z * 0.1, seed=33)
        fold += 0.30 * slant * np.exp(-(((y - 5.0) / 6.0) ** 2))
        width = 14.6 + 0.9 * s + 0.35 * noise3(y * 0.16, x * 0.02, z * 0.1, seed=34)
        deep = self._depth(y) + fold - 0.5 * sag
        top = self.tall - 0.8 * sag + 0.25 * noise3(x * 0.22, z * 0.3, y * 0.0, seed=35)
        qx, qz = np.abs(x) - width + 2.2, np.abs(z) - deep + 2.2
        ox, oz = np.maximum(qx, 0.0), np.maximum(qz, 0.0)
        around = np.sqrt(ox * ox + oz * oz) + np.minimum(np.maximum(qx, qz), 0.0) - 2.2
        outer = sdf.smooth_intersection(around, GAP_CM + 0.05 - y, 1.6)
        outer = np.maximum(outer, y - top)
        inner = np.maximum(around + 0.55, 3.0 - y)
        bag = np.maximum(outer, -inner)
        # The hem is doubled cloth, the side seams stand out a little.
        hem = np.clip((y - top + 2.6) / 0.2, 0.0, 1.0) * 0.14
        seam = np.exp(-(((np.abs(x) - width + 0.1) / 0.35) ** 2)) * np.exp(-((z / 0.5) ** 2)) * 0.3
        return np.asarray(bag - hem - seam)

    def _seats(self) -> Array:
        """Find how far the cloth stands from the middle where handles are sewn on.

        Returns
        -------
        (2, 2, 65) float32: front and back, left and right leg, heights from 20 to 28 cm.
        """
        z = np.arange(9.0, 0.0, -0.02, dtype=np.float32)
        seats = np.empty((2, 2, 65), dtype=np.float32)
        for i, side in enumerate((1.0, -1.0)):
            for j, leg in enumerate((-6.6, 6.6)):
                for k, y in enumerate(np.linspace(20.0, 27.2, 65)):
                    gap = self._bag(np.full_like(z, leg), np.full_like(z, y), z * side)
                    seats[i, j, k] = z[int(np.argmax(gap < 0))]
        kernel = np.ones(9, dtype=np.float32) / 9
        padded = np.pad(seats, ((0, 0), (0, 0), (4, 4)), mode="edge")
        smooth: Array = np.apply_along_axis(np.convolve, 2, padded, kernel, "valid")
        return smooth.astype(np.float32)

    def _strap(self, x: Array, y: Array, z: Array, side: int) -> Array:
        """Return a flat handle: two legs that lie on the cloth, and an arch that leans outwards."""
        seats = self._sewn[side]
        at = np.clip((y - 20.0) * (64 / 7.2), 0.0, 63.99)
        index = at.astype(np.int32)
        share = at - index
        left = seats[0][index] * (1 - share) + seats[0][index + 1] * share
        right = seats[1][index] * (1 - share) + seats[1][index + 1] * share
        free = np.clip((y - 25.5) / 8.0, 0.0, 1.0)
        free = free * free * (3 - 2 * free)
        crown = float(seats[:, -1].mean()) + 0.055 * np.clip(y - 25.5, 0.0, 20.0)
        middle = np.where(x > 0, right, left) * (1 - free) + crown * free + 0.3
        middle = middle if side == 0 else -middle
        stretch = y - 33.5 - np.clip(y - 33.5, -14.0, 0.0)
        arch = np.sqrt(x * x + stretch * stretch) - 6.6
        arch = np.where(y < 33.5, np.abs(np.abs(x) - 6.6), np.abs(arch))
        flat = (
            np.sqrt(
                np.maximum(arch - 0.95, 0.0) ** 2 + np.maximum(np.abs(z - middle) - 0.10, 0.0) ** 2
            )
            - 0.11
        )
        return np.asarray(np.maximum(flat, 21.5 - y))

    def opaque(self, x: Array, y: Array, z: Array) -> list[Array]:
        """See `trace.Body.opaque`."""
        cloth = self._canvas.distance(x, y, z)
        straps = np.minimum(self._strap(x, y, z, 0), self._strap(x, y, z, 1))
        tab_x = np.abs(np.abs(x) - 6.6) - 1.35
        tab = sdf.smooth_intersection(cloth - 0.22, np.maximum(tab_x, np.abs(y - 23.2) - 2.4), 0.2)
        tab = np.maximum(tab, 1.5 - np.abs(z))
        return [cloth, np.minimum(straps, tab)]

    def material(self, part: Ints, p: Array, n: Array) -> Material:
        """See `trace.Body.material`."""
        x, y, z = p
        per_cm = 7.0
        cloth = _blank(p, n, srgb(221, 209, 186), 0.95, 0.03)
        # The warp runs around the bag: along x in front, along z on the gussets.
        gusset = np.abs(n[0]) > np.abs(n[2])
        w = np.where(gusset, z + 31.0, x)
        warp, weft = np.sin(w * per_cm * 6.2832), np.sin(y * per_cm * 6.2832)
        slub = noise2(w / 50, y / 5, slope=0.5, seed=74) + noise2(w / 5, y / 50, slope=0.5, seed=75)
        neps = np.clip(noise2(w / 12, y / 12 + z / 30, slope=0.3, seed=76) - 2.1, 0.0, 0.5)
        cloth.albedo *= (1.0 + 0.06 * warp * weft + 0.05 * slub) * (1.0 - 0.6 * neps)
        ink, cover = artwork("tote").read(x / 17.0 + 0.5, (18.4 - y) / 11.9)
        on = (np.abs(x) < 8.5) & (y > 6.5) & (y < 18.4) & (z > 1.0)
        # The weave shows through a screen print.
        cover = np.where(on, cover, 0.0) * np.clip(0.86 + 0.10 * warp * weft + 0.05 * slub, 0, 1)
        cloth.albedo = (cloth.albedo * (1 - cover) + ink * cover).astype(np.float32)
        top = self.tall - 0.8 * 0.9 * np.cos(np.clip(x / 15.0, -1, 1) * 1.57)
        row = np.abs(y - top + 2.3) < 0.07
        dash = (x * 2.6 - np.floor(x * 2.6)) < 0.62
        cloth.albedo = np.where(row & dash, cloth.albedo * 0.62, cloth.albedo)
        around = 0.16 * np.cos(w * per_cm * 6.2832) * (0.6 + 0.4 * weft)
        upright = 0.16 * np.cos(y * per_cm * 6.2832) * (0.6 + 0.4 * warp)
        relief = np.stack([np.where(gusset, 0.0, around), upright, np.where(gusset, around, 0.0)])
        crumple = np.stack([noise3(x * 0.8, y * 0.8, z * 0.8, seed=s) * 0.10 for s in (36, 37, 38)])
        cloth.normal = bump(n, (relief + crumple).astype(np.float32))
        leather = _blank(p, n, srgb(150, 86, 46), 0.42)
        patina = noise3(x * 0.5, y * 0.5, z * 0.5, seed=39)
        pebble = noise3(x * 6, y * 6, z * 6, seed=40)
        leather.albedo = (leather.albedo * (1.0 + 0.14 * patina + 0.06 * pebble)).astype(np.float32)
        leather.roughness = (0.42 + 0.08 * pebble).astype(np.float32)
        skin = np.stack([noise3(x * 7, y * 7, z * 7, seed=s) * 0.10 for s in (41, 42, 43)])
        leather.normal = bump(n, skin.astype(np.float32))
        across = np.abs(np.abs(x) - 6.6)
        thread = (np.abs(across - 0.82) < 0.06) & (y < 34) & ((y * 2.4 - np.floor(y * 2.4)) < 0.6)
        leather.albedo = np.where(thread, np.float32(0.62), leather.albedo)
        _put(cloth, part == 1, leather)
        return cloth
