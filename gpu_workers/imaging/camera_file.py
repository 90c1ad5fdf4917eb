"""Picture files as cameras, phones and programs leave them, made fit for `codec.decode`.

Owns orientation and color profile. Trusts its input: what strangers send goes through the catalog's
inspection in a limited process instead.
"""

from __future__ import annotations

import io
from typing import Final

from PIL import Image as Pillow
from PIL import ImageCms, ImageOps

from gpu_workers.errors import SourceUnusable
from gpu_workers.imaging.codec import srgb_profile

SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".png", ".webp", ".avif", ".tif", ".tiff", ".bmp"})
_PLAIN: Final = frozenset({"JPEG", "PNG", "WEBP"})
_ORIENTATION: Final = 0x0112
_QUICK: Final = 1


def normalized(data: bytes) -> bytes:
    """Return the picture upright and in sRGB: the same bytes if it is so already, else a PNG.

    Raises
    ------
    SourceUnusable
        If the bytes are no picture that can be read.
    """
    try:
        with Pillow.open(io.BytesIO(data)) as picture:
            profile = picture.info.get("icc_profile")
            is_upright = picture.getexif().get(_ORIENTATION, 1) == 1
            is_plain = picture.format in _PLAIN and picture.mode in ("RGB", "RGBA", "L", "LA", "P")
            if is_upright and is_plain and (not profile or _is_srgb(profile)):
                return data
            upright = ImageOps.exif_transpose(picture)
            converted = _in_srgb(upright, profile)
    except (
        OSError,
        ValueError,
        SyntaxError,
        ImageCms.PyCMSError,
        Pillow.DecompressionBombError,
    ) as error:
        raise SourceUnusable(f"the photo cannot be read: {error}") from error
    file = io.BytesIO()
    converted.save(file, "PNG", compress_level=_QUICK)
    return file.getvalue()


def _is_srgb(profile: bytes) -> bool:
    opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    return ImageCms.getProfileDescription(opened).strip().lower().startswith("srgb")


def _in_srgb(picture: Pillow.Image, profile: bytes | None) -> Pillow.Image:
    has_alpha = picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info
    if profile is None:
        return picture.convert("RGBA" if has_alpha else "RGB")
    if picture.mode not in ("RGB", "RGBA", "CMYK", "L"):
        picture = picture.convert("RGBA" if has_alpha else "RGB")
    converted = ImageCms.profileToProfile(
        picture,
        ImageCms.ImageCmsProfile(io.BytesIO(profile)),
        ImageCms.ImageCmsProfile(io.BytesIO(srgb_profile())),
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        outputMode="RGBA" if picture.mode == "RGBA" else "RGB",
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    if converted is None:
        raise ValueError("its color profile does not fit it")
    return converted
