"""The fleet as its operator sees it: classes, lanes, workers, decisions, ledger and budget.

Numbers of all tenants together; nothing here names one. Ages and waits are seconds, money is in
minor units.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db.models import Count, Max, Min, Q

from apps.compute import wire
from apps.compute.models import ScaleDecision, Worker, WorkerLife, WorkItem
from apps.compute.queries.ledger import DEFAULT_CURRENCY, Ledger, ledger_between, paid_seconds
from apps.core import clock
from apps.tenants.scope import across_tenants

_DECISIONS_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class LaneBacklog:
    """What waits in one lane."""

    lane: str
    worker_class: str
    engine: str
    queued: int
    in_flight: int
    oldest_wait_seconds: float
    """Of what is queued; 0 if nothing is."""


@dataclass(frozen=True, slots=True)
class FleetWorker:
    """One worker that is paid for."""

    name: str
    worker_class: str
    engine: str
    state: str
    """starting, idle, busy or draining."""
    provider: str
    place: str
    is_spot: bool
    launched_at: datetime
    age_seconds: float
    seen_at: datetime | None
    """Its last heartbeat; None before the first."""
    last_order_at: datetime | None
    """Begin of its present order, or end of its last one."""
    start_seconds: float
    load_seconds: float
    active_seconds: float
    idle_seconds: float
    cost_minor: float
    currency: str


@dataclass(frozen=True, slots=True)
class FleetClass:
    """One worker class."""

    worker_class: str
    alive: int
    """Idle and busy."""
    starting: int
    idle: int
    busy: int
    draining: int
    target: int | None
    """Of the last decision; None before the first."""
    is_shadow: bool
    """The last decision was only recorded."""
    min_workers: int
    max_workers: int | None
    """As configured; None if only the fleet's capacity bounds it."""
    lanes: tuple[LaneBacklog, ...]


