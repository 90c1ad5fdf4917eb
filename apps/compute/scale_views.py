"""Reading the database into what the scaling policies see.

Owns the queries behind `policy.fleet.ClassView`; what happened since the last look is told by
`scale_feed`. Decides nothing and writes nothing. Instants are seconds since the epoch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Count, Max

from apps.billing.models import CreditAccount
from apps.billing.plans import PLANS
from apps.compute import holds
from apps.compute.models import FairShare, Worker, WorkerLife, WorkItem
from apps.compute.policy.fleet import ClassView, QueuedView, WorkerState, WorkerView
from apps.compute.providers.base import ColdStart, ProvidedWorker
from apps.compute.scale_feed import SIZE_FIELDS, p50_seconds
from apps.compute.snapshots import Estimates
from apps.core import clock
from apps.tenants.scope import across_tenants

_QUEUE_READ: Final = 2_000
_QUEUE_READ_PER_WORKER: Final = 50
"""A longer line asks for no more workers than this part of it already does."""
HOLD_SECONDS: Final = 300.0
"""How long a worker waits for a verdict on what it made."""
_STARTS_LEARNED: Final = 50
_STARTS_NEEDED: Final = 5


@dataclass(frozen=True, slots=True)
class Roster:
    """Who is paid for or at work, of all classes, read once for one look."""

    workers: Mapping[str, Worker]
    lives: Mapping[str, WorkerLife]
    """Open ones."""
    busy: Mapping[str, tuple[float, float]]
    """Workers that render: since when, and the p50 seconds of all they began and have not ended."""
    provided: Mapping[str, ProvidedWorker]
    held: Set[str] = frozenset()

    @property
    def names(self) -> set[str]:
        """All of them."""
        return set(self.workers) | set(self.lives) | set(self.provided)

    def class_of(self, name: str) -> str:
        """Return the worker class of one of them."""
        if name in self.lives:
            return self.lives[name].worker_class
        if name in self.provided:
            return self.provided[name].worker_class
        return self.workers[name].worker_class


@dataclass(frozen=True, slots=True)
class Patience:
    """Work that may wait longer while a budget runs low."""

    extra_seconds: float = 0.0
    trial_tenants: frozenset[str] = frozenset()


NO_PATIENCE: Final = Patience()


def roster(provided: Mapping[str, ProvidedWorker], held: Set[str] = frozenset()) -> Roster:
    """Return everybody who is paid for or at work, in three queries."""
    workers = {row.name: row for row in Worker.objects.exclude(state=Worker.State.GONE)}
    lives = {life.worker: life for life in WorkerLife.objects.filter(released_at__isnull=True)}
    return Roster(workers, lives, _busy_workers(), provided, held)


def class_view(
    worker_class: str,
    roster: Roster,
    cold: ColdStart,
    *,
    max_workers: int,
    patience: Patience = NO_PATIENCE,
) -> ClassView:
    """Return what a policy sees of one class."""
    now = clock.now().timestamp()
    names = [name for name in roster.names if roster.class_of(name) == worker_class]
    ordered = sorted(names, key=lambda name: (_launched_at(name, roster), name))
    return ClassView(
        worker_class=worker_class,
        now=now,
        queued=_queued(worker_class, now, max_workers, patience),
        workers=tuple(_worker_view(name, roster, cold, now) for name in ordered),
        cold_start_p50=cold.p50_seconds,
        cold_start_p95=cold.p95_seconds,
        max_workers=max_workers,
    )


def cold_start(worker_class: str, provider: str, believed: ColdStart) -> ColdStart:
    """Return how long a launch takes: learned from the last ones, believed before there are 5."""
    seconds = sorted(
        (life.online_at - life.launched_at).total_seconds()
        for life in WorkerLife.objects.filter(
            worker_class=worker_class, provider=provider, online_at__isnull=False
        ).order_by("-launched_at")[:_STARTS_LEARNED]
        if life.online_at is not None
    )
    if len(seconds) < _STARTS_NEEDED:
        return believed
    return ColdStart(_rank(seconds, 0.5), _rank(seconds, 0.95))


def silence_seconds(now: datetime) -> float:
    """Return for how long no worker has been heard; 0 while there is none to hear."""
    newest = Worker.objects.exclude(state=Worker.State.GONE).aggregate(at=Max("seen_at"))["at"]
    return max(0.0, (now - newest).total_seconds()) if newest else 0.0


def work_waits_unserved() -> bool:
    """Return whether work waits in a class of which no worker is free."""
    free = Worker.objects.filter(state=Worker.State.IDLE).values_list("worker_class", flat=True)
    with across_tenants("whether anybody waits, without saying who"):
        return (
            WorkItem.objects.filter(state=WorkItem.State.QUEUED)
            .exclude(worker_class__in=set(free))
            .exists()
        )


def reserved_workers(worker_class: str) -> int:
    """Return how many workers the plans of those who use a class keep warm, all together."""
    reserved = {slug: plan.reserved_workers for slug, plan in PLANS.items()}
    with across_tenants("how many workers all contracts together keep warm"):
        accounts = CreditAccount.objects.filter(
            plan_slug__in=[slug for slug, workers in reserved.items() if workers],
            tenant__in=FairShare.objects.filter(worker_class=worker_class).values("tenant"),
        )
        return sum(reserved[slug] for slug in accounts.values_list("plan_slug", flat=True))


def open_items_by_tenant(worker_class: str) -> list[int]:
    """Return how many items each tenant has accepted and not ended in a class, without names."""
    with across_tenants("how unevenly demand is spread, without saying whose"):
        rows = (
            WorkItem.objects.filter(state__in=WorkItem.OPEN, worker_class=worker_class)
            .values("tenant")
            .annotate(items=Count("id"))
            .order_by("tenant")
        )
        return [row["items"] for row in rows]


def trial_patience(seconds: float) -> Patience:
    """Return the patience that is asked of trial and bulk work."""
    with across_tenants("which tenants are on trial, for a budget that runs low"):
        trial = CreditAccount.objects.filter(plan_slug="trial").values_list("tenant_id", flat=True)
        return Patience(seconds, frozenset(trial))


def busiest_engine(worker_class: str, engines: Sequence[str]) -> str:
    """Return the engine of a class for which most work waits, the first one if none does."""
    if len(engines) == 1:
        return engines[0]
    with across_tenants("which engine is asked for most, without saying by whom"):
        rows = (
            WorkItem.objects.filter(
                state__in=(WorkItem.State.QUEUED, WorkItem.State.DISPATCHED),
                worker_class=worker_class,
            )
            .values("engine")
            .annotate(items=Count("id"))
        )
        waiting = {row["engine"]: row["items"] for row in rows}
    return max(engines, key=lambda engine: (waiting.get(engine, 0), -engines.index(engine)))


def held_workers(now: datetime) -> frozenset[str]:
    """Return the worker of each lane that made the last first pictures still under review.

    One for each lane: whoever looks at a proof and orders the rest meets a warm engine. What many
    of them come back with is demand like any other, and the sizing sees it.
    """
    since = now - timedelta(seconds=HOLD_SECONDS)
    with across_tenants("which workers are likely asked for the rest of a shoot, not whose it is"):
        made = list(
            WorkItem.objects.filter(
                finished_at__gte=since,
                state=WorkItem.State.SUCCEEDED,
                urgency=WorkItem.Urgency.INTERACTIVE,
            )
            .order_by("finished_at", "id")
            .values_list("group", "worker_class", "engine", "worker")
        )
        looked_at = holds.open_reviews(sorted({group for group, *_ in made}))
    return frozenset(
        {
            (worker_class, engine): worker
            for group, worker_class, engine, worker in made
            if group in looked_at
        }.values()
    )


def _busy_workers() -> dict[str, tuple[float, float]]:
    estimates = Estimates()
    busy: dict[str, tuple[float, float]] = {}
    with across_tenants("which workers are busy and until when, not for whom"):
        rows = WorkItem.objects.filter(state=WorkItem.State.RUNNING, started_at__isnull=False)
        for row in rows.values("worker", "started_at", *SIZE_FIELDS):
            since, seconds = busy.get(row["worker"], (float("inf"), 0.0))
            busy[row["worker"]] = (
                min(since, row["started_at"].timestamp()),
                seconds + p50_seconds(row, estimates),
            )
    return busy


def _queued(
    worker_class: str, now: float, max_workers: int, patience: Patience
) -> tuple[QueuedView, ...]:
    estimates = Estimates()
    read = max(_QUEUE_READ, _QUEUE_READ_PER_WORKER * max_workers)
    queued: list[QueuedView] = []
    with across_tenants("how much waits and for how long, not whose it is"):
        # What already lies in a lane's queue goes first; then the oldest, straight from the index.
        for state in (WorkItem.State.DISPATCHED, WorkItem.State.QUEUED):
            rows = WorkItem.objects.filter(state=state, worker_class=worker_class)
            for row in rows.order_by("queued_at").values(
                "tenant_id", "urgency", "queued_at", *SIZE_FIELDS
            )[: read - len(queued)]:
                since = _waits_since(row, now, patience)
                queued.append(QueuedView(since, p50_seconds(row, estimates)))
    return tuple(queued)


def _waits_since(row: Mapping[str, Any], now: float, patience: Patience) -> float:
    """Return when its wait began; later than it did for work that is asked to be patient."""
    since: float = row["queued_at"].timestamp()
    if patience.extra_seconds and (
        row["urgency"] == WorkItem.Urgency.BULK or row["tenant_id"] in patience.trial_tenants
    ):
        since += patience.extra_seconds
    return min(since, now)


def _worker_view(name: str, roster: Roster, cold: ColdStart, now: float) -> WorkerView:
    provided = roster.provided.get(name)
    state, since = _state(name, roster)
    began, seconds = roster.busy.get(name, (now, 0.0))
    free_at = max(now, began + seconds)
    if state == "starting":
        free_at = _eta(since, cold, now)
    # A worker that its provider does not know is nobody's to drain.
    return WorkerView(name, state, since, free_at, name in roster.held or provided is None)


def _state(name: str, roster: Roster) -> tuple[WorkerState, float]:
    """Return what a worker does, and since when."""
    row, life = roster.workers.get(name), roster.lives.get(name)
    provided = roster.provided.get(name)
    online_at = life.online_at if life else None
    state: WorkerState = "idle"
    if life is not None and life.drain_asked_at is not None:
        state, since = "draining", life.drain_asked_at.timestamp()
    elif row is None and online_at is not None:
        # It was here and fell silent: nothing may be expected of it.
        state, since = "draining", online_at.timestamp()
    elif row is None:
        state, since = "starting", _launched_at(name, roster)
    elif row.state == Worker.State.DRAINING or (provided and provided.state == "draining"):
        state, since = "draining", row.seen_at.timestamp()
    elif name in roster.busy:
        state, since = "busy", roster.busy[name][0]
    elif row.state == Worker.State.BUSY:
        # It has just taken an order, or just given back the last one of a batch.
        state, since = "busy", row.seen_at.timestamp()
    else:
        ready_at = online_at or row.started_at
        last = life.last_order_at if life else None
        since = max(ready_at, last or ready_at).timestamp()
    return state, since


def _launched_at(name: str, roster: Roster) -> float:
    if name in roster.lives:
        return roster.lives[name].launched_at.timestamp()
    if name in roster.provided:
        return roster.provided[name].launched_at.timestamp()
    return roster.workers[name].started_at.timestamp()


def _eta(launched_at: float, cold: ColdStart, now: float) -> float:
    """Return when a starting worker is likely ready: as usual, or by p95, or any moment now."""
    for seconds in (cold.p50_seconds, cold.p95_seconds):
        if launched_at + seconds > now:
            return launched_at + seconds
    return now + max(1.0, cold.p95_seconds - cold.p50_seconds)


def _rank(ordered: Sequence[float], share: float) -> float:
    """Return the nearest-rank quantile of at least one value."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
