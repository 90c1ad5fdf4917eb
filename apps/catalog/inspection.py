"""What a file says it is, by its first bytes, and why a file can be refused. Pure.

Owns the formats Packshot knows by their magic bytes, the cleaning of file names and the closed
list of refusals. Does not decode anything: that happens in `apps.catalog.decoding`, in a process
of its own. File names and declared content types never take part in a decision.
"""

from __future__ import annotations

import unicodedata
from enum import StrEnum
from typing import Final

HEAD_BYTES: Final = 1024
"""How much of a file `detect_format` wants to see."""

MIN_SIDE_PX: Final = 64
"""Below this no product can be told from its background."""

MAX_FILE_NAME: Final = 200


class FileFormat(StrEnum):
    """A kind of file that is recognised; only `ACCEPTED` ones are decoded."""

    JPEG = "JPEG"
    PNG = "PNG"
    WEBP = "WebP"
    HEIC = "HEIC"
    AVIF = "AVIF"
    GIF = "GIF"
    TIFF = "TIFF or camera raw"
    BMP = "BMP"
    ICO = "icon"
    SVG = "SVG"
    PDF = "PDF"
    POSTSCRIPT = "PostScript or EPS"
    PSD = "Photoshop"
    JPEG_XL = "JPEG XL"
    JPEG_2000 = "JPEG 2000"
    CAMERA_RAW = "camera raw"
    VIDEO = "video"
    ZIP = "ZIP"
    HTML = "HTML"


ACCEPTED: Final = frozenset(
    {FileFormat.JPEG, FileFormat.PNG, FileFormat.WEBP, FileFormat.HEIC, FileFormat.AVIF}
)

ACCEPTED_TYPES: Final = (
    "image/jpeg",
    "image/png",
    "image/webp",
    "image/heic",
    "image/heif",
    "image/avif",
)
"""What a file chooser offers; a courtesy to the person, never a check."""

_SIGNATURES: Final[tuple[tuple[bytes, FileFormat], ...]] = (
    (b"\xff\xd8\xff", FileFormat.JPEG),
    (b"\x89PNG\r\n\x1a\n", FileFormat.PNG),
    (b"GIF87a", FileFormat.GIF),
    (b"GIF89a", FileFormat.GIF),
    (b"II*\x00", FileFormat.TIFF),
    (b"MM\x00*", FileFormat.TIFF),
    (b"II+\x00", FileFormat.TIFF),
    (b"MM\x00+", FileFormat.TIFF),
    (b"FUJIFILMCCD-RAW", FileFormat.CAMERA_RAW),
    (b"8BPS", FileFormat.PSD),
    (b"%PDF-", FileFormat.PDF),
    (b"%!PS", FileFormat.POSTSCRIPT),
    (b"\xc5\xd0\xd3\xc6", FileFormat.POSTSCRIPT),
    (b"\x00\x00\x00\x0cJXL \r\n\x87\n", FileFormat.JPEG_XL),
    (b"\xff\x0a", FileFormat.JPEG_XL),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", FileFormat.JPEG_2000),
    (b"\xff\x4f\xff\x51", FileFormat.JPEG_2000),
    (b"\x00\x00\x01\x00", FileFormat.ICO),
    (b"PK\x03\x04", FileFormat.ZIP),
    (b"BM", FileFormat.BMP),
)

_HEIC_BRANDS: Final = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"})
_AVIF_BRANDS: Final = frozenset({b"avif", b"avis"})
_HEIF_BRANDS: Final = frozenset({b"mif1", b"msf1", b"mif2"})

