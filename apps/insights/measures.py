"""The whole product in numbers, of all tenants together, for those who watch it run.

Owns what is counted and over which time; `metrics` puts it into a monitoring system's words. All of
it is read when it is asked for, so that any number of web processes tell the same, and names no
tenant. Times are seconds, money is in minor units.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db.models import Avg, Count, DurationField, ExpressionWrapper, F, Q

from apps.compute import queries as compute
from apps.compute import wire
from apps.compute.models import WorkerLife, WorkItem
from apps.compute.queries.ledger import Ledger
from apps.compute.queries.workers import FleetClass, fleet_classes, fleet_workers
from apps.core import clock
from apps.studio.queries.promises import Book
from apps.tenants.scope import across_tenants

WAIT_STEPS_SECONDS: Final = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800)
"""30 is the promise of interactive work; the others let quantiles be read."""
DECISION_LASTS: Final = timedelta(minutes=10)
"""Twice as long as an autoscaler that runs lets pass between two records of the same decision."""
_ORDERS_READ: Final = 500

_ENDED = (WorkItem.State.SUCCEEDED, WorkItem.State.FAILED, WorkItem.State.CANCELED)


@dataclass(frozen=True, slots=True)
class Ended:
    """Renders that ended within an hour."""

    by_outcome: Mapping[str, int]
    waits: Sequence[int]
    """How many of them began within each of `WAIT_STEPS_SECONDS`, then how many began at all."""
    waited_seconds: float
    """All their waits together."""


@dataclass(frozen=True, slots=True)
class Promises:
    """The last orders of a day: how the shown times of completion turned out."""

    orders: int
    within_p50: float | None
    """Share, 0 to 1; None if there was no order."""
    within_p90: float | None


@dataclass(frozen=True, slots=True)
class Changes:
    """Workers of one class within an hour."""

    worker_class: str
    launched: int
    drained: int
    lost: int


@dataclass(frozen=True, slots=True)
class Measures:
    """All of it."""

    conductor_leads: bool
    classes: Sequence[FleetClass]
    changes: Sequence[Changes]
    today: Mapping[str, Ledger]
    """Since midnight UTC, by worker class."""
    ended: Ended
    promises: Promises


def measures() -> Measures:
    """Return the numbers of this moment. The number of queries grows with worker classes only."""
    now = clock.now()
    hour, day = now - timedelta(hours=1), now - timedelta(days=1)
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    classes = fleet_classes(fleet_workers(now))
    names = [one.worker_class for one in classes]
    return Measures(
        conductor_leads=compute.conductor_leads(),
        classes=classes,
        changes=_changes(hour),
        today={name: compute.ledger_between(today, now, worker_class=name) for name in names},
        ended=_ended(hour),
        promises=_promises(day),
    )


def worker_classes() -> Sequence[str]:
    """Return every class there is a lane for, in the order of names."""
    parts = (wire.parts_of_lane(name) for name in settings.RQ_QUEUES)
    return sorted({found[0] for found in parts if found})


def desired_workers(worker_class: str) -> int | None:
    """Return how many workers there should be; None while nobody decides about that."""
    decision = compute.latest_decisions().get(worker_class)
    if decision is None or clock.now() - decision.decided_at > DECISION_LASTS:
        return None
    return decision.target if compute.conductor_leads() else None


def _ended(since: datetime) -> Ended:
    wait = ExpressionWrapper(F("started_at") - F("queued_at"), output_field=DurationField())
    steps: dict[str, Any] = {
        f"within_{step}": Count("id", filter=Q(wait__lte=timedelta(seconds=step)))
        for step in WAIT_STEPS_SECONDS
    }
    with across_tenants("how long work waited and how it ended, without saying whose"):
        rows: list[dict[str, Any]] = [
            dict(row)
            for row in WorkItem.objects.filter(finished_at__gte=since, state__in=_ENDED)
            .annotate(wait=wait)
            .values("state")
            .annotate(items=Count("id"), started=Count("started_at"), mean=Avg("wait"), **steps)
            .order_by("state")
        ]
    return Ended(
        by_outcome=dict.fromkeys(_ENDED, 0) | {row["state"]: row["items"] for row in rows},
        waits=[sum(row[name] for row in rows) for name in (*steps, "started")],
        waited_seconds=sum(
            row["mean"].total_seconds() * row["started"] for row in rows if row["mean"]
        ),
    )


def _changes(since: datetime) -> Sequence[Changes]:
    rows = (
        WorkerLife.objects.filter(Q(released_at__gte=since) | Q(released_at__isnull=True))
        .values("worker_class")
        .annotate(
            launched=Count("id", filter=Q(launched_at__gte=since)),
            drained=Count("id", filter=Q(drain_asked_at__gte=since)),
            lost=Count("id", filter=Q(released_at__gte=since, end=WorkerLife.End.LOST)),
        )
        .order_by("worker_class")
    )
    return [Changes(**row) for row in rows]


def _promises(since: datetime) -> Promises:
    with across_tenants("how often promises were kept, without saying to whom"):
        orders = [
            order
            for order in Book().ended_orders(since=since, limit=_ORDERS_READ)
            if order.is_kept is not None and order.is_typical is not None
        ]
    if not orders:
        return Promises(0, None, None)
    return Promises(
        orders=len(orders),
        within_p50=sum(order.is_typical is True for order in orders) / len(orders),
        within_p90=sum(order.is_kept is True for order in orders) / len(orders),
    )
