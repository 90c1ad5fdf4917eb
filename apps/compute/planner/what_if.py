"""The last day of one worker class with another fleet: the operator's question to the simulator.

What arrived is replayed as it was, in the order and with the work that was measured; what is not
done yet is estimated. Numbers of all tenants together. Times are seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.utils.translation import gettext as _

from apps.compute import snapshots
from apps.compute.models import WorkItem
from apps.compute.planner.child import simulate_apart
from apps.compute.planner.launch import fleet_bound
from apps.compute.planner.scenario import COLUMNS, Demand, Variant, VariantResult
from apps.compute.queries.foresight import cold_start_seconds
from apps.core import clock
from apps.core.charts import Chart, Series, chart
from apps.tenants.scope import across_tenants

HOURS: Final = 24
_ITEMS_READ: Final = 50_000
_LEAST_WORK_SECONDS: Final = 0.01


@dataclass(frozen=True, slots=True)
class WhatIf:
    """The answer; None instead of it where nothing arrived."""

    worker_class: str
    items: int
    group: int
    as_now: VariantResult
    changed: VariantResult
    workers: Chart


def present_values(worker_class: str) -> dict[str, object]:
    """Return the fleet as it is, as initial values of the form."""
    return {
        "worker_class": worker_class,
        "max_workers": fleet_bound(worker_class),
        "target_wait_seconds": settings.TARGET_WAIT_SECONDS,
        "cold_start_seconds": round(cold_start_seconds(worker_class), 1),
    }


def what_if(
    *,
    worker_class: str,
    max_workers: int,
    target_wait_seconds: float,
    cold_start_seconds: float,
) -> WhatIf | None:
    """Replay the last 24 hours twice: with the fleet as it is, and as it is asked about.

    Raises
    ------
    UnavailableError
        As `child.simulate_apart`.
    """
    arrivals, works = _arrivals(worker_class)
    if not arrivals:
        return None
    now = present_values(worker_class)
    least = settings.MIN_WORKERS.get(worker_class, 0)

    def variant(name: str, most: int, target: float, cold: float) -> Variant:
        floor = min(least, most)
        return Variant(
            name=name,
            max_workers=most,
            target_wait_seconds=target,
            cold_start_seconds=cold,
            warm_workers=floor,
            floor_workers=floor,
            floor_seconds=HOURS * 3600.0,
        )

    present = variant(
        "as_now",
        int(str(now["max_workers"])),
        settings.TARGET_WAIT_SECONDS,
        float(str(now["cold_start_seconds"])),
    )
    asked = variant("changed", max_workers, target_wait_seconds, cold_start_seconds)
    result = simulate_apart(
        Demand(0, 0.0, 1.0, 1.0, arrivals=arrivals, works=works), (present, asked)
    )
    as_now, changed = result.variants
    return WhatIf(
        worker_class=worker_class,
        items=len(arrivals),
        group=result.group,
        as_now=as_now,
        changed=changed,
        workers=_chart(as_now, changed),
    )


def _arrivals(worker_class: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return when work came, in seconds since the first, and how long it took."""
    since = clock.now() - timedelta(hours=HOURS)
    with across_tenants("the load of the common fleet, without saying whose"):
        rows = list(
            WorkItem.objects.filter(worker_class=worker_class, queued_at__gte=since)
            .order_by("queued_at", "id")
            .values_list("queued_at", "service_seconds", "kind", "engine", "cost_units")[
                :_ITEMS_READ
            ]
        )
    estimates = snapshots.Estimates()
    works = [
        seconds
        if seconds is not None
        else estimates.of(kind=kind, engine=engine, worker_class=worker_class, units=units).p50
        for _queued, seconds, kind, engine, units in rows
    ]
    first = rows[0][0] if rows else since
    return (
        tuple((row[0] - first).total_seconds() for row in rows),
        tuple(max(_LEAST_WORK_SECONDS, work) for work in works),
    )


def _chart(as_now: VariantResult, changed: VariantResult) -> Chart:
    hours = as_now.timeline_seconds / 3600
    return chart(
        title=_("Workers over the day"),
        labels=[f"+{hours * place / COLUMNS:.1f} h" for place in range(COLUMNS)],
        series=[
            Series(_("Changed"), changed.timeline, tone="accent", shape="area"),
            Series(_("As now"), as_now.timeline, tone="warning", shape="step"),
        ],
        unit=_("workers"),
    )
