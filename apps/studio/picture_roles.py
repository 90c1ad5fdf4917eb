"""What a kind of picture needs beside the photo, in a seller's words. Pure.

Owns which further pictures come from the product itself, by the view their file name says, and
which are chosen once for a whole shoot; and what pictures and words are called on the screen.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from apps.core.errors import InvalidError

LONGEST_TEXT: Final = 200
NO_PICTURE: Final = "none"
"""Instead of a photo's id: without this picture, even where the brand kit has one."""
TEXT_MISSING: Final = "Write at least one text for this picture."
_COLOR: Final = re.compile(r"#[0-9a-f]{6}\Z")


@dataclass(frozen=True, slots=True)
class PictureRole:
    """Another picture that a render is made with."""

    title: str
    hint: str
    view: str = ""
    """View of the same product that is taken; empty where one picture is chosen for all."""


ROLES: Final[dict[str, PictureRole]] = {
    "back": PictureRole(
        "Inside of the back",
        "Taken by itself: a photo of the same product whose file name ends in _inside.",
        view="inside",
    ),
    "region": PictureRole(
        "Region to recolor",
        "Taken by itself: a white-on-black picture of the same product whose file name ends in "
        "_region.",
        view="region",
    ),
    "logo": PictureRole("Logo", "Upload a transparent PNG whose file name contains “logo”."),
    "base": PictureRole(
        "Photo to print on",
        "Upload a photo of the blank thing; its file name contains “base”.",
    ),
    "occluder": PictureRole(
        "What lies over the print",
        "Upload a white-on-black picture of it; its file name contains “occluder”.",
    ),
}

_TEXTS: Final = {
    "target": "Color, as #rrggbb",
    "headline": "Headline",
    "subline": "Line below it",
    "price": "Price",
    "old_price": "Old price, struck through",
    "badge": "Badge",
    "call_to_action": "Call to action",
    "legal": "Small print",
}


def text_title(name: str) -> str:
    """Return what a text is called on the screen."""
    return _TEXTS.get(name, name.replace("_", " ").capitalize())


def role_of(name: str) -> PictureRole:
    """Return a role; one that has no words of its own yet is chosen for the whole shoot."""
    title = name.replace("_", " ").capitalize()
    return ROLES.get(name) or PictureRole(title, f"Upload a picture whose name contains “{name}”.")


def checked_texts(
    kind: str, known: tuple[str, ...], texts: Mapping[str, str], *, needs_one: bool = False
) -> dict[str, str]:
    """Return the words of an order without empty ones.

    Raises
    ------
    InvalidError
        ``studio.text_unknown``, ``studio.text_too_long`` or ``studio.color_unreadable``, naming
        the text; ``studio.text_missing`` if the kind is nothing without one.
    """
    kept = {}
    for name, words in texts.items():
        clean = words.replace("\x00", "").strip()
        if not clean:
            continue
        if name not in known:
            raise InvalidError(
                "studio.text_unknown",
                f"A {kind.replace('_', ' ')} sets no {name[:40]!r}. "
                + (f"It knows {', '.join(known)}." if known else "Leave the texts out."),
                text=name[:40],
            )
        if len(clean) > LONGEST_TEXT:
            raise InvalidError(
                "studio.text_too_long",
                f"Shorten “{text_title(name)}” to {LONGEST_TEXT} characters.",
                text=name,
            )
        if name == "target" and not _COLOR.match(clean.lower()):
            raise InvalidError(
                "studio.color_unreadable",
                f"{clean[:20]!r} is no color. Write # and six digits, for example #1f5fa8.",
                text=name,
            )
        kept[name] = clean.lower() if name == "target" else clean
    if needs_one and not kept:
        raise InvalidError("studio.text_missing", f"{TEXT_MISSING} It knows {', '.join(known)}.")
    return kept
