"""Where each point of a picture lies on a print area: plane, upright cylinder, bent label, cloth.

Owns the geometry between a base picture and the artwork on it. It does not own colors
(`printing`). Places in a picture are shares of its width and height, 0 to 1, the origin in the
upper left corner; places on a print area are u to the right and v down, 0 to 1 within it.

Sources: Hartley and Zisserman, *Multiple View Geometry* (2004), section 4.1, the homography of
four points; elementary geometry for the ray that meets a cylinder.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from gpu_workers.errors import OrderInvalid

Floats: TypeAlias = npt.NDArray[np.float32]
Doubles: TypeAlias = npt.NDArray[np.float64]

_GRAZING: Final = 0.06
"""Cosine between surface and view under which no print is seen: beyond 86 degrees."""
_LEAST_AREA: Final = 1e-4


class Surface(Protocol):
    """A print area as a camera sees it."""

    def coordinates(self, x: Doubles, y: Doubles) -> tuple[Doubles, Doubles]:
        """Return u and v at places of the picture; NaN where the surface is not seen."""
        ...


@dataclass(frozen=True, slots=True)
class Plane:
    """A flat area by its corners: upper left, upper right, lower right, lower left."""

    corners: tuple[float, ...]
    """x and y of each, as shares of the picture."""

    def coordinates(self, x: Doubles, y: Doubles) -> tuple[Doubles, Doubles]:
        """See `Surface`."""
        inverse = np.linalg.inv(homography(self.corners))
        depth = inverse[2, 0] * x + inverse[2, 1] * y + inverse[2, 2]
        seen = np.where(depth > 1e-9, depth, np.nan)
        u = (inverse[0, 0] * x + inverse[0, 1] * y + inverse[0, 2]) / seen
        v = (inverse[1, 0] * x + inverse[1, 1] * y + inverse[1, 2]) / seen
        return u, v


@dataclass(frozen=True, slots=True)
class Bent:
    """An area bent about an upright axis, by the corners of its visible part.

    ``half_deg`` is half the angle it covers about the axis; ``bow`` how far its middle hangs
    below the line between its corners, as a share of its height.
    """

    corners: tuple[float, ...]
    half_deg: float
    bow: float

    def coordinates(self, x: Doubles, y: Doubles) -> tuple[Doubles, Doubles]:
        """See `Surface`."""
        s, t = Plane(self.corners).coordinates(x, y)
        half = math.radians(self.half_deg)
        across = (2 * s - 1) * math.sin(half)
        angle = np.arcsin(np.where(np.abs(across) < 1, across, np.nan))
        sag = (np.cos(angle) - math.cos(half)) / (1 - math.cos(half))
        return 0.5 + angle / (2 * half), t - self.bow * sag


@dataclass(frozen=True, slots=True)
class Cylinder:
    """An area on an upright cylinder about the origin, seen by a pinhole camera.

    Lengths are in one unit; ``center_deg`` is the direction in which the middle of the area looks,
    0 towards +z and 90 towards +x; ``fov_deg`` the angle of view of the square picture.
    """

    eye: tuple[float, ...]
    target: tuple[float, ...]
    fov_deg: float
    radius: float
    center_deg: float
    half_deg: float
    low: float
    high: float

    def coordinates(self, x: Doubles, y: Doubles) -> tuple[Doubles, Doubles]:
        """See `Surface`."""
        eye, forward, right, up = self._camera()
        scale = math.tan(math.radians(self.fov_deg) / 2)
        across, above = (2 * x - 1) * scale, (1 - 2 * y) * scale
        d = [forward[i] + right[i] * across + up[i] * above for i in range(3)]
        a = d[0] * d[0] + d[2] * d[2]
        b = eye[0] * d[0] + eye[2] * d[2]
        c = eye[0] ** 2 + eye[2] ** 2 - self.radius**2
        under = b * b - a * c
        near = (-b - np.sqrt(np.where(under > 0, under, np.nan))) / a
        px, py, pz = (eye[i] + d[i] * near for i in range(3))
        length = np.sqrt(a + d[1] * d[1])
        cosine = -(px * d[0] + pz * d[2]) / (self.radius * length)
        turn = np.degrees(np.arctan2(px, pz)) - self.center_deg
        turn = (turn + 180) % 360 - 180
        u = 0.5 + turn / (2 * self.half_deg)
        v = (self.high - py) / (self.high - self.low)
        return np.where(cosine > _GRAZING, u, np.nan), v

    def place(self, u: float, v: float) -> tuple[float, float]:
        """Return where a point of the area appears in the picture."""
        eye, forward, right, up = self._camera()
        turn = math.radians(self.center_deg + (2 * u - 1) * self.half_deg)
        height = self.high - v * (self.high - self.low)
        to = np.array([math.sin(turn), 0.0, math.cos(turn)]) * self.radius - eye
        to[1] = height - eye[1]
        scale = math.tan(math.radians(self.fov_deg) / 2) * float(forward @ to)
        return (float(right @ to) / scale + 1) / 2, (1 - float(up @ to) / scale) / 2

    def _camera(self) -> tuple[Doubles, Doubles, Doubles, Doubles]:
        eye = np.array(self.eye, np.float64)
        forward = np.array(self.target, np.float64) - eye
        forward /= np.linalg.norm(forward)
        right = np.cross(forward, (0.0, 1.0, 0.0))
        right /= np.linalg.norm(right)
        return eye, forward, right, np.cross(right, forward)


@dataclass(frozen=True, slots=True)
class Shape:
    """The outline of a print area in centimetres."""

    width: float
    height: float
    corner: float = 0.0
    hole: tuple[float, ...] | None = None
    """Left, top, width, height and corner radius of a part that stays free."""

    def inside(self, u: Doubles, v: Doubles) -> Floats:
        """Return how far each pixel of a picture lies in the area, 0 to 1, its rim antialiased.

        Parameters
        ----------
        u, v
            (h, w) places on the area of neighboring pixels.
        """
        x, y = u * self.width, v * self.height
        far = _rounded(x, y, (0.0, 0.0, self.width, self.height, self.corner))
        if self.hole is not None:
            far = np.maximum(far, -_rounded(x, y, self.hole))
        slope = np.hypot(*np.gradient(far)) if min(far.shape) > 1 else np.ones_like(far)
        covered = np.clip(0.5 - far / np.maximum(slope, 1e-9), 0, 1)
        return np.where(np.isfinite(covered), covered, 0).astype(np.float32)


def _rounded(x: Doubles, y: Doubles, box: tuple[float, ...]) -> Doubles:
    """Return the signed distance to a rectangle with round corners; negative inside."""
    left, top, width, height, corner = box
    qx = np.abs(x - left - width / 2) - width / 2 + corner
    qy = np.abs(y - top - height / 2) - height / 2 + corner
    outside = np.hypot(np.maximum(qx, 0), np.maximum(qy, 0))
    return np.asarray(outside + np.minimum(np.maximum(qx, qy), 0) - corner)


def homography(corners: tuple[float, ...]) -> Doubles:
    """Return the matrix that takes (u, v, 1) of the unit square to four corners.

    Parameters
    ----------
    corners
        x and y of upper left, upper right, lower right and lower left.

    Raises
    ------
    OrderInvalid
        If they are not the corners of a convex quadrangle in this order.
    """
    points = np.array(corners, np.float64).reshape(-1, 2)
    if points.shape != (4, 2):
        raise OrderInvalid("corners: 8 numbers expected, x and y of four corners, clockwise")
    sides = np.roll(points, -1, axis=0) - points
    turns = sides[:, 0] * np.roll(sides[:, 1], -1) - sides[:, 1] * np.roll(sides[:, 0], -1)
    if turns.min() < _LEAST_AREA:
        raise OrderInvalid(
            "corners: give upper left, upper right, lower right and lower left of a convex area"
        )
    rows = []
    for (u, v), (x, y) in zip(((0, 0), (1, 0), (1, 1), (0, 1)), points, strict=True):
        rows.append([u, v, 1, 0, 0, 0, -x * u, -x * v])
        rows.append([0, 0, 0, u, v, 1, -y * u, -y * v])
    solved = np.linalg.solve(np.array(rows, np.float64), points.ravel())
    return np.append(solved, 1.0).reshape(3, 3)
