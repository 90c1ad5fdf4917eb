"""The last hours of the fleet as charts: work that came, workers that were there, and the target.

Numbers of all tenants together. Times are seconds, instants UTC.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db.models import Count, Sum
from django.db.models.functions import TruncMinute
from django.utils.translation import gettext as _

from apps.compute import snapshots
from apps.compute.models import ScaleDecision, WorkItem
from apps.core import clock
from apps.core.charts import Chart, Series, chart
from apps.tenants.scope import across_tenants

_HOURS: Final = 6
_BUCKET: Final = timedelta(minutes=5)
_BUCKETS: Final = int(timedelta(hours=_HOURS) / _BUCKET)


@dataclass(frozen=True, slots=True)
class ClassLoad:
    """One class over the last hours."""

    worker_class: str
    chart: Chart


def fleet_load(worker_classes: Sequence[str]) -> tuple[ClassLoad, ...]:
    """Return a chart for each class: offered load in workers, workers and target.

    Four queries whatever the number of classes.
    """
    now = clock.now()
    first = _floor(now) - _BUCKET * (_BUCKETS - 1)
    arrived = _arrived(first)
    decided = _decided(first)
    labels = [f"{first + _BUCKET * place:%H:%M}" for place in range(_BUCKETS)]
    return tuple(
        ClassLoad(name, _chart(name, labels, first, arrived[name], decided[name]))
        for name in worker_classes
    )


def known_classes() -> tuple[str, ...]:
    """Return the worker classes that are configured or were used in the last day, at least one."""
    since = clock.now() - timedelta(days=1)
    with across_tenants("which worker classes are in use"):
        used = set(
            WorkItem.objects.filter(queued_at__gte=since)
            .order_by()
            .values_list("worker_class", flat=True)
            .distinct()
        )
    configured = set(settings.MIN_WORKERS) | set(settings.MAX_WORKERS)
    return tuple(sorted(used | configured)) or ("cpu",)


def _chart(
    name: str,
    labels: Sequence[str],
    first: datetime,
    work: dict[datetime, float],
    decided: dict[datetime, tuple[int, int]],
) -> Chart:
    moments = [first + _BUCKET * place for place in range(len(labels))]
    load = tuple(work.get(moment, 0.0) / _BUCKET.total_seconds() for moment in moments)
    workers: list[float | None] = []
    targets: list[float | None] = []
    last: tuple[int, int] | None = None
    for moment in moments:
        last = decided.get(moment, last)
        workers.append(float(last[0]) if last else None)
        targets.append(float(last[1]) if last else None)
    return chart(
        title=_("%(name)s, the last %(hours)d hours") % {"name": name, "hours": _HOURS},
        labels=labels,
        series=[
            Series(_("Work that came, in workers"), load, tone="accent", shape="area"),
            Series(_("Target"), tuple(targets), tone="warning", shape="step"),
            Series(_("Workers"), tuple(workers), tone="success", shape="step"),
        ],
    )


def _arrived(since: datetime) -> dict[str, dict[datetime, float]]:
    """Return worker-seconds ordered, by class and bucket; estimated where not yet done."""
    work: dict[str, dict[datetime, float]] = defaultdict(lambda: defaultdict(float))
    with across_tenants("the load of the common fleet: sums only"):
        rows = list(
            WorkItem.objects.filter(queued_at__gte=since)
            .order_by()
            .annotate(minute=TruncMinute("queued_at"))
            .values("worker_class", "kind", "engine", "minute")
            .annotate(
                items=Count("id"),
                done=Count("service_seconds"),
                seconds=Sum("service_seconds"),
                units=Sum("cost_units"),
            )
        )
    estimates = snapshots.Estimates()
    for row in rows:
        open_share = (row["items"] - row["done"]) / row["items"]
        estimated = estimates.of(
            kind=row["kind"],
            engine=row["engine"],
            worker_class=row["worker_class"],
            units=row["units"],
        )
        seconds = (row["seconds"] or 0.0) + open_share * estimated.p50
        work[row["worker_class"]][_floor(row["minute"])] += seconds
    return work


def _decided(since: datetime) -> dict[str, dict[datetime, tuple[int, int]]]:
    """Return the last decision of each bucket: workers and target."""
    rows = (
        ScaleDecision.objects.filter(decided_at__gte=since)
        .order_by("decided_at", "id")
        .values_list("worker_class", "decided_at", "workers", "target")
    )
    decided: dict[str, dict[datetime, tuple[int, int]]] = defaultdict(dict)
    for worker_class, at, workers, target in rows.iterator():
        decided[worker_class][_floor(at)] = (workers, target)
    return decided


def _floor(at: datetime) -> datetime:
    return at.replace(minute=at.minute // 5 * 5, second=0, microsecond=0)
