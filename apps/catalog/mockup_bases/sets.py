"""Where the blank objects stand, how they are lit, and where designs go on them.

Owns the list of bases with their sets, cameras and print areas. It does not own the shapes
(`objects`) nor the files (`__main__`). All sets are white paper or white plaster: the picture
of a mockup takes the color that its scene template names.

Lengths are centimetres, angles radians unless a name says degrees.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from apps.catalog.mockup_bases import objects
from apps.catalog.mockup_bases.objects import WHITE
from apps.catalog.sample_photos import surfaces
from apps.catalog.sample_photos.trace import Backdrop, Camera, RectLight, Room, Scene

Three = tuple[float, float, float]

PAPER: Final = (WHITE, WHITE, WHITE)
WARM: Final = (1.02, 1.0, 0.97)
PURE: Final = (1.0, 1.0, 1.0)


@dataclass(frozen=True)
class Area:
    """Where the design goes: a plane or an upright cylinder, in local coordinates.

    For a plane ``origin`` is the upper left corner, ``across`` and ``down`` its sides. For a
    cylinder about x = z = 0, ``radius``, the angle at the middle, half the angle covered and the
    heights of its lower and upper rim.
    """

    kind: str
    size_cm: tuple[float, float]
    origin: Three = (0.0, 0.0, 0.0)
    across: Three = (0.0, 0.0, 0.0)
    down: Three = (0.0, 0.0, 0.0)
    radius: float = 0.0
    center_angle: float = 0.0
    half_angle: float = 0.0
    heights: tuple[float, float] = (0.0, 0.0)
    corner_cm: float = 0.0
    hole: tuple[float, float, float, float, float] | None = None
    """Left, top, width, height and corner radius of a part left free, in cm of the area."""
    cloth: bool = False
    """Whether folds move the print: the true place of each point is stored beside it."""


@dataclass(frozen=True)
class Base:
    """One blank object on its set."""

    name: str
    scene: Callable[[], Scene]
    area: Area
    stands: str
    """``floor``, ``flat`` (seen from above) or ``wall``: on which surfaces it can be shown."""
    colored: str
    """What takes the color of a mockup: the whole ``object`` or only the ``print`` area."""
    color: str
    """Its own color."""
    relief: float
    """How much the cloth or paper shows through ink, 0 to 1."""
    samples: int = 8
    contrast: float = 1.0
    """Exponent of the light: above 1 deepens folds that a large soft light would drown."""


def _camera(
    distance: float, pitch_deg: float, target: Three, fov_deg: float, orbit_deg: float = 0.0
) -> Camera:
    pitch, orbit = np.radians(pitch_deg), np.radians(orbit_deg)
    eye = (
        float(target[0] + distance * np.cos(pitch) * np.sin(orbit)),
        float(target[1] + distance * np.sin(pitch)),
        float(target[2] + distance * np.cos(pitch) * np.cos(orbit)),
    )
    # A pinhole: the print must be sharp wherever it lies.
    return Camera(eye, target, fov_deg, 0.0, target)


def _light(
    at: Three, half: tuple[float, float], level: float, aim: Three, **more: Any
) -> RectLight:
    center, target = np.array(at), np.array(aim)
    facing = (target - center) / np.linalg.norm(target - center)
    side = np.cross(np.array([0.0, 1.0, 0.0]), facing)
    side /= np.linalg.norm(side)
    up = np.cross(facing, side)
    color = more.pop("color", PURE)
    return RectLight(
        at,
        tuple(float(v) for v in side * half[0]),  # type: ignore[arg-type]
        tuple(float(v) for v in up * half[1]),  # type: ignore[arg-type]
        (color[0] * level, color[1] * level, color[2] * level),
        **more,
    )


def _sweep(seed: int, back_cm: float = 55.0) -> Backdrop:
    return surfaces.Sweep(surfaces.paper(PAPER, seed=seed), back_cm=back_cm)


_ROOM: Final = Room(
    ceiling=(0.62, 0.61, 0.60), horizon=(0.36, 0.355, 0.35), ground=(0.2, 0.2, 0.2), level=0.75
)


def _mug() -> Scene:
    return Scene(
        objects.WhiteMug(),
        _sweep(15, 60),
        (
            _light((-46, 42, 34), (15, 19), 40, (0, 5, 0), color=WARM, panes=(2, 2), bar=0.05),
            _light((62, 30, 40), (22, 22), 2.2, (0, 5, 0)),
        ),
        _ROOM,
        _camera(60, 13, (1.25, 4.75, 0), 15.5),
        yaw_deg=20,
    )


def _carton() -> Scene:
    return Scene(
        objects.WhiteCarton(),
        _sweep(35, 60),
        (
            _light((-52, 58, 50), (20, 22), 34, (0, 8, 0), color=WARM),
            _light((70, 36, 40), (28, 28), 1.4, (0, 8, 0)),
        ),
        _ROOM,
        _camera(72, 12, (-0.2, 7.7, 0), 19.5),
        yaw_deg=27,
    )


def _bottle() -> Scene:
    return Scene(
        objects.BlankBottle(),
        _sweep(25, 58),
        (
            _light((-52, 44, 26), (13, 22), 44, (0, 8, 0), color=WARM, panes=(2, 3)),
            _light((60, 34, 36), (20, 26), 3.0, (0, 8, 0)),
        ),
        _ROOM,
        _camera(70, 9, (0.45, 8.9, 0), 20.5),
        yaw_deg=-6,
        photons=400_000,
    )


def _tote() -> Scene:
    return Scene(
        objects.BlankTote(),
        _sweep(45, 80),
        (
            _light((-115, 95, 66), (30, 38), 52, (0, 18, 0), color=WARM),
            _light((140, 60, 60), (50, 50), 0.9, (0, 18, 0)),
        ),
        _ROOM,
        _camera(170, 7, (0, 20.8, 0), 19.5),
        yaw_deg=-9,
    )


def _tee() -> Scene:
    return Scene(
        objects.FlatTee(),
        surfaces.Sweep(surfaces.paper(PAPER, seed=55), back_cm=135.0),
        (
            _light((-230, 150, -170), (60, 60), 78, (0, 0, 0), color=WARM),
            _light((110, 120, 80), (60, 60), 1.6, (0, 0, 0)),
        ),
        _ROOM,
        _camera(205, 89.6, (0, 0, 0.4), 27.5),
    )


def _wall(seed: int, edge_cm: float, wall_cm: float) -> Backdrop:
    return surfaces.TableAndWall(
        surfaces.plaster(PAPER, seed=seed + 1, relief=0.4),
        surfaces.plaster(PAPER, seed=seed, relief=0.8),
        edge_cm=edge_cm,
        wall_cm=wall_cm,
    )


def _poster() -> Scene:
    return Scene(
        objects.PosterOnWall(),
        _wall(61, 0.0, 0.0),
        (
            _light((-150, 190, 150), (26, 40), 150, (0, 75, 0), color=WARM, panes=(2, 3), bar=0.1),
            _light((150, 110, 190), (70, 70), 2.4, (0, 75, 0)),
        ),
        _ROOM,
        _camera(250, 0.0, (0, 76, 0), 27.0),
    )


def _frame() -> Scene:
    return Scene(
        objects.LeaningFrame(),
        _wall(71, 3.9, 3.9),
        (
            _light((-95, 95, 90), (20, 28), 88, (0, 26, 0), color=WARM),
            _light((120, 70, 120), (50, 50), 1.8, (0, 26, 0)),
        ),
        _ROOM,
        _camera(150, 4.0, (0, 28.0, 0), 26.5),
    )


def _phone() -> Scene:
    return Scene(
        objects.PhoneCase(),
        _sweep(85, 58),
        (
            _light((-44, 46, 46), (15, 20), 36, (0, 8, 0), color=WARM),
            _light((60, 30, 30), (16, 26), 3.4, (0, 8, 0)),
        ),
        _ROOM,
        _camera(74, 8, (0.0, 7.5, 0), 16.5),
        yaw_deg=21,
    )


def _upright(left: float, top: float, width: float, height: float, z: float, **more: Any) -> Area:
    """Return an area on a front, by its upper left corner seen from the camera."""
    return Area(
        "plane",
        (width, height),
        origin=(left, top, z),
        across=(width, 0.0, 0.0),
        down=(0.0, -height, 0.0),
        **more,
    )


def _framed() -> Area:
    w, h = objects.FRAME_OPENING
    c, s = float(np.cos(objects.FRAME_LEAN)), float(np.sin(objects.FRAME_LEAN))
    up, out = objects.FRAME[1] / 2 + 0.115 + h / 2, 0.05
    return Area(
        "plane",
        (w, h),
        origin=(-w / 2, up * c + out * s, 2.6 - up * s + out * c),
        across=(w, 0.0, 0.0),
        down=(0.0, -h * c, h * s),
    )


_MUG_HALF: Final = 1.85
_LABEL_LOW, _LABEL_HIGH = objects.LABEL_HEIGHTS
_PHONE_W, _PHONE_H = objects.PHONE

BASES: Final[tuple[Base, ...]] = (
    Base(
        "mug",
        _mug,
        Area(
            "cylinder",
            (2 * _MUG_HALF * objects.MUG_RADIUS, 8.0),
            radius=objects.MUG_RADIUS,
            center_angle=float(np.radians(-20)),
            half_angle=_MUG_HALF,
            heights=(1.1, 9.1),
        ),
        stands="floor",
        colored="object",
        color="#ffffff",
        relief=0.0,
    ),
    Base(
        "box",
        _carton,
        _upright(-5.75, 16.0 + 0.015, 11.5, 16.0, 3.0),
        stands="floor",
        colored="object",
        color="#ffffff",
        relief=0.0,
    ),
    Base(
        "bottle",
        _bottle,
        Area(
            "cylinder",
            (2 * objects.LABEL_ANGLE * objects.LABEL_RADIUS, _LABEL_HIGH - _LABEL_LOW),
            radius=objects.LABEL_RADIUS,
            half_angle=objects.LABEL_ANGLE,
            heights=objects.LABEL_HEIGHTS,
        ),
        stands="floor",
        colored="print",
        color="#ffffff",
        relief=0.3,
        samples=12,
    ),
    Base(
        "tote",
        _tote,
        _upright(-12.5, 19.5, 25.0, 16.5, 4.0, cloth=True),
        stands="floor",
        colored="object",
        color="#e4d8c0",
        relief=0.7,
        contrast=1.2,
    ),
    Base(
        "tee",
        _tee,
        Area(
            "plane",
            (34.0, 42.0),
            origin=(-17.0, 1.0, -22.0),
            across=(34.0, 0.0, 0.0),
            down=(0.0, 0.0, 42.0),
            cloth=True,
        ),
        stands="flat",
        colored="object",
        color="#ffffff",
        relief=0.6,
        contrast=1.5,
    ),
    Base(
        "poster",
        _poster,
        _upright(
            -objects.POSTER[0] / 2,
            objects.PosterOnWall.bottom + objects.POSTER[1],
            objects.POSTER[0],
            objects.POSTER[1],
            0.75,
        ),
        stands="wall",
        colored="print",
        color="#ffffff",
        relief=0.2,
    ),
    Base("frame", _frame, _framed(), stands="wall", colored="print", color="#ffffff", relief=0.1),
    Base(
        "phone",
        _phone,
        _upright(
            -_PHONE_W / 2,
            _PHONE_H + 0.015,
            _PHONE_W,
            _PHONE_H,
            0.52,
            corner_cm=objects.PHONE_CORNER,
            hole=objects.CAMERA_ISLAND,
        ),
        stands="floor",
        colored="object",
        color="#ffffff",
        relief=0.0,
    ),
)
