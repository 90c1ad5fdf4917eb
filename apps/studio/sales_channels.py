"""What each sales channel asks of a picture, with the grade of the evidence. Pure.

Owns the table of presets and what they mean together with a scene. Does not own how a file is
made and checked (the workers do), nor where it is published.

``fill`` is the longest side of the product's box over the canvas side it is bound by: the
platforms rarely define it, so this is our reading of their percentages. Sizes are pixels, limits
bytes. Every number carries its grade, and the screen shows it: what was not read on the
platform's own page is never presented as its rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Final, Literal

from apps.core.errors import InvalidError

FileFormat = Literal["JPEG", "PNG", "WEBP"]
_MEGABYTE: Final = 1_000_000
_CHECKED: Final = date(2026, 11, 22)


class Evidence(StrEnum):
    """How well the numbers are known."""

    OFFICIAL = "O"
    SECONDARY = "S"
    KNOWLEDGE = "K"
    OURS = "own"

    @property
    def label(self) -> str:
        """The grade in words for the screen."""
        return _EVIDENCE_LABELS[self]

    @property
    def short(self) -> str:
        """The grade in one word."""
        return _EVIDENCE_WORDS[self]

    @property
    def tone(self) -> str:
        """The grade's color: what has to be verified stands out."""
        return "warning" if self in (Evidence.SECONDARY, Evidence.KNOWLEDGE) else "success"


_EVIDENCE_LABELS: Final = {
    Evidence.OFFICIAL: "From the platform's own page",
    Evidence.SECONDARY: "From secondary sources: verify with the platform",
    Evidence.KNOWLEDGE: "Common advice: verify with the platform",
    Evidence.OURS: "Our own preset",
}

_EVIDENCE_WORDS: Final = {
    Evidence.OFFICIAL: "Official",
    Evidence.SECONDARY: "Verify",
    Evidence.KNOWLEDGE: "Verify",
    Evidence.OURS: "Preset",
}


@dataclass(frozen=True, slots=True)
class SalesChannel:
    """One preset: the file a channel gets and the rules it must keep."""

    slug: str
    title: str
    width_px: int
    height_px: int
    evidence: Evidence
    source: str
    """Where the numbers come from, in words a seller can follow up."""
    note: str
    """The rule that surprises people, one sentence."""
    file_format: FileFormat = "JPEG"
    quality: int = 93
    fill: float | None = None
    """Prescribed share of the canvas; None leaves the framing to the scene and the seller."""
    exact_white: bool = False
    max_bytes: int | None = None
    checked_on: date = _CHECKED

    @property
    def size(self) -> str:
        """Width and height as people write them."""
        return f"{self.width_px:,} × {self.height_px:,}"

    @property
    def megapixels(self) -> float:
        """Size of the canvas in millions of pixels."""
        return self.width_px * self.height_px / 1e6

    @property
    def max_megabytes(self) -> int | None:
        """The size limit in megabytes of a million bytes."""
        return None if self.max_bytes is None else self.max_bytes // _MEGABYTE

    @property
    def fill_percent(self) -> int | None:
        """The prescribed fill in percent."""
        return None if self.fill is None else round(self.fill * 100)

    def output(self) -> dict[str, Any]:
        """Return the values of the protocol's output specification."""
        return {
            "name": self.slug,
            "width_px": self.width_px,
            "height_px": self.height_px,
            "file_format": self.file_format,
            "quality": self.quality,
            "fill": self.fill,
            "exact_white": self.exact_white,
            "max_bytes": self.max_bytes,
        }


