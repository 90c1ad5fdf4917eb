"""Placing, repeating and taking back orders.

Owns the rows of a shoot and their order of locking (workspace, shoot, render, work item). Does not
own what becomes of the work (`receiving`) nor the queue (`apps.compute`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db import transaction
from django.db.models import Max

from apps.billing.credits import hold
from apps.billing.plans import CREDITS_PER_RENDER
from apps.compute import wire
from apps.compute.queries import RenderPromise, class_for, engine_for
from apps.compute.services import intake
from apps.compute.services.intake import NewWork
from apps.core.errors import ConflictError, InvalidError, NotFoundError
from apps.events import services as events
from apps.events.kinds import Kind
from apps.studio import reviewing
from apps.studio.estimates import Urgency, seed_of
from apps.studio.models import Render, Shoot, Shot
from apps.studio.services.accompanying import extras_of
from apps.studio.services.quoting import (
    CheckedOrder,
    Quote,
    checked_order,
    quote_order,
)
from apps.tenants.models import Tenant
from apps.tenants.roles import Actor, Permission


def order_shoot(
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
) -> Shoot:
    """Order renders of photos in one scene, finished for sales channels: all or nothing.

    Parameters
    ----------
    photo_ids
        Source photos; each becomes one shot, named twice only one.
    takes
        Renders of each shot.
    framing_fill
        Replaces the scene's share of the canvas where a sales channel prescribes none.
    urgency
        ``interactive`` up to 40 renders and ``bulk`` above, unless given.
    texts
        Words that the pictures set, by the names their kind knows.
    pictures
        Role to the id of a photo that all renders are made with, such as a logo.

    Raises
    ------
    ForbiddenError
        If the actor may not order.
    InvalidError
        If the input cannot be used; nothing is held.
    LimitError
        ``billing.credits_exhausted`` if the credits do not suffice.
    NotFoundError
        ``studio.photo_missing`` if a photo is not of this workspace.
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
    # Before the transaction: the promise simulates the queue and nobody waits for a lock on it.
    quote = quote_order(tenant=actor.tenant, order=order)
    with transaction.atomic():
        shoot = _write_shoot(actor, order, quote)
        renders = _write_renders(shoot, order)
        hold(
            tenant=actor.tenant,
            subjects=[render.id for render in renders],
            credits_each=CREDITS_PER_RENDER,
        )
        work = _work(
            shoot,
            renders,
            urgency=order.urgency,
            engine=quote.engine,
            worker_class=quote.worker_class,
            promises=quote.promises,
        )
        intake.submit(actor=actor, work=work)
        events.record(
            actor=actor,
            kind=Kind.SHOOT_ORDERED,
            subject=shoot.id,
            number=shoot.number,
            renders=len(renders),
            credits=shoot.credits,
        )
    return shoot


def retry_render(*, actor: Actor, render_id: str) -> Render:
    """Order a failed render once more: a new render with its own credit and work item.

    Raises
    ------
    ForbiddenError
        If the actor may not order.
    NotFoundError
        ``studio.render_missing``.
    ConflictError
        ``studio.not_failed``, ``studio.already_retried`` or ``studio.shoot_canceled``.
    LimitError
        ``billing.credits_exhausted``.
    """
    actor.require(Permission.ORDER_SHOOT)
    with transaction.atomic():
        failed = _render(render_id)
        shoot = _locked_shoot(failed.shoot_id)
        _require_retriable(failed, shoot)
        render = Render.objects.create(
            tenant_id=actor.tenant,
            shoot=shoot,
            shot=failed.shot,
            take=failed.take,
            seed=failed.seed,
            retry_of=failed,
        )
        hold(tenant=actor.tenant, subjects=[render.id], credits_each=CREDITS_PER_RENDER)
        _submit_again(actor, shoot, [render])
        events.record(
            actor=actor,
            kind=Kind.RENDER_RETRIED,
            subject=failed.id,
            shoot=shoot.id,
            retry=render.id,
        )
    return render


