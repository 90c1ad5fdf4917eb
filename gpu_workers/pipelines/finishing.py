"""From a composed canvas to finished files that keep a sales channel's promises.

Owns size, format, weight and the check of every file after it was encoded. Does not own what
the canvas shows. A background that must be white is read back from the encoded bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import cv2
import numpy as np

from gpu_workers.imaging.arrays import Image, Matte, Photo, to_photo
from gpu_workers.imaging.codec import decode_photo, encode, srgb_profile
from gpu_workers.imaging.composite import over, quantise
from gpu_workers.imaging.framing import Placement, resample
from gpu_workers.imaging.quality import measure_fill, measure_white
from gpu_workers.imaging.white_jpeg import encode_on_white
from gpu_workers.protocol import FileFormat, OutputSpec

PREVIEW_PX: Final = 1200
_PREVIEW_QUALITY: Final = 84

_WEIGHT_FLOOR: Final = 78
"""Lowest quality tried to keep a file under its size; below, blocks show on smooth products."""
_WEIGHT_STEP: Final = 4

_ENLARGED: Final = 1.5


@dataclass(frozen=True, slots=True)
class Composition:
    """A composed canvas before it is quantised."""

    image: Image
    """(h, w, 3) float32 linear sRGB: the whole picture, or, where `transparent`, the product
    alone, premultiplied."""
    matte: Matte
    placement: Placement | None
    """How the product came onto the canvas; None where the picture shows no product as it was
    photographed, such as a design on a mug, and no fidelity can be told."""
    grain: float
    exact_white: bool = False
    transparent: bool = False
    engine: str = ""
    """Who made the backdrop, if an engine did: engine and version."""
    checks: Mapping[str, Any] = field(default_factory=dict)
    """What the pipeline measured on this canvas; told with every file."""
    warnings: tuple[str, ...] = ()
    """Stable codes of what a person should look at."""
    product_matte: Matte | None = None
    """(h, w) opacity of the product alone, where `matte` covers more than it, as with a shadow."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.matte.shape[1], self.matte.shape[0]

    @property
    def shown(self) -> Matte:
        """Opacity of the product alone."""
        return self.matte if self.product_matte is None else self.product_matte

    def scaled(self, size: tuple[int, int]) -> Composition:
        """Return the same picture at another size of the same proportions."""
        if size == self.size:
            return self
        matte = np.clip(resample(self.matte, size), 0, 1)
        image = np.clip(resample(self.image, size), 0, 1)
        if self.exact_white:
            image[matte == 0] = 1
        alone = self.product_matte
        if alone is not None:
            alone = np.clip(resample(alone, size), 0, 1)
        return replace(self, image=image, matte=matte, product_matte=alone)


@dataclass(frozen=True, slots=True)
class Finished:
    """One encoded file and what was measured on it."""

    data: bytes
    width_px: int
    height_px: int
    file_format: FileFormat
    checks: dict[str, Any]


def finish(composition: Composition, output: OutputSpec, *, seed: int) -> Finished:
    """Make the file a sales channel asked for and check it.

    Parameters
    ----------
    composition
        A canvas of the output's proportions, at least as large.
    """
    size = (output.width_px, output.height_px)
    picture = composition.scaled(size)
    warnings = list(picture.warnings)
    if picture.transparent:
        data, photo = _finish_transparent(picture, output, warnings)
    else:
        photo = quantise(picture.image, picture.matte, grain=picture.grain, seed=seed)
        data = (
            _encode_white(photo, picture.matte, output)
            if picture.exact_white
            else _encode_within(photo, output, output.quality, _WEIGHT_FLOOR)
        )
    white = measure_white(
        photo if output.file_format == "PNG" else decode_photo(data), picture.matte
    )
    if output.exact_white and not white.is_exact:
        warnings.append("background_not_white")
    if output.max_bytes is not None and len(data) > output.max_bytes:
        warnings.append("too_large")
    upscale = _upscale(composition.placement, size)
    if upscale > _ENLARGED:
        warnings.append("enlarged")
    checks = {
        "white_share": round(white.share, 6),
        "fill": round(measure_fill(picture.shown), 4),
        "upscale": round(upscale, 3),
        **picture.checks,
        "warnings": warnings,
    }
    return Finished(data, *size, output.file_format, checks)


def make_preview(composition: Composition, *, seed: int) -> Finished:
    """Make the small WebP that the screens show."""
    width, height = composition.size
    scale = min(1.0, PREVIEW_PX / max(width, height))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    output = OutputSpec("preview", *size, file_format="WEBP", quality=_PREVIEW_QUALITY)
    picture = (
        composition
        if size == composition.size
        else replace(
            composition,
            # Of a screen's size nobody looks at single pixels: an average is enough, and quick.
            image=np.asarray(cv2.resize(composition.image, size, interpolation=cv2.INTER_AREA)),
            matte=np.asarray(cv2.resize(composition.matte, size, interpolation=cv2.INTER_AREA)),
        )
    )
    if picture.transparent:
        data = encode(_straight(picture), "WEBP", quality=_PREVIEW_QUALITY, alpha=picture.matte)
    else:
        photo = quantise(picture.image, picture.matte, grain=picture.grain, seed=seed)
        data = encode(photo, "WEBP", quality=_PREVIEW_QUALITY)
    checks = {"fill": round(measure_fill(picture.matte), 4), "warnings": []}
    return Finished(data, *size, output.file_format, checks)


def _upscale(placement: Placement | None, size: tuple[int, int]) -> float:
    if placement is None:
        return 1.0
    return placement.upscale * size[0] / placement.canvas[0]


def _finish_transparent(
    picture: Composition, output: OutputSpec, warnings: list[str]
) -> tuple[bytes, Photo]:
    if output.file_format == "JPEG":
        warnings.append("transparency_lost")
        flat = over(picture.image, picture.matte, np.ones_like(picture.image))
        photo = to_photo(flat)
        return _encode_white(photo, picture.matte, output), photo
    photo = _straight(picture)
    return encode(photo, output.file_format, quality=output.quality, alpha=picture.matte), photo


def _straight(picture: Composition) -> Photo:
    opacity = np.maximum(picture.matte, 1 / 1024)[..., np.newaxis]
    return to_photo(np.clip(picture.image / opacity, 0, 1))


def _encode_white(photo: Photo, matte: Matte, output: OutputSpec) -> bytes:
    """Encode a picture so that its background decodes to white in every pixel.

    Where the sales channel does not demand that, it is given up for a file that is light enough.
    """
    if output.file_format == "JPEG":
        data = encode_on_white(photo, matte == 0, srgb_profile())
    else:
        # Lossy WebP blurs across its blocks of 16 pixels at any quality.
        data = encode(photo, output.file_format, lossless=True)
    if output.exact_white or output.max_bytes is None or len(data) <= output.max_bytes:
        return data
    return _encode_within(photo, output, output.quality, _WEIGHT_FLOOR)


def _encode_within(photo: Photo, output: OutputSpec, quality: int, floor: int) -> bytes:
    """Step the quality down until the file is light enough or the floor is reached."""
    data = encode(photo, output.file_format, quality=quality)
    if output.max_bytes is None or output.file_format == "PNG":
        return data
    while len(data) > output.max_bytes and quality > floor:
        quality = max(floor, quality - _WEIGHT_STEP)
        data = encode(photo, output.file_format, quality=quality)
    return data