REFUSALS: Final[dict[str, str]] = {
    "upload.empty": "The file is empty. Copy it from the camera or folder again, then upload it.",
    "upload.too_large": (
        "The file is larger than {max_megabytes} MB. Save it as a JPEG or make it smaller."
    ),
    "upload.format_unsupported": (
        "{found} files cannot be used. Save the photo as JPEG, PNG, WebP, HEIC or AVIF."
    ),
    "upload.not_a_photo": (
        "This file is not a photo. Choose a JPEG, PNG, WebP, HEIC or AVIF file."
    ),
    "upload.unreadable": (
        "The photo is damaged or incomplete. Open it on your computer and save it as a new JPEG."
    ),
    "upload.too_many_pixels": (
        "The photo has more than {max_megapixels} megapixels. Make it smaller and upload it again."
    ),
    "upload.side_too_long": (
        "The photo is longer than {max_side_px} pixels. Make it smaller or crop it."
    ),
    "upload.too_small": (
        "The photo is smaller than {min_side_px} pixels on one side. Use the original, larger one."
    ),
    "upload.several_frames": (
        "The file is an animation or holds several pictures. Save the one you want as a JPEG."
    ),
    "upload.decoder_limit": (
        "The photo takes too much memory or time to open. Save it as a plain JPEG, or smaller."
    ),
    "upload.in_other_product": (
        "This photo already belongs to product {sku}. Move it from there instead."
    ),
}
"""Every reason a file can be refused for, with the sentence that names the cure."""


def refusal_sentence(code: str, **data: object) -> str:
    """Return the sentence of a refusal with its figures filled in.

    Raises
    ------
    KeyError
        If the code is not in `REFUSALS` or a figure of its sentence is missing.
    """
    return REFUSALS[code].format(**data)


def detect_format(head: bytes) -> FileFormat | None:
    """Return what the file is by its first bytes, None if nothing known.

    Parameters
    ----------
    head
        The first `HEAD_BYTES` bytes, fewer if the file is shorter.
    """
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return FileFormat.WEBP
    if head[4:8] == b"ftyp":
        return _container_format(head)
    for signature, file_format in _SIGNATURES:
        if head.startswith(signature):
            return file_format
    return _markup_format(head)


def _container_format(head: bytes) -> FileFormat | None:
    """Read the brands of an ISO base media file: ISO/IEC 14496-12, box ``ftyp``."""
    size = min(int.from_bytes(head[:4], "big"), len(head))
    major = head[8:12]
    brands = {major} | {head[at : at + 4] for at in range(16, size - 3, 4)}
    if major in _HEIC_BRANDS:
        return FileFormat.HEIC
    if major in _AVIF_BRANDS:
        return FileFormat.AVIF
    if major in _HEIF_BRANDS:
        return FileFormat.AVIF if brands & _AVIF_BRANDS else FileFormat.HEIC
    if major == b"crx ":
        return FileFormat.CAMERA_RAW
    if major in {b"isom", b"iso2", b"mp41", b"mp42", b"avc1", b"M4V ", b"qt  ", b"3gp4", b"3gp5"}:
        return FileFormat.VIDEO
    return None


def _markup_format(head: bytes) -> FileFormat | None:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith((b"<!doctype html", b"<html")):
        return FileFormat.HTML
    if text.startswith((b"<svg", b"<?xml", b"<!doctype svg", b"<!--")) and b"<svg" in text:
        return FileFormat.SVG
    return None


def clean_file_name(file_name: str) -> str:
    r"""Return a name fit to show: no folders, no control or direction marks, 200 characters.

    The result is text for people. It never becomes a path or an object key.

    Examples
    --------
    >>> clean_file_name("../../etc/AMB-250_front.jpg")
    'AMB-250_front.jpg'
    >>> clean_file_name("C:\\photos\\shoe .png")
    'shoe .png'
    >>> clean_file_name("..")
    'photo'
    """
    # The end of a very long name is enough: it holds the base name and extension.
    tail = file_name[-4096:].replace("\\", "/").rsplit("/", 1)[-1]
    text = unicodedata.normalize("NFC", tail)
    text = "".join(" " if character.isspace() else character for character in text)
    text = "".join(c for c in text if not unicodedata.category(c).startswith("C"))
    text = " ".join(text.split()).lstrip(". ")
    if not text:
        return "photo"
    stem, dot, extension = text.rpartition(".")
    if len(text) <= MAX_FILE_NAME:
        return text
    if not dot or len(extension) > 8:
        return text[:MAX_FILE_NAME]
    return stem[: MAX_FILE_NAME - len(extension) - 1] + dot + extension
