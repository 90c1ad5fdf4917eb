"""The backlog as others see it: where a render stands, what is promised, who is at work."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db.models import Count, F, Min, Q
from django.db.models.functions import Now

from apps.compute import snapshots, wire
from apps.compute.models import LoopLease, PromiseRecord, Worker, WorkItem
from apps.compute.policy.admission import Forecast
from apps.compute.policy.calibration import Calibration
from apps.compute.policy.snapshot import WaitingItem
from apps.compute.queries.line import Line
from apps.core import clock
from apps.tenants.scope import across_tenants

_WAITS_READ: Final = 20_000
_QUOTED: Final = "quoted-{:06d}"


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one render stands."""

    state: str
    position: int | None
    """Place in the line, 1 is next; only while queued and somebody serves the line."""
    expected_start_seconds: float | None
    """From now, as likely earlier as later; only where `position` is known."""


@dataclass(frozen=True, slots=True)
class RenderPromise:
    """When one render of an order would be finished; seconds from now."""

    p50_seconds: float
    p90_seconds: float
    """As shown: corrected by how earlier promises were kept."""
    forecast_p90_seconds: float
    """Before that correction."""


@dataclass(frozen=True, slots=True)
class Promise:
    """When an order placed now would be complete; seconds from now, None while nobody serves it."""

    p50_seconds: float | None
    p90_seconds: float | None
    each: tuple[RenderPromise, ...] = ()
    """Of its renders, in the order asked."""


@dataclass(frozen=True, slots=True)
class KeptPromises:
    """Renders that ended and had been promised, and those of them that ended in time."""

    ended: int
    kept: int

    @property
    def share(self) -> float | None:
        """Share that ended before the p90 shown, 0 to 1; None if nothing ended."""
        return self.kept / self.ended if self.ended else None


@dataclass(frozen=True, slots=True)
class ClassFleet:
    """The live workers of one class."""

    worker_class: str
    alive: int
    busy: int


@dataclass(frozen=True, slots=True)
class Fleet:
    """The fleet and what waits for it."""

    classes: tuple[ClassFleet, ...]
    queued: int
    in_flight: int
    oldest_wait_seconds: float
    """Of what is queued; 0 if nothing is."""

    @property
    def alive(self) -> int:
        """Live workers of all classes."""
        return sum(one.alive for one in self.classes)


@dataclass(frozen=True, slots=True)
class QueueWait:
    """Seconds between order and start of what was started lately."""

    started: int
    p50_seconds: float | None
    p95_seconds: float | None


def standing(group: str) -> dict[str, Standing]:
    """Return where each render of a shoot stands, by render, for the open tenant."""
    rows = list(WorkItem.objects.filter(group=group).values_list("id", "subject", "state"))
    waits = any(state == WorkItem.State.QUEUED for _, _, state in rows)
    plan = _line.plan() if waits else {}
    standings = {}
    for item, subject, state in rows:
        found = plan.get(item) if state == WorkItem.State.QUEUED else None
        standings[subject] = Standing(
            state=state,
            position=found.position if found else None,
            expected_start_seconds=found.start_p50 if found else None,
        )
    return standings


def forecasts(items: Collection[str]) -> dict[str, Forecast]:
    """Return the forecast of each of these items that waits and whose lane is served."""
    plan = _line.plan() if items else {}
    return {item: plan[item] for item in items if item in plan}


