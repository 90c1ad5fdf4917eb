"""What planned demand means for the fleet and for the credits, before it comes.

Owns the arithmetic of one period: work from what renders took so far, workers from the very floor
that the autoscaler will keep for it. This is the answer for a form, in milliseconds. Times are
seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db.models import Avg

from apps.billing.models import CreditAccount
from apps.billing.plans import CREDITS_PER_RENDER
from apps.compute import snapshots
from apps.compute.models import ServiceTime, WorkerLife, WorkItem
from apps.compute.policy.calendar import MARGIN_SECONDS, PlannedDemand, calendar_floors
from apps.compute.policy.service_time import PRIOR_COMPLETIONS, Estimate
from apps.core import clock

_USUAL_UNITS: Final = 4.0
"""Megapixels of one 2000 px square: what most sales channels ask for."""
_HISTORY_DAYS: Final = 30
_LIVES_READ: Final = 50
_COLD_START_SECONDS: Final = 90.0


@dataclass(frozen=True, slots=True)
class UsualWork:
    """One render of a kind as the workspace usually orders it."""

    kind: str
    engine: str
    worker_class: str
    units: float
    seconds: Estimate
    completions: int
    """Renders the estimate has learned from, of all workspaces."""

    @property
    def is_learned(self) -> bool:
        """Whether the estimate has left its prior behind."""
        return self.completions >= PRIOR_COMPLETIONS


@dataclass(frozen=True, slots=True)
class Effect:
    """What a planned period changes."""

    work: UsualWork
    renders: int
    period_seconds: float
    worker_seconds: float
    workers: int
    """That keep the target wait while the renders come evenly."""
    max_workers: int | None
    """The class's cap; None where the fleet itself is the only bound."""
    launch_at: datetime
    lead_seconds: float
    cold_start_seconds: float
    credits: int
    credits_left: int
    is_automatic: bool
    """Whether workers start by themselves; a static fleet waits for its operator."""

    @property
    def warm_workers(self) -> int:
        """Workers that will be there, within the cap."""
        return self.workers if self.max_workers is None else min(self.workers, self.max_workers)

    @property
    def is_capped(self) -> bool:
        """Whether the cap is below what the period needs."""
        return self.warm_workers < self.workers

    @property
    def credits_missing(self) -> int:
        """Credits that are lacking today."""
        return max(0, self.credits - self.credits_left)

    @property
    def finish_late_seconds(self) -> float:
        """How long after the end the last render is done, if all come and the cap holds."""
        if not self.is_capped or self.warm_workers < 1:
            return 0.0
        span = self.worker_seconds / self.warm_workers
        return max(0.0, span - self.period_seconds)


def effect_of(*, kind: str, renders: int, starts_at: datetime, ends_at: datetime) -> Effect:
    """Return what planning this period would change, for the open tenant. Five queries.

    Parameters
    ----------
    renders
        At least 1, spread evenly from start to end; the end lies after the start.
    """
    work = usual_work(kind)
    span = (ends_at - starts_at).total_seconds()
    worker_seconds = renders * work.seconds.p50
    cold_start = cold_start_seconds(work.worker_class)
    lead = cold_start + MARGIN_SECONDS
    planned = PlannedDemand(0.0, span, renders, work.seconds.p50)
    floors = calendar_floors(
        [planned], lead_seconds=lead, target_wait_seconds=settings.TARGET_WAIT_SECONDS
    )
    account = CreditAccount.objects.get()
    return Effect(
        work=work,
        renders=renders,
        period_seconds=span,
        worker_seconds=worker_seconds,
        workers=max((floor.workers for floor in floors), default=0),
        max_workers=settings.MAX_WORKERS.get(work.worker_class),
        launch_at=max(clock.now(), starts_at - timedelta(seconds=lead)),
        lead_seconds=lead,
        cold_start_seconds=cold_start,
        credits=renders * CREDITS_PER_RENDER,
        credits_left=account.available,
        is_automatic=settings.FLEET != "static",
    )


def usual_work(kind: str) -> UsualWork:
    """Return what one render of the kind is for the open tenant: its size and its time."""
    since = clock.now() - timedelta(days=_HISTORY_DAYS)
    units = (
        WorkItem.objects.filter(kind=kind, queued_at__gte=since).aggregate(mean=Avg("cost_units"))[
            "mean"
        ]
        or _USUAL_UNITS
    )
    row = ServiceTime.objects.filter(kind=kind).order_by("-completions", "pk").first()
    engine = row.engine if row else "classical"
    worker_class = row.worker_class if row else "cpu"
    seconds = snapshots.Estimates().of(
        kind=kind, engine=engine, worker_class=worker_class, units=units
    )
    return UsualWork(
        kind=kind,
        engine=engine,
        worker_class=worker_class,
        units=units,
        seconds=seconds,
        completions=row.completions if row else 0,
    )


def cold_start_seconds(worker_class: str) -> float:
    """Return how long nine of ten of the latest starts of the class took; 90 before the first."""
    lives = WorkerLife.objects.filter(worker_class=worker_class, online_at__isnull=False).order_by(
        "-launched_at"
    )[:_LIVES_READ]
    took = sorted(life.start_seconds(life.launched_at) for life in lives)
    return took[int(0.9 * (len(took) - 1))] if took else _COLD_START_SECONDS
