"""Training pictures: a random product in a random set, photographed, with its exact mask.

Owns how product, set and camera come together. Every picture is drawn here or is one of the
project's own rendered products; nothing photographed. Deterministic for a given generator.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow

from gpu_workers.engines.product_finder import SIDE
from gpu_workers.imaging.arrays import Image, Matte, Photo, to_linear
from gpu_workers.training.looks import (
    Color,
    paint,
    print_on,
    random_color,
    shaded,
    textured,
    uneven,
)
from gpu_workers.training.outlines import (
    Part,
    Points,
    random_outline,
    random_parts,
    rotation,
)
from gpu_workers.training.surroundings import random_backdrop, with_shadows

_FINER: Final = 1.125
"""Times the size at which a picture is drawn; scaled down, its edges are as soft as a camera's."""
_SMALLEST, _LARGEST = 0.02, 0.80
"""Shares of the frame between which a product's area lies."""
_LOW: Final = 0.52
"""Share of the height at which products stand on average."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A product that the project has rendered, with its exact matte."""

    look: Image
    matte: Matte


def rendered_products(folder: Path) -> list[Rendered]:
    """Read what `python -m apps.catalog.sample_photos --png` wrote: NAME.png and NAME_alpha.png.

    Raises
    ------
    FileNotFoundError
        If there is none.
    """
    found = []
    for alpha in sorted(folder.glob("*_alpha.png")):
        photo = alpha.with_name(alpha.name.replace("_alpha", ""))
        look = to_linear(np.asarray(Pillow.open(photo).convert("RGB")))
        matte = np.asarray(Pillow.open(alpha).convert("L"), np.float32) / np.float32(255)
        found.append(Rendered(look, matte))
    if not found:
        raise FileNotFoundError(f"{folder} holds no NAME_alpha.png beside its NAME.png")
    return found


def training_picture(
    rng: np.random.Generator, products: Sequence[Rendered] = (), *, side: int = SIDE
) -> tuple[Photo, npt.NDArray[np.uint8]]:
    """Return a picture and its mask.

    Parameters
    ----------
    rng
        Decides everything.
    products
        One picture in seven shows one of these, the others a product that is drawn.
    side
        Pixels of the picture; larger ones have sharper edges and finer grain.

    Returns
    -------
    photo, mask
        (side, side, 3) uint8 sRGB, and (side, side) uint8, 255 where the product is.
    """
    while True:
        photo, mask = _picture(rng, products, side)
        if _SMALLEST < float((mask > 127).mean()) < _LARGEST:
            return photo, mask


def _picture(
    rng: np.random.Generator, products: Sequence[Rendered], side: int
) -> tuple[Photo, npt.NDArray[np.uint8]]:
    drawn_side = round(_FINER * side)
    view = random_backdrop(rng, drawn_side)
    if products and rng.random() < 0.15:
        look, matte = _placed(rng, products[int(rng.integers(len(products)))], drawn_side)
    else:
        look, matte = _drawn(rng, view)
    view = with_shadows(rng, view, look, matte)
    soft = cv2.GaussianBlur(matte, (0, 0), rng.uniform(0.3, 0.9))[..., np.newaxis]
    lit = np.clip(look * np.float32(rng.uniform(0.7, 1.3)), 0, 1)
    return _photographed(rng, view + soft * (lit - view), matte, side)


def _drawn(rng: np.random.Generator, view: Image) -> tuple[Image, Matte]:
    """Return a product's look and matte; one in four has the color of the set in the middle."""
    side = view.shape[0]
    quarter = side // 4
    behind = view[quarter:-quarter, quarter:-quarter].mean(axis=(0, 1))
    parts = random_parts(rng)
    form, middle, size = _pose(rng, side)
    light = np.array([rng.uniform(-0.7, 0.7), rng.uniform(-0.8, 0.2), rng.uniform(0.5, 1)])
    light /= np.linalg.norm(light)
    is_furry, is_one_color = rng.random() < 0.08, rng.random() < 0.5
    surface = textured(rng, _main_color(rng, behind), side)
    look = np.zeros((side, side, 3), np.float32)
    covered = np.zeros((side, side), np.uint8)
    for number, part in enumerate(parts):
        own = _painted(part, form, middle, side, size)
        if is_furry:
            own = _frayed(rng, own)
        if number and not is_one_color and rng.random() < 0.7:
            surface = textured(rng, random_color(rng), side)
        shade, highlight = shaded(rng, own, light)
        share = (own.astype(np.float32) / 255)[..., np.newaxis]
        if number and rng.random() < 0.5:
            gap = cv2.GaussianBlur(share, (0, 0), 2)[..., np.newaxis]
            look *= 1 - 0.5 * gap * (1 - share)
        added = np.asarray(highlight, np.float32)[..., np.newaxis]
        look += share * (surface * shade[..., np.newaxis] + added - look)
        covered = np.maximum(covered, own)
    for _ in range(rng.choice([0, 0, 1, 2])):
        print_on(rng, look, covered)
    if rng.random() < 0.12:
        outline = random_outline(rng) * rng.uniform(0.08, 0.4) + rng.uniform(-0.4, 0.4, 2)
        covered = np.minimum(covered, 255 - _painted(Part(outline), form, middle, side, size))
    return look, (covered / np.float32(255)).astype(np.float32)