@dataclass(frozen=True, slots=True)
class DecisionReason:
    """One part's answer in a decision."""

    part: str
    workers: int
    words: str
    numbers: Mapping[str, float]
    is_decisive: bool
    """Its answer is the target."""


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision of the autoscaler."""

    decided_at: datetime
    worker_class: str
    workers: int
    target: int
    launched: int
    drained: tuple[str, ...]
    reasons: tuple[DecisionReason, ...]
    is_shadow: bool


@dataclass(frozen=True, slots=True)
class Budget:
    """Worker-seconds used and allowed; a limit of 0 is none."""

    hour_used_seconds: float
    hour_limit_seconds: float
    month_used_seconds: float
    month_limit_seconds: float


@dataclass(frozen=True, slots=True)
class FleetPage:
    """All of it."""

    classes: tuple[FleetClass, ...]
    workers: tuple[FleetWorker, ...]
    decisions: tuple[Decision, ...]
    """The last ones of all classes, newest first."""
    today: Ledger
    budget: Budget

    @property
    def lanes(self) -> tuple[LaneBacklog, ...]:
        """The lanes of all classes."""
        return tuple(lane for one in self.classes for lane in one.lanes)


def fleet_page() -> FleetPage:
    """Return the state of the fleet in a bounded number of queries."""
    now = clock.now()
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    workers = fleet_workers(now)
    return FleetPage(
        classes=fleet_classes(workers),
        workers=workers,
        decisions=decision_log(limit=_DECISIONS_SHOWN),
        today=ledger_between(today, now),
        budget=worker_budget(now),
    )


def fleet_classes(workers: Sequence[FleetWorker]) -> tuple[FleetClass, ...]:
    """Return every class that is configured, has workers or has work, in the order of names."""
    states: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for worker in workers:
        states[worker.worker_class][worker.state] += 1
    lanes = lane_backlogs()
    targets = latest_decisions()
    names = (
        {lane.worker_class for lane in lanes if lane.queued or lane.in_flight}
        | set(settings.MIN_WORKERS)
        | set(settings.MAX_WORKERS)
        | set(states)
        | set(targets)
    )
    return tuple(
        FleetClass(
            worker_class=name,
            alive=states[name]["idle"] + states[name]["busy"],
            starting=states[name]["starting"],
            idle=states[name]["idle"],
            busy=states[name]["busy"],
            draining=states[name]["draining"],
            target=targets[name].target if name in targets else None,
            is_shadow=targets[name].is_shadow if name in targets else False,
            min_workers=settings.MIN_WORKERS.get(name, 0),
            max_workers=settings.MAX_WORKERS.get(name),
            lanes=tuple(lane for lane in lanes if lane.worker_class == name),
        )
        for name in sorted(names)
    )


def fleet_workers(now: datetime) -> tuple[FleetWorker, ...]:
    """Return all workers that are paid for or heard of, by class and launch."""
    rows = {row.name: row for row in Worker.objects.exclude(state=Worker.State.GONE)}
    lives = {life.worker: life for life in WorkerLife.objects.filter(released_at__isnull=True)}
    running = _running_workers()
    found = []
    for name in rows.keys() | lives.keys():
        row, life = rows.get(name), lives.get(name)
        # A worker that others started has no life in the ledger until the autoscaler meets it.
        life = life or _unpaid_life(rows[name])
        found.append(
            FleetWorker(
                name=name,
                worker_class=life.worker_class,
                engine=life.engine,
                state=_state(row, life, is_running=name in running),
                provider=life.provider,
                place=life.place or (row.host if row else ""),
                is_spot=life.is_spot,
                launched_at=life.launched_at,
                age_seconds=life.paid_seconds(now),
                seen_at=row.seen_at if row else None,
                last_order_at=running.get(name) or life.last_order_at,
                start_seconds=life.start_seconds(now),
                load_seconds=life.load_seconds,
                active_seconds=life.active_seconds,
                idle_seconds=life.idle_seconds(now),
                cost_minor=life.price_minor(now),
                currency=life.currency,
            )
        )
    return tuple(sorted(found, key=lambda one: (one.worker_class, one.launched_at, one.name)))


def lane_backlogs() -> tuple[LaneBacklog, ...]:
    """Return what waits in each lane that exists, empty ones too."""
    now = clock.now()
    with across_tenants("the size of each lane's backlog, without saying whose"):
        rows: dict[tuple[str, str], dict[str, Any]] = {
            (row["worker_class"], row["engine"]): dict(row)
            for row in WorkItem.objects.filter(state__in=WorkItem.OPEN)
            .values("worker_class", "engine")
            .annotate(
                queued=Count("id", filter=Q(state=WorkItem.State.QUEUED)),
                in_flight=Count("id", filter=Q(state__in=WorkItem.IN_FLIGHT)),
                oldest=Min("queued_at", filter=Q(state=WorkItem.State.QUEUED)),
            )
        }
    known = {parts for name in settings.RQ_QUEUES if (parts := wire.parts_of_lane(name))}
    found = []
    for worker_class, engine in sorted(known | rows.keys()):
        row = rows.get((worker_class, engine), {"queued": 0, "in_flight": 0, "oldest": None})
        found.append(
            LaneBacklog(
                lane=wire.lane(worker_class, engine),
                worker_class=worker_class,
                engine=engine,
                queued=row["queued"],
                in_flight=row["in_flight"],
                oldest_wait_seconds=(now - row["oldest"]).total_seconds() if row["oldest"] else 0.0,
            )
        )
    return tuple(found)


def decision_log(
    worker_class: str = "", *, limit: int = 100, before: datetime | None = None
) -> tuple[Decision, ...]:
    """Return the last decisions, newest first; of one class, or of all if it is empty."""
    rows = ScaleDecision.objects.defer("view").order_by("-decided_at", "-id")
    if worker_class:
        rows = rows.filter(worker_class=worker_class)
    if before is not None:
        rows = rows.filter(decided_at__lt=before)
    return tuple(_decision(row) for row in rows[:limit])


def latest_decisions() -> dict[str, Decision]:
    """Return the last decision of each class: its target is what the fleet should be."""
    last = ScaleDecision.objects.values("worker_class").annotate(newest=Max("id"))
    rows = ScaleDecision.objects.defer("view").filter(pk__in=[row["newest"] for row in last])
    return {row.worker_class: _decision(row) for row in rows}


def worker_budget(now: datetime) -> Budget:
    """Return what was used in the last hour and since the first of the month, UTC."""
    month = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return Budget(
        hour_used_seconds=paid_seconds(now - timedelta(hours=1), now),
        hour_limit_seconds=settings.WORKER_BUDGET_SECONDS_PER_HOUR,
        month_used_seconds=paid_seconds(month, now),
        month_limit_seconds=settings.WORKER_BUDGET_SECONDS_PER_MONTH,
    )


def _decision(row: ScaleDecision) -> Decision:
    return Decision(
        decided_at=row.decided_at,
        worker_class=row.worker_class,
        workers=row.workers,
        target=row.target,
        launched=row.launched,
        drained=tuple(row.drained),
        reasons=tuple(
            DecisionReason(
                part=reason["part"],
                workers=reason["workers"],
                words=reason["words"],
                numbers=reason["numbers"],
                is_decisive=reason["workers"] == row.target,
            )
            for reason in row.reasons
        ),
        is_shadow=row.is_shadow,
    )


def _running_workers() -> dict[str, datetime | None]:
    """Return the workers that render now, with the beginning of their present order."""
    with across_tenants("which workers are busy, not for whom"):
        return dict(
            WorkItem.objects.filter(state=WorkItem.State.RUNNING)
            .values("worker")
            .annotate(began=Max("started_at"))
            .values_list("worker", "began")
        )


def _state(row: Worker | None, life: WorkerLife, *, is_running: bool) -> str:
    if life.drain_asked_at is not None or (row and row.state == Worker.State.DRAINING):
        return "draining"
    if row is None:
        return "starting"
    return "busy" if is_running or row.state == Worker.State.BUSY else "idle"


def _unpaid_life(row: Worker) -> WorkerLife:
    return WorkerLife(
        worker=row.name,
        worker_class=row.worker_class,
        engine=row.engine,
        place=row.host,
        currency=DEFAULT_CURRENCY,
        launched_at=row.started_at,
        online_at=row.started_at,
    )
