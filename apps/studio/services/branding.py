"""Setting the brand of a workspace: colors, type and logo.

Owns the checks of a kit and of a logo's file. What an order takes of it is `quoting`'s; a logo is
kept when it is replaced, since shoots were ordered with it. Sizes are bytes.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Final

from django.db import transaction

from apps.catalog.inspection import HEAD_BYTES, MIN_SIDE_PX, FileFormat, detect_format
from apps.catalog.sandbox import Decoded, DecodeRefused, decode
from apps.compute import wire
from apps.core import storage
from apps.core.errors import ConflictError, InvalidError
from apps.events import services as events
from apps.events.kinds import Kind
from apps.studio.brand_look import clean_color
from apps.studio.models import BrandKit, BrandLogo
from apps.studio.models.brand import new_brand_logo_id
from apps.tenants.models import Tenant
from apps.tenants.roles import Actor, Permission

LOGO_MAX_BYTES: Final = 5 * 1024 * 1024
LOGO_MAX_SIDE_PX: Final = 4000
_LOGO_FORMATS: Final = frozenset({FileFormat.PNG, FileFormat.WEBP})
_COLORS: Final = ("primary", "secondary", "text")


def checked_brand(values: Mapping[str, str]) -> wire.BrandKit:
    """Return a kit from what a person or a platform wrote.

    Raises
    ------
    InvalidError
        ``brand.invalid``; the message names the field and what it should be.
    """
    clean = {
        name: clean_color(value) if name in _COLORS else value for name, value in values.items()
    }
    try:
        return wire.read_fields(wire.BrandKit, "brand kit", clean)
    except wire.OrderInvalid as error:
        for name in _COLORS:
            if f".{name}:" in error.detail:
                raise InvalidError(
                    "brand.invalid",
                    f"{name}: {clean[name][:20]!r} is no color. Write # and six digits, for "
                    "example #1f5fa8.",
                    field=name,
                ) from error
        raise InvalidError("brand.invalid", f"{error.detail}.") from error


def keep_brand_kit(
    *,
    actor: Actor,
    values: Mapping[str, str],
    logo: Iterable[bytes] | None = None,
    drops_logo: bool = False,
) -> BrandKit:
    """Set the workspace's brand kit: all of it or nothing. Orders placed before keep theirs.

    Parameters
    ----------
    values
        The five fields of `wire.BrandKit`.
    logo
        The bytes of a new logo; without it the present one stays.
    drops_logo
        Whether the present logo goes; a new one counts more.

    Raises
    ------
    ForbiddenError
        If the actor may not manage the brand.
    InvalidError
        ``brand.invalid`` or one of ``brand.logo_…``; the message names the cure.
    UnavailableError
        If too many pictures are being decoded.
    """
    actor.require(Permission.MANAGE_BRAND)
    brand = checked_brand(values)
    with tempfile.TemporaryDirectory(prefix="packshot-logo-") as folder:
        stored = _stored_logo(actor, logo, Path(folder)) if logo is not None else None
    with transaction.atomic():
        kit = _locked_kit(actor) or BrandKit(tenant_id=actor.tenant)
        for name, value in asdict(brand).items():
            setattr(kit, name, value)
        if stored is not None:
            stored.save(force_insert=True)
            kit.logo = stored
        elif drops_logo:
            kit.logo = None
        kit.save()
        _record(actor, kit)
    return kit


def replace_brand_logo(*, actor: Actor, logo: Iterable[bytes] | None) -> BrandKit:
    """Give the kit another logo, or with None take its logo away.

    Raises
    ------
    ForbiddenError, InvalidError, UnavailableError
        As `keep_brand_kit`.
    ConflictError
        ``brand.kit_missing`` if colors and fonts were never set.
    """
    actor.require(Permission.MANAGE_BRAND)
    with tempfile.TemporaryDirectory(prefix="packshot-logo-") as folder:
        stored = _stored_logo(actor, logo, Path(folder)) if logo is not None else None
    with transaction.atomic():
        kit = _locked_kit(actor)
        if kit is None:
            raise ConflictError(
                "brand.kit_missing", "Set the colors and fonts of the brand kit first."
            )
        if stored is not None:
            stored.save(force_insert=True)
        kit.logo = stored
        kit.save(update_fields=["logo", "updated_at"])
        _record(actor, kit)
    return kit


def drop_brand_kit(*, actor: Actor) -> None:
    """Take the kit away: new orders look as their scene templates say. None is fine.

    Raises
    ------
    ForbiddenError
        If the actor may not manage the brand.
    """
    actor.require(Permission.MANAGE_BRAND)
    with transaction.atomic():
        kit = _locked_kit(actor)
        if kit is not None:
            events.record(actor=actor, kind=Kind.BRAND_KIT_REMOVED, subject=kit.pk)
            kit.delete()


def _locked_kit(actor: Actor) -> BrandKit | None:
    # The workspace's row stands for a kit that is not there yet: two first ones take turns.
    Tenant.objects.select_for_update(no_key=True).get(pk=actor.tenant)
    return BrandKit.objects.filter(tenant_id=actor.tenant).first()


def _record(actor: Actor, kit: BrandKit) -> None:
    events.record(actor=actor, kind=Kind.BRAND_KIT_CHANGED, subject=kit.pk, logo=kit.logo_id or "")


def _stored_logo(actor: Actor, chunks: Iterable[bytes], folder: Path) -> BrandLogo:
    """Check and store the file; return the unsaved row."""
    original = folder / "original"
    _spool(chunks, original)
    copies = folder / "copies"
    copies.mkdir(mode=0o700)
    try:
        decoded = decode(original, copies)
    except DecodeRefused as refused:
        raise _refusal_of(refused.code) from refused
    _require_usable(decoded)
    logo = BrandLogo(
        id=new_brand_logo_id(),
        tenant_id=actor.tenant,
        width_px=decoded.width_px,
        height_px=decoded.height_px,
    )
    logo.object_key = storage.brand_key(actor.tenant, logo.pk)
    with decoded.photo.open("rb") as file:
        storage.put_file(logo.object_key, file)
    return logo


def _spool(chunks: Iterable[bytes], path: Path) -> None:
    size, head = 0, b""
    with path.open("wb") as file:
        for chunk in chunks:
            size += len(chunk)
            if size > LOGO_MAX_BYTES:
                raise logo_too_large()
            head += chunk[: max(0, HEAD_BYTES - len(head))]
            file.write(chunk)
    found = detect_format(head)
    if found is FileFormat.SVG:
        raise InvalidError(
            "brand.logo_svg",
            "An SVG can hold scripts and fonts and looks different in every program, so it is not "
            "taken. Export it as a transparent PNG, 1000 pixels wide or more.",
        )
    if found not in _LOGO_FORMATS:
        raise InvalidError(
            "brand.logo_format",
            f"{found or 'This file'} cannot be a logo. Save it as a PNG or WebP with a "
            "transparent background.",
        )


def logo_too_large() -> InvalidError:
    """Return the refusal of a file beyond the limit."""
    return InvalidError(
        "brand.logo_too_large",
        f"The logo is larger than {LOGO_MAX_BYTES // 1024 // 1024} MB. Export it smaller: 1000 "
        "pixels wide is enough.",
    )


def _refusal_of(code: str) -> InvalidError:
    if code == "upload.too_small":
        return InvalidError(
            "brand.logo_too_small",
            f"The logo is smaller than {MIN_SIDE_PX} pixels on one side. Export it larger.",
        )
    if code in ("upload.too_many_pixels", "upload.side_too_long"):
        return _too_long()
    return InvalidError(
        "brand.logo_unreadable",
        "The logo is damaged, animated or too heavy to open. Export it once more as a plain PNG.",
    )


def _require_usable(decoded: Decoded) -> None:
    if max(decoded.width_px, decoded.height_px) > LOGO_MAX_SIDE_PX:
        raise _too_long()
    if not decoded.has_alpha:
        raise InvalidError(
            "brand.logo_opaque",
            "The logo has no transparent background, so it would stand in a box on every picture. "
            "Export it with transparency.",
        )


def _too_long() -> InvalidError:
    return InvalidError(
        "brand.logo_too_many_pixels",
        f"The logo is longer than {LOGO_MAX_SIDE_PX} pixels. Export it smaller: 1000 pixels wide "
        "is enough.",
    )
