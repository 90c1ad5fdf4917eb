"""The workspace's brand kit, for the page, the API and whoever places an order."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from apps.compute import wire
from apps.core.errors import NotFoundError
from apps.studio.brand_look import BrandLook, look_of
from apps.studio.models import BrandKit, BrandLogo


@dataclass(frozen=True, slots=True)
class FontChoice:
    """A type family on offer."""

    family: str
    title: str


@dataclass(frozen=True, slots=True)
class BrandSample:
    """What the page draws a sample banner of."""

    brand: wire.BrandKit
    look: BrandLook
    logo: BrandLogo | None


def brand_kit() -> BrandKit | None:
    """Return the kit with its logo, or None where the workspace has none."""
    return BrandKit.objects.select_related("logo").first()


def brand_of(kit: BrandKit) -> wire.BrandKit:
    """Return a kit as the engine takes it."""
    values = ("primary", "secondary", "text", "headline_font", "body_font")
    return wire.read_fields(
        wire.BrandKit, "brand kit", {name: getattr(kit, name) for name in values}
    )


def starting_brand() -> wire.BrandKit:
    """Return the present kit, or the engine's usual look where there is none yet."""
    kit = brand_kit()
    if kit is not None:
        return brand_of(kit)
    usual = wire.read_options("collateral", None)
    return wire.BrandKit(
        primary=usual.primary,
        secondary=usual.accent,
        text=usual.ink,
        headline_font=usual.font,
        body_font=usual.font,
    )


def starting_values() -> dict[str, str]:
    """Return `starting_brand` by the names of its fields."""
    return asdict(starting_brand())


def brand_sample(brand: wire.BrandKit) -> BrandSample:
    """Return a sample of a kit, with the logo of the present one."""
    kit = brand_kit()
    look = look_of(primary=brand.primary, secondary=brand.secondary, text=brand.text)
    return BrandSample(brand, look, kit.logo if kit is not None else None)


def brand_logo() -> BrandLogo:
    """Return the present logo.

    Raises
    ------
    NotFoundError
        ``brand.logo_missing``.
    """
    kit = brand_kit()
    if kit is None or kit.logo is None:
        raise NotFoundError("brand.logo_missing", "The workspace has no logo. Upload one.")
    return kit.logo


def logo_key(logo_id: str) -> str:
    """Return where a logo of this workspace lies, the present one or an earlier one.

    Raises
    ------
    NotFoundError
        ``brand.logo_missing``.
    """
    logo = BrandLogo.objects.filter(pk=logo_id).first()
    if logo is None:
        raise NotFoundError("brand.logo_missing", "There is no such logo.")
    return logo.object_key


def font_choices() -> tuple[FontChoice, ...]:
    """Return the families that come along, in the order of the engine's table."""
    return tuple(FontChoice(family, title) for family, (title, _, _) in wire.FONT_FAMILIES.items())


def font_path(family: str) -> Path:
    """Return the file of a family that comes along.

    Raises
    ------
    NotFoundError
        ``brand.font_missing`` if there is no such family or it is not installed here.
    """
    for known in wire.FONT_FAMILIES:
        path = wire.family_file(known) if known == family else None
        if path is not None:
            return path
    raise NotFoundError("brand.font_missing", "There is no such font on this server.")
