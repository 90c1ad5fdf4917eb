"""Options of a collateral: a picture with words on it, such as a banner, a post or a story.

Where a workspace has a brand kit (`kind_options.brand_kit`), its colors, type and logo take the
place of the template's, unless the template keeps its own. The words themselves come with the
order. Standard library only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from gpu_workers.kind_options.font_family import FontFamily
from gpu_workers.typed_fields import color, within, words

Layout: TypeAlias = Literal[
    "banner_left",
    "banner_right",
    "social_center",
    "social_split",
    "story",
    "price_card",
    "badge_only",
]
"""``banner_left`` has its words on the left of the product and ``banner_right`` on its right, or
above it on tall canvases; ``social_center`` centers them above it; ``social_split`` gives them a
field of their own in the primary color; ``story`` sets them above the product with much air;
``price_card`` lays a card with the price over the picture; ``badge_only`` has a badge, small print
and nothing else. Where the words run right to left, left and right change places."""

SafeArea: TypeAlias = Literal["margin", "story", "reel"]
"""What must stay free of words for the controls of an app: ``margin`` only the layout's own,
``story`` 14 % above and 20 % below, ``reel`` 14 % above and 35 % below (Meta's guides for ads; 6 %
on the sides)."""

BrandPart: TypeAlias = Literal["colors", "fonts", "logo"]

BadgeShape: TypeAlias = Literal["circle", "burst", "ribbon", "pill"]

TEXTS: Final = (
    "headline",
    "subline",
    "price",
    "old_price",
    "badge",
    "call_to_action",
    "legal",
)
"""Words that it can set."""


@dataclass(frozen=True, slots=True)
class CollateralOptions:
    """How words, colors and logo stand on the picture."""

    layout: Layout = "banner_left"
    brand: tuple[BrandPart, ...] = ("colors", "fonts", "logo")
    """What gives way to a brand kit: ``colors`` are primary, accent and ink. The fields below are
    the look where there is no kit; an empty list keeps them always."""
    primary: str = color("#1f3a5f")
    """Color of fields and buttons."""
    accent: str = color("#c8102e")
    """Color of badges, and of the price where it can be read in it."""
    ink: str = color("#16181d")
    """Color of words on light ground."""
    paper: str = color("#ffffff")
    """Color of words on dark ground, and of cards."""
    font: FontFamily = "grotesk"
    headline_font: FontFamily | None = None
    """Family of the headline; where there is none, ``font``."""
    own_font: str = words("", longest=80)
    """Name of a font in the operator's font folder, asked before the families."""
    headline_case: Literal["as_written", "upper"] = "as_written"
    align: Literal["auto", "start", "center"] = "auto"
    """Where lines begin; ``auto`` is what the layout is made for."""
    direction: Literal["auto", "ltr", "rtl"] = "auto"
    """To which side the picture reads; ``auto`` goes by the letters."""
    language: str = words("", longest=20)
    """BCP 47 tag of the words, such as ``ja`` or ``zh-Hant``; chooses forms of letters."""
    corner_radius: float = within(0.0, 0.5, default=0.5)
    """Of buttons, cards and badges, as a share of their shorter side; 0.5 is round."""
    logo_position: Literal["above_text", "below_text"] = "above_text"
    logo_height: float = within(0.03, 0.25, default=0.07)
    """Height of the logo, as a share of the canvas's shorter side."""
    badge_shape: BadgeShape = "circle"
    badge_size: float = within(0.12, 0.4, default=0.26)
    """Longest side of the badge, as a share of the canvas's shorter side."""
    safe_area: SafeArea = "margin"
