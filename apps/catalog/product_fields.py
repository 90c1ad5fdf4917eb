"""What a product's own fields may hold: SKU, title, attributes, and a photo's view. Pure.

Owns the limits and the sentences that say how to put a value right.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Final

from apps.core.errors import InvalidError

MAX_SKU: Final = 64
MAX_TITLE: Final = 200
MAX_ATTRIBUTES: Final = 30
MAX_ATTRIBUTE_NAME: Final = 40
MAX_ATTRIBUTE_VALUE: Final = 200
MAX_VIEW: Final = 40


def clean_sku(sku: str) -> str:
    """Return the SKU in one line without control characters.

    Raises
    ------
    InvalidError
        If nothing is left or it is longer than `MAX_SKU`.
    """
    return _required(sku, "sku", MAX_SKU, "Give the product an SKU, such as AMB-250.")


def clean_title(title: str) -> str:
    """Return the title in one line; it may be empty.

    Raises
    ------
    InvalidError
        If it is longer than `MAX_TITLE`.
    """
    return _short("title", _one_line(title), MAX_TITLE)


def clean_view(view: str) -> str:
    """Return a view's name in lower case.

    Raises
    ------
    InvalidError
        If nothing is left or it is longer than `MAX_VIEW`.
    """
    return _required(view, "view", MAX_VIEW, "Say what the photo shows, such as front.").lower()


def clean_attributes(attributes: Mapping[str, str]) -> dict[str, str]:
    """Return the attributes with names and values in one line each, in the order given.

    Raises
    ------
    InvalidError
        If there are too many, or a name or value is missing or too long.
    """
    if len(attributes) > MAX_ATTRIBUTES:
        raise _invalid("attributes", f"Keep at most {MAX_ATTRIBUTES} attributes.")
    cleaned = {}
    for name, value in attributes.items():
        left = _short("attributes", _one_line(str(name)), MAX_ATTRIBUTE_NAME)
        right = _short("attributes", _one_line(str(value)), MAX_ATTRIBUTE_VALUE)
        if not left or not right:
            raise _invalid("attributes", _LINE_SENTENCE)
        cleaned[left] = right
    return cleaned


def attributes_from_lines(text: str) -> dict[str, str]:
    """Read attributes written one on a line, as ``material: leather``; blank lines are skipped.

    Raises
    ------
    InvalidError
        If a line has no colon or nothing on one side of it.

    Examples
    --------
    >>> attributes_from_lines("material: leather")
    {'material': 'leather'}
    """
    found: dict[str, str] = {}
    for line in text.splitlines():
        if not line.strip():
            continue
        name, colon, value = line.partition(":")
        if not colon:
            raise _invalid("attributes", _LINE_SENTENCE)
        found[name.strip()] = value.strip()
    return clean_attributes(found)


def attributes_to_lines(attributes: Mapping[str, str]) -> str:
    """Write attributes as `attributes_from_lines` reads them."""
    return "\n".join(f"{name}: {value}" for name, value in attributes.items())


_LINE_SENTENCE: Final = "Write each attribute as a name, a colon and a value: material: leather."


def _required(text: str, field: str, longest: int, missing: str) -> str:
    line = _one_line(text)
    if not line:
        raise _invalid(field, missing)
    return _short(field, line, longest)


def _short(field: str, line: str, longest: int) -> str:
    if len(line) > longest:
        raise _invalid(field, f"Shorten this to at most {longest} characters.")
    return line


def _one_line(text: str) -> str:
    spaced = "".join(" " if c.isspace() else c for c in unicodedata.normalize("NFC", text))
    kept = "".join(c for c in spaced if not unicodedata.category(c).startswith("C"))
    return " ".join(kept.split())


def _invalid(field: str, sentence: str) -> InvalidError:
    return InvalidError(f"catalog.{field}_invalid", sentence, field=field)
