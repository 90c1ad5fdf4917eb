"""The cutout of a photo as a file of the photo's own size, for those who compose it themselves.

Owns the transparent file and its certificate; how a product is freed is `cutout`.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from PIL import Image as Pillow

from gpu_workers.imaging.arrays import Cutout, Matte, Photo, to_photo
from gpu_workers.imaging.codec import encode
from gpu_workers.imaging.fidelity import Fidelity, compare
from gpu_workers.imaging.framing import Box, Placement
from gpu_workers.imaging.quality import measure_fill, sides_touched
from gpu_workers.pipelines.cutout import free_product

_OPAQUE: Final = 1 - 0.5 / 255
"""Opacity from which a file says 255."""


@dataclass(frozen=True, slots=True)
class WholeCutout:
    """A transparent PNG and what is known about it."""

    data: bytes
    width_px: int
    height_px: int
    engine: str
    confidence: float
    fill: float
    cut_sides: frozenset[str]
    fidelity: Fidelity
    step_seconds: dict[str, float]


def cut_out_whole(
    data: bytes, report: Callable[[str, float], None], *, segmenter: str = "auto"
) -> WholeCutout:
    """Free the product of a source photo and keep its frame.

    Parameters
    ----------
    data
        As for `pipelines.cutout.free_product`. A photo beyond 16 megapixels is cut out at that
        size, and its matte is enlarged over its own pixels.

    Raises
    ------
    SourceUnusable
        If the file cannot be read or shows no product.
    """
    begun = time.perf_counter()
    found = free_product(data, report, segmenter=segmenter)
    photo, cutout, box = found.photo, found.cutout, found.box
    freed = time.perf_counter()
    color, matte = to_photo(np.clip(cutout.color, 0, 1)), cutout.matte
    fidelity = _certificate(color, photo, cutout, box)
    checked = time.perf_counter()
    color, matte = _at_full_size(data, color, matte)
    made = encode(color, "PNG", alpha=matte)
    return WholeCutout(
        data=made,
        width_px=matte.shape[1],
        height_px=matte.shape[0],
        engine=found.engine,
        confidence=round(cutout.confidence, 4),
        fill=round(measure_fill(cutout.matte), 4),
        cut_sides=sides_touched(box, (photo.shape[1], photo.shape[0])),
        fidelity=fidelity,
        step_seconds={
            "cut_out": round(freed - begun, 3),
            "check": round(checked - freed, 3),
            "encode": round(time.perf_counter() - checked, 3),
        },
    )


def _certificate(color: Photo, photo: Photo, cutout: Cutout, box: Box) -> Fidelity:
    height, width = cutout.matte.shape
    frame = Box(0, 0, width, height)
    placement = Placement(source=frame, target=frame, product=box, canvas=(width, height))
    return compare(color, cutout.matte, photo, cutout.matte, placement)


def _at_full_size(data: bytes, color: Photo, matte: Matte) -> tuple[Photo, Matte]:
    """Return colors and matte in the size of the file, which may be larger than was worked on."""
    with Pillow.open(io.BytesIO(data)) as picture:
        size = picture.size
        if size == (matte.shape[1], matte.shape[0]):
            return color, matte
        whole = np.array(picture.convert("RGB"))
    enlarged = np.clip(cv2.resize(matte, size, interpolation=cv2.INTER_CUBIC), 0, 1)
    # Inside the product the photo itself; along the edge the colors freed from the backdrop.
    edge = enlarged < _OPAQUE
    whole[edge] = cv2.resize(color, size, interpolation=cv2.INTER_LINEAR)[edge]
    return whole, np.asarray(enlarged, np.float32)
