"""A photo's cutout as one file that is kept: made once, corrected by people, used by every kind.

Owns the file: an RGBA PNG in the frame of the photo (at most 16 megapixels) that carries who made
it and how sure they were. A cutout that is `cutout.settled` comes back as it went in.
"""

from __future__ import annotations

import io
import json
import struct
from dataclasses import dataclass
from typing import Final

import numpy as np
from PIL import Image as Pillow
from PIL.PngImagePlugin import PngInfo

from gpu_workers.errors import SourceUnusable
from gpu_workers.imaging.arrays import Cutout, to_linear, to_photo
from gpu_workers.imaging.codec import srgb_profile

BY_HAND: Final = "person/1"
"""The engine of a cutout that somebody corrected: no engine replaces it."""
_CHUNK: Final = "packshot-cutout"
_SIGNATURE: Final = 8
_CHUNK_FRAME: Final = 12
"""Bytes of a PNG chunk beside its data: length, type and checksum (PNG, third edition, 5.3)."""
_FAST: Final = 1
"""Level 4 takes three times as long for files a tenth smaller."""


@dataclass(frozen=True, slots=True)
class CutoutAsset:
    """A cutout with its maker."""

    cutout: Cutout
    engine: str
    """Engine and version that made it, or `BY_HAND`."""


def write_asset(asset: CutoutAsset) -> bytes:
    """Return the file of a cutout; `read_asset` gives it back."""
    note = PngInfo()
    facts = {"engine": asset.engine, "confidence": round(asset.cutout.confidence, 4)}
    note.add_text(_CHUNK, json.dumps(facts))
    matte = np.round(asset.cutout.matte * 255).astype(np.uint8)
    color = to_photo(np.clip(asset.cutout.color, 0, 1))
    color[matte == 0] = 0
    file = io.BytesIO()
    picture = Pillow.fromarray(np.dstack([color, matte]))
    picture.save(file, "PNG", pnginfo=note, compress_level=_FAST, icc_profile=srgb_profile())
    return file.getvalue()


def without_note(data: bytes) -> bytes:
    """Return the file of a cutout as a picture like any other, for people to take away.

    The same pixels and profile without who made it; nothing is decoded, so it costs nothing.
    """
    kept, at = [data[:_SIGNATURE]], _SIGNATURE
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        end = at + _CHUNK_FRAME + length
        if data[at + 4 : at + 8] != b"tEXt":
            kept.append(data[at:end])
        at = end
    return b"".join(kept)


def read_asset(data: bytes) -> CutoutAsset:
    """Read the file of a cutout.

    Raises
    ------
    SourceUnusable
        If it is none of ours.
    """
    try:
        with Pillow.open(io.BytesIO(data), formats=("PNG",)) as picture:
            pixels = np.asarray(picture)
            facts = json.loads(picture.info[_CHUNK])
        cutout = Cutout(
            color=to_linear(pixels[..., :3]),
            matte=pixels[..., 3].astype(np.float32) / np.float32(255),
            confidence=float(facts["confidence"]),
        )
        return CutoutAsset(cutout, engine=str(facts["engine"]))
    except (OSError, KeyError, ValueError, TypeError, IndexError) as error:
        raise SourceUnusable(
            f"the kept cutout cannot be read: {error}; make it again from the photo"
        ) from error