def _pose(rng: np.random.Generator, side: int) -> tuple[Points, Points, float]:
    """Return how a product's coordinates become pixels: matrix, middle, and pixels to a unit."""
    angle = rng.normal(0, 0.12) if rng.random() < 0.7 else rng.uniform(0, 2 * np.pi)
    size = side * float(np.exp(rng.uniform(np.log(0.16), np.log(0.48))))
    wide, lean = np.exp(rng.normal(0, 0.15)), rng.normal(0, 0.08)
    form = rotation(angle) @ np.array([[wide, lean], [0, 1 / wide]]) * size
    middle = np.array([side / 2, side * _LOW]) + rng.normal(0, side * 0.05, 2)
    return form, middle, size


def _painted(
    part: Part, form: Points, middle: Points, side: int, size: float
) -> npt.NDArray[np.uint8]:
    return paint(part, part.points @ form.T + middle, side, size)


def _main_color(rng: np.random.Generator, behind: Color) -> Color:
    if rng.random() > 0.25:
        return random_color(rng)
    off = rng.normal(0, rng.choice([0.02, 0.06, 0.15]), 3) + rng.normal(0, 0.06)
    return np.clip(behind + off, 0.005, 1).astype(np.float32)


def _frayed(rng: np.random.Generator, covered: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    side = covered.shape[0]
    down, across = np.mgrid[0:side, 0:side].astype(np.float32)
    pull = uneven(rng, side, (60, 60), octaves=2) * np.float32(rng.uniform(1, 3))
    frayed = cv2.remap(covered, across + pull, down + np.roll(pull, 9, axis=0), cv2.INTER_LINEAR)
    return np.asarray(frayed, np.uint8)


def _placed(rng: np.random.Generator, product: Rendered, side: int) -> tuple[Image, Matte]:
    """Return a rendered product turned, mirrored and recolored in the frame."""
    rows, columns = np.nonzero(product.matte > 0.5)
    center = np.array([columns.min() + columns.max(), rows.min() + rows.max()]) / 2
    size = side * np.exp(rng.uniform(np.log(0.35), np.log(0.9)))
    size /= max(np.ptp(rows), np.ptp(columns))
    form = size * rotation(rng.normal(0, 0.15)) * [rng.choice([-1, 1]), 1]
    middle = np.array([side / 2, side * _LOW]) + rng.normal(0, side * 0.04, 2)
    way = np.column_stack([form, middle - form @ center])
    look = cv2.warpAffine(product.look, way, (side, side), flags=cv2.INTER_AREA)
    matte = cv2.warpAffine(product.matte, way, (side, side), flags=cv2.INTER_AREA)
    if rng.random() < 0.6:
        channels = rng.permutation(3) if rng.random() < 0.5 else np.arange(3)
        contrast, brightness = rng.uniform(0.5, 1.6), rng.uniform(0.5, 1.2)
        look = brightness * np.clip(look[..., channels], 1e-4, 1) ** contrast
    return np.asarray(look, np.float32), np.asarray(matte, np.float32)


def _photographed(
    rng: np.random.Generator, view: Image, matte: Matte, side: int
) -> tuple[Photo, npt.NDArray[np.uint8]]:
    """Return what a camera makes of it: white balance, exposure, blur, noise, JPEG."""
    if rng.random() < 0.5:
        view = view * rng.uniform(0.85, 1.15, 3).astype(np.float32)
    encoded = np.clip(view * rng.uniform(0.6, 1.35), 0, 1) ** (1 / rng.uniform(1.6, 2.6))
    if rng.random() < 0.25:
        encoded = cv2.GaussianBlur(encoded, (0, 0), rng.uniform(0.4, 1.4))
    small = cv2.resize(encoded.astype(np.float32), (side, side), interpolation=cv2.INTER_AREA)
    mask = cv2.resize(matte, (side, side), interpolation=cv2.INTER_AREA)
    if rng.random() < 0.6:
        small = small + rng.normal(0, rng.uniform(0.002, 0.04), small.shape)
    photo = np.round(np.clip(small, 0, 1) * 255).astype(np.uint8)
    if rng.random() < 0.4:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(45, 96))]
        photo = np.asarray(cv2.imdecode(cv2.imencode(".jpg", photo, quality)[1], 1), np.uint8)
    levels = np.round(mask * 255).astype(np.uint8)
    if rng.random() < 0.5:
        photo, levels = photo[:, ::-1], levels[:, ::-1]
    return np.ascontiguousarray(photo), np.ascontiguousarray(levels)
