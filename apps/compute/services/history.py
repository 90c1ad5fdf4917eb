"""Past demand by the hour, the floors that follow from it and from the calendar, and forgetting.

Owns `DemandHour`, and how long the autoscaler's rows are kept. Times are seconds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db.models import Min

from apps.compute.models import (
    DemandHour,
    DemandPeriod,
    ScaleDecision,
    ServiceTime,
    WorkerLife,
    WorkItem,
)
from apps.compute.policy.autoscaling import Floor
from apps.compute.policy.calendar import (
    FORECAST_WEEKS,
    MARGIN_SECONDS,
    PlannedDemand,
    calendar_floors,
    forecast_floor,
)
from apps.compute.policy.replay import ShadowFleets
from apps.compute.providers.base import ColdStart
from apps.compute.scale_feed import SIZE_FIELDS, p50_seconds
from apps.compute.snapshots import Estimates
from apps.tenants.scope import across_tenants

HOUR: Final = timedelta(hours=1)
_SETTLE: Final = timedelta(minutes=2)
"""An hour is counted when its last orders have been committed."""
_BACK: Final = timedelta(days=7 * FORECAST_WEEKS)
_RUN_UP: Final = timedelta(minutes=10)
_LARGEST_REPLAYED: Final = 64
_NEEDED_SHARE: Final = 0.9
_USUAL_UNITS: Final = 4.0
"""Megapixels of one 2000 px square, where nothing of the kind was ever ordered."""
_AHEAD: Final = timedelta(days=1)
_KEEP_DECISIONS: Final = timedelta(days=14)
_KEEP_HOURS: Final = timedelta(days=60)
_KEEP_LIVES: Final = timedelta(days=400)


def count_hours(now: datetime, *, at_most: int = 24) -> int:
    """Count hours that are over and not counted yet. Return how many, `at_most` in one call."""
    with across_tenants("past demand of the common fleet: sums only"):
        until = (now - _SETTLE).replace(minute=0, second=0, microsecond=0)
        last = DemandHour.objects.order_by("-starts_at").values_list("starts_at", flat=True).first()
        if last is None:
            first = WorkItem.objects.filter(queued_at__gte=now - _BACK).aggregate(
                at=Min("queued_at")
            )["at"]
            if first is None:
                return 0
            start = first.replace(minute=0, second=0, microsecond=0)
        else:
            start = max(last + HOUR, until - _BACK)
        counted = 0
        while start < until and counted < at_most:
            _count_hour(start)
            start += HOUR
            counted += 1
        return counted


def _count_hour(start: datetime) -> None:
    """Enter one hour for every class that ever had one or has work in it: zeros are news too."""
    estimates = Estimates()
    target = settings.TARGET_WAIT_SECONDS
    fleets: dict[str, ShadowFleets] = defaultdict(lambda: ShadowFleets(_LARGEST_REPLAYED, target))
    needs: dict[str, list[int]] = defaultdict(list)
    work: dict[str, float] = defaultdict(float)
    rows = (
        WorkItem.objects.filter(queued_at__gte=start - _RUN_UP, queued_at__lt=start + HOUR)
        .order_by("queued_at", "id")
        .values("queued_at", "service_seconds", *SIZE_FIELDS)
    )
    for row in rows.iterator():
        seconds = row["service_seconds"]
        seconds = p50_seconds(row, estimates) if seconds is None else seconds
        need = fleets[row["worker_class"]].need(row["queued_at"].timestamp(), seconds)
        if row["queued_at"] >= start:
            needs[row["worker_class"]].append(need)
            work[row["worker_class"]] += seconds
    known = set(DemandHour.objects.values_list("worker_class", flat=True).distinct())
    for worker_class in sorted(known | needs.keys()):
        ordered = sorted(needs[worker_class])
        rank = min(len(ordered) - 1, int(_NEEDED_SHARE * len(ordered)))
        DemandHour.objects.update_or_create(
            worker_class=worker_class,
            starts_at=start,
            defaults={
                "arrivals": len(ordered),
                "work_seconds": work[worker_class],
                "needed_workers": float(ordered[rank]) if ordered else 0.0,
            },
        )


def lead_seconds(cold: ColdStart) -> float:
    """Return how long before its time a floor begins."""
    return cold.p95_seconds + MARGIN_SECONDS


def planned_floors(worker_class: str, cold: ColdStart, now: datetime) -> tuple[Floor, ...]:
    """Return the floors of what all tenants have planned for the next day."""
    with across_tenants("what all tenants expect adds up to one fleet"):
        periods = list(
            DemandPeriod.objects.filter(
                canceled_at__isnull=True, ends_at__gt=now, starts_at__lt=now + _AHEAD
            ).values_list("kind", "starts_at", "ends_at", "renders")
        )
    if not periods:
        return ()
    classes = {kind: _class_and_seconds(kind) for kind in {row[0] for row in periods}}
    return calendar_floors(
        (
            PlannedDemand(begin.timestamp(), end.timestamp(), renders, classes[kind][1])
            for kind, begin, end, renders in periods
            if classes[kind][0] == worker_class
        ),
        lead_seconds=lead_seconds(cold),
        target_wait_seconds=settings.TARGET_WAIT_SECONDS,
    )


def forecast_floors(worker_class: str, cold: ColdStart, now: datetime) -> tuple[Floor, ...]:
    """Return the floors of this hour and the next from the same hours of past weeks."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    found = (
        forecast_floor(
            needed_in_past_weeks(worker_class, start),
            starts_at=start.timestamp(),
            lead_seconds=lead_seconds(cold),
        )
        for start in (hour, hour + HOUR)
    )
    return tuple(floor for floor in found if floor is not None)


def needed_in_past_weeks(worker_class: str, start: datetime) -> Sequence[float]:
    """Return what the same hour of the last weeks needed, the oldest first."""
    hours = [start - timedelta(weeks=week) for week in range(FORECAST_WEEKS, 0, -1)]
    return list(
        DemandHour.objects.filter(worker_class=worker_class, starts_at__in=hours)
        .order_by("starts_at")
        .values_list("needed_workers", flat=True)
    )


def forget_old(now: datetime) -> int:
    """Delete what nobody asks for any more. Return how many rows."""
    return sum(
        rows.delete()[0]
        for rows in (
            ScaleDecision.objects.filter(decided_at__lt=now - _KEEP_DECISIONS),
            DemandHour.objects.filter(starts_at__lt=now - _KEEP_HOURS),
            WorkerLife.objects.filter(released_at__lt=now - _KEEP_LIVES),
        )
    )


def _class_and_seconds(kind: str) -> tuple[str, float]:
    """Return where most renders of a kind were made, and how long one usually takes there."""
    row = ServiceTime.objects.filter(kind=kind).order_by("-completions", "pk").first()
    worker_class = row.worker_class if row else "cpu"
    engine = row.engine if row else "classical"
    with across_tenants("the usual size of a render of this kind"):
        units = (
            WorkItem.objects.filter(kind=kind)
            .order_by("-queued_at")
            .values_list("cost_units", flat=True)[:1]
            .first()
        )
    size = {
        "kind": kind,
        "engine": engine,
        "worker_class": worker_class,
        "cost_units": units or _USUAL_UNITS,
    }
    return worker_class, p50_seconds(size, Estimates())