def render_again(*, actor: Actor, photo_id: str, render_ids: Sequence[str]) -> list[Render]:
    """Order renders of a photo once more, with its cutout as it is now: all or nothing.

    Each is a new render in the place of the old one, with a credit and a work item of its own; its
    scene, take and seed stay, so only the cutout differs, and a cutout that is kept is not made
    again. The old one keeps its row and its history.

    Raises
    ------
    ForbiddenError
        If the actor may not order.
    NotFoundError
        ``studio.render_missing`` if one is not of this photo.
    InvalidError
        ``studio.nothing_chosen``.
    ConflictError
        ``studio.not_ended``, ``studio.already_retried``, ``studio.render_approved`` or
        ``studio.shoot_canceled``.
    LimitError
        ``billing.credits_exhausted``.
    """
    actor.require(Permission.ORDER_SHOOT)
    wanted = sorted(set(render_ids))
    if not wanted:
        raise InvalidError("studio.nothing_chosen", "Choose at least one picture to make again.")
    with transaction.atomic():
        old = _locked_with_shoots(wanted, photo_id)
        approved = reviewing.desk().states(wanted)
        for render in old:
            _require_renewable(render, approved.get(render.id, ""))
        again = Render.objects.bulk_create(
            Render(
                tenant_id=actor.tenant,
                shoot=render.shoot,
                shot=render.shot,
                take=render.take,
                seed=render.seed,
                retry_of=render,
            )
            for render in old
        )
        hold(
            tenant=actor.tenant,
            subjects=[render.id for render in again],
            credits_each=CREDITS_PER_RENDER,
        )
        for shoot in {render.shoot_id: render.shoot for render in again}.values():
            own = [render for render in again if render.shoot_id == shoot.id]
            _submit_again(actor, shoot, own)
        events.record_each(
            actor=actor,
            kind=Kind.RENDER_RETRIED,
            facts=[
                (before.id, {"shoot": before.shoot_id, "retry": after.id})
                for before, after in zip(old, again, strict=True)
            ],
        )
    return again


def cancel_shoot(*, actor: Actor, shoot_id: str) -> Shoot:
    """Take back what of a shoot has not been made; its credits come back with every item.

    Raises
    ------
    ForbiddenError
        If the actor may not order.
    NotFoundError
        ``studio.shoot_missing``.
    ConflictError
        ``studio.shoot_ended`` if nothing is left to cancel.
    """
    actor.require(Permission.ORDER_SHOOT)
    with transaction.atomic():
        shoot = _locked_shoot(shoot_id)
        if shoot.state != Shoot.State.RENDERING:
            raise ConflictError(
                "studio.shoot_ended", "This shoot has ended: there is nothing left to cancel."
            )
        shoot.state = Shoot.State.CANCELED
        shoot.save(update_fields=["state"])
        intake.cancel(actor=actor, group=shoot.id)
        events.record(actor=actor, kind=Kind.SHOOT_CANCELED, subject=shoot.id, number=shoot.number)
    return shoot


def _submit_again(actor: Actor, shoot: Shoot, renders: Sequence[Render]) -> None:
    kind = _kind(shoot)
    engine = engine_for(kind)
    worker_class = class_for(engine=engine, kind=kind, units=_megapixels(shoot))
    work = _work(shoot, renders, urgency="interactive", engine=engine, worker_class=worker_class)
    intake.submit(actor=actor, work=work)
    shoot.state, shoot.finished_at = Shoot.State.RENDERING, None
    shoot.save(update_fields=["state", "finished_at"])


def _write_shoot(actor: Actor, order: CheckedOrder, quote: Quote) -> Shoot:
    # The workspace's row is locked while its shoots are counted; where a database cannot lock
    # rows its writers queue anyway, and the unique constraint stands behind both.
    Tenant.objects.select_for_update(no_key=True).get(pk=actor.tenant)
    last = Shoot.objects.aggregate(last=Max("number"))["last"] or 0
    return Shoot.objects.create(
        tenant_id=actor.tenant,
        number=last + 1,
        name=order.name,
        scene_slug=order.scene["slug"],
        scene=order.scene,
        sales_channels=[entry.slug for entry in order.sales_channels],
        takes=order.size.takes,
        credits=order.size.credits,
        quote=quote.to_json(),
        texts=order.texts,
        pictures=order.pictures,
        ordered_by=actor.label,
    )


def _write_renders(shoot: Shoot, order: CheckedOrder) -> list[Render]:
    shots = Shot.objects.bulk_create(
        Shot(tenant_id=shoot.tenant_id, shoot=shoot, photo=photo, position=position)
        for position, photo in enumerate(order.photos, start=1)
    )
    return Render.objects.bulk_create(
        Render(
            tenant_id=shoot.tenant_id,
            shoot=shoot,
            shot=shot,
            take=take,
            seed=seed_of(shoot=shoot.id, photo=shot.photo_id, take=take),
        )
        for shot in shots
        for take in range(1, order.size.takes + 1)
    )


