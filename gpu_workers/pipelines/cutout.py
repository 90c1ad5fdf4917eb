"""From the bytes of a source photo to a product freed from its backdrop.

Owns the first step of every render: reading, cutting out, refusing what holds no product, and
the transparent file. Does not own how a product is found (`engines`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from gpu_workers.engines import classical_segmenter
from gpu_workers.engines.segmenter import segmenter_named
from gpu_workers.errors import SourceUnusable
from gpu_workers.imaging.arrays import Cutout, Matte, Photo, to_linear, to_photo
from gpu_workers.imaging.codec import decode, encode
from gpu_workers.imaging.framing import VISIBLE, Box, padded, product_box, resample
from gpu_workers.imaging.quality import sides_touched

MAX_CUTOUT_PX: Final = 2400
_MIN_PRODUCT_PX: Final = 24
_THREAD: Final = 0.2
"""Widest cable, hanger or ribbon, in product widths."""
_CROP_MARGIN: Final = 0.03
OWN_ALPHA: Final = "alpha/1"
"""The engine that a render names where the photo brought its own opacity."""

Report = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class Subject:
    """The product and its surroundings, cropped: all that composing and checking need."""

    cutout: Cutout
    photo: Photo
    """(h, w, 3) uint8: the source in the same frame as the cutout."""
    product: Box
    """The product's visible box in that frame."""
    cut_sides: frozenset[str]
    """Sides of the source photo that cut the product off."""
    engine: str = ""
    """Who freed the product: engine and version."""
    made: Matte | None = None
    """(h, w) float32, 0 to 1: how far a pipeline made or changed each pixel on purpose. What is
    made is no part of the fidelity to the photo, and its share is told beside it."""
    checks: Mapping[str, Any] = field(default_factory=dict)
    """What a pipeline measured on the way; told with every file."""
    warnings: tuple[str, ...] = ()
    """Stable codes of what a person should look at."""
    corner: tuple[int, int] = (0, 0)
    """Column and row of the crop's upper left corner in the source photo."""

    @property
    def hangs(self) -> bool:
        """Whether the product comes down from the upper edge of the photo on something thin."""
        if self.cut_sides != frozenset({"top"}):
            return False
        attached = int((self.cutout.matte[self.product.top] > VISIBLE).sum())
        return attached < _THREAD * self.product.width

    @property
    def frame(self) -> tuple[int, int]:
        """Width and height of the crop."""
        return self.photo.shape[1], self.photo.shape[0]


@dataclass(frozen=True, slots=True)
class Freed:
    """A photo and its product, in the frame of the photo."""

    photo: Photo
    """At most 16 megapixels."""
    cutout: Cutout
    box: Box
    """The product's visible box."""
    engine: str


@dataclass(frozen=True, slots=True)
class CutoutFile:
    """The transparent file of a cutout."""

    data: bytes
    width_px: int
    height_px: int


def free_product(data: bytes, report: Report, *, segmenter: str = "auto") -> Freed:
    """Read a source photo and free its product, in the frame of the photo.

    Parameters
    ----------
    data
        JPEG, PNG or WebP: sRGB, oriented, 8 bit. Opacity in the file is taken as the cutout.
    report
        Called with the name of a step and the share done, 0 to 1.
    segmenter
        A name that `segmenter_named` knows.

    Raises
    ------
    SourceUnusable
        If the file cannot be read or no product of at least 24 px stands out in it.
    """
    source = decode(data)
    if source.alpha is None:
        chosen = segmenter_named(segmenter)
        cutout, engine = chosen.segment(source.photo, report=report), chosen.version
    else:
        cutout = classical_segmenter.cutout_from_alpha(source.photo, source.alpha)
        engine = OWN_ALPHA
    return freed(source.photo, settled(cutout), engine)


def freed(photo: Photo, cutout: Cutout, engine: str) -> Freed:
    """Return a cutout with the box of its product.

    Raises
    ------
    SourceUnusable
        If it holds no product of at least 24 px.
    """
    box = product_box(cutout.matte)
    if box is None or max(box.width, box.height) < _MIN_PRODUCT_PX:
        raise SourceUnusable(
            "no product stands out in the photo; take it closer or on a plain backdrop"
        )
    return Freed(photo, cutout, box, engine)


def settled(cutout: Cutout) -> Cutout:
    """Return the cutout with opacity and edge colors rounded to 8 bit; opaque pixels stay.

    So that a picture is the same whether its cutout was made just now or read from a file.
    """
    matte = np.round(cutout.matte * 255).astype(np.float32) / np.float32(255)
    soft = (matte > 0) & (matte < 1)
    color = cutout.color.copy()
    color[soft] = to_linear(to_photo(np.clip(color[soft], 0, 1)))
    color[matte == 0] = 0
    return Cutout(color=color, matte=matte, confidence=cutout.confidence)


def subject_of(found: Freed) -> Subject:
    """Return what `free_product` found, cropped to what composing needs."""
    photo, cutout, box = found.photo, found.cutout, found.box
    frame = (photo.shape[1], photo.shape[0])
    crop = padded(box, frame, _CROP_MARGIN)
    rows, columns = slice(crop.top, crop.bottom), slice(crop.left, crop.right)
    return Subject(
        cutout=Cutout(
            color=cutout.color[rows, columns].copy(),
            matte=cutout.matte[rows, columns].copy(),
            confidence=cutout.confidence,
        ),
        photo=photo[rows, columns].copy(),
        product=Box(box.left - crop.left, box.top - crop.top, box.width, box.height),
        cut_sides=sides_touched(box, frame),
        engine=found.engine,
        corner=(crop.left, crop.top),
    )


def transparent_file(cutout: Cutout, whole: bytes) -> CutoutFile:
    """Return the transparent file of a cutout, its longest side at most 2,400 px.

    Parameters
    ----------
    whole
        The cutout as PNG in its own size, taken as it is where it is small enough.
    """
    height, width = cutout.matte.shape
    scale = min(1.0, MAX_CUTOUT_PX / max(width, height))
    if scale == 1:
        return CutoutFile(whole, width_px=width, height_px=height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    premultiplied = resample(cutout.color * cutout.matte[..., np.newaxis], size)
    matte = np.asarray(np.clip(resample(cutout.matte, size), 0, 1), np.float32)
    opacity = np.maximum(matte, np.float32(1 / 1024))[..., np.newaxis]
    color = np.asarray(premultiplied / opacity, np.float32)
    data = encode(to_photo(np.clip(color, 0, 1)), "PNG", alpha=matte)
    return CutoutFile(data, width_px=matte.shape[1], height_px=matte.shape[0])
