"""From what a seller chose to an order that can be placed, and its price before it is.

Owns the checks of an order's input and the quote. Writes nothing; placing it is `ordering`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from apps.billing.models import CreditAccount
from apps.catalog.models import SourcePhoto
from apps.compute import queries as compute_queries
from apps.compute import wire
from apps.core.errors import InvalidError, NotFoundError
from apps.studio.estimates import Estimate, Urgency, checked_fill, estimate, urgency_of
from apps.studio.picture_roles import checked_texts
from apps.studio.queries.brand import brand_kit, brand_of
from apps.studio.sales_channels import SalesChannel, require_white, select
from apps.studio.services.accompanying import checked_pictures
from apps.tenants.roles import Actor, Permission

_NAME_LENGTH = 120


@dataclass(frozen=True, slots=True)
class CheckedOrder:
    """An order that is right in itself; whether the credits suffice is decided by the hold."""

    photos: tuple[SourcePhoto, ...]
    """In the order chosen."""
    scene: dict[str, Any]
    """The scene as JSON values, with the seller's framing."""
    scene_title: str
    kind: str
    sales_channels: tuple[SalesChannel, ...]
    size: Estimate
    urgency: Urgency
    name: str
    texts: dict[str, str]
    """Words that the pictures set, by name."""
    pictures: dict[str, str]
    """Role to photo of what is chosen for the whole shoot."""

    @property
    def outputs(self) -> list[dict[str, Any]]:
        """What every render is finished as."""
        return [entry.output() for entry in self.sales_channels]


@dataclass(frozen=True, slots=True)
class Quote:
    """What an order will cost and when it will be done."""

    order: CheckedOrder
    available: int
    """Credits of the workspace now."""
    finish_p50_seconds: float | None
    finish_p90_seconds: float | None
    engine: str
    worker_class: str
    """Where its renders will be made."""
    promises: tuple[compute_queries.RenderPromise, ...] = ()
    """Of each render, in the order of shots and takes; empty while nobody serves the line."""

    @property
    def renders(self) -> int:
        """Pictures to make."""
        return self.order.size.renders

    @property
    def credits(self) -> int:
        """Credits to hold; those of failed renders come back."""
        return self.order.size.credits

    @property
    def available_after(self) -> int:
        """Credits left when the order is placed; negative if they do not suffice."""
        return self.available - self.credits

    @property
    def left(self) -> int:
        """Credits left when the order is placed, 0 if they do not suffice."""
        return max(0, self.available_after)

    @property
    def missing(self) -> int:
        """Credits that are lacking for the order."""
        return max(0, -self.available_after)

    def to_json(self) -> dict[str, Any]:
        """Return what the shoot keeps of the promise."""
        return {
            "renders": self.renders,
            "credits": self.credits,
            "finish_p50_seconds": self.finish_p50_seconds,
            "finish_p90_seconds": self.finish_p90_seconds,
            "outputs": self.order.outputs,
        }


def quote_shoot(
    *,
    actor: Actor,
    photo_ids: Sequence[str],
    scene_slug: str,
    sales_channels: Sequence[str],
    takes: int = 1,
    name: str = "",
    framing_fill: float | None = None,
    urgency: Urgency | None = None,
    texts: Mapping[str, str] | None = None,
    pictures: Mapping[str, str] | None = None,
) -> Quote:
    """Say what `order_shoot` with the same arguments would cost and promise. Write nothing.

    Raises
    ------
    ForbiddenError, InvalidError, NotFoundError
        As `order_shoot`; too few credits are in the quote and raise nothing.
    """
    actor.require(Permission.ORDER_SHOOT)
    order = checked_order(
        photo_ids=photo_ids,
        scene_slug=scene_slug,
        sales_channels=sales_channels,
        takes=takes,
        name=name,
        framing_fill=framing_fill,
        urgency=urgency,
        texts=texts,
        pictures=pictures,
    )
    return quote_order(tenant=actor.tenant, order=order)


