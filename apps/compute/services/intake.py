"""Accepting work and taking it back.

Owns the birth of work items and their cancellation. Runs inside the caller's transaction, so that
work exists exactly if what it was ordered with (credits, renders) does too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from django.conf import settings
from django.db import transaction

from apps.compute import completion, wire
from apps.compute.models import WorkItem
from apps.compute.queries import RenderPromise
from apps.compute.services import movements, shares
from apps.compute.services.movements import Step, movement_of
from apps.core import clock, queue
from apps.core.errors import InvalidError
from apps.tenants.roles import Actor
from apps.tenants.scope import tenant_scope


@dataclass(frozen=True, slots=True)
class NewWork:
    """One render to make, self-contained."""

    subject: str
    """Id of the render; a tenant orders each only once."""
    group: str
    """Id of the shoot."""
    kind: str
    source_key: str
    scene: dict[str, Any]
    outputs: list[dict[str, Any]] = field(default_factory=list)
    seed: int = 0
    cutout_key: str = ""
    """Where the photo's cutout is kept; empty keeps none."""
    extras: dict[str, str] = field(default_factory=dict)
    """Role of another picture to its object key."""
    texts: dict[str, str] = field(default_factory=dict)
    """Words that the picture sets."""
    urgency: Literal["interactive", "bulk"] = "interactive"
    cost_units: float = 1.0
    """Megapixels to produce, above 0."""
    engine: str = "classical"
    worker_class: str = "cpu"
    steps: int = 0
    """Denoising steps, 0 where the engine has none."""
    takes: int = 1
    """Pictures made in one go."""
    promise: RenderPromise | None = None
    """What was shown for it; None if nothing could be promised."""


def submit(*, actor: Actor, work: Sequence[NewWork]) -> list[WorkItem]:
    """Accept work in the caller's transaction; the dispatcher is woken after its commit.

    Returns
    -------
    The work items in the order given.

    Raises
    ------
    InvalidError
        ``compute.order_invalid`` if no worker could read an order, ``compute.lane_unknown`` if
        none serves its engine and class; nothing is accepted.
    """
    desk = _Desk(actor.tenant)
    rows = [desk.new_item(item) for item in work]
    with tenant_scope(actor.tenant), transaction.atomic():
        numbers = {
            worker_class: shares.next_line_change(actor.tenant, worker_class)
            for worker_class in sorted({row.worker_class for row in rows})
        }
        for row in rows:
            row.line_change = numbers[row.worker_class]
        items: list[WorkItem] = WorkItem.objects.bulk_create(rows, batch_size=500)
        queue.wake_dispatcher()
        queue.wake_autoscaler()
    return items


def cancel(*, actor: Actor, group: str | None = None, subject: str | None = None) -> int:
    """Take back what has not ended of a shoot or of one render. Return how many items.

    An item that a worker is busy with is canceled too: its report finds the state changed and
    changes nothing.

    Raises
    ------
    ValueError
        Unless exactly one of group and subject is given.
    """
    if (group is None) == (subject is None):
        raise ValueError("name a group or a subject")
    named = {"group": group} if subject is None else {"subject": subject}
    with tenant_scope(actor.tenant), transaction.atomic():
        # A shoot is locked before its items, by everybody; what then is open stays so until the
        # end, since whoever moves an item asks for the shoot first.
        rows = WorkItem.objects.filter(state__in=WorkItem.OPEN, **named).order_by("id")
        completion.lock([movement_of(item) for item in rows.defer("order")])
        items = list(rows.select_for_update().defer("order"))
        now = clock.now()
        changes = {
            "state": WorkItem.State.CANCELED,
            "finished_at": now,
            "lease_expires_at": None,
        }
        taken = movements.commit(
            [
                Step(
                    item,
                    "canceled",
                    movement_of(item),
                    dict(changes),
                    used_seconds=shares.seconds_since_start(item, now),
                )
                for item in items
            ]
        )
    return len(taken)


class _Desk:
    """Checks the work of one submission; a scene that five thousand orders share only once."""

    def __init__(self, tenant: str) -> None:
        self._tenant = tenant
        self._now = clock.now()
        self._scenes: dict[int, dict[str, Any]] = {}
        self._outputs: dict[int, list[dict[str, Any]]] = {}

    def new_item(self, work: NewWork) -> WorkItem:
        _require_servable(work)
        try:
            if id(work.scene) not in self._scenes:
                self._scenes[id(work.scene)] = wire.checked_scene(work.scene)
            if id(work.outputs) not in self._outputs:
                self._outputs[id(work.outputs)] = wire.checked_outputs(work.outputs)
        except wire.OrderInvalid as error:
            raise _order_invalid(error.detail) from error
        return WorkItem(
            tenant_id=self._tenant,
            subject=work.subject,
            group=work.group,
            kind=work.kind,
            engine=work.engine,
            worker_class=work.worker_class,
            batch_key=_batch_key(work),
            urgency=work.urgency,
            cost_units=work.cost_units,
            steps=work.steps,
            takes=work.takes,
            **_promised(work.promise, self._now),
            order={
                "kind": work.kind,
                "source_key": work.source_key,
                "scene": self._scenes[id(work.scene)],
                "outputs": self._outputs[id(work.outputs)],
                "seed": work.seed,
                "cutout_key": work.cutout_key,
                "extras": work.extras,
                "texts": work.texts,
            },
        )


def _promised(promise: RenderPromise | None, now: datetime) -> dict[str, Any]:
    if promise is None:
        return {}
    return {
        "promised_p50_at": now + timedelta(seconds=promise.p50_seconds),
        "promised_p90_at": now + timedelta(seconds=promise.p90_seconds),
        "forecast_p90_seconds": promise.forecast_p90_seconds,
    }


def _require_servable(work: NewWork) -> None:
    if wire.lane(work.worker_class, work.engine) not in settings.RQ_QUEUES:
        raise InvalidError(
            "compute.lane_unknown",
            f"No worker runs {work.engine} on {work.worker_class}. Choose another engine.",
            engine=work.engine,
            worker_class=work.worker_class,
        )
    if not (math.isfinite(work.cost_units) and work.cost_units > 0):
        raise _order_invalid(f"cost_units: {work.cost_units} is not above 0")
    if work.urgency not in WorkItem.Urgency.values:
        raise _order_invalid(f"urgency: {work.urgency!r} is none of {WorkItem.Urgency.values}")


def _batch_key(work: NewWork) -> str:
    """Return what must be equal for two orders to run together: pipeline, engine and canvas.

    The canvas counts in powers of two of its pixels, of the largest output: a batch of like
    sizes fills a device evenly.
    """
    pixels = max(output["width_px"] * output["height_px"] for output in work.outputs)
    return f"{work.engine}/{work.kind}/{max(pixels, 1).bit_length()}"


def _order_invalid(detail: str) -> InvalidError:
    return InvalidError(
        "compute.order_invalid", f"This cannot be rendered as ordered: {detail}.", detail=detail
    )
