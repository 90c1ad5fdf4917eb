"""Where on a canvas of any proportions words and product have their room.

Owns the geometry of the layouts and the safe areas. Does not own what stands in the zones.

Units: canvas pixels, y grows downwards. Safe areas follow Meta's guides for ads in stories (14 %
above, 20 % below) and reels (35 % below), as of 2026.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final, Literal

from gpu_workers.imaging.framing import Box
from gpu_workers.imaging.layout.stack import Align
from gpu_workers.kind_options.collateral import CollateralOptions, Layout, SafeArea

_MARGIN: Final = 0.06
"""Air around all words, as a share of the shorter side."""
_GUTTER: Final = 0.055
"""Air between words and product, as a share of the shorter side."""
_WIDE: Final = 1.25
"""Proportion from which words stand beside the product and not above it."""
_WIDE_IF_SLIM: Final = 0.9
"""The same for a product that is much higher than wide."""
_BESIDE_SLIM: Final[frozenset[Layout]] = frozenset(("banner_left", "banner_right", "social_split"))
_INSETS: Final[dict[SafeArea, tuple[float, float, float]]] = {
    "margin": (0.0, 0.0, 0.0),
    "story": (0.06, 0.14, 0.20),
    "reel": (0.06, 0.14, 0.35),
}
"""Shares of the canvas kept free of words: left and right, above, below."""
_LARGEST: Final = 0.118
"""Size of a headline on a square, as a share of its side."""
_ON_LONG: Final = 0.35
"""Power of the proportion with which that share grows on long canvases."""
_LARGEST_OF: Final[dict[Layout, float]] = {"story": 1.12, "price_card": 0.74, "social_split": 0.92}
_ROWS_SHARES: Final = (0.42, 0.50, 0.58)
"""Parts of the safe height that words above or below the product may take: more where many words
would become small otherwise."""
_COLUMN_SHARES: Final = (0.86, 1.0, 1.0)
"""The same for words beside it: air above and below looks better than the largest type."""
ROOMS: Final = 3
"""How many rooms there are to try, from the usual to the largest."""
_SMALL_PRINT: Final = 0.28
"""Most height for small print and a logo under a picture that is all product."""
_PAD: Final = 0.045
"""Air between the words and the edge of their card, as a share of the shorter side."""


@dataclass(frozen=True, slots=True)
class Zones:
    """The rooms of one picture."""

    safe: Box
    """No word leaves it."""
    text: Box
    """Room of the words, unless the layout sets none but a badge."""
    product: Box
    """Room of the product where the words take all of theirs; may leave the safe area."""
    panel: Box | None
    """Field or card under the words."""
    align: Align
    hold: Literal["top", "middle", "bottom"]
    largest: float
    """Size the headline has where there is room."""
    grows: Literal["left", "right", "up", "down"]
    """To which side the product's room grows when the words take less than theirs."""


def plan_zones(
    options: CollateralOptions,
    canvas: tuple[int, int],
    *,
    rtl: bool,
    hangs: bool = False,
    is_slim: bool = False,
    more: int = 0,
) -> Zones:
    """Return the rooms for a canvas.

    Parameters
    ----------
    canvas
        Width and height.
    rtl
        Whether the picture reads from right to left.
    hangs
        Whether the product comes down from the upper edge: no words stand above it then.
    is_slim
        Whether the product is much higher than wide: words stand beside it on a square too.
    more
        Which of `ROOMS` the words get, 0 to 2.
    """
    safe = safe_box(options.safe_area, canvas)
    layout = options.layout
    if layout == "badge_only":
        return _whole(canvas, safe)
    from_proportion = _WIDE
    if is_slim and layout in _BESIDE_SLIM and not hangs:
        from_proportion = _WIDE_IF_SLIM
    if canvas[0] / canvas[1] >= from_proportion:
        return _columns(options, canvas, safe, _COLUMN_SHARES[more], rtl=rtl)
    return _rows(options, canvas, safe, _ROWS_SHARES[more], rtl=rtl, hangs=hangs)


def safe_box(area: SafeArea, canvas: tuple[int, int]) -> Box:
    """Return the part of a canvas on which words may stand."""
    width, height = canvas
    margin = _MARGIN * min(canvas)
    beside, above, below = _INSETS[area]
    left = round(max(margin, beside * width))
    top, bottom = round(max(margin, above * height)), round(max(margin, below * height))
    return Box(left, top, width - 2 * left, height - top - bottom)


def largest_headline(layout: Layout, canvas: tuple[int, int]) -> float:
    """Return the size of a headline that has all the room it wants, in pixels."""
    side, long = min(canvas), max(canvas)
    return _LARGEST * _LARGEST_OF.get(layout, 1.0) * side * math.pow(long / side, _ON_LONG)


def grown(box: Box, by: int) -> Box:
    """Return a box with so many pixels more on every side."""
    return Box(box.left - by, box.top - by, box.width + 2 * by, box.height + 2 * by)


def intersects(first: Box, second: Box) -> bool:
    """Return whether two boxes share a pixel."""
    return (
        first.left < second.right
        and second.left < first.right
        and first.top < second.bottom
        and second.top < first.bottom
    )


def _wider(product: Box, grows: str, words: Box, gutter: int) -> Box:
    """Return the product's room with half of the width that short words left over."""
    if grows == "left":
        spare = max(0, product.left - gutter - words.right) // 2
        return Box(product.left - spare, product.top, product.width + spare, product.height)
    spare = max(0, words.left - gutter - product.right) // 2
    return Box(product.left, product.top, product.width + spare, product.height)


