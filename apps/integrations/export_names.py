"""File names inside an export. Pure.

``<sku>_<view>_<channel>_<width>x<height>.<ext>``: sorts by product, says what it is, is safe on
every file system; a second approved take of the same shot adds ``_t2``.
"""

from __future__ import annotations

import re
from collections.abc import Container
from typing import Final

EXTENSIONS: Final = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp"}
_UNSAFE = re.compile(r"[^A-Za-z0-9.\-]+")


def file_name(
    *,
    sku: str,
    view: str,
    sales_channel: str,
    width_px: int,
    height_px: int,
    file_format: str,
    taken: Container[str] = (),
) -> str:
    """Return a name that is not yet taken, compared without case.

    Examples
    --------
    >>> file_name(sku="AMB 250/a", view="front", sales_channel="ebay", width_px=1600,
    ...           height_px=1600, file_format="JPEG")
    'AMB-250-a_front_ebay_1600x1600.jpg'
    """
    stem = "_".join(safe(part) for part in (sku, view, sales_channel))
    stem = f"{stem}_{width_px}x{height_px}"
    extension = EXTENSIONS[file_format]
    name, number = f"{stem}.{extension}", 1
    while name.lower() in taken:
        number += 1
        name = f"{stem}_t{number}.{extension}"
    return name


def safe(text: str) -> str:
    """Return the text with everything but letters, digits, dot and hyphen replaced."""
    return _UNSAFE.sub("-", text).strip("-.")[:80] or "x"
