"""Which product a photo belongs to and which side it shows, by its file name. Pure.

Owns the naming rule that sellers can rely on: ``<sku>_<view>.<extension>``. A file name without a
known view word is a product of its own, so that a folder of unrelated photos never collapses into
one product. What the rule gets wrong is put right by hand on the product page.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Final

VIEWS: Final = (
    "main",
    "front",
    "angle",
    "left",
    "right",
    "side",
    "back",
    "top",
    "bottom",
    "inside",
    "detail",
    "region",
)
"""Known view words, in the order in which a product's photos are shown."""

MAX_SKU: Final = 64
MAX_VIEW: Final = 40

_CAMERA_NAME: Final = re.compile(
    r"(img|image|dsc[fn]?|pxl|photo|pic|picture|scan|screenshot|whatsapp|p|gopr|mvi|wp|cimg|sam)"
    r"[ _-]*[\d _-]*",
    re.IGNORECASE,
)
"""Names that cameras and phones give: the number counts pictures, it is no side of a product."""

_NAMELESS: Final = frozenset(
    {"blob", "camera", "download", "file", "image", "img", "photo", "pic", "picture", "unnamed"}
)
"""What browsers and phones call every pasted or freshly taken photo."""

_COPY_NUMBER: Final = re.compile(r"(?P<stem>.+?)[ _]*\((?P<number>\d{1,2})\)")
_LAST_WORD: Final = re.compile(r"(?P<stem>.+?)(?P<separator>[ _-]+)(?P<word>[^ _-]+)")
_MAX_WORDS: Final = 2


@dataclass(frozen=True, slots=True)
class Grouping:
    """What a file name says."""

    sku: str
    view: str
    """A word of `VIEWS`, a number from 2, or both as in ``back-2``; ``main`` if nothing is said."""


def group_by_name(file_name: str, *, sha256: str) -> Grouping:
    """Return product and view of a photo.

    Parameters
    ----------
    file_name
        As cleaned by `apps.catalog.inspection.clean_file_name`.
    sha256
        Digest of the file; tells photos apart that all have the same name by default.

    Examples
    --------
    >>> group_by_name("AMB-250_front.jpg", sha256="f00d")
    Grouping(sku='AMB-250', view='front')
    >>> group_by_name("AMB-250 (2).jpg", sha256="f00d")
    Grouping(sku='AMB-250', view='2')
    >>> group_by_name("sneaker_grey.jpg", sha256="f00d")
    Grouping(sku='sneaker_grey', view='main')
    >>> group_by_name("IMG_1234.HEIC", sha256="f00d")
    Grouping(sku='IMG_1234', view='main')
    >>> group_by_name("image.png", sha256="f00d")
    Grouping(sku='image-f00d', view='main')
    """
    stem = " ".join(_without_extension(file_name).split()).strip(" _-") or "photo"
    words: list[str] = []
    for _ in range(_MAX_WORDS):
        found = _last_view(stem)
        if found is None:
            break
        stem, word = found
        words.insert(0, word)
    view = "-".join(words)[:MAX_VIEW] or "main"
    if stem.lower() in _NAMELESS:
        return Grouping(sku=f"{stem}-{sha256[:6]}", view="main")
    return Grouping(sku=_fitting_sku(stem), view="main" if view == "1" else view)


def view_position(view: str) -> int:
    """Return where a new photo of this view stands among a product's photos, lowest first.

    Photos of one product are uploaded side by side and arrive in any order; the view decides.

    Examples
    --------
    >>> view_position("front") < view_position("back") < view_position("2") < view_position("x")
    True
    """
    word, _, number = view.partition("-")
    if word.isdecimal():
        return 1000 + min(int(word), 999)
    if word not in VIEWS:
        return 2000
    return 20 * VIEWS.index(word) + (min(int(number), 19) if number.isdecimal() else 0)


def _without_extension(file_name: str) -> str:
    stem, dot, extension = file_name.rpartition(".")
    return stem if dot and stem and re.fullmatch(r"[A-Za-z0-9]{2,5}", extension) else file_name


def _last_view(stem: str) -> tuple[str, str] | None:
    """Split the last view off a name, None if it ends in none."""
    if copy := _COPY_NUMBER.fullmatch(stem):
        return copy["stem"].strip(" _-"), str(int(copy["number"]))
    match = _LAST_WORD.fullmatch(stem)
    if match is None:
        return None
    rest, word = match["stem"].strip(" _-"), match["word"].lower()
    if not rest:
        return None
    if word in VIEWS:
        return rest, word
    # A dash before a number is part of many article codes: TS-01 is a code, TS_01 a counted photo.
    is_count = word.isdecimal() and word.isascii() and len(word) <= 2 and "-" not in match[2]
    if is_count and int(word) > 0 and not _CAMERA_NAME.fullmatch(stem):
        return rest, str(int(word))
    return None


def _fitting_sku(stem: str) -> str:
    if len(stem) <= MAX_SKU:
        return stem
    # Two long names that differ only at the end must not become one product.
    digest = hashlib.sha256(stem.encode()).hexdigest()[:8]
    return f"{stem[: MAX_SKU - 9]}-{digest}"
