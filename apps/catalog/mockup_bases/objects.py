"""The blank objects: shapes and materials of what designs are printed on.

Owns what each object is; it does not own where it stands or how it is lit (`sets`). White parts
have the reflectance `WHITE`, so that the light that falls on them can be told from their color.

Coordinates are local centimetres: an object stands on y = 0 and its front looks to +z; the tee
lies on the floor with its collar towards -z.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from apps.catalog.sample_photos import sdf
from apps.catalog.sample_photos.objects import GAP_CM, AmberBottle, ToteBag
from apps.catalog.sample_photos.sdf import Array, noise2, noise3
from apps.catalog.sample_photos.trace import Body, Bools, Ints, Material, bump

WHITE: Final = 0.8

Color = tuple[float, float, float]

MUG_RADIUS: Final = 4.1
LABEL_RADIUS: Final = 3.2
LABEL_ANGLE: Final = 1.14
LABEL_HEIGHTS: Final = (2.05, 8.6)
PHONE: Final = (7.5, 15.4)
PHONE_CORNER: Final = 1.15
CAMERA_ISLAND: Final = (0.55, 0.55, 3.45, 3.45, 0.95)
"""Left, top, width, height and corner radius of the plate around the lenses."""
POSTER: Final = (50.0, 70.0)
FRAME: Final = (44.0, 54.0)
FRAME_OPENING: Final = (29.0, 39.0)
FRAME_LEAN: Final = 0.10
"""Radians by which the frame leans back."""


def plain(
    p: Array, n: Array, albedo: Color | float, roughness: float, f0: float = 0.04
) -> Material:
    """Return one even material at points (3, n)."""
    count = p.shape[1]
    color = np.broadcast_to(np.asarray(albedo, dtype=np.float32), (3,))
    return Material(
        np.repeat(color[:, None], count, axis=1).astype(np.float32),
        np.full((3, count), f0, dtype=np.float32),
        np.full(count, roughness, dtype=np.float32),
        n.copy(),
    )


def put(into: Material, where: Bools, part: Material) -> None:
    """Copy the chosen columns of one material into another. Writes to `into`."""
    into.albedo[:, where] = part.albedo[:, where]
    into.f0[:, where] = part.f0[:, where]
    into.roughness[where] = part.roughness[where]
    into.normal[:, where] = part.normal[:, where]


class WhiteMug(Body):
    """A straight mug of white porcelain, 330 ml; the handle points to +x."""

    lo = (-4.4, 0.0, -4.4)
    hi = (7.6, 9.8, 4.4)
    step_scale = 0.9

    def __init__(self) -> None:
        r = MUG_RADIUS
        self._wall = sdf.lathe(
            [
                (0, 0.4, 0),
                (3.2, 0.4, 0.1),
                (3.3, GAP_CM, 0.1),
                (3.6, GAP_CM, 0.2),
                (r, 0.75, 0.42),
                (r, 9.6, 0.17),
                (r - 0.36, 9.6, 0.15),
                (r - 0.42, 1.1, 1.0),
                (0, 0.8, 0),
            ]
        )
        self._hollow = sdf.lathe(
            [(0, 0.8, 0), (3.68, 1.1, 1.0), (3.74, 9.6, 0), (3.74, 11.0, 0), (0, 11.0, 0)]
        )

    def opaque(self, x: Array, y: Array, z: Array) -> list[Array]:
        """See `trace.Body.opaque`."""
        r = np.sqrt(x * x + z * z)
        wall = self._wall.distance(r, y)
        hy = y - 5.0 - np.clip(y - 5.0, -0.75, 0.75)
        q = np.sqrt((x - 4.35) ** 2 + hy * hy) - 2.3
        handle = np.sqrt(q * q * 1.7 + (z * 0.72) ** 2) * 0.85 - 0.47
        handle = np.maximum(handle, -(self._hollow.distance(r, y) - 0.2))
        return [sdf.smooth_union(wall, handle, 0.45)]

    def material(self, part: Ints, p: Array, n: Array) -> Material:
        """See `trace.Body.material`."""
        glaze = plain(p, n, WHITE, 0.13, 0.045)
        slope = np.stack([noise3(*(p * 0.7), seed=s) * 0.010 for s in (13, 14, 15)])
        glaze.normal = bump(n, slope.astype(np.float32))
        return glaze


class WhiteCarton(Body):
    """A folding carton of coated board with crisp folds and a tuck flap."""

    lo = (-6.1, 0.0, -3.4)
    hi = (6.1, 16.4, 3.4)

    def opaque(self, x: Array, y: Array, z: Array) -> list[Array]:
        """See `trace.Body.opaque`."""
        cy = y - 8.0 - GAP_CM
        board = sdf.box(x, cy, z, (5.75, 8.0, 3.0), 0.07)
        slot = np.sqrt(np.maximum(np.abs(z - 2.82) - 0.02, 0) ** 2 + (cy - 8.0) ** 2) - 0.03
        ear = np.sqrt(np.maximum(np.abs(np.abs(x) - 5.58) - 0.02, 0) ** 2 + (cy - 8.0) ** 2) - 0.03
        return [np.maximum(board, -np.minimum(slot, ear))]

    def material(self, part: Ints, p: Array, n: Array) -> Material:
        """See `trace.Body.material`."""
        board = plain(p, n, WHITE, 0.42, 0.04)
        x, y, z = p
        wave = noise2((x + z) / 18, y / 18, slope=1.8, seed=67) * 0.008
        board.normal = bump(n, np.stack([wave, wave, wave]).astype(np.float32))
        return board


class BlankBottle(AmberBottle):
    """A pharmacy bottle of brown glass with a black pump and one blank paper label."""

    def printed(self, x: Array, y: Array, z: Array) -> Bools:
        """See `trace.Body.printed`."""
        low, high = LABEL_HEIGHTS
        front = (np.abs(np.arctan2(x, z)) < LABEL_ANGLE) & (y > low) & (y < high)
        return np.asarray(front & (x * x + z * z > 9.6))

    def material(self, part: Ints, p: Array, n: Array) -> Material:
        """See `trace.Body.material`."""
        made = super().material(part, p, n)
        label = plain(p, n, WHITE, 0.55)
        grain = noise2((p[0] + p[2]) / 5, p[1] / 5, slope=0.4, seed=61)
        label.albedo = (label.albedo * (1.0 + 0.012 * grain)).astype(np.float32)
        put(made, np.asarray(part == -1), label)
        return made


class BlankTote(ToteBag):
    """A canvas tote without print, its handles of the same cloth."""

    def material(self, part: Ints, p: Array, n: Array) -> Material:
        """See `trace.Body.material`."""
        x, y, z = p
        per_cm = 6.0
        cloth = plain(p, n, WHITE, 0.95, 0.03)
        gusset = np.abs(n[0]) > np.abs(n[2])
        w = np.where(gusset, z + 31.0, x)
        warp, weft = np.sin(w * per_cm * 6.2832), np.sin(y * per_cm * 6.2832)
        slub = noise2(w / 50, y / 5, slope=0.5, seed=74) + noise2(w / 5, y / 50, slope=0.5, seed=75)
        neps = np.clip(noise2(w / 12, y / 12 + z / 30, slope=0.3, seed=76) - 2.2, 0.0, 0.4)
        cloth.albedo *= (1.0 + 0.045 * warp * weft + 0.030 * slub) * (1.0 - 0.4 * neps)
        top = self.tall - 0.8 * 0.9 * np.cos(np.clip(x / 15.0, -1, 1) * 1.57)
        row = (np.abs(y - top + 2.3) < 0.07) & (part == 0)
        dash = (x * 2.2 - np.floor(x * 2.2)) < 0.62
        cloth.albedo = np.where(row & dash, cloth.albedo * 0.72, cloth.albedo)
        # Webbing has ribs along its length and a row of stitches on each side.
        strap = part == 1
        across = np.abs(np.abs(x) - 6.6)
        thread = strap & (np.abs(across - 0.80) < 0.06) & (y < 33)
        thread &= (y * 2.2 - np.floor(y * 2.2)) < 0.6
        cloth.albedo = np.where(thread, cloth.albedo * 0.72, cloth.albedo).astype(np.float32)
        around = 0.12 * np.cos(w * per_cm * 6.2832) * (0.6 + 0.4 * weft)
        upright = 0.12 * np.cos(y * per_cm * 6.2832) * (0.6 + 0.4 * warp)
        relief = np.stack([np.where(gusset, 0.0, around), upright, np.where(gusset, around, 0.0)])
        crumple = np.stack([noise3(x * 0.8, y * 0.8, z * 0.8, seed=s) * 0.08 for s in (36, 37, 38)])
        cloth.normal = bump(n, (relief + crumple).astype(np.float32))
        return cloth


class FlatTee(Body):
    """A crew neck T-shirt that lies flat, smoothed by hand: soft folds, ribs, hems and seams."""

    lo = (-41.0, 0.0, -38.5)
    hi = (41.0, 3.4, 38.5)
    step_scale = 0.62
    armpit = (25.4, -13.5)

    def __init__(self) -> None:
        top = -36.0
        right = [
            (9.6, top, 0.6),
            (22.5, top + 4.2, 3.0),
            (39.6, top + 20.5, 0.8),
            (32.6, top + 28.6, 0.8),
            (self.armpit[0], self.armpit[1] + 1.2, 2.2),
            (25.2, top + 46, 12.0),
            (26.4, top + 72.6, 1.4),
        ]
        left = [(-x, z, r) for x, z, r in right[::-1]]
        back_neck = [(-7.0, top + 0.9, 2.0), (0.0, top + 1.9, 4.0), (7.0, top + 0.9, 2.0)]
        front_neck = [
            (-8.6, top + 3.0, 2.0),
            (-5.2, top + 8.6, 3.0),
            (0.0, top + 10.4, 3.5),
            (5.2, top + 8.6, 3.0),
            (8.6, top + 3.0, 2.0),
        ]
        self._back = sdf.Outline(
            sdf.fillet([*right, (0.0, top + 73.2, 20.0), *left, *back_neck], closed=True),
            cell_cm=0.1,
        )
        self._front = sdf.Outline(
            sdf.fillet([*right, (0.0, top + 73.2, 20.0), *left, *front_neck], closed=True),
            cell_cm=0.1,
        )
        # Armholes: the line from the shoulder tip to the armpit, bent inwards.
        self._bend = 1.6
        self._seam = ((22.0, top + 4.0), (self.armpit[0] - 0.4, self.armpit[1] + 1.0))
        self._baked = sdf.Baked(self._cloth, self.lo, self.hi, 0.13)

    def _folds(self, x: Array, z: Array) -> Array:
        """Return the height of soft folds above the flat cloth, in centimetres."""
        ax, az = self.armpit
        side = np.abs(x)
        # From each armpit folds fan out over the chest and into the sleeve; none meet in a point.
        dx, dz = side - ax, z - az
        far = np.sqrt(dx * dx + dz * dz)
        angle = np.arctan2(dz, -dx)
        which = np.where(x > 0, 0.0, 5.3)
        near = np.clip((far - 1.5) / 7.0, 0.0, 1.0)
        fan = noise3(np.cos(angle) * 1.9 + which, np.sin(angle) * 1.9, far * 0.05 + which, seed=5)
        fan *= near * near * np.exp(-far / 15.0) * np.clip(side / 12.0, 0.0, 1.0)
        drape = noise3(x * 0.10 + 0.02 * z, z * 0.022, z * 0.0, seed=6)
        drape *= np.clip((z + 14.0) / 34.0, 0.0, 1.0)
        slant = noise3((x + 0.7 * z) * 0.085, (z - 0.7 * x) * 0.030, z * 0.0 + 2.0, seed=7)
        slant2 = noise3((x - 0.9 * z) * 0.105, (z + 0.9 * x) * 0.034, z * 0.0 + 4.0, seed=8)
        # Creases are narrow: they follow where a slow field changes its sign.
        bent = x + 3.0 * noise3(x * 0.05, z * 0.06, z * 0.0 + 1.0, seed=12)
        line = noise3((bent - 0.5 * z) * 0.09, (z + 0.5 * bent) * 0.05, z * 0.0 + 9.0, seed=10)
        crease = -np.exp(-((line / 0.09) ** 2)) * np.clip(slant2 + 0.2, 0.0, 1.0)
        small = noise3(x * 0.28 + z * 0.10, z * 0.20, z * 0.0 + 6.0, seed=9)
        result = 1.5 * fan + 0.95 * drape + 0.60 * slant + 0.45 * slant2
        return np.asarray(result + 0.16 * crease + 0.10 * small)

    def _cloth(self, x: Array, y: Array, z: Array) -> Array:
        """Evaluate the soft body slowly; only used to bake it."""
        # Cloth has no ruled edges.
        wave = 0.35 * noise3(x * 0.09, z * 0.09, z * 0.0, seed=11)
        front, back = self._front.distance(x, z) + wave, self._back.distance(x, z) + wave
        folds = self._folds(x, z)

        def layer(outline: Array, height: float, share: float) -> Array:
            soft = 1.0 - np.exp(np.minimum(outline, 0.0) / 1.1)
            lift = height * (0.35 + 0.65 * soft) + share * folds * soft
            return np.asarray(
                sdf.smooth_intersection(outline + 0.1, y - np.maximum(lift, 0.14), 0.3)
            )

        under = layer(back, 0.55, 0.25)
        over = layer(front, 1.05, 1.0)
        # Ribs of the collar: rings of doubled cloth along both necklines.
        rim_front = np.maximum(np.abs(front + 1.0) - 1.0, z + 22.5)
        rib_front = np.maximum(rim_front, np.abs(x) - 9.7)
        cloth = np.minimum(under, over)
        band = np.clip(0.25 - rib_front, 0.0, 0.25) / 0.25
        return np.asarray(cloth - 0.16 * band * (y > 0.3))

    def opaque(self, x: Array, y: Array, z: Array) -> list[Array]:
        """See `trace.Body.opaque`."""
        return [np.maximum(self._baked.distance(x, y, z), GAP_CM - y)]

    def _lines(self, x: Array, z: Array) -> tuple[Array, Array]:
        """Return how far seams and stitches are felt at points: dents 0 to 1, threads 0 to 1."""
        side = np.abs(x)
        (x0, z0), (x1, z1) = self._seam
        t = np.clip((z - z0) / (z1 - z0), -0.2, 1.2)
        seam = side - (x0 + (x1 - x0) * t - self._bend * np.sin(np.clip(t, 0, 1) * np.pi))
        seam = np.where((t > -0.02) & (t < 1.0), np.abs(seam), np.float32(9.0))
        hem = np.abs(36.0 + 0.0 * z - z - 2.2 + 0.5 * (side / 26.0) ** 2)
        # The sleeve's hem runs along its open end.
        ex, ez = 39.6 - 32.6, -15.5 + 7.4
        along = ((side - 32.6) * ez - (z + 7.4) * ex) / float(np.hypot(ex, ez))
        cuff = np.where(side > 29.5, np.abs(np.abs(along) - 2.2), np.float32(9.0))
        front = self._front.distance(x, z)
        collar = np.where((z < -22.5) & (side < 9.8), np.abs(front + 2.05), np.float32(9.0))
        dent = np.minimum(np.minimum(seam, hem), np.minimum(cuff, collar))
        twin = np.minimum(np.abs(hem - 0.22), np.abs(cuff - 0.22))
        thread = np.minimum(twin, np.abs(collar - 0.35))
        phase = (x + z) * 3.4
        dash = (phase - np.floor(phase)) < 0.66
        return np.exp(-((dent / 0.16) ** 2)), np.where(dash, np.exp(-((thread / 0.07) ** 2)), 0.0)

    def material(self, part: Ints, p: Array, n: Array) -> Material:
        """See `trace.Body.material`."""
        x, y, z = p
        cloth = plain(p, n, WHITE, 0.95, 0.02)
        dent, thread = self._lines(x, z)
        front = self._front.distance(x, z)
        rib = (front > -2.0) & (z < -22.5) & (np.abs(x) < 9.8) & (front < 0.2)
        ribs = np.cos(np.arctan2(x, -(z + 36.0) * 0.8) * 75.0)
        # Jersey from arm's length: columns of stitches, finer than a pixel, and a few slubs.
        knit = noise2(x / 22, z / 60, slope=0.25, seed=21) + 0.6 * noise2(x / 90, z / 22, seed=22)
        tone = 1.0 - 0.16 * dent - 0.12 * thread + 0.022 * knit
        tone = np.where(rib, tone * (1.0 + 0.04 * ribs), tone)
        inside = front > 0.0
        cloth.albedo = (cloth.albedo * np.where(inside, 0.93, tone)).astype(np.float32)
        pill = np.stack([noise3(x * 1.6, y, z * 1.6, seed=s) * 0.035 for s in (31, 32, 33)])
        fine = np.stack([noise3(x * 5.5, y, z * 5.5, seed=s) * 0.05 for s in (34, 35, 36)])
        cloth.normal = bump(n, (pill + fine).astype(np.float32))
        return cloth


class PosterOnWall(Body):
    """A sheet of heavy paper between two pairs of wooden bars, hung from a cord."""

    lo = (-27.5, 30.0, 0.0)
    hi = (27.5, 126.0, 2.4)
    bottom = 36.0

    def opaque(self, x: Array, y: Array, z: Array) -> list[Array]:
        """See `trace.Body.opaque`."""
        w, h = POSTER
        cy = y - self.bottom - h / 2
        # Paper bellies a little between the bars.
        belly = 0.5 + 0.35 * np.cos(np.clip(cy / (h / 2), -1, 1) * 1.5708)
        sheet = sdf.box(x, cy, z - belly, (w / 2, h / 2 + 0.5, 0.06), 0.03)
        bars = [
            sdf.box(x, cy - at, z - 0.75, (w / 2 + 0.7, 1.05, 0.7), 0.18)
            for at in (h / 2 + 1.0, -h / 2 - 1.0)
        ]
        peak = self.bottom + h + 17.0
        cord = np.minimum(
            sdf.capsule(x, y, z, (-20.0, self.bottom + h + 2, 0.5), (0.0, peak, 0.5), radius=0.12),
            sdf.capsule(x, y, z, (20.0, self.bottom + h + 2, 0.5), (0.0, peak, 0.5), radius=0.12),
        )
        nail = sdf.slab(np.sqrt(x * x + (y - peak) ** 2), z - 0.7, 0.35, 0.7, 0.1)
        return [sheet, np.minimum(bars[0], bars[1]), cord, nail]

    def material(self, part: Ints, p: Array, n: Array) -> Material:
        """See `trace.Body.material`."""
        paper = plain(p, n, WHITE, 0.6, 0.03)
        put(paper, np.asarray(part == 1), _oak(p, n))
        put(paper, np.asarray(part == 2), plain(p, n, (0.10, 0.085, 0.07), 0.9))
        put(paper, np.asarray(part == 3), plain(p, n, (0.55, 0.40, 0.18), 0.35, 0.3))
        return paper


class LeaningFrame(Body):
    """A print under a wide mat in an oak frame that leans against the wall."""

    lo = (-23.0, 0.0, -3.9)
    hi = (23.0, 55.5, 4.6)
    step_scale = 0.95

    @staticmethod
    def upright(y: Array, z: Array) -> tuple[Array, Array]:
        """Return height along the frame and depth before its back, for local points."""
        c, s = np.float32(np.cos(FRAME_LEAN)), np.float32(np.sin(FRAME_LEAN))
        dz = z - 2.6
        return y * c - dz * s, y * s + dz * c

    def opaque(self, x: Array, y: Array, z: Array) -> list[Array]:
        """See `trace.Body.opaque`."""
        up, out = self.upright(y, z)
        w, h = FRAME
        cy = up - h / 2 - GAP_CM - 0.1
        rim = sdf.box(x, cy, out, (w / 2, h / 2, 0.9), 0.10)
        hole = sdf.box(x, cy, out - 1.4, (w / 2 - 1.9, h / 2 - 1.9, 2.0), 0.05)
        frame = np.maximum(rim, -hole)
        mat = sdf.box(x, cy, out + 0.1, (w / 2 - 1.2, h / 2 - 1.2, 0.35), 0.02)
        a, b = FRAME_OPENING
        mat = np.maximum(mat, -sdf.box(x, cy, out, (a / 2, b / 2, 0.9), 0.0))
        sheet = sdf.box(x, cy, out + 0.25, (w / 2 - 1.5, h / 2 - 1.5, 0.30), 0.02)
        return [frame, mat, sheet]

    def material(self, part: Ints, p: Array, n: Array) -> Material:
        """See `trace.Body.material`."""
        made = _oak(p, n)
        put(made, np.asarray(part == 1), plain(p, n, (0.78, 0.775, 0.76), 0.85, 0.03))
        put(made, np.asarray(part == 2), plain(p, n, WHITE, 0.7, 0.03))
        return made


class PhoneCase(Body):
    """A phone in a hard case, standing on its lower edge, its back to the camera."""

    lo = (-4.0, 0.0, -1.0)
    hi = (4.0, 15.7, 1.3)

    def opaque(self, x: Array, y: Array, z: Array) -> list[Array]:
        """See `trace.Body.opaque`."""
        w, h = PHONE
        cy = y - h / 2 - GAP_CM
        flat = _rounded(x, cy, w / 2, h / 2, PHONE_CORNER)
        case = sdf.smooth_intersection(flat, np.abs(z) - 0.52, 0.34)
        left, top, width, height, corner = CAMERA_ISLAND
        ix, iy = -w / 2 + left + width / 2, h / 2 - top - height / 2
        plate = _rounded(x - ix, cy - iy, width / 2, height / 2, corner)
        # The case leaves the island free and rises to a lip around it.
        lip = sdf.smooth_intersection(np.abs(plate) - 0.12, np.abs(z - 0.3) - 0.34, 0.08)
        case = np.maximum(case, -np.maximum(plate, 0.30 - z))
        case = sdf.smooth_union(case, lip, 0.1)
        glass = sdf.smooth_intersection(plate + 0.02, np.abs(z) - 0.42, 0.05)
        lenses = np.full_like(x, 9.0)
        rings = np.full_like(x, 9.0)
        for cx, dy, radius in ((-0.78, 0.78, 0.66), (-0.78, -0.78, 0.66), (0.82, 0.0, 0.66)):
            r = np.sqrt((x - ix - cx) ** 2 + (cy - iy - dy) ** 2)
            rings = np.minimum(rings, sdf.slab(r, z - 0.3, radius, 0.36, 0.06))
            rings = np.maximum(rings, -sdf.slab(r, z - 0.7, radius - 0.13, 0.14, 0.02))
            lenses = np.minimum(lenses, sdf.slab(r, z - 0.3, radius - 0.10, 0.29, 0.04))
        flash = sdf.slab(
            np.sqrt((x - ix - 0.95) ** 2 + (cy - iy - 1.2) ** 2), z - 0.3, 0.2, 0.14, 0.03
        )
        return [case, glass, rings, lenses, flash]

    def material(self, part: Ints, p: Array, n: Array) -> Material:
        """See `trace.Body.material`."""
        case = plain(p, n, WHITE, 0.34, 0.042)
        put(case, np.asarray(part == 1), plain(p, n, (0.045, 0.047, 0.05), 0.28, 0.05))
        put(case, np.asarray(part == 2), plain(p, n, (0.10, 0.10, 0.105), 0.3, 0.35))
        put(case, np.asarray(part == 3), plain(p, n, (0.004, 0.004, 0.007), 0.06, 0.06))
        put(case, np.asarray(part == 4), plain(p, n, (0.7, 0.66, 0.5), 0.2, 0.06))
        return case


def _rounded(x: Array, y: Array, half_x: float, half_y: float, corner: float) -> Array:
    qx, qy = np.abs(x) - half_x + corner, np.abs(y) - half_y + corner
    ox, oy = np.maximum(qx, 0.0), np.maximum(qy, 0.0)
    return np.asarray(np.sqrt(ox * ox + oy * oy) + np.minimum(np.maximum(qx, qy), 0.0) - corner)


def _oak(p: Array, n: Array) -> Material:
    """Sanded oak with its grain along the longer side of upright or level bars."""
    x, y, z = p
    level = np.abs(np.abs(x) - 21.0) > 1.6
    along, across = np.where(level, x, y), np.where(level, y, x)
    rings = across * 0.55 + 1.1 * noise2(along / 160, across / 22 + z / 30, slope=1.9, seed=3)
    band = 0.5 + 0.5 * np.sin(rings * 6.2832)
    streak = noise2(along / 70, (across + z) / 9, slope=0.55, seed=4)
    fibre = noise2(along / 45, (across + z) / 3.2, slope=0.35, seed=5)
    share = np.clip(0.3 + 0.2 * (band - 0.5) + 0.10 * streak + 0.07 * fibre, 0.0, 1.1)
    light = np.array([0.52, 0.35, 0.19], dtype=np.float32)[:, None]
    dark = np.array([0.30, 0.17, 0.08], dtype=np.float32)[:, None]
    wood = plain(p, n, 0.3, 0.5, 0.04)
    wood.albedo = (light + (dark - light) * share).astype(np.float32)
    return wood
