"""What the colors of a brand kit do on a picture, before one is made. Pure.

Owns reading a color as people write it, contrast, and the choices that the engine makes when a
color cannot be read; the page's sample and its notes are drawn from them. Contrast is WCAG 2.2's
ratio, 1 to 21, of sRGB colors ``#rrggbb``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

READABLE: Final = 4.5
"""Least contrast of words (WCAG 2.2, 1.4.3)."""
SEEN: Final = 3.0
"""Least contrast of a button to its ground (WCAG 2.2, 1.4.11)."""
PAPER: Final = "#ffffff"
_WRITTEN: Final = re.compile(r"#?(?:[0-9a-f]{3}|[0-9a-f]{6})\Z")


@dataclass(frozen=True, slots=True)
class Note:
    """How well one color stands out, and what follows if it does not."""

    subject: str
    ratio: float
    least: float
    consequence: str
    """What the pictures do instead; empty where the contrast suffices."""

    @property
    def is_enough(self) -> bool:
        """Whether the color is used as it is."""
        return self.ratio >= self.least


@dataclass(frozen=True, slots=True)
class BrandLook:
    """The colors of a sample on white, as the engine would choose them, and the notes on them."""

    text: str
    price: str
    button: str
    button_text: str
    badge: str
    badge_text: str
    notes: tuple[Note, ...]


def clean_color(written: str) -> str:
    """Return a color as the engine reads it; what is no color comes back as it was written.

    Examples
    --------
    >>> clean_color(" 1F3A5F "), clean_color("#abc"), clean_color("navy")
    ('#1f3a5f', '#aabbcc', 'navy')
    """
    text = written.strip().lower()
    if not _WRITTEN.match(text):
        return written.strip()
    digits = text.removeprefix("#")
    return "#" + (digits if len(digits) == 6 else "".join(2 * digit for digit in digits))


def contrast(first: str, second: str) -> float:
    """Return the contrast ratio of two colors.

    Examples
    --------
    >>> contrast("#000000", "#ffffff"), contrast("#777777", "#777777")
    (21.0, 1.0)
    """
    low, high = sorted((_luminance(first), _luminance(second)))
    return round((high + 0.05) / (low + 0.05), 6)


def look_of(*, primary: str, secondary: str, text: str) -> BrandLook:
    """Return how a kit's colors come out on a white ground."""
    ink = _readable(PAPER, (text, PAPER))
    button = next((each for each in (primary, secondary, text) if _is_seen(each)), text)
    on_white = {each: contrast(each, PAPER) for each in (primary, secondary, text)}
    return BrandLook(
        text=ink,
        price=secondary if on_white[secondary] >= READABLE else ink,
        button=button,
        button_text=_readable(button, (PAPER, text)),
        badge=secondary,
        badge_text=_readable(secondary, (PAPER, text)),
        notes=(
            _note(
                "Text on white",
                on_white[text],
                READABLE,
                "Too pale to read: words on light ground are set in black instead. Choose a "
                "darker color.",
            ),
            _note(
                "Primary on white",
                on_white[primary],
                SEEN,
                "Too pale for a button on light ground: there it takes another color of the kit. "
                "Fields keep it.",
            ),
            _note(
                "Secondary on white",
                on_white[secondary],
                READABLE,
                "Too pale for a price on light ground: there it takes the text color. Badges keep "
                "it.",
            ),
        ),
    )


def _note(subject: str, ratio: float, least: float, consequence: str) -> Note:
    return Note(subject, ratio, least, "" if ratio >= least else consequence)


def _is_seen(color: str) -> bool:
    return contrast(color, PAPER) >= SEEN


def _readable(ground: str, candidates: tuple[str, ...]) -> str:
    """Return the first color that can be read on a ground; one of black and white always can."""
    inks = (*candidates, "#ffffff", "#000000")
    return next(each for each in inks if contrast(each, ground) >= READABLE)


def _luminance(color: str) -> float:
    parts = (int(color[place : place + 2], 16) / 255 for place in (1, 3, 5))
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