def _align(options: CollateralOptions, usual: Literal["start", "center"], *, rtl: bool) -> Align:
    wanted = usual if options.align == "auto" else options.align
    if wanted == "center":
        return "center"
    return "right" if rtl else "left"


def _whole(canvas: tuple[int, int], safe: Box) -> Zones:
    """The product everywhere, small print at the lower edge."""
    strip = round(_SMALL_PRINT * safe.height)
    return Zones(
        safe=safe,
        text=Box(safe.left, safe.bottom - strip, safe.width, strip),
        product=Box(0, 0, *canvas),
        panel=None,
        align="center",
        hold="bottom",
        largest=largest_headline("badge_only", canvas),
        grows="down",
    )


def _columns(
    options: CollateralOptions, canvas: tuple[int, int], safe: Box, tall: float, *, rtl: bool
) -> Zones:
    """Words on one side, the product on the other."""
    width, height = canvas
    side, layout = min(canvas), options.layout
    gutter, pad = round(_GUTTER * side), round(_PAD * side)
    share = min(max(0.43 + 0.05 * (width / height - _WIDE), 0.43), 0.56)
    column = round(share * safe.width)
    is_left = (layout != "banner_right") != rtl
    left = safe.left if is_left else safe.right - column
    room = round(tall * safe.height)
    text = Box(left, safe.top + (safe.height - room) // 2, column, room)
    panel = None
    if layout == "social_split":
        edge = text.right + gutter if is_left else text.left - gutter
        panel = Box(0, 0, edge, height) if is_left else Box(edge, 0, width - edge, height)
    elif layout == "price_card":
        panel = text
        text = grown(text, -pad)
    begin = (panel or text).right if is_left else 0
    end = width if is_left else (panel or text).left
    air = gutter if layout != "social_split" else 0
    product = (
        Box(begin + air, 0, end - begin - air, height) if is_left else Box(0, 0, end - air, height)
    )
    return Zones(
        safe=safe,
        text=text,
        product=product,
        panel=panel,
        align=_align(
            options, "center" if layout in ("social_center", "story") else "start", rtl=rtl
        ),
        hold="middle",
        largest=largest_headline(layout, canvas),
        grows="left" if is_left else "right",
    )


def _rows(
    options: CollateralOptions,
    canvas: tuple[int, int],
    safe: Box,
    tall: float,
    *,
    rtl: bool,
    hangs: bool,
) -> Zones:
    """Words above the product, or on a field below it."""
    width, height = canvas
    side, layout = min(canvas), options.layout
    gutter, pad = round(_GUTTER * side), round(_PAD * side)
    rows = round(tall * safe.height)
    largest = largest_headline(layout, canvas)
    if layout in ("social_split", "price_card"):
        text = Box(safe.left, safe.bottom - rows, safe.width, rows)
        if layout == "social_split":
            panel = Box(0, text.top - gutter, width, height - text.top + gutter)
        else:
            panel, text = text, grown(text, -pad)
        return Zones(
            safe=safe,
            text=text,
            product=Box(0, 0, width, panel.top),
            panel=panel,
            align=_align(options, "start", rtl=rtl),
            hold="bottom" if layout == "social_split" else "middle",
            largest=largest,
            grows="down",
        )
    text = Box(safe.left, safe.bottom - rows if hangs else safe.top, safe.width, rows)
    top = text.bottom + gutter
    # The app's controls may lie over the foot of the product, but not over words.
    below = safe.bottom + max(height - safe.bottom - round(_MARGIN * side), 0) // 2
    below = min(height, below + round(_MARGIN * side))
    product = Box(0, 0, width, text.top - gutter) if hangs else Box(0, top, width, below - top)
    return Zones(
        safe=safe,
        text=text,
        product=product,
        panel=None,
        align=_align(options, "start" if layout.startswith("banner") else "center", rtl=rtl),
        hold="bottom" if hangs else "top",
        largest=largest,
        grows="down" if hangs else "up",
    )


def fitted(zones: Zones, layout: Layout, words: Box | None, canvas: tuple[int, int]) -> Zones:
    """Return the zones once the words stand: their card around them, the rest the product's.

    Parameters
    ----------
    words
        Box of everything that is set, or None where nothing is.
    """
    if words is None:
        return zones
    side = min(canvas)
    gutter, pad = round(_GUTTER * side), round(_PAD * side)
    product, panel = zones.product, zones.panel
    if panel is not None and layout == "price_card":
        panel = Box(panel.left, words.top - pad, panel.width, words.height + 2 * pad)
        if zones.grows in ("left", "right"):
            width = words.width + 2 * pad
            product = _wider(product, zones.grows, grown(words, pad), gutter)
            left = panel.left if zones.grows == "left" else panel.right - width
            panel = Box(left, panel.top, width, panel.height)
    elif panel is not None and zones.grows == "down":
        top = words.top - gutter
        panel = Box(0, top, canvas[0], canvas[1] - top)
    if zones.grows == "down":
        edge = panel.top if panel is not None else words.top - gutter
        product = Box(product.left, product.top, product.width, edge - product.top)
    elif zones.grows == "up":
        top = words.bottom + gutter
        product = Box(product.left, top, product.width, product.bottom - top)
    elif panel is None:
        product = _wider(product, zones.grows, words, gutter)
    return replace(zones, product=product, panel=panel)
