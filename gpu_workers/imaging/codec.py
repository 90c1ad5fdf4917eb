"""Image files to arrays and back: JPEG, PNG and WebP.

Owns decoding of normalised source photos and encoding of finished files: 4:4:4 chroma, an sRGB
profile, no other metadata, the same bytes for the same pixels. Does not decode untrusted
uploads (the catalog's inspection does) and does not know what a file must look like.

Source: ICC.1:2022 (profile header fields).
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow
from PIL import ImageCms

from gpu_workers.errors import SourceUnusable
from gpu_workers.imaging.arrays import Matte, Photo

FileFormat: TypeAlias = Literal["JPEG", "PNG", "WEBP"]

EXTENSIONS: Final[dict[FileFormat, str]] = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp"}

_READABLE: Final = ("JPEG", "PNG", "WEBP")
_MAX_FILE_PIXELS: Final = 120_000_000
_MAX_WORK_PIXELS: Final = 16_000_000
"""A 4,000 px canvas at full fill; more would only cost memory (28 bytes a pixel in the cutout)."""

_PNG_LEVEL: Final = 4
"""Level 6 takes twice as long for files 3 % smaller (2,000 px cutouts)."""
_WEBP_METHOD: Final = 2
"""Method 3 takes twice as long for files 4 % smaller (previews)."""


@dataclass(frozen=True, slots=True)
class Source:
    """A decoded source photo."""

    photo: Photo
    alpha: Matte | None
    """Opacity the file brought along, or None where every pixel is opaque."""


def decode(data: bytes) -> Source:
    """Read a normalised source photo: sRGB, oriented, 8 bit.

    Photos beyond 16 megapixels are reduced to that, keeping their proportions.

    Raises
    ------
    SourceUnusable
        If the bytes are no JPEG, PNG or WebP picture, or the picture is larger than 120
        megapixels.
    """
    try:
        with Pillow.open(io.BytesIO(data), formats=_READABLE) as picture:
            if picture.width * picture.height > _MAX_FILE_PIXELS:
                raise SourceUnusable(
                    f"{picture.width} x {picture.height} px is more than "
                    f"{_MAX_FILE_PIXELS // 1_000_000} megapixels; upload a smaller photo"
                )
            has_alpha = picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info
            pixels = np.asarray(picture.convert("RGBA" if has_alpha else "RGB"))
    except (OSError, ValueError, SyntaxError, Pillow.DecompressionBombError) as error:
        raise SourceUnusable(f"the photo cannot be read: {error}; upload it again") from error
    return _split(_reduced(pixels))


def decode_photo(data: bytes) -> Photo:
    """Read back a file written by `encode`, without its opacity."""
    with Pillow.open(io.BytesIO(data), formats=_READABLE) as picture:
        return np.asarray(picture.convert("RGB"))


def encode(
    photo: Photo,
    file_format: FileFormat,
    *,
    quality: int = 93,
    alpha: Matte | None = None,
    lossless: bool = False,
) -> bytes:
    """Write a picture as a file with an sRGB profile and no other metadata.

    Parameters
    ----------
    photo
        (h, w, 3) uint8, sRGB encoded; not premultiplied where `alpha` is given.
    quality
        1 to 100; ignored for PNG and lossless WebP.
    alpha
        (h, w) float32 opacity, 0 to 1; PNG and WebP only. Colors under opacity 0 are dropped.
    lossless
        WebP only.

    Raises
    ------
    ValueError
        If opacity is given for a JPEG, or shapes differ.
    """
    picture = Pillow.fromarray(photo if alpha is None else _joined(photo, alpha))
    file = io.BytesIO()
    profile = srgb_profile()
    if file_format == "JPEG":
        if alpha is not None:
            raise ValueError("a JPEG holds no opacity; use PNG or WebP")
        picture.save(
            file, "JPEG", quality=quality, subsampling=0, optimize=True, icc_profile=profile
        )
    elif file_format == "PNG":
        picture.save(file, "PNG", compress_level=_PNG_LEVEL, icc_profile=profile)
    else:
        picture.save(
            file,
            "WEBP",
            quality=quality,
            lossless=lossless,
            method=_WEBP_METHOD,
            icc_profile=profile,
        )
    return file.getvalue()


@lru_cache(maxsize=1)
def srgb_profile() -> bytes:
    """Return an sRGB ICC profile whose bytes do not depend on the clock.

    The profile library stamps the time of creation (bytes 24 to 35) and, over it, a checksum
    (bytes 84 to 99): with them, two renders of one order would differ.
    """
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[24:36] = b"\x07\xea\x00\x01\x00\x01" + bytes(6)
    profile[84:100] = bytes(16)
    return bytes(profile)


def _reduced(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    if height * width <= _MAX_WORK_PIXELS:
        return pixels
    scale = math.sqrt(_MAX_WORK_PIXELS / (height * width))
    size = (max(1, int(width * scale)), max(1, int(height * scale)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _split(pixels: npt.NDArray[np.uint8]) -> Source:
    if pixels.shape[2] == 3 or int(pixels[..., 3].min()) == 255:
        return Source(photo=np.ascontiguousarray(pixels[..., :3]), alpha=None)
    alpha = pixels[..., 3].astype(np.float32) / np.float32(255)
    return Source(photo=np.ascontiguousarray(pixels[..., :3]), alpha=alpha)


def _joined(photo: Photo, alpha: Matte) -> npt.NDArray[np.uint8]:
    if photo.shape[:2] != alpha.shape:
        raise ValueError(f"shapes differ: {photo.shape}, {alpha.shape}")
    opacity = (np.clip(alpha, 0, 1) * 255 + 0.5).astype(np.uint8)
    return np.dstack([photo * (opacity > 0)[..., np.newaxis], opacity])
