"""Designs drawn in code, shown on the scene cards of mockups.

Owns flat artwork only: a badge on nothing, a poster, a label. The brand is invented; no picture
and no font of others is used but Pillow's own.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from typing import Final

from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

Ink = tuple[int, int, int]

_NAVY: Final = (28, 53, 84)
_CORAL: Final = (226, 104, 74)
_SAND: Final = (243, 227, 199)
_TEAL: Final = (46, 124, 122)
_GOLD: Final = (236, 176, 84)
_SIDE: Final = 3200


def design_for(base: str) -> bytes:
    """Return a PNG that suits a base."""
    draw: dict[str, Callable[[], Pillow.Image]] = {
        "bottle": lambda: _label(2920, 2620),
        "box": lambda: _poster(2300, 3200),
        "poster": lambda: _poster(2400, 3360),
        "frame": lambda: _poster(2320, 3120),
        "phone": lambda: _poster(1600, 3280, words=False),
    }
    file = io.BytesIO()
    # Drawn at twice the size: Pillow's lines have no soft edges.
    large = draw.get(base, _badge)()
    large.resize((large.width // 2, large.height // 2), Pillow.Resampling.BOX).save(file, "PNG")
    return file.getvalue()


def _badge() -> Pillow.Image:
    """Return a round badge on nothing: a sun over hills and waves."""
    picture = Pillow.new("RGBA", (_SIDE, _SIDE), (0, 0, 0, 0))
    inside = Pillow.new("RGBA", (_SIDE, _SIDE), (0, 0, 0, 0))
    draw = ImageDraw.Draw(inside)
    draw.rectangle((0, 0, _SIDE, _SIDE), fill=_SAND)
    _landscape(draw, (0, 0, _SIDE, _SIDE), sun=(0.5, 0.40, 0.17))
    mask = Pillow.new("L", (_SIDE, _SIDE), 0)
    ImageDraw.Draw(mask).ellipse((300, 120, 2900, 2720), fill=255)
    picture.paste(inside, (0, 0), mask)
    draw = ImageDraw.Draw(picture)
    draw.ellipse((300, 120, 2900, 2720), outline=_NAVY, width=52)
    draw.ellipse((392, 212, 2808, 2628), outline=_SAND, width=24)
    _words(draw, (1600, 2956), "HOLM & TIDE", 300, _CORAL, spacing=32)
    return picture


def _poster(width: int, height: int, *, words: bool = True) -> Pillow.Image:
    """Return a full-bleed print."""
    picture = Pillow.new("RGB", (width, height), _SAND)
    draw = ImageDraw.Draw(picture)
    _landscape(draw, (0, 0.1 * height, width, height), sun=(0.56, 0.36, 0.2))
    if not words:
        return picture
    _words(draw, (width / 2, 0.085 * height), "HOLM & TIDE", 0.085 * width, _NAVY, spacing=18)
    _words(draw, (width / 2, 0.145 * height), "north shore", 0.046 * width, _CORAL, spacing=12)
    return picture


def _label(width: int, height: int) -> Pillow.Image:
    """Return a paper label."""
    picture = Pillow.new("RGB", (width, height), (247, 242, 232))
    draw = ImageDraw.Draw(picture)
    _landscape(
        draw, (0.12 * width, 0.1 * height, 0.88 * width, 0.5 * height), sun=(0.5, 0.42, 0.14)
    )
    draw.rectangle((48, 48, width - 49, height - 49), outline=_NAVY, width=14)
    middle = width / 2
    _words(draw, (middle, 0.60 * height), "HOLM & TIDE", 248, _NAVY, spacing=24)
    draw.line((middle - 460, 0.685 * height, middle + 460, 0.685 * height), fill=_CORAL, width=12)
    _words(draw, (middle, 0.76 * height), "sea salt hand wash", 160, _TEAL, spacing=6)
    _words(draw, (middle, 0.89 * height), "250 ml   8.4 fl oz", 116, _NAVY, spacing=6)
    return picture


def _landscape(
    draw: ImageDraw.ImageDraw,
    box: tuple[float, float, float, float],
    *,
    sun: tuple[float, float, float],
) -> None:
    """Draw a sun, hills and waves into a box: left, top, right, bottom."""
    left, top, right, bottom = box
    width, height = right - left, bottom - top
    x, y, r = left + sun[0] * width, top + sun[1] * height, sun[2] * min(width, height)
    draw.ellipse((x - r, y - r, x + r, y + r), fill=_CORAL)
    for ring in (1.25, 1.5):
        at = (x - ring * r, y - ring * r, x + ring * r, y + ring * r)
        draw.ellipse(at, outline=_GOLD, width=max(3, round(0.012 * width)))
    steps = [k / 120 for k in range(121)]
    hills = (
        (0.50, 0.10, 1.7, 0.4, _GOLD),
        (0.58, 0.08, 2.3, 2.0, _TEAL),
        (0.66, 0.06, 3.1, 4.0, _NAVY),
    )
    for level, swing, waves, phase, ink in hills:
        edge = [
            (
                left + t * width,
                top + height * (level - swing * math.sin(waves * math.pi * t + phase)),
            )
            for t in steps
        ]
        draw.polygon([*edge, (right, bottom), (left, bottom)], fill=ink)
    for row in range(5):
        level = 0.76 + 0.05 * row
        line = [
            (
                left + t * width,
                top + height * (level + 0.008 * math.sin(9 * math.pi * t + 1.3 * row)),
            )
            for t in steps
        ]
        draw.line(line, fill=_SAND, width=max(3, round(0.009 * width)), joint="curve")


def _words(
    draw: ImageDraw.ImageDraw,
    center: tuple[float, float],
    words: str,
    size: float,
    ink: Ink,
    *,
    spacing: float,
) -> None:
    font = ImageFont.load_default(size)
    widths = [font.getlength(letter) + spacing for letter in words]
    x = center[0] - (sum(widths) - spacing) / 2
    for letter, width in zip(words, widths, strict=True):
        draw.text((x, center[1]), letter, fill=ink, font=font, anchor="lm", stroke_width=4)
        x += width
