"""What completions teach: service times by size, and how well promises were kept.

Owns every write to `ServiceTime` and `PromiseRecord`. Runs inside the transaction of the
completions; rows are locked in the order of their keys.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from apps.compute import wire
from apps.compute.models import PromiseRecord, ServiceTime, WorkItem
from apps.compute.policy.calibration import Calibration
from apps.compute.policy.service_time import Learned
from apps.compute.policy.work_size import WorkSize, keys, learn_size
from apps.compute.snapshots.estimates import size_of

_LEAST_SECONDS: Final = 0.001


@dataclass(frozen=True, slots=True)
class Completion:
    """A work item that has just succeeded."""

    item: WorkItem
    seconds: float
    """Service time."""
    at: datetime


def learn(done: Sequence[Completion]) -> None:
    """Learn from work that has succeeded."""
    if done:
        _learn_service_times([(_size(each.item), each.seconds) for each in done])
        _learn_promises(done)


def _learn_service_times(done: Sequence[tuple[WorkSize, float]]) -> None:
    wanted = sorted({key for size, _ in done for key in keys(size)})
    known = {
        row.key: Learned(row.completions, tuple(row.histogram))
        for row in ServiceTime.objects.select_for_update().filter(key__in=wanted).order_by("key")
    }
    sizes: dict[str, WorkSize] = {}
    for size, seconds in done:
        per_unit = max(seconds, _LEAST_SECONDS) / size.megapixels
        known |= learn_size(known, size, per_unit)
        sizes |= dict.fromkeys(keys(size), size)
    ServiceTime.objects.bulk_create(
        [_row(key, sizes[key], known[key]) for key in wanted],
        update_conflicts=True,
        unique_fields=["key"],
        update_fields=["completions", "histogram", "updated_at"],
    )


def _learn_promises(done: Sequence[Completion]) -> None:
    alike: dict[tuple[str, str], list[Completion]] = defaultdict(list)
    for each in done:
        if each.item.forecast_p90_seconds:
            lane = wire.lane(each.item.worker_class, each.item.engine)
            alike[lane, each.item.urgency].append(each)
    for lane, urgency in sorted(alike):
        row, _ = PromiseRecord.objects.select_for_update().get_or_create(lane=lane, urgency=urgency)
        learned = Calibration(row.factor, row.promises)
        for each in alike[lane, urgency]:
            achieved = max(0.0, (each.at - each.item.queued_at).total_seconds())
            learned = learned.learned(each.item.forecast_p90_seconds or 0.0, achieved)
            row.kept += each.item.promised_p90_at is not None and (
                each.at <= each.item.promised_p90_at
            )
        row.factor, row.promises = learned.factor, learned.promises
        row.save(update_fields=["factor", "promises", "kept", "updated_at"])


def _size(item: WorkItem) -> WorkSize:
    fields = ("engine", "worker_class", "kind", "cost_units", "steps", "takes")
    values: Mapping[str, object] = {name: getattr(item, name) for name in fields}
    return size_of(values)


def _row(key: str, size: WorkSize, learned: Learned) -> ServiceTime:
    of_all_kinds = key == keys(size)[0]
    return ServiceTime(
        key=key,
        kind="" if of_all_kinds else size.kind,
        engine=size.engine,
        worker_class=size.device,
        completions=learned.completions,
        histogram=list(learned.histogram),
    )
