"""A workspace's own lane: what of its work runs and waits, why, and what was promised for it.

Owns the page model of the operations page. Of other tenants it reads numbers only: how many have
open work, and the sum of their weights. Times are seconds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db.models import Count, Min, Q

from apps.billing.models import CreditAccount
from apps.compute.models import DemandPeriod, Worker, WorkerLife, WorkItem
from apps.compute.queries.backlog import QueueWait, forecasts, queue_wait
from apps.compute.queries.orders import Order, order_book
from apps.compute.queries.spending import Spending, spending
from apps.compute.queries.waiting import Situation, why_waiting
from apps.core import clock
from apps.tenants.scope import across_tenants, current_scope

_ORDERS_SHOWN: Final = 20
_ITEMS_READ: Final = 20_000
_PROMISES_SHOWN: Final = 5
_PROMISES_READ: Final = 2_000
_PROMISE_DAYS: Final = 30
_PERIODS_SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class LaneOrder:
    """An open order and where it stands. Instants are expected, not promised."""

    order: Order
    queued: int
    in_flight: int
    position: int | None
    """Place of its next item in the line, 1 is next; None if nothing of it waits."""
    start_p50_seconds: float | None
    finish_p50_seconds: float | None
    finish_p90_seconds: float | None
    """From now until its last waiting item is done; None if nothing of it waits."""
    now: datetime

    @property
    def promised_for(self) -> datetime | None:
        """When it should be done by the p90 that was shown."""
        if self.order.promised_p90_seconds is None:
            return None
        return self.order.ordered_at + timedelta(seconds=self.order.promised_p90_seconds)

    @property
    def expected_at(self) -> datetime | None:
        """When it will probably be done, as likely earlier as later."""
        if self.finish_p50_seconds is None:
            return None
        return self.now + timedelta(seconds=self.finish_p50_seconds)

    @property
    def is_late(self) -> bool:
        """Whether the promise is broken already or will probably be."""
        promised = self.promised_for
        return promised is not None and max(self.now, self.expected_at or self.now) > promised


@dataclass(frozen=True, slots=True)
class FairPart:
    """The workspace's part of one worker class."""

    worker_class: str
    workers: int
    starting: int
    queued: int
    running: int
    """Own items in flight."""
    running_all: int
    weight: float
    others: int
    others_weight: float

    @property
    def share(self) -> float:
        """Part of the class it gets while everyone who wants it now wants it; 0 to 1."""
        return self.weight / (self.weight + self.others_weight)

    @property
    def percent(self) -> int:
        """The same in percent."""
        return round(100 * self.share)

    @property
    def weights(self) -> float:
        """All weights that stand in the race now."""
        return self.weight + self.others_weight


@dataclass(frozen=True, slots=True)
class Promises:
    """What was shown at the order, and what came of it."""

    kept: int
    judged: int
    """Orders with a promise that are done."""
    typical: int
    """Done within the shown p50; about half of them if the forecast is right."""
    latest: tuple[Order, ...]

    @property
    def percent(self) -> int | None:
        """Share of promises kept, in percent."""
        return round(100 * self.kept / self.judged) if self.judged else None

    @property
    def typical_percent(self) -> int | None:
        """Share done within the shown p50, in percent."""
        return round(100 * self.typical / self.judged) if self.judged else None


@dataclass(frozen=True, slots=True)
class Lane:
    """The operations page of a workspace."""

    queued: int
    in_flight: int
    oldest_wait_seconds: float
    why: str
    orders: tuple[LaneOrder, ...]
    parts: tuple[FairPart, ...]
    plan_weight: float
    wait: QueueWait
    target_wait_seconds: float
    promises: Promises
    spending: Spending
    periods: tuple[DemandPeriod, ...]

    @property
    def is_stuck(self) -> bool:
        """Whether work waits and no worker is there or on its way."""
        return any(part.queued and not part.workers and not part.starting for part in self.parts)

    @property
    def is_within_target(self) -> bool:
        """Whether 95 of 100 renders started within the target wait today."""
        p95 = self.wait.p95_seconds
        return p95 is None or p95 <= self.target_wait_seconds


def lane() -> Lane:
    """Return the page for the open tenant. The number of queries is constant."""
    now = clock.now()
    own = WorkItem.objects.filter(state__in=WorkItem.OPEN).aggregate(
        queued=Count("id", filter=Q(state=WorkItem.State.QUEUED)),
        in_flight=Count("id", filter=Q(state__in=WorkItem.IN_FLIGHT)),
        oldest=Min("queued_at", filter=Q(state=WorkItem.State.QUEUED)),
    )
    spent = spending(now)
    parts = fair_parts()
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    oldest = own["oldest"]
    weight = CreditAccount.objects.get().plan.weight
    return Lane(
        queued=own["queued"],
        in_flight=own["in_flight"],
        oldest_wait_seconds=(now - oldest).total_seconds() if oldest else 0.0,
        why=why_waiting(_situation(own["queued"], own["in_flight"], weight, parts)),
        orders=lane_orders(now),
        parts=parts,
        plan_weight=weight,
        wait=queue_wait(hours=(now - midnight).total_seconds() / 3600),
        target_wait_seconds=settings.TARGET_WAIT_SECONDS,
        promises=promises(now),
        spending=spent,
        periods=upcoming_periods(now),
    )