def quote_order(*, tenant: str, order: CheckedOrder) -> Quote:
    """Price an order that was checked before."""
    account = CreditAccount.objects.filter(tenant_id=tenant).first()
    engine = compute_queries.engine_for(order.kind)
    worker_class = compute_queries.class_for(
        engine=engine, kind=order.kind, units=order.size.cost_units_each
    )
    promise = compute_queries.promise(
        tenant,
        [order.size.cost_units_each] * order.size.renders,
        kind=order.kind,
        engine=engine,
        worker_class=worker_class,
        urgency=order.urgency,
    )
    return Quote(
        order=order,
        available=account.available if account else 0,
        finish_p50_seconds=promise.p50_seconds,
        finish_p90_seconds=promise.p90_seconds,
        engine=engine,
        worker_class=worker_class,
        promises=promise.each,
    )


def checked_order(
    *,
    photo_ids: Sequence[str],
    scene_slug: str,
    sales_channels: Sequence[str],
    takes: int,
    name: str,
    framing_fill: float | None,
    urgency: Urgency | None,
    texts: Mapping[str, str] | None = None,
    pictures: Mapping[str, str] | None = None,
) -> CheckedOrder:
    """Check everything about an order that does not change while it waits.

    Raises
    ------
    InvalidError
        With a code ``studio.…`` that names the part of the order.
    NotFoundError
        ``studio.photo_missing`` if a photo does not exist in this workspace.
    """
    scene = wire.builtin_scenes().get(scene_slug)
    if scene is None:
        raise InvalidError(
            "studio.scene_unknown",
            f"There is no scene {scene_slug[:60]!r}. Choose one of the scenes shown.",
            scene=scene_slug[:60],
        )
    if framing_fill is not None:
        scene = replace(scene, framing=replace(scene.framing, fill=checked_fill(framing_fill)))
    channels = select(sales_channels)
    require_white(channels, scene_title=scene.title, scene_is_exact_white=scene.is_exact_white)
    wanted = tuple(dict.fromkeys(photo_ids))
    size = estimate(
        photos=len(wanted), takes=takes, megapixels=[entry.megapixels for entry in channels]
    )
    photos, kind = _photos(wanted), wire.KINDS[scene.kind]
    scene, pictures = _branded(scene, pictures or {})
    return CheckedOrder(
        photos=photos,
        scene=scene.to_json(),
        scene_title=scene.title,
        kind=scene.kind,
        sales_channels=channels,
        size=size,
        urgency=urgency or urgency_of(size.renders),
        name=_checked_name(name),
        texts=checked_texts(scene.kind, kind.texts, texts or {}, needs_one=kind.needs_text),
        pictures=checked_pictures(scene, photos, pictures),
    )


def _branded(
    scene: wire.SceneSpec, pictures: Mapping[str, str]
) -> tuple[wire.SceneSpec, Mapping[str, str]]:
    """Return scene and pictures with the workspace's brand where the template gives way to one."""
    kit = brand_kit() if scene.kind == "collateral" else None
    if kit is None:
        return scene, pictures
    if "logo" in scene.options.brand and kit.logo_id and not pictures.get("logo"):
        pictures = {**pictures, "logo": kit.logo_id}
    return replace(scene, options=wire.branded(scene.options, brand_of(kit))), pictures


def _photos(wanted: tuple[str, ...]) -> tuple[SourcePhoto, ...]:
    found = SourcePhoto.objects.select_related("product").in_bulk(wanted)
    if len(found) < len(wanted):
        raise NotFoundError(
            "studio.photo_missing",
            "One of the chosen photos does not exist any more. Reload the page and choose again.",
        )
    return tuple(found[photo] for photo in wanted)


def _checked_name(name: str) -> str:
    clean = " ".join(name.split())
    if len(clean) > _NAME_LENGTH:
        raise InvalidError(
            "studio.name_too_long", f"Shorten the name to {_NAME_LENGTH} characters."
        )
    return clean
