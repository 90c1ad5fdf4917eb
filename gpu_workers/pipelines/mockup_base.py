"""The blank objects that designs are printed on, as files of the package.

Owns reading ``gpu_workers/mockup_bases`` and checking it. The files are made by
``python -m apps.catalog.mockup_bases --out gpu_workers/mockup_bases``; their format stands there.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow

import gpu_workers
from gpu_workers.imaging.arrays import Photo
from gpu_workers.imaging.framing import Box, product_box
from gpu_workers.imaging.print_surface import Cylinder, Plane, Shape, Surface

FOLDER: Final = Path(gpu_workers.__file__).parent / "mockup_bases"
_SHIFT_UNIT: Final = np.float32(1 / 1000)
_KEPT: Final = 3
"""Bases kept in memory: about 15 MB each."""


@dataclass(frozen=True, slots=True)
class StoredBase:
    """One blank object: layers, geometry, manners."""

    name: str
    light: Photo
    """(n, n, 3) uint8, sRGB encoded: what white paper would show, times other parts' color."""
    gloss: Photo
    """(n, n, 3) uint8, sRGB encoded."""
    alpha: npt.NDArray[np.uint8]
    """(n, n), opacity of the object before its set."""
    product: Box
    """The object's visible box."""
    surface: Surface
    shape: Shape
    shift: npt.NDArray[np.float32] | None
    """(n / 8, n / 8, 2): how far folds move the print, as a share of the area."""
    stands: Literal["floor", "flat", "wall"]
    colored: Literal["object", "print"]
    color: str
    relief: float


@lru_cache(maxsize=_KEPT)
def stored_base(name: str) -> StoredBase:
    """Return a base of the package.

    Raises
    ------
    ValueError
        If its files do not fit each other: the package is broken.
    """
    facts = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    light = _pixels(f"{name}-light.webp", "RGB")
    gloss = _pixels(f"{name}-gloss.webp", "RGB")
    alpha = _pixels(f"{name}-alpha.webp", "RGB")[..., 0].copy()
    side = facts["side_px"]
    box = product_box(alpha.astype(np.float32) / np.float32(255))
    if not light.shape[:2] == gloss.shape[:2] == alpha.shape == (side, side) or box is None:
        raise ValueError(f"{FOLDER}: the files of {name} do not fit each other; make them again")
    width, height = facts["size_cm"]
    return StoredBase(
        name=name,
        light=light,
        gloss=gloss,
        alpha=alpha,
        product=box,
        surface=_surface(facts["surface"]),
        shape=Shape(width, height, facts["corner_cm"], _hole(facts["hole"])),
        shift=_shift(name, width, height),
        stands=facts["stands"],
        colored=facts["colored"],
        color=facts["color"],
        relief=facts["relief"],
    )


def _pixels(name: str, mode: str) -> npt.NDArray[np.uint8]:
    with Pillow.open(FOLDER / name) as picture:
        return np.asarray(picture.convert(mode))


def _surface(facts: dict[str, Any]) -> Surface:
    if facts["kind"] == "plane":
        return Plane(tuple(facts["corners"]))
    names = ("fov_deg", "radius", "center_deg", "half_deg", "low", "high")
    return Cylinder(
        eye=tuple(facts["eye"]), target=tuple(facts["target"]), **{n: facts[n] for n in names}
    )


def _hole(values: list[float] | None) -> tuple[float, ...] | None:
    return None if values is None else tuple(values)


def _shift(name: str, width: float, height: float) -> npt.NDArray[np.float32] | None:
    path = FOLDER / f"{name}-shift.png"
    if not path.is_file():
        return None
    with Pillow.open(path) as picture:
        levels = np.asarray(picture).astype(np.float32)
    across, down = np.split((levels - 32768) * _SHIFT_UNIT, 2)
    return np.dstack([across / np.float32(width), down / np.float32(height)])
