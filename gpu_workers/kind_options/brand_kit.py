"""A brand kit: the colors and type that all pictures with words of one brand have in common.

Owns its fields and how they take the place of a template's own. The logo is a picture of the order
and not a field. Standard library only.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from gpu_workers.kind_options.collateral import CollateralOptions
from gpu_workers.kind_options.font_family import FontFamily
from gpu_workers.typed_fields import color


@dataclass(frozen=True, slots=True, kw_only=True)
class BrandKit:
    """What a brand looks like. Colors are sRGB, ``#rrggbb`` in lower case."""

    primary: str = color()
    """Of fields and buttons: a template's ``primary``."""
    secondary: str = color()
    """Of badges, and of the price where it can be read in it: a template's ``accent``."""
    text: str = color()
    """Of words on light ground: a template's ``ink``."""
    headline_font: FontFamily
    body_font: FontFamily
    """Of everything but the headline."""


def branded(options: CollateralOptions, kit: BrandKit) -> CollateralOptions:
    """Return options in which the kit stands wherever the template gives way to a brand.

    The result gives way to nothing any more: what was ordered with one kit never changes with
    another.

    Examples
    --------
    >>> kit = BrandKit(
    ...     primary="#0b3d2e",
    ...     secondary="#e76f51",
    ...     text="#10221b",
    ...     headline_font="serif",
    ...     body_font="sans",
    ... )
    >>> branded(CollateralOptions(brand=("fonts",)), kit).font
    'sans'
    """
    values: dict[str, str] = {}
    if "colors" in options.brand:
        values |= {"primary": kit.primary, "accent": kit.secondary, "ink": kit.text}
    if "fonts" in options.brand:
        values |= {"font": kit.body_font, "headline_font": kit.headline_font, "own_font": ""}
    return replace(options, brand=(), **values)  # type: ignore[arg-type]