def _work(
    shoot: Shoot,
    renders: Sequence[Render],
    *,
    urgency: Urgency,
    engine: str,
    worker_class: str,
    promises: Sequence[RenderPromise] = (),
) -> list[NewWork]:
    megapixels, kind = _megapixels(shoot), _kind(shoot)
    extras = extras_of(kind, {render.shot.photo for render in renders}, shoot.pictures)
    promised: Sequence[RenderPromise | None] = promises or [None] * len(renders)
    return [
        NewWork(
            subject=render.id,
            group=shoot.id,
            kind=kind,
            source_key=render.shot.photo.photo_key,
            cutout_key=render.shot.photo.cutout_key,
            scene=shoot.scene,
            outputs=shoot.outputs,
            seed=render.seed,
            extras=extras[render.shot.photo_id],
            texts=shoot.texts,
            urgency=urgency,
            engine=engine,
            worker_class=worker_class,
            cost_units=megapixels,
            promise=promise,
        )
        for render, promise in zip(renders, promised, strict=True)
    ]


def _kind(shoot: Shoot) -> str:
    """Return what is drawn; scenes of early shoots do not name it and are read for it."""
    return wire.scene_from_json(shoot.scene).kind


def _megapixels(shoot: Shoot) -> float:
    return float(sum(output["width_px"] * output["height_px"] / 1e6 for output in shoot.outputs))


def _render(render_id: str) -> Render:
    render = Render.objects.select_related("shot__photo").filter(pk=render_id).first()
    if render is None:
        raise NotFoundError("studio.render_missing", "There is no such render.")
    return render


def _locked_shoot(shoot_id: str) -> Shoot:
    shoot = Shoot.objects.select_for_update(no_key=True).filter(pk=shoot_id).first()
    if shoot is None:
        raise NotFoundError("studio.shoot_missing", "There is no such shoot.")
    return shoot


def _locked_with_shoots(render_ids: Sequence[str], photo_id: str) -> list[Render]:
    """Return renders of one photo in the order of the ids, their shoots locked as everybody does.

    Read again after the lock: what happened to them while it was waited for counts.
    """
    named = Render.objects.filter(pk__in=render_ids, shot__photo_id=photo_id)
    shoot_ids = set(named.values_list("shoot_id", flat=True))
    shoots = {
        shoot.pk: shoot
        for shoot in Shoot.objects.select_for_update(no_key=True)
        .filter(pk__in=shoot_ids)
        .order_by("pk")
    }
    renders = list(named.select_related("shot__photo").order_by("pk"))
    if len(renders) != len(render_ids):
        raise NotFoundError("studio.render_missing", "There is no such render of this photo.")
    for render in renders:
        render.shoot = shoots[render.shoot_id]
    return renders


def _require_renewable(render: Render, review: str) -> None:
    if render.state not in (Render.State.SUCCEEDED, Render.State.FAILED):
        raise ConflictError(
            "studio.not_ended",
            f"Only a finished render can be made again; this one is {render.state}.",
            render=render.id,
            state=render.state,
        )
    if review == "approved":
        raise ConflictError(
            "studio.render_approved",
            "An approved picture stays as it is. Undo its approval first to make it again.",
            render=render.id,
        )
    if render.shoot.state == Shoot.State.CANCELED:
        raise ConflictError(
            "studio.shoot_canceled", "The shoot was canceled. Order a new one for this photo."
        )
    if render.retries.exists():
        raise ConflictError(
            "studio.already_retried", "This render is being made again already.", render=render.id
        )


def _require_retriable(render: Render, shoot: Shoot) -> None:
    if render.state != Render.State.FAILED:
        raise ConflictError(
            "studio.not_failed",
            f"Only a failed render can be retried; this one is {render.state}.",
            state=render.state,
        )
    if shoot.state == Shoot.State.CANCELED:
        raise ConflictError(
            "studio.shoot_canceled", "The shoot was canceled. Order a new one for this photo."
        )
    if render.retries.exists():
        raise ConflictError("studio.already_retried", "This render is being made again already.")