SALES_CHANNELS: Final[dict[str, SalesChannel]] = {
    entry.slug: entry
    for entry in (
        SalesChannel(
            "amazon-main",
            "Amazon main image",
            2000,
            2000,
            Evidence.SECONDARY,
            "Eight secondary guides that agree; Seller Central's page was not readable",
            "Exact white behind the product and at least 85 % fill; nothing but the product.",
            fill=0.87,
            exact_white=True,
            max_bytes=10 * _MEGABYTE,
        ),
        SalesChannel(
            "amazon-alternate",
            "Amazon further images",
            2000,
            2000,
            Evidence.SECONDARY,
            "Secondary guides; Seller Central's page was not readable",
            "Any background; scenes and details belong here.",
            max_bytes=10 * _MEGABYTE,
        ),
        SalesChannel(
            "google-merchant",
            "Google Merchant",
            1500,
            1500,
            Evidence.OFFICIAL,
            "Google Merchant Center help, image_link; fill quoted by secondary pages",
            "500 × 500 becomes the minimum for every product on 31 January 2027.",
            fill=0.82,
            max_bytes=16 * _MEGABYTE,
        ),
        SalesChannel(
            "walmart",
            "Walmart",
            2200,
            2200,
            Evidence.OFFICIAL,
            "Walmart Marketplace image guidelines (July 2025); fill is our reading",
            "Seamless exact white, at most 5 MB, name the file by its GTIN-14.",
            fill=0.87,
            exact_white=True,
            max_bytes=5 * _MEGABYTE,
        ),
        SalesChannel(
            "ebay",
            "eBay",
            1600,
            1600,
            Evidence.KNOWLEDGE,
            "eBay's own pages for 500 px, quality and formats; 1,600 px and 12 MB are advice",
            "No borders, texts or watermarks; eBay warns below JPEG quality 90.",
            max_bytes=12 * _MEGABYTE,
        ),
        SalesChannel(
            "shopify",
            "Shopify",
            2048,
            2048,
            Evidence.SECONDARY,
            "Guides that cite Shopify's help pages",
            "Keep one proportion across the whole catalog.",
            max_bytes=20 * _MEGABYTE,
        ),
        SalesChannel(
            "etsy",
            "Etsy",
            2000,
            1500,
            Evidence.SECONDARY,
            "Secondary pages that read Etsy's seller handbook",
            "Thumbnails are cropped to 5:4, 4:3 and square: the product stays inside all three.",
            fill=0.78,
            max_bytes=10 * _MEGABYTE,
        ),
        SalesChannel(
            "tiktok-shop",
            "TikTok Shop",
            1200,
            1200,
            Evidence.SECONDARY,
            "Regional guides that contradict each other: verify for your region",
            "White is demanded in the US and EU; fill is said to be 60 or 80 %.",
            fill=0.85,
            exact_white=True,
            max_bytes=5 * _MEGABYTE,
        ),
        SalesChannel(
            "meta-catalog",
            "Meta catalog",
            1080,
            1080,
            Evidence.OFFICIAL,
            "Meta's ads guide for 600 px and proportions; 1,080 px and 8 MB are secondary",
            "Proportions from 4:5 to 1.91:1 are accepted.",
            max_bytes=8 * _MEGABYTE,
        ),
        SalesChannel(
            "instagram-portrait",
            "Instagram portrait",
            1080,
            1350,
            Evidence.SECONDARY,
            "Publishing tools' documentation",
            "The tallest post the feed shows uncropped.",
            max_bytes=8 * _MEGABYTE,
        ),
        SalesChannel(
            "instagram-story",
            "Instagram story",
            1080,
            1920,
            Evidence.SECONDARY,
            "Publishing tools' documentation",
            "Names and buttons cover the top and the bottom.",
            fill=0.8,
            max_bytes=8 * _MEGABYTE,
        ),
        SalesChannel(
            "pinterest",
            "Pinterest",
            1000,
            1500,
            Evidence.SECONDARY,
            "Publishing tools' documentation",
            "2:3 is shown whole; taller pins are cut off.",
            max_bytes=20 * _MEGABYTE,
        ),
        SalesChannel(
            "temu",
            "Temu",
            1350,
            1800,
            Evidence.SECONDARY,
            "Secondary guides",
            "Plain background, about 80 % fill, at most 3 MB.",
            fill=0.8,
            max_bytes=3 * _MEGABYTE,
        ),
        SalesChannel(
            "web-shop",
            "Your web shop",
            1600,
            1600,
            Evidence.OURS,
            "Our own preset",
            "PNG: keeps the scene, or transparency where the scene has no background.",
            file_format="PNG",
        ),
    )
}


def select(slugs: Sequence[str]) -> tuple[SalesChannel, ...]:
    """Return the sales channels in the order chosen, each once.

    Raises
    ------
    InvalidError
        ``studio.sales_channel_missing`` if none is chosen, ``studio.sales_channel_unknown`` if
        one does not exist.
    """
    chosen = tuple(dict.fromkeys(slugs))
    if not chosen:
        raise InvalidError(
            "studio.sales_channel_missing", "Choose at least one sales channel to finish for."
        )
    unknown = [slug for slug in chosen if slug not in SALES_CHANNELS]
    if unknown:
        raise InvalidError(
            "studio.sales_channel_unknown",
            f"There is no sales channel {unknown[0]!r}. Choose from {', '.join(SALES_CHANNELS)}.",
            sales_channel=unknown[0],
        )
    return tuple(SALES_CHANNELS[slug] for slug in chosen)


def require_white(
    entries: Sequence[SalesChannel], *, scene_title: str, scene_is_exact_white: bool
) -> None:
    """Refuse a scene that a chosen sales channel would reject.

    Raises
    ------
    InvalidError
        ``studio.scene_not_white``, naming the sales channels and the cure.
    """
    demanding = [entry for entry in entries if entry.exact_white]
    if not demanding or scene_is_exact_white:
        return
    titles = " and ".join(entry.title for entry in demanding)
    verb = "demands" if len(demanding) == 1 else "demand"
    raise InvalidError(
        "studio.scene_not_white",
        f"{titles} {verb} an exact white background, which the scene {scene_title!r} does not "
        f"have. Choose a scene on exact white, or leave out {titles}.",
        sales_channels=[entry.slug for entry in demanding],
    )
