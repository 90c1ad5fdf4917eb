"""Light transport: sphere tracing, area lights, glossy reflection, refraction and caustics.

Owns how light travels between a body, a backdrop and the lights. It does not know which products
exist (`objects`), which tables (`surfaces`), nor how a picture is developed (`render`).

Lengths are centimetres, y is up, the camera looks roughly towards -z. Vectors are (3, n) float32,
radiance is linear sRGB in arbitrary units (the exposure is chosen in development).

The estimate is a short path: direct light by sampling the key light and the fill, one diffuse and
one glossy bounce, and at the second hit direct light again plus an ambient cube. Light that
reaches the table through glass is carried by photons shot once into a map, because paths from the
camera would find it only as fireflies.

Sources: Hart, "Sphere Tracing" (1996); Walter et al., "Microfacet Models for Refraction" (2007),
the GGX distribution; Schlick (1994), the Fresnel approximation; Duff et al., "Building an
Orthonormal Basis, Revisited" (2017); Jensen, photon mapping (1996).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from apps.catalog.sample_photos.sdf import Array, noise2

Ints = npt.NDArray[np.int32]
Bools = npt.NDArray[np.bool_]

MISS, FLOOR, WALL, OPAQUE, GLASS, LABEL_BACK = range(6)

HIT_CM = 0.005
LIFT_CM = 0.03
ROUGH_FROM = 0.26
"""Rougher than this, lights are sampled for gloss; smoother, mirrored rays find them."""


@dataclass
class Material:
    """What a set of surface points is made of.

    `albedo` (3, n) diffuse reflectance, `f0` (3, n) reflectance at normal incidence, `roughness`
    (n,) perceptual 0 to 1, `normal` (3, n) unit, possibly bumped.
    """

    albedo: Array
    f0: Array
    roughness: Array
    normal: Array


@dataclass(frozen=True)
class Medium:
    """A transparent filling: index of refraction and absorption per centimetre and channel."""

    ior: float
    absorption: tuple[float, float, float] = (0.0, 0.0, 0.0)


class Body:
    """A product: opaque parts, and optionally nested transparent regions.

    Coordinates are local: the body stands on y = 0 and is turned by the scene. Subclasses set
    `lo` and `hi` (bounds, centimetres) and override what they have.
    """

    lo: tuple[float, float, float]
    hi: tuple[float, float, float]
    media: tuple[Medium, ...] = (Medium(1.0),)
    step_scale: float = 1.0
    clear: float = 1.0
    """Share of stray light that passes the glass; used where paths are cut short."""

    def opaque(self, x: Array, y: Array, z: Array) -> list[Array]:
        """Return the distance to each opaque part."""
        raise NotImplementedError

    def regions(self, x: Array, y: Array, z: Array) -> list[Array]:
        """Return the signed distance to each transparent region, the outer glass first."""
        return []

    def medium(self, x: Array, y: Array, z: Array) -> Ints:
        """Return the index into `media` at each point; 0 is air."""
        return np.zeros(x.shape, dtype=np.int32)

    def printed(self, x: Array, y: Array, z: Array) -> Bools:
        """Say where the outer glass is covered by a paper label."""
        return np.zeros(x.shape, dtype=np.bool_)

    def material(self, part: Ints, p: Array, n: Array) -> Material:
        """Return the material at points of opaque parts; part -1 is the label on glass."""
        raise NotImplementedError


class Backdrop(Protocol):
    """Floor and wall of the set."""

    def intersect(self, o: Array, d: Array) -> tuple[Array, Ints]:
        """Return distance along the ray (inf for none) and FLOOR, WALL or MISS."""
        ...

    def material(self, p: Array, kind: Ints) -> tuple[Array, Material]:
        """Return geometric normals and materials at points of the set."""
        ...


@dataclass(frozen=True)
class RectLight:
    """A one-sided rectangle that emits: a window with panes, or a softbox."""

    center: tuple[float, float, float]
    half_u: tuple[float, float, float]
    half_v: tuple[float, float, float]
    radiance: tuple[float, float, float]
    panes: tuple[int, int] = (1, 1)
    bar: float = 0.06

    def arrays(self) -> tuple[Array, Array, Array, Array]:
        """Return center, half_u, half_v and the unit normal as (3, 1) columns."""
        c, u, v = (
            np.array(a, dtype=np.float32)[:, None] for a in (self.center, self.half_u, self.half_v)
        )
        n = np.cross(u[:, 0], v[:, 0]).astype(np.float32)
        return c, u, v, (n / np.linalg.norm(n))[:, None]

    @property
    def area(self) -> float:
        """Area in square centimetres."""
        return 4.0 * float(np.linalg.norm(np.cross(np.array(self.half_u), np.array(self.half_v))))

    def emission(self, a: Array, b: Array) -> Array:
        """Return the radiance (3, n) towards the set at light coordinates -1 to 1."""
        fu = np.abs((a * 0.5 + 0.5) * self.panes[0] % 1.0 - 0.5)
        fv = np.abs((b * 0.5 + 0.5) * self.panes[1] % 1.0 - 0.5)
        open_u = np.clip((0.5 - fu - self.bar * 0.5) * 60.0, 0.0, 1.0) if self.panes[0] > 1 else 1.0
        open_v = np.clip((0.5 - fv - self.bar * 0.5) * 60.0, 0.0, 1.0) if self.panes[1] > 1 else 1.0
        # A softbox or a sky is never even: brighter above the middle, falling to the rim.
        level = (1.0 - 0.28 * (a * a + b * b)) * (1.0 + 0.18 * b) * open_u * open_v
        return np.array(self.radiance, dtype=np.float32)[:, None] * level


@dataclass(frozen=True)
class Room:
    """The surroundings seen by rays that leave the set: (3, n) radiance by direction."""

    ceiling: tuple[float, float, float] = (0.62, 0.60, 0.57)
    horizon: tuple[float, float, float] = (0.34, 0.33, 0.32)
    ground: tuple[float, float, float] = (0.13, 0.12, 0.11)
    bright_side: tuple[float, float, float] = (-1.0, 0.2, 0.3)
    contrast: float = 0.45
    level: float = 1.0
    patches: tuple[tuple[float, float, float, float, float], ...] = ()
    """Soft patches: x, y, z of the direction, cosine of the half angle, added radiance."""

    def radiance(self, d: Array) -> Array:
        """Return the radiance arriving from directions `d`."""
        up = np.clip(d[1] * 1.8, -1.0, 1.0)
        top, mid, low = (
            np.array(c, dtype=np.float32)[:, None]
            for c in (self.ceiling, self.horizon, self.ground)
        )
        rise, fall = np.maximum(up, 0.0), np.maximum(-up, 0.0)
        out = mid * (1 - rise - fall) + top * rise + low * fall
        side = np.array(self.bright_side)
        side = side / np.linalg.norm(side)
        lean = float(side[0]) * d[0] + float(side[1]) * d[1] + float(side[2]) * d[2]
        out = out * (1.0 + self.contrast * lean)
        for px, py, pz, cosine, added in self.patches:
            norm = float(np.sqrt(px * px + py * py + pz * pz))
            near = (d[0] * px + d[1] * py + d[2] * pz) / norm
            edge = np.clip((near - cosine) / (0.25 * (1 - cosine)) + 0.5, 0.0, 1.0)
            out = out + added * edge * edge * (3 - 2 * edge)
        result: Array = np.maximum(out, 0.0).astype(np.float32) * self.level
        return result


@dataclass(frozen=True)
class Camera:
    """A thin-lens camera.

    `fov_deg` is the vertical angle of view, `lens_cm` the radius of the aperture and `focus`
    the point that is sharp.
    """

    eye: tuple[float, float, float]
    target: tuple[float, float, float]
    fov_deg: float
    lens_cm: float
    focus: tuple[float, float, float]

    def rays(
        self, px: Array, py: Array, width: int, height: int, lens: tuple[Array, Array]
    ) -> tuple[Array, Array]:
        """Return origins and unit directions (3, n) through continuous pixel positions."""
        eye = np.array(self.eye)
        forward = np.array(self.target) - eye
        forward /= np.linalg.norm(forward)
        right = np.cross(forward, np.array([0.0, 1.0, 0.0]))
        right /= np.linalg.norm(right)
        up = np.cross(right, forward)
        depth = float((np.array(self.focus) - eye) @ forward)
        scale = np.tan(np.radians(self.fov_deg) / 2) * depth
        sx = ((px / height) * 2 - width / height) * scale
        sy = (1 - (py / height) * 2) * scale
        f, r, u = (v.astype(np.float32)[:, None] for v in (forward, right, up))
        e = eye.astype(np.float32)[:, None]
        radius, angle = np.sqrt(lens[0]) * self.lens_cm, lens[1] * (2 * np.pi)
        o = e + r * (radius * np.cos(angle)) + u * (radius * np.sin(angle))
        d = e + f * depth + r * sx + u * sy - o
        return o.astype(np.float32), unit(d.astype(np.float32))


@dataclass(frozen=True)
class Scene:
    """Everything a picture needs but its size."""

    body: Body
    backdrop: Backdrop
    lights: tuple[RectLight, ...]
    room: Room
    camera: Camera
    yaw_deg: float = 0.0
    photons: int = 600_000


def dot(a: Array, b: Array) -> Array:
    """Return the dot product per column."""
    result: Array = a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
    return result


def unit(a: Array) -> Array:
    """Return the columns scaled to length one."""
    return a / np.sqrt(np.maximum(dot(a, a), 1e-20))


def frame(n: Array) -> tuple[Array, Array]:
    """Return two unit tangents per unit normal (Duff et al. 2017)."""
    sign = np.where(n[2] >= 0, np.float32(1), np.float32(-1))
    a = -1.0 / (sign + n[2])
    b = n[0] * n[1] * a
    tangent = np.stack([1.0 + sign * n[0] * n[0] * a, sign * b, -sign * n[0]])
    return tangent, np.stack([b, sign + n[1] * n[1] * a, -n[1]])


def bump(n: Array, slope: Array) -> Array:
    """Tilt unit normals by a world-space gradient (3, n) of height, in cm per cm."""
    tangential = slope - n * dot(n, slope)
    return unit(n - tangential)


def _schlick(f0: Array, cosine: Array) -> Array:
    result: Array = f0 + (1.0 - f0) * np.power(np.clip(1.0 - cosine, 0.0, 1.0), 5)
    return result


def _fresnel(cosine: Array, ratio: Array) -> tuple[Array, Array]:
    """Return reflectance and the refracted cosine for n1/n2 = `ratio` (1 and 0 if total)."""
    sine2 = ratio * ratio * (1.0 - cosine * cosine)
    total = sine2 >= 1.0
    inner = np.sqrt(np.maximum(1.0 - sine2, 0.0))
    s = (ratio * cosine - inner) / np.maximum(ratio * cosine + inner, 1e-6)
    p = (ratio * inner - cosine) / np.maximum(ratio * inner + cosine, 1e-6)
    return np.where(total, 1.0, 0.5 * (s * s + p * p)).astype(np.float32), inner


class Space:
    """A distance, with a coarse grid of lower bounds that lets rays cross empty space cheaply."""

    def __init__(
        self,
        distance: Callable[[Array, Array, Array], Array],
        lo: tuple[float, float, float],
        hi: tuple[float, float, float],
    ) -> None:
        self.distance = distance
        cell = max(b - a for a, b in zip(lo, hi, strict=True)) / 88
        self._lo, self._inverse = lo, 1.0 / cell
        self._shape = [int((b - a) / cell) + 1 for a, b in zip(lo, hi, strict=True)]
        centers = np.stack(
            np.meshgrid(
                *(
                    (lo[i] + cell * (np.arange(self._shape[i]) + 0.5)).astype(np.float32)
                    for i in range(3)
                ),
                indexing="ij",
            )
        ).reshape(3, -1)
        # No point of a cell is farther from its center than half the diagonal.
        self._bound = distance(centers[0], centers[1], centers[2]) - np.float32(0.87 * cell)

    def bound(self, x: Array, y: Array, z: Array) -> Array:
        """Return a lower bound of the distance at points of the box."""
        nx, ny, nz = self._shape
        ix = np.clip((x - self._lo[0]) * self._inverse, 0, nx - 1).astype(np.int32)
        iy = np.clip((y - self._lo[1]) * self._inverse, 0, ny - 1).astype(np.int32)
        iz = np.clip((z - self._lo[2]) * self._inverse, 0, nz - 1).astype(np.int32)
        result: Array = self._bound[(ix * ny + iy) * nz + iz]
        return result


def _march(
    space: Space,
    o: Array,
    d: Array,
    start: Array,
    stop: Array,
    *,
    steps: int = 56,
    hit_cm: float = HIT_CM,
) -> Array:
    """Return the ray parameter of the first surface between start and stop, or inf."""
    result = np.full(start.shape, np.inf, dtype=np.float32)
    index = np.flatnonzero(stop > start)
    o, d, t, stop = o[:, index], d[:, index], start[index], stop[index]
    near: list[tuple[npt.NDArray[np.int64], Array, Array, Array, Array]] = []
    for _ in range(steps):
        if index.size == 0:
            break
        bound = space.bound(o[0] + d[0] * t, o[1] + d[1] * t, o[2] + d[2] * t)
        close = bound < 0.04
        if close.any():
            near.append((index[close], o[:, close], d[:, close], t[close], stop[close]))
        t = t + bound
        keep = ~close & (t <= stop)
        index, o, d, t, stop = index[keep], o[:, keep], d[:, keep], t[keep], stop[keep]
    near.append((index, o, d, t, stop))
    index = np.concatenate([n[0] for n in near])
    o = np.concatenate([n[1] for n in near], axis=1)
    d = np.concatenate([n[2] for n in near], axis=1)
    t, stop = np.concatenate([n[3] for n in near]), np.concatenate([n[4] for n in near])
    for step in range(steps):
        if index.size == 0:
            break
        gap = space.distance(o[0] + d[0] * t, o[1] + d[1] * t, o[2] + d[2] * t)
        # The few rays that graze for long are settled with less precision as they go on.
        patience = 1.0 + max(step - 12, 0) * 0.12
        hit = (gap < hit_cm * patience) & (t <= stop)
        if hit.any():
            result[index[hit]] = t[hit] + gap[hit]
        t = t + np.maximum(gap, 0.004 * patience)
        alive = ~hit & (t <= stop)
        left = int(np.count_nonzero(alive))
        if left < 0.85 * index.size:
            index, o, d, t, stop = index[alive], o[:, alive], d[:, alive], t[alive], stop[alive]
        else:
            stop = np.where(alive, stop, np.float32(-1.0))
    return result


class Sampler:
    """Stratified pairs of numbers per pixel: a rank-one sequence with a random shift per pixel."""

    def __init__(
        self, rng: np.random.Generator, pixels: int, samples: int, pairs: int = 12
    ) -> None:
        self._shift = rng.random((pairs, 2, pixels), dtype=np.float32)
        self._order = [rng.permutation(samples) for _ in range(pairs)]
        self.rng = rng

    def pair(self, which: int, sample: int, pixel: npt.NDArray[np.int64]) -> tuple[Array, Array]:
        """Return two arrays in 0 to 1 for decision `which` of sample number `sample`."""
        k = int(self._order[which][sample])
        a = self._shift[which, 0, pixel] + np.float32(k * 0.7548776662 % 1.0)
        b = self._shift[which, 1, pixel] + np.float32(k * 0.5698402910 % 1.0)
        return a - np.floor(a), b - np.floor(b)


@dataclass(frozen=True)
class Draws:
    """The decisions of sample number `sample` at the pixels `pixel` (n,) of a strip."""

    sampler: Sampler
    pixel: npt.NDArray[np.int64]
    sample: int

    def pair(self, which: int, at: npt.NDArray[np.int64] | None = None) -> tuple[Array, Array]:
        """Return two arrays in 0 to 1 for decision `which`, of all or some of the pixels."""
        pixel = self.pixel if at is None else self.pixel[at]
        return self.sampler.pair(which, self.sample, pixel)


@dataclass
class FirstHits:
    """What one sample per pixel saw; all (3, n) but `alpha` and `depth` (n,).

    The radiance is `diffuse + other`; `albedo` is what `diffuse` was multiplied by.
    """

    diffuse: Array
    other: Array
    albedo: Array
    normal: Array
    depth: Array
    alpha: Array


@dataclass
class _Wave:
    """Rays on their way through glass: their numbers, points, directions and media."""

    index: npt.NDArray[np.int64]
    q: Array
    d: Array
    here: Ints

    def only(self, keep: Bools) -> _Wave:
        return _Wave(self.index[keep], self.q[:, keep], self.d[:, keep], self.here[keep])


@dataclass
class _Ends:
    """How rays through glass ended, and what was left of them on the way."""

    p: Array
    d: Array
    through: Array
    kind: Ints

    def note(self, wave: _Wave, kind: Ints | int) -> None:
        self.p[:, wave.index], self.d[:, wave.index] = wave.q, wave.d
        self.kind[wave.index] = kind


class Tracer:
    """Follows light in one scene."""

    def __init__(self, scene: Scene, seed: int) -> None:
        self.scene = scene
        self._cos = float(np.cos(np.radians(scene.yaw_deg)))
        self._sin = float(np.sin(np.radians(scene.yaw_deg)))
        body = scene.body
        corners = np.array(
            [
                (x, y, z)
                for x in (body.lo[0], body.hi[0])
                for y in (0, 1)
                for z in (body.lo[2], body.hi[2])
            ]
        )
        wx = corners[:, 0] * self._cos + corners[:, 2] * self._sin
        wz = -corners[:, 0] * self._sin + corners[:, 2] * self._cos
        self._lo = (float(wx.min()), body.lo[1], float(wz.min()))
        self._hi = (float(wx.max()), body.hi[1], float(wz.max()))
        probe = np.zeros(1, dtype=np.float32)
        self._has_glass = len(body.regions(probe, probe, probe)) > 0
        self._solid_space = Space(self._solid, self._lo, self._hi)
        self._opaque_space = self._interface_space = self._solid_space
        if self._has_glass:
            self._opaque_space = Space(self._opaque, self._lo, self._hi)
            self._interface_space = Space(self._interfaces, self._lo, self._hi)
        self._lights = [light.arrays() for light in scene.lights]
        self._map: Array | None = None
        self._map_lo, self._map_span = (0.0, 0.0), 1.0
        rng = np.random.default_rng(seed)
        self._ambient = np.zeros((6, 3), dtype=np.float32)
        self._fill_ambient(rng)
        if self._has_glass and scene.photons:
            self._shoot_photons(rng)

    # -- geometry ------------------------------------------------------------------------------

    def _local(self, x: Array, z: Array) -> tuple[Array, Array]:
        return x * self._cos - z * self._sin, x * self._sin + z * self._cos

    def _local_vector(self, v: Array) -> Array:
        x, z = self._local(v[0], v[2])
        return np.stack([x, v[1], z])

    def _world_vector(self, v: Array) -> Array:
        return np.stack(
            [v[0] * self._cos + v[2] * self._sin, v[1], -v[0] * self._sin + v[2] * self._cos]
        )

    def _solid(self, x: Array, y: Array, z: Array) -> Array:
        """Distance to what blocks a shadow ray to the set: opaque parts and the outer glass."""
        lx, lz = self._local(x, z)
        best = self._opaque_local(lx, y, lz)
        if self._has_glass:
            best = np.minimum(best, self.scene.body.regions(lx, y, lz)[0])
        return best * self.scene.body.step_scale

    def _opaque(self, x: Array, y: Array, z: Array) -> Array:
        lx, lz = self._local(x, z)
        return self._opaque_local(lx, y, lz) * self.scene.body.step_scale

    def _opaque_local(self, x: Array, y: Array, z: Array) -> Array:
        parts = self.scene.body.opaque(x, y, z)
        best = parts[0] if parts else np.full(x.shape, 1e3, dtype=np.float32)
        for part in parts[1:]:
            best = np.minimum(best, part)
        return best

    def _interfaces(self, x: Array, y: Array, z: Array) -> Array:
        lx, lz = self._local(x, z)
        best = self._opaque_local(lx, y, lz)
        for region in self.scene.body.regions(lx, y, lz):
            best = np.minimum(best, np.abs(region))
        return best

    def _slab(self, o: Array, d: Array) -> tuple[Array, Array]:
        near = np.full(o.shape[1], 0.0, dtype=np.float32)
        far = np.full(o.shape[1], np.inf, dtype=np.float32)
        for i in range(3):
            safe = np.where(np.abs(d[i]) < 1e-7, np.float32(1e-7), d[i])
            a, b = (self._lo[i] - o[i]) / safe, (self._hi[i] - o[i]) / safe
            near = np.maximum(near, np.minimum(a, b))
            far = np.minimum(far, np.maximum(a, b))
        return near, far

    def _gradient(self, distance: Callable[[Array, Array, Array], Array], p: Array) -> Array:
        # Four corners of a tetrahedron give the gradient with the fewest evaluations.
        h = np.float32(0.03)
        out = np.zeros_like(p)
        for i, j, k in ((1, -1, -1), (-1, -1, 1), (-1, 1, -1), (1, 1, 1)):
            value = distance(p[0] + h * i, p[1] + h * j, p[2] + h * k)
            out[0] += value * i
            out[1] += value * j
            out[2] += value * k
        return unit(out)

    def nearest(self, o: Array, d: Array) -> tuple[Array, Ints]:
        """Return the distance to the first surface seen from the air, and its kind."""
        t, kind = self.scene.backdrop.intersect(o, d)
        near, far = self._slab(o, d)
        hit = _march(self._solid_space, o, d, near, np.minimum(far, t))
        found = np.flatnonzero(hit < t)
        if found.size:
            t = t.copy()
            kind = kind.copy()
            t[found] = hit[found]
            kind[found] = OPAQUE
            if self._has_glass:
                p = o[:, found] + d[:, found] * hit[found]
                x, z = self._local(p[0], p[2])
                glass = self.scene.body.regions(x, p[1], z)[0]
                on_glass = glass < self._opaque_local(x, p[1], z)
                on_glass &= ~self.scene.body.printed(x, p[1], z)
                kind[found[on_glass]] = GLASS
        return t, kind

    def _surface(self, p: Array, d: Array, kind: Ints) -> tuple[Array, Material]:
        """Return geometric normals and materials at points on the set or on opaque parts."""
        normal = np.zeros_like(p)
        normal[1] = 1.0
        albedo, f0 = np.zeros_like(p), np.zeros_like(p)
        roughness = np.ones(p.shape[1], dtype=np.float32)
        bumped = normal.copy()
        on_set = np.flatnonzero((kind == FLOOR) | (kind == WALL))
        on_body = np.flatnonzero((kind == OPAQUE) | (kind == LABEL_BACK))
        found: list[tuple[npt.NDArray[np.int64], Array, Material]] = []
        if on_set.size:
            n, material = self.scene.backdrop.material(p[:, on_set], kind[on_set])
            found.append((on_set, n, material))
        if on_body.size:
            q = p[:, on_body]
            n = self._gradient(self._solid, q)
            x, z = self._local(q[0], q[2])
            parts = self.scene.body.opaque(x, q[1], z)
            part = np.full(x.shape, -1, dtype=np.int32)
            if parts:
                stacked = np.stack(parts)
                part = np.argmin(stacked, axis=0).astype(np.int32)
                if self._has_glass:
                    outer = self.scene.body.regions(x, q[1], z)[0]
                    label = (outer < stacked.min(axis=0)) & self.scene.body.printed(x, q[1], z)
                    part = np.where(label, np.int32(-1), part)
                    # Parts inside the glass have a normal of their own.
                    inner = (~label) & (outer < 0.02)
                    if inner.any():
                        n[:, inner] = self._gradient(self._opaque, q[:, inner])
            back = kind[on_body] == LABEL_BACK
            n = np.where(back, -n, n)
            local = np.stack([x, q[1], z])
            material = self.scene.body.material(part, local, self._local_vector(n))
            material.normal = self._world_vector(material.normal)
            # Labels are printed on one side only.
            material.albedo[:, back] = 0.72
            found.append((on_body, n, material))
        for at, n, material in found:
            # Seen from behind (a rim at the silhouette), a normal is bent back to the viewer.
            away = np.maximum(dot(n, d[:, at]), 0.0)
            normal[:, at] = unit(n - d[:, at] * away * 1.02)
            away = np.maximum(dot(material.normal, d[:, at]) + 0.02, 0.0)
            bumped[:, at] = unit(material.normal - d[:, at] * away)
            albedo[:, at], f0[:, at] = material.albedo, material.f0
            roughness[at] = material.roughness
        return normal, Material(albedo, f0, roughness, bumped)

    # -- light ---------------------------------------------------------------------------------

    def _lights_seen(self, o: Array, d: Array, t: Array) -> Array:
        """Return the emission (3, n) of lights that rays meet before distance `t`."""
        out = np.zeros_like(o)
        for light, (c, u, v, n) in zip(self.scene.lights, self._lights, strict=True):
            down = dot(n, d)
            facing = down < -1e-4
            s = dot(n, c - o) / np.where(facing, down, np.float32(-1.0))
            hit = o + d * s - c
            a, b = dot(hit, u) / dot(u, u), dot(hit, v) / dot(v, v)
            # The edge of a softbox is not a knife: a soft rim of a few per cent.
            edge = np.clip((1.0 - np.maximum(np.abs(a), np.abs(b))) * 25.0, 0.0, 1.0)
            seen = facing & (s > 0) & (s < t) & (edge > 0)
            out += np.where(seen, light.emission(a, b) * edge, 0.0)
        return out

    def _direct(
        self,
        which: int,
        p: Array,
        normal: Array,
        shading: Array,
        u: tuple[Array, Array],
        *,
        through_glass: Bools,
        gloss: tuple[Array, Material] | None = None,
        shadow: bool = True,
    ) -> tuple[Array, Array]:
        """Return irradiance / pi (3, n) from one light at points, one shadow ray each.

        With `gloss`, the view directions and materials, also the radiance that rough surfaces
        reflect of it; elsewhere the second value is zero.
        """
        light = self.scene.lights[which]
        c, hu, hv, ln = self._lights[which]
        a, b = u[0] * 2 - 1, u[1] * 2 - 1
        to = c + hu * a + hv * b - p
        r2 = dot(to, to)
        r = np.sqrt(r2)
        d = to / r
        cos_light = -dot(d, ln)
        weight = np.maximum(dot(shading, d), 0.0) * np.maximum(cos_light, 0.0)
        weight = weight / r2 * (light.area / np.pi)
        weight *= np.clip(dot(normal, d) * 20.0, 0.0, 1.0)
        lit = np.flatnonzero(weight > 0)
        if lit.size and shadow:
            o = p[:, lit] + normal[:, lit] * LIFT_CM
            near, far = self._slab(o, d[:, lit])
            far = np.minimum(far, r[lit])
            blocked = np.zeros(lit.size, dtype=np.bool_)
            skip = through_glass[lit]
            for mask, space in ((~skip, self._solid_space), (skip, self._opaque_space)):
                at = np.flatnonzero(mask & (far > near))
                if at.size:
                    hit = _march(space, o[:, at], d[:, lit[at]], near[at], far[at])
                    blocked[at] = np.isfinite(hit)
            weight[lit] *= ~blocked
        lit_by = light.emission(a, b) * weight
        shine = np.zeros_like(lit_by)
        if gloss is not None:
            view, m = gloss
            at = np.flatnonzero((weight > 0) & (m.roughness > ROUGH_FROM))
            lobe = _ggx_value(shading[:, at], view[:, at], d[:, at], m.f0[:, at], m.roughness[at])
            shine[:, at] = lit_by[:, at] * lobe * np.pi
        return lit_by, shine

    def _inside_glass(self, p: Array, kind: Ints) -> Bools:
        if not self._has_glass:
            return np.zeros(p.shape[1], dtype=np.bool_)
        return np.asarray((kind == OPAQUE) | (kind == LABEL_BACK))

    def _caustic(self, p: Array, kind: Ints) -> Array:
        """Return irradiance / pi that arrives on the floor through glass."""
        out = np.zeros_like(p)
        if self._map is None:
            return out
        size = self._map.shape[1]
        fx = (p[0] - self._map_lo[0]) / self._map_span * size - 0.5
        fz = (p[2] - self._map_lo[1]) / self._map_span * size - 0.5
        at = np.flatnonzero(
            (kind == FLOOR) & (fx > 0) & (fz > 0) & (fx < size - 1.01) & (fz < size - 1.01)
        )
        ix, iz = fx[at].astype(np.int32), fz[at].astype(np.int32)
        a, b = fx[at] - ix, fz[at] - iz
        m = self._map
        out[:, at] = (m[:, iz, ix] * (1 - a) + m[:, iz, ix + 1] * a) * (1 - b) + (
            m[:, iz + 1, ix] * (1 - a) + m[:, iz + 1, ix + 1] * a
        ) * b
        return out

    def _ambient_at(self, n: Array) -> Array:
        cube = self._ambient
        out = np.zeros_like(n)
        for i in range(3):
            w = n[i] * n[i]
            side = np.where(n[i] > 0, 2 * i, 2 * i + 1)
            out += cube[side].T * w
        return out

    def _fill_ambient(self, rng: np.random.Generator) -> None:
        """Measure the light that reaches the middle of the set from six sides."""
        rays = 768
        for _ in range(2):
            cube = np.zeros_like(self._ambient)
            for face in range(6):
                n = np.zeros((3, rays), dtype=np.float32)
                n[face // 2] = 1.0 if face % 2 == 0 else -1.0
                d = _cosine(
                    n, (rng.random(rays, dtype=np.float32), rng.random(rays, dtype=np.float32))
                )
                o = np.zeros_like(d)
                o[1] = 6.0
                t, kind = self.scene.backdrop.intersect(o, d)
                light = self.scene.room.radiance(d)
                at = np.flatnonzero(np.isfinite(t))
                if at.size:
                    p = o[:, at] + d[:, at] * t[at]
                    normal, m = self.scene.backdrop.material(p, kind[at])
                    lit = self._ambient_at(normal)
                    for which, (c, _, _, ln) in enumerate(self._lights):
                        to = c - p
                        r2 = dot(to, to)
                        e = unit(to)
                        w = np.maximum(dot(normal, e), 0) * np.maximum(-dot(e, ln), 0) / r2
                        radiance = np.array(self.scene.lights[which].radiance)[:, None]
                        lit = lit + radiance * w * self.scene.lights[which].area / np.pi
                    light[:, at] = m.albedo * lit
                cube[face] = light.mean(axis=1)
            self._ambient = cube

    def _crevice(self, p: Array, n: Array) -> Array:
        """Return a cheap ambient occlusion by one look along the normal."""
        reach = np.float32(1.6)
        q = p + n * reach
        result: Array = np.clip(self._solid(q[0], q[1], q[2]) / reach, 0.12, 1.0)
        return result

    def radiance(
        self, o: Array, d: Array, u: tuple[Array, Array], *, see_lights: Bools | bool
    ) -> Array:
        """Return the radiance (3, n) along rays that are not the first of their path."""
        t, kind = self.nearest(o, d)
        out = np.zeros_like(o)
        miss = np.flatnonzero(kind == MISS)
        if miss.size:
            out[:, miss] = self.scene.room.radiance(d[:, miss])
        glass = np.flatnonzero(kind == GLASS)
        if glass.size:
            out[:, glass] = self.scene.room.radiance(d[:, glass]) * self.scene.body.clear
        rest = np.flatnonzero((kind == FLOOR) | (kind == WALL) | (kind == OPAQUE))
        if rest.size:
            p = o[:, rest] + d[:, rest] * t[rest]
            out[:, rest] = self._second(p, d[:, rest], kind[rest], (u[0][rest], u[1][rest]))
        if np.any(see_lights):
            emission = self._lights_seen(o, d, t)
            out = np.where((emission.max(axis=0) > 0) & see_lights, emission, out)
        return out

    def _second(self, p: Array, d: Array, kind: Ints, u: tuple[Array, Array]) -> Array:
        """Shade second hits: direct key and fill, the ambient cube, and the room if metallic."""
        normal, m = self._surface(p, d, kind)
        inside = self._inside_glass(p, kind)
        lit = self._ambient_at(m.normal) * self._crevice(p, normal) + self._caustic(p, kind)
        for which in range(len(self.scene.lights)):
            # Only the key light throws shadows that matter at the second hit.
            lit = (
                lit
                + self._direct(
                    which, p, normal, m.normal, u, through_glass=inside, shadow=which == 0
                )[0]
            )
        lit = np.where(kind == LABEL_BACK, lit * 0.55, lit)
        reflected = d - m.normal * (2 * dot(d, m.normal))
        metallic = m.f0.max(axis=0) > 0.2
        mirror = np.where(metallic, self.scene.room.radiance(reflected) * m.f0, 0.0)
        return m.albedo * lit + mirror

    # -- transmission --------------------------------------------------------------------------

    def _transmit(
        self, p: Array, d: Array, rng: np.random.Generator
    ) -> tuple[Array, Array, Array, Ints]:
        """Follow rays that enter the glass at `p` until they end.

        Returns
        -------
        Points, directions, throughput (3, n each) and kinds: MISS means the ray left the body at
        the point with that direction, OPAQUE and LABEL_BACK mean it ended at the point, GLASS
        that it was still inside after the last event.
        """
        ends = _Ends(
            p.copy(), d.copy(), np.ones_like(p), np.full(p.shape[1], GLASS, dtype=np.int32)
        )
        count = p.shape[1]
        wave = _Wave(np.arange(count), p, d, np.zeros(count, dtype=np.int32))
        normal = self._gradient(self._outer, p)
        for event in range(11):
            if event:
                wave = self._advance(wave, ends, rng)
                if wave.index.size == 0:
                    break
                normal = self._gradient(self._nearest_region(wave.q), wave.q)
            # The caller traces the first reflection itself, so entering is certain.
            wave = self._cross(wave, normal, rng if event else None)
        return ends.p, ends.d, ends.through, ends.kind

    def _advance(self, wave: _Wave, ends: _Ends, rng: np.random.Generator) -> _Wave:
        """Move rays to the next interface; those that end on the way are noted in `ends`."""
        body = self.scene.body
        far = self._slab(wave.q, wave.d)[1]
        t_set, _ = self.scene.backdrop.intersect(wave.q, wave.d)
        far = np.where(wave.here == 0, np.minimum(far, t_set), far)
        start = np.zeros_like(far)
        t = _march(self._interface_space, wave.q, wave.d, start, far, hit_cm=0.004)
        gone = ~np.isfinite(t)
        ends.note(wave.only(gone), MISS)
        wave, t = wave.only(~gone), t[~gone]
        absorption = np.array([m.absorption for m in body.media], dtype=np.float32).T
        ends.through[:, wave.index] *= np.exp(-absorption[:, wave.here] * t)
        # What is nearly absorbed is dropped by lot, the rest takes its weight.
        survival = np.clip(ends.through[:, wave.index].max(axis=0) * 4.0, 0.05, 1.0)
        lucky = rng.random(survival.shape, dtype=np.float32) < survival
        ends.through[:, wave.index] *= np.where(lucky, 1.0 / survival, 0.0)
        wave.q = wave.q + wave.d * t
        wave = wave.only(lucky)
        if wave.index.size == 0:
            return wave
        q = wave.q
        x, z = self._local(q[0], q[2])
        regions = np.stack(body.regions(x, q[1], z))
        close = np.abs(regions).min(axis=0)
        ended = self._opaque_local(x, q[1], z) < close
        on_outer = np.abs(regions[0]) <= close + 1e-4
        on_label = ~ended & on_outer & body.printed(x, q[1], z)
        stop = ended | on_label
        back = on_label & (wave.here != 0)
        ends.note(wave.only(stop), np.where(back[stop], LABEL_BACK, OPAQUE).astype(np.int32))
        return wave.only(~stop)

    def _cross(self, wave: _Wave, normal: Array, rng: np.random.Generator | None) -> _Wave:
        """Reflect or refract at an interface: by lot, or always refract without `rng`."""
        body = self.scene.body
        ior = np.array([m.ior for m in body.media], dtype=np.float32)
        n = np.where(dot(normal, wave.d) > 0, -normal, normal)
        far_side = wave.q - n * LIFT_CM
        x, z = self._local(far_side[0], far_side[2])
        ahead = body.medium(x, far_side[1], z)
        ratio = ior[wave.here] / ior[ahead]
        cosine = np.clip(-dot(n, wave.d), 0.0, 1.0)
        share, inner = _fresnel(cosine, ratio)
        same = wave.here == ahead
        reflect = np.zeros(share.shape, dtype=np.bool_)
        if rng is not None:
            reflect = (rng.random(share.shape, dtype=np.float32) < share) & ~same
        bounced = wave.d + n * (2 * cosine)
        passed = np.where(same, wave.d, wave.d * ratio + n * (ratio * cosine - inner))
        return _Wave(
            wave.index,
            np.where(reflect, wave.q + n * LIFT_CM, far_side),
            unit(np.where(reflect, bounced, passed)),
            np.where(reflect, wave.here, ahead),
        )

    def _outer(self, x: Array, y: Array, z: Array) -> Array:
        lx, lz = self._local(x, z)
        return self.scene.body.regions(lx, y, lz)[0]

    def _nearest_region(self, at: Array) -> Callable[[Array, Array, Array], Array]:
        lx, lz = self._local(at[0], at[2])
        choice = np.argmin(np.abs(np.stack(self.scene.body.regions(lx, at[1], lz))), axis=0)

        def distance(x: Array, y: Array, z: Array) -> Array:
            a, b = self._local(x, z)
            stacked = np.stack(self.scene.body.regions(a, y, b))
            picked: Array = np.take_along_axis(stacked, choice[None], axis=0)[0]
            return picked

        return distance

    def _shoot_photons(self, rng: np.random.Generator) -> None:
        """Fill the map of key light that reaches the floor through the glass."""
        size = 320
        span = 2.4 * max(self._hi[1], self._hi[0] - self._lo[0])
        center = ((self._lo[0] + self._hi[0]) / 2, (self._lo[2] + self._hi[2]) / 2)
        self._map_lo, self._map_span = (center[0] - span / 2, center[1] - span / 2), span
        power = np.zeros((3, size * size), dtype=np.float64)
        middle = np.array([(a + b) / 2 for a, b in zip(self._lo, self._hi, strict=True)])
        reach = float(np.linalg.norm(np.array(self._hi) - np.array(self._lo))) / 2
        light = self.scene.lights[0]
        c, hu, hv, ln = self._lights[0]
        total, chunk = self.scene.photons, 50_000
        for _ in range(max(total // chunk, 1)):
            r = rng.random((5, chunk), dtype=np.float32)
            a, b = r[0] * 2 - 1, r[1] * 2 - 1
            o = c + hu * a + hv * b
            axis = unit(middle.astype(np.float32)[:, None] - o)
            t1, t2 = frame(axis)
            radius, angle = reach * np.sqrt(r[2]), r[3] * (2 * np.pi)
            aim = middle.astype(np.float32)[:, None] + t1 * (radius * np.cos(angle))
            aim = aim + t2 * (radius * np.sin(angle))
            to = aim - o
            d = unit(to)
            solid = np.pi * reach**2 * dot(d, axis) / dot(to, to)
            flux = light.emission(a, b) * (np.maximum(-dot(d, ln), 0) * solid * light.area)
            t, kind = self.nearest(o, d)
            at = np.flatnonzero(kind == GLASS)
            if at.size == 0:
                continue
            p = o[:, at] + d[:, at] * t[at]
            n = self._gradient(self._outer, p)
            cosine = np.clip(-dot(n, d[:, at]), 0.0, 1.0)
            share, _ = _fresnel(cosine, np.full_like(cosine, 1 / self.scene.body.media[1].ior))
            p, e, through, ended = self._transmit(p, d[:, at], rng)
            through = through * (1 - share) * flux[:, at] / total
            out = np.flatnonzero(ended == MISS)
            p, e, through = p[:, out], e[:, out], through[:, out]
            t, kind = self.scene.backdrop.intersect(p, e)
            down = np.flatnonzero(kind == FLOOR)
            p = p[:, down] + e[:, down] * t[down]
            ix = np.floor((p[0] - self._map_lo[0]) / span * size).astype(np.int64)
            iz = np.floor((p[2] - self._map_lo[1]) / span * size).astype(np.int64)
            ok = (ix >= 0) & (ix < size) & (iz >= 0) & (iz < size)
            for channel in range(3):
                power[channel] += np.bincount(
                    (iz * size + ix)[ok], through[channel, down[ok]], minlength=size * size
                )
        irradiance: Array = power.reshape(3, size, size) / (span / size) ** 2
        kernel = np.exp(-0.5 * (np.arange(-4, 5) / 1.5) ** 2)
        kernel /= kernel.sum()
        for along in (1, 2):
            shifted = [w * np.roll(irradiance, i - 4, axis=along) for i, w in enumerate(kernel)]
            irradiance = np.stack(shifted).sum(axis=0)
        self._map = (irradiance / np.pi).astype(np.float32)

    # -- first hits ----------------------------------------------------------------------------

    def first_hits(self, px: Array, py: Array, size: tuple[int, int], draws: Draws) -> FirstHits:
        """Trace one camera sample for each given pixel.

        Parameters
        ----------
        px, py
            Pixel indices (n,) as float32, left upper corners.
        size
            Width and height of the picture in pixels.
        draws
            The random decisions of these n pixels.
        """
        ja, jb = draws.pair(0)
        lens = draws.pair(1)
        # A tent over 1.5 pixels: sharp enough, without the stair steps of a box.
        jx = 0.5 + 0.75 * _tent(ja)
        jy = 0.5 + 0.75 * _tent(jb)
        o, d = self.scene.camera.rays(px + jx, py + jy, size[0], size[1], lens)
        t, kind = self.nearest(o, d)
        zero = np.zeros_like(o)
        hits = FirstHits(
            zero.copy(),
            zero.copy(),
            zero.copy(),
            zero.copy(),
            np.where(np.isfinite(t), t, np.float32(500.0)),
            ((kind == OPAQUE) | (kind == GLASS)).astype(np.float32),
        )
        miss = np.flatnonzero(kind == MISS)
        if miss.size:
            hits.other[:, miss] = self.scene.room.radiance(d[:, miss])
        solid = np.flatnonzero((kind == FLOOR) | (kind == WALL) | (kind == OPAQUE))
        if solid.size:
            p = o[:, solid] + d[:, solid] * t[solid]
            self._first_solid(hits, solid, p, d[:, solid], kind[solid], draws=draws)
        glass = np.flatnonzero(kind == GLASS)
        if glass.size:
            p = o[:, glass] + d[:, glass] * t[glass]
            self._first_glass(hits, glass, p, d[:, glass], draws=draws)
        return hits

    def _first_solid(
        self,
        hits: FirstHits,
        at: npt.NDArray[np.int64],
        p: Array,
        d: Array,
        kind: Ints,
        *,
        draws: Draws,
    ) -> None:
        normal, m = self._surface(p, d, kind)
        hits.normal[:, at], hits.albedo[:, at] = m.normal, m.albedo
        inside = self._inside_glass(p, kind)
        lit = self._caustic(p, kind)
        for which in range(len(self.scene.lights)):
            u = draws.pair(2 + which, at)
            soft, shine = self._direct(
                which, p, normal, m.normal, u, through_glass=inside, gloss=(-d, m)
            )
            lit = lit + soft
            hits.other[:, at] += shine
        origin = p + normal * LIFT_CM
        # On the set, stray light varies slowly: every second sample fetches it for two.
        share = np.where(kind == OPAQUE, np.float32(1.0), np.float32(2.0 * (1 - draws.sample % 2)))
        matte = np.flatnonzero((m.albedo.max(axis=0) > 0.015) & (share > 0))
        if matte.size:
            away = _cosine(m.normal[:, matte], draws.pair(5, at[matte]))
            up = dot(away, normal[:, matte])
            away = unit(away - normal[:, matte] * np.minimum(up - 0.02, 0.0) * 2)
            u = draws.pair(6, at[matte])
            bounced = self.radiance(origin[:, matte], away, u, see_lights=False)
            lit[:, matte] += np.minimum(bounced, 6.0) * share[matte]
        hits.diffuse[:, at] = m.albedo * lit

        cosine = np.clip(-dot(d, m.normal), 0.0, 1.0)
        guess = _schlick(m.f0, cosine).max(axis=0)
        # Rough dielectrics barely shine: follow their gloss with a probability, not always.
        chance = np.where((m.roughness > 0.55) & (guess < 0.2), np.float32(0.25), np.float32(1.0))
        u1, u2 = draws.pair(7, at)
        u3, u4 = draws.pair(8, at)
        shiny = np.flatnonzero((guess > 0.004) & (u3 < chance))
        if shiny.size:
            n, v = m.normal[:, shiny], -d[:, shiny]
            alpha = np.maximum(m.roughness[shiny] ** 2, 0.002)
            light, weight = _ggx(n, v, m.f0[:, shiny], alpha, (u1[shiny], u2[shiny]))
            good = dot(light, normal[:, shiny]) > 0
            shiny, light, weight = shiny[good], light[:, good], weight[:, good]
            u = (u4[shiny], draws.sampler.rng.random(shiny.size, dtype=np.float32))
            mirror = np.asarray(m.roughness[shiny] <= ROUGH_FROM)
            seen = self.radiance(origin[:, shiny], light, u, see_lights=mirror)
            hits.other[:, at[shiny]] += np.minimum(weight * seen / chance[shiny], 40.0)

    def _first_glass(
        self, hits: FirstHits, at: npt.NDArray[np.int64], p: Array, d: Array, *, draws: Draws
    ) -> None:
        n = self._gradient(self._outer, p)
        n = np.where(dot(n, d) > 0, -n, n)
        hits.normal[:, at] = n
        cosine = np.clip(-dot(d, n), 0.0, 1.0)
        share, _ = _fresnel(cosine, np.full_like(cosine, 1 / self.scene.body.media[1].ior))
        reflected = d + n * (2 * cosine)
        u = draws.pair(7, at)
        seen = self.radiance(p + n * LIFT_CM, unit(reflected), u, see_lights=True)
        total = seen * share
        end_p, end_d, through, ended = self._transmit(p, d, draws.sampler.rng)
        u = draws.pair(2, at)
        inner = np.zeros_like(p)
        out = np.flatnonzero((ended == MISS) | (ended == GLASS))
        if out.size:
            inner[:, out] = self.radiance(
                end_p[:, out], end_d[:, out], (u[0][out], u[1][out]), see_lights=True
            )
        stop = np.flatnonzero((ended == OPAQUE) | (ended == LABEL_BACK))
        if stop.size:
            inner[:, stop] = self._second(
                end_p[:, stop], end_d[:, stop], ended[stop], (u[0][stop], u[1][stop])
            )
        # Lights seen through the glass are bright specks; the eye misses nothing of their rest.
        total = total + np.minimum(inner * through, 6.0) * (1 - share)
        hits.other[:, at] = np.minimum(total, 40.0)


def _tent(u: Array) -> Array:
    return np.where(u < 0.5, np.sqrt(2 * u) - 1, 1 - np.sqrt(np.maximum(2 - 2 * u, 0.0)))


def _cosine(n: Array, u: tuple[Array, Array]) -> Array:
    """Return directions about unit normals with density cos / pi."""
    t1, t2 = frame(n)
    r, angle = np.sqrt(u[0]), u[1] * (2 * np.pi)
    up = np.sqrt(np.maximum(1.0 - u[0], 0.0))
    result: Array = t1 * (r * np.cos(angle)) + t2 * (r * np.sin(angle)) + n * up
    return result


def _ggx(
    n: Array, v: Array, f0: Array, alpha: Array, u: tuple[Array, Array]
) -> tuple[Array, Array]:
    """Return mirrored directions sampled from GGX and their weights (3, n)."""
    tan2 = alpha * alpha * u[0] / np.maximum(1.0 - u[0], 1e-5)
    cos_h = 1.0 / np.sqrt(1.0 + tan2)
    sin_h = np.sqrt(np.maximum(1.0 - cos_h * cos_h, 0.0))
    t1, t2 = frame(n)
    angle = u[1] * (2 * np.pi)
    h = t1 * (sin_h * np.cos(angle)) + t2 * (sin_h * np.sin(angle)) + n * cos_h
    vh = dot(v, h)
    light = h * (2 * vh) - v
    nl, nv = np.maximum(dot(n, light), 0.0), np.maximum(dot(n, v), 1e-3)
    a2 = alpha * alpha
    g_l = 2 * nl / np.maximum(nl + np.sqrt(a2 + (1 - a2) * nl * nl), 1e-6)
    g_v = 2 * nv / (nv + np.sqrt(a2 + (1 - a2) * nv * nv))
    weight = np.where((nl > 0) & (vh > 0), g_l * g_v * vh / (nv * np.maximum(cos_h, 1e-3)), 0.0)
    return unit(light), _schlick(f0, np.maximum(vh, 0.0)) * np.clip(weight, 0.0, 3.0)


def _ggx_value(n: Array, v: Array, light: Array, f0: Array, roughness: Array) -> Array:
    """Return the GGX reflectance distribution (3, n), in 1/sr."""
    a2 = np.maximum(roughness, 0.05) ** 4
    h = unit(v + light)
    nh, nl, nv = (np.maximum(dot(n, w), 1e-3) for w in (h, light, v))
    d = a2 / (np.pi * (nh * nh * (a2 - 1) + 1) ** 2)
    shadow = (nl + np.sqrt(a2 + (1 - a2) * nl * nl)) * (nv + np.sqrt(a2 + (1 - a2) * nv * nv))
    result: Array = _schlick(f0, np.maximum(dot(v, h), 0.0)) * (d / shadow)
    return result


def smudges(u: Array, v: Array) -> Array:
    """Return 0 to 1 blotches: the fingerprints and haze that make a surface look used."""
    result: Array = np.clip(0.5 + 0.35 * noise2(u, v, slope=1.3, seed=77), 0.0, 1.0)
    return result
