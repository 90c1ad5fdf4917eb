"""What the fleet cost and what it did with the time it was paid for.

Lives are cut to the time asked about. Rendering is counted where it ended; loading is spread evenly
over a life, because only its sum is known. Money is in minor units of one currency.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Count, Q, Sum
from django.db.models.functions import TruncDate

from apps.compute.models import WorkerLife, WorkItem
from apps.core import clock
from apps.tenants.scope import across_tenants

DEFAULT_CURRENCY: Final = "EUR"


@dataclass(frozen=True, slots=True)
class Ledger:
    """Worker-seconds by what they went into, and their price."""

    start_seconds: float
    load_seconds: float
    active_seconds: float
    idle_seconds: float
    cost_minor: float
    currency: str
    renders: int
    """Delivered in that time."""

    @property
    def paid_seconds(self) -> float:
        """All of them."""
        return self.start_seconds + self.load_seconds + self.active_seconds + self.idle_seconds

    @property
    def utilization(self) -> float:
        """Share of the paid time that went into rendering, 0 to 1; 0 if nothing was paid."""
        return self.active_seconds / self.paid_seconds if self.paid_seconds else 0.0

    @property
    def cost_per_render_minor(self) -> float | None:
        """What a delivered image cost; None if there was none."""
        return self.cost_minor / self.renders if self.renders else None

    @property
    def seconds_per_render(self) -> float | None:
        """Paid worker-seconds of a delivered image; None if there was none."""
        return self.paid_seconds / self.renders if self.renders else None


@dataclass(frozen=True, slots=True)
class DayLedger:
    """The ledger of one day, UTC."""

    day: datetime
    ledger: Ledger


def ledger_between(since: datetime, until: datetime, *, worker_class: str = "") -> Ledger:
    """Return what was paid between two instants; of one class, or of all if it is empty."""
    with across_tenants("the ledger of the common fleet: sums only"):
        done = WorkItem.objects.filter(
            finished_at__gte=since, finished_at__lt=until, state=WorkItem.State.SUCCEEDED
        )
        if worker_class:
            done = done.filter(worker_class=worker_class)
        made = done.aggregate(renders=Count("id"), seconds=Sum("service_seconds"))
    lives = _lives(since, until, worker_class)
    return _ledger(lives, since, until, made["seconds"] or 0.0, made["renders"])


def ledger_by_day(days: int, *, worker_class: str = "") -> tuple[DayLedger, ...]:
    """Return the ledgers of the last days, today's last, in two queries."""
    now = clock.now()
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    first = today - timedelta(days=days - 1)
    with across_tenants("the ledger of the common fleet: sums only"):
        done = WorkItem.objects.filter(finished_at__gte=first, state=WorkItem.State.SUCCEEDED)
        if worker_class:
            done = done.filter(worker_class=worker_class)
        made = {
            row["day"]: (row["seconds"] or 0.0, row["renders"])
            for row in done.annotate(day=TruncDate("finished_at"))
            .values("day")
            .annotate(renders=Count("id"), seconds=Sum("service_seconds"))
        }
    lives = _lives(first, now, worker_class)
    found = []
    for number in range(days):
        since = first + timedelta(days=number)
        until = min(now, since + timedelta(days=1))
        seconds, renders = made.get(since.date(), (0.0, 0))
        found.append(DayLedger(since, _ledger(lives, since, until, seconds, renders)))
    return tuple(found)


def paid_seconds(since: datetime, until: datetime) -> float:
    """Return the worker-seconds of all classes that were paid between two instants."""
    return sum(_overlap(life, since, until) for life in _lives(since, until, ""))


def _lives(since: datetime, until: datetime, worker_class: str) -> list[WorkerLife]:
    lives = WorkerLife.objects.filter(launched_at__lt=until).filter(
        Q(released_at__isnull=True) | Q(released_at__gt=since)
    )
    return list(lives.filter(worker_class=worker_class) if worker_class else lives)


def _ledger(
    lives: Iterable[WorkerLife], since: datetime, until: datetime, active: float, renders: int
) -> Ledger:
    start = load = paid = cost = 0.0
    currencies: dict[str, float] = defaultdict(float)
    for life in lives:
        part = _overlap(life, since, until)
        if part <= 0:
            continue
        paid += part
        price = part / 3600.0 * life.price_minor_per_hour
        cost += price
        currencies[life.currency] += price
        ready_at = life.online_at or life.released_at or until
        start += _seconds(max(life.launched_at, since), min(ready_at, until))
        whole = life.paid_seconds(until)
        load += life.load_seconds * part / whole if whole else 0.0
    # A worker is not paid for longer than it lives, whatever clocks its reports came from.
    active = min(active, max(0.0, paid - start - load))
    return Ledger(
        start_seconds=start,
        load_seconds=load,
        active_seconds=active,
        idle_seconds=max(0.0, paid - start - load - active),
        cost_minor=cost,
        currency=max(
            currencies, key=lambda name: (currencies[name], name), default=DEFAULT_CURRENCY
        ),
        renders=renders,
    )


def _overlap(life: WorkerLife, since: datetime, until: datetime) -> float:
    return _seconds(max(life.launched_at, since), min(life.released_at or until, until))


def _seconds(since: datetime, until: datetime) -> float:
    return max(0.0, (until - since).total_seconds())