def lane_orders(now: datetime) -> tuple[LaneOrder, ...]:
    """Return the oldest open orders of the open tenant, with their places. Three queries."""
    orders = order_book().open_orders(limit=_ORDERS_SHOWN)
    rows = (
        WorkItem.objects.filter(
            state__in=WorkItem.OPEN, group__in=[order.group for order in orders]
        )
        .order_by("queued_at", "id")
        .values_list("id", "group", "state")[:_ITEMS_READ]
    )
    queued: dict[str, list[str]] = defaultdict(list)
    in_flight: dict[str, int] = defaultdict(int)
    for item, group, state in rows:
        if state == WorkItem.State.QUEUED:
            queued[group].append(item)
        else:
            in_flight[group] += 1
    plan = forecasts([item for items in queued.values() for item in items])
    placed = []
    for order in orders:
        known = [plan[item] for item in queued[order.group] if item in plan]
        placed.append(
            LaneOrder(
                order=order,
                queued=len(queued[order.group]),
                in_flight=in_flight[order.group],
                position=min((each.position for each in known), default=None),
                start_p50_seconds=min((each.start_p50 for each in known), default=None),
                finish_p50_seconds=max((each.finish_p50 for each in known), default=None),
                finish_p90_seconds=max((each.finish_p90 for each in known), default=None),
                now=now,
            )
        )
    return tuple(placed)


def fair_parts() -> tuple[FairPart, ...]:
    """Return the open tenant's part of each worker class that is up or that it waits for."""
    tenant = current_scope().tenant or ""
    with across_tenants("a share depends on everyone who wants the fleet, numbers only"):
        open_work = list(
            WorkItem.objects.filter(state__in=WorkItem.OPEN)
            .order_by()
            .values("worker_class", "tenant_id")
            .annotate(
                queued=Count("id", filter=Q(state=WorkItem.State.QUEUED)),
                in_flight=Count("id", filter=Q(state__in=WorkItem.IN_FLIGHT)),
            )
        )
        wanted = {row["tenant_id"] for row in open_work} | {tenant}
        weights = {
            account.tenant_id: account.plan.weight
            for account in CreditAccount.objects.filter(tenant_id__in=sorted(wanted))
        }
    alive = _count(
        Worker.objects.filter(state__in=(Worker.State.IDLE, Worker.State.BUSY)).values_list(
            "worker_class", flat=True
        )
    )
    starting = _count(
        WorkerLife.objects.filter(online_at__isnull=True, released_at__isnull=True).values_list(
            "worker_class", flat=True
        )
    )
    mine = {row["worker_class"] for row in open_work if row["tenant_id"] == tenant}
    parts = []
    for worker_class in sorted(mine | alive.keys() | starting.keys()):
        rows = [row for row in open_work if row["worker_class"] == worker_class]
        own = next((row for row in rows if row["tenant_id"] == tenant), None)
        others = [row for row in rows if row["tenant_id"] != tenant]
        parts.append(
            FairPart(
                worker_class=worker_class,
                workers=alive.get(worker_class, 0),
                starting=starting.get(worker_class, 0),
                queued=own["queued"] if own else 0,
                running=own["in_flight"] if own else 0,
                running_all=sum(row["in_flight"] for row in rows),
                weight=weights.get(tenant, 1.0),
                others=len(others),
                others_weight=sum(weights.get(row["tenant_id"], 1.0) for row in others),
            )
        )
    return tuple(parts)


def promises(now: datetime) -> Promises:
    """Return how promises of the last 30 days turned out, for the open tenant. One query."""
    since = now - timedelta(days=_PROMISE_DAYS)
    ended = order_book().ended_orders(since=since, limit=_PROMISES_READ)
    judged = [order for order in ended if order.is_kept is not None]
    return Promises(
        kept=sum(1 for order in judged if order.is_kept),
        judged=len(judged),
        typical=sum(1 for order in judged if order.is_typical),
        latest=tuple(judged[:_PROMISES_SHOWN]),
    )


def upcoming_periods(now: datetime) -> tuple[DemandPeriod, ...]:
    """Return the next planned periods of the open tenant, those under way first."""
    return tuple(
        DemandPeriod.objects.filter(ends_at__gt=now, canceled_at__isnull=True).order_by(
            "starts_at", "id"
        )[:_PERIODS_SHOWN]
    )


def _situation(queued: int, in_flight: int, weight: float, parts: Sequence[FairPart]) -> Situation:
    # Of the classes it waits for the worst explains the wait; without any, all that are up count.
    waited_for = sorted(
        (part for part in parts if part.queued),
        key=lambda part: (part.workers, part.starting, -part.others_weight),
    )
    explained = waited_for[:1] or list(parts)
    return Situation(
        queued=queued,
        in_flight=in_flight,
        workers=sum(part.workers for part in explained),
        starting=sum(part.starting for part in explained),
        others=max((part.others for part in explained), default=0),
        weight=weight,
        others_weight=max((part.others_weight for part in explained), default=0.0),
    )


def _count(values: Iterable[str]) -> dict[str, int]:
    counts: dict[str, int] = defaultdict(int)
    for value in values:
        counts[value] += 1
    return counts