def promise(
    tenant: str,
    sizes: Sequence[float],
    *,
    kind: str = "",
    engine: str = "classical",
    worker_class: str = "cpu",
    urgency: str = "interactive",
) -> Promise:
    """Return when an order would be complete if it were placed now.

    Parameters
    ----------
    sizes
        Cost units of each render.
    kind
        Pipeline; empty takes the commonest one of the lane.
    """
    now = clock.now().timestamp()
    estimates = snapshots.Estimates()
    lane = wire.lane(worker_class, engine)
    quoted = []
    for number, units in enumerate(sizes):
        seconds = estimates.of(kind=kind, engine=engine, worker_class=worker_class, units=units)
        quoted.append(
            WaitingItem(
                item=_QUOTED.format(number),
                tenant=tenant,
                lane=lane,
                worker_class=worker_class,
                batch_key="",
                is_interactive=urgency == WorkItem.Urgency.INTERACTIVE,
                waits_since=now,
                p50_seconds=seconds.p50,
                p90_seconds=seconds.p90,
            )
        )
    plan = _line.with_thought(quoted)
    if not quoted or quoted[0].item not in plan:
        return Promise(None, None)
    record = PromiseRecord.objects.filter(lane=lane, urgency=urgency).first()
    learned = Calibration(record.factor, record.promises) if record else Calibration()
    each = tuple(_promised(plan[item.item], learned) for item in quoted)
    return Promise(
        p50_seconds=max(one.p50_seconds for one in each),
        p90_seconds=max(one.p90_seconds for one in each),
        each=each,
    )


def promises_kept(*, days: int = 30) -> KeptPromises:
    """Return how many renders of the open scope were finished before the p90 they were shown."""
    since = clock.now() - timedelta(days=days)
    found = WorkItem.objects.filter(
        finished_at__gte=since, state=WorkItem.State.SUCCEEDED, promised_p90_at__isnull=False
    ).aggregate(
        ended=Count("id"), kept=Count("id", filter=Q(finished_at__lte=F("promised_p90_at")))
    )
    return KeptPromises(ended=found["ended"], kept=found["kept"])


def _promised(found: Forecast, learned: Calibration) -> RenderPromise:
    return RenderPromise(
        p50_seconds=found.finish_p50,
        p90_seconds=learned.shown(found.finish_p50, found.finish_p90),
        forecast_p90_seconds=found.finish_p90,
    )


def fleet() -> Fleet:
    """Return the state of the fleet, of all tenants together: numbers only."""
    now = clock.now()
    alive = (
        Worker.objects.exclude(state=Worker.State.GONE)
        .values("worker_class")
        .annotate(alive=Count("name"), busy=Count("name", filter=Q(state=Worker.State.BUSY)))
        .order_by("worker_class")
    )
    with across_tenants("the size of the backlog, without saying whose"):
        backlog = WorkItem.objects.filter(state__in=WorkItem.OPEN).aggregate(
            queued=Count("id", filter=Q(state=WorkItem.State.QUEUED)),
            in_flight=Count("id", filter=Q(state__in=WorkItem.IN_FLIGHT)),
            oldest=Min("queued_at", filter=Q(state=WorkItem.State.QUEUED)),
        )
    oldest = backlog["oldest"]
    return Fleet(
        classes=tuple(ClassFleet(row["worker_class"], row["alive"], row["busy"]) for row in alive),
        queued=backlog["queued"],
        in_flight=backlog["in_flight"],
        oldest_wait_seconds=(now - oldest).total_seconds() if oldest else 0.0,
    )


def conductor_leads() -> bool:
    """Return whether a conductor runs the loops now."""
    return LoopLease.objects.filter(expires_at__gt=Now()).exists()


def queue_wait(*, hours: float = 1.0) -> QueueWait:
    """Return how long work of the open scope waited that was started in the last hours."""
    since = clock.now() - timedelta(hours=hours)
    rows = (
        WorkItem.objects.filter(started_at__gte=since)
        .order_by("-started_at")
        .values_list("queued_at", "started_at")[:_WAITS_READ]
    )
    waits = sorted(
        (started - queued).total_seconds() for queued, started in rows if started is not None
    )
    return QueueWait(
        started=len(waits), p50_seconds=_quantile(waits, 0.5), p95_seconds=_quantile(waits, 0.95)
    )


_line = Line()


def _quantile(ordered: Sequence[float], share: float) -> float | None:
    """Return the nearest-rank quantile."""
    if not ordered:
        return None
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
