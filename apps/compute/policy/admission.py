"""When work will start and end: the backlog, list-scheduled in fair order. Pure.

A forecast assumes that nobody orders more and no worker comes or goes. The p90 adds up two kinds of
error: half of each item's spread is taken as shared by all (an engine that is slow today is slow
for every item), half as its own, which averages out along the line.
"""

from __future__ import annotations

import heapq
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from apps.compute.policy.batching import BatchLimits, limits_for
from apps.compute.policy.dispatching import desk_of
from apps.compute.policy.snapshot import FlyingBatch, LaneFleet, Snapshot

_SHARED_ERROR: Final = 0.5


@dataclass(frozen=True, slots=True)
class Forecast:
    """Where an item stands; seconds from now."""

    position: int
    """1 is the next one of its lane to be dispatched."""
    start_p50: float
    start_p90: float
    finish_p50: float
    finish_p90: float


@dataclass(frozen=True, slots=True, order=True)
class _Bench:
    """A worker's time line while the plan is laid."""

    free_p50: float
    lane: str
    number: int
    spread: float = 0.0
    """Sum of p90 minus p50 of all that was laid here, in seconds."""
    spread_squares: float = 0.0

    @property
    def free_p90(self) -> float:
        own = math.sqrt(self.spread_squares)
        return self.free_p50 + _SHARED_ERROR * self.spread + (1 - _SHARED_ERROR) * own

    def after(self, p50: float, p90: float) -> _Bench:
        spread = max(0.0, p90 - p50)
        return _Bench(
            self.free_p50 + p50,
            self.lane,
            self.number,
            self.spread + spread,
            self.spread_squares + spread * spread,
        )


def forecast(
    snapshot: Snapshot, now: float, limits: Mapping[str, BatchLimits] | None = None
) -> dict[str, Forecast]:
    """Return the forecast of every waiting item whose lane has a worker, live or starting.

    Parameters
    ----------
    snapshot
        With the whole backlog.
    now
        Seconds since the epoch.
    limits
        By worker class, in place of the standing ones.
    """
    plan: dict[str, Forecast] = {}
    for worker_class in sorted({fleet.worker_class for fleet in snapshot.lanes}):
        chosen = (limits or {}).get(worker_class) or limits_for(worker_class)
        plan |= _class_forecast(snapshot, worker_class, now, chosen)
    return plan


def promise(plan: Mapping[str, Forecast], items: Sequence[str]) -> tuple[float, float] | None:
    """Return when the last item of an order will be done, as p50 and p90 in seconds from now.

    Parameters
    ----------
    plan
        From `forecast`, with the order's items in it.
    items
        Ids of the order's items.

    Returns
    -------
    None if an item has no forecast: then nobody serves its lane, and `refusal` says why.
    """
    if not items or any(item not in plan for item in items):
        return None
    return (
        max(plan[item].finish_p50 for item in items),
        max(plan[item].finish_p90 for item in items),
    )


def refusal(fleet: LaneFleet) -> str | None:
    """Return why work for a lane could never be done, None if it can.

    Work is refused for that reason alone: a long line or an empty budget makes it wait, with an
    honest forecast.
    """
    if fleet.workers or fleet.starting or fleet.launchable:
        return None
    return (
        f"No worker of class {fleet.worker_class} serves {fleet.lane}, and the fleet can launch "
        "none. Start one, raise the cap of the class, or choose another engine."
    )


def _class_forecast(
    snapshot: Snapshot, worker_class: str, now: float, limits: BatchLimits
) -> dict[str, Forecast]:
    """Lay the class's backlog on its workers, each batch on the one that is free first."""
    if not limits.fixed_seconds:
        # Such a batch ends as if its members ran one after the other.
        limits = replace(limits, max_orders=1)
    desk = desk_of(snapshot, worker_class, limits, with_flights=False)
    benches = [
        bench
        for fleet in snapshot.lanes
        if fleet.worker_class == worker_class and desk.queued(fleet.lane)
        for bench in _benches(fleet, snapshot.flying)
    ]
    heapq.heapify(benches)
    position: dict[str, int] = defaultdict(int)
    plan: dict[str, Forecast] = {}
    while benches:
        bench = benches[0]
        taken = desk.take(bench.lane, now=now + bench.free_p50, may_hold=False)
        if not taken.members:
            heapq.heappop(benches)
            continue
        desk.freed(bench.lane, taken.holder, taken.bulk_tenants)
        saved = sum(item.p50_seconds for item in taken.members) - taken.work_seconds
        p90_seconds = sum(item.p90_seconds for item in taken.members) - saved
        done = bench.after(taken.work_seconds, p90_seconds)
        heapq.heapreplace(benches, done)
        for item in taken.members:
            position[bench.lane] += 1
            plan[item.item] = Forecast(
                position[bench.lane],
                bench.free_p50,
                bench.free_p90,
                done.free_p50,
                done.free_p90,
            )
    return plan


def _benches(fleet: LaneFleet, flying: Iterable[FlyingBatch]) -> list[_Bench]:
    """Return a lane's time lines with what is in flight laid on them."""
    benches = [_Bench(0.0, fleet.lane, number) for number in range(fleet.workers)]
    starting = fleet.starting
    if not benches and not starting and fleet.launchable:
        # Work that finds nobody makes the autoscaler launch one.
        starting = (fleet.launchable,)
    for number, start in enumerate(sorted(starting, key=lambda each: each.ready_p50)):
        bench = _Bench(0.0, fleet.lane, fleet.workers + number)
        benches.append(bench.after(start.ready_p50, start.ready_p90))
    heapq.heapify(benches)
    mine = [batch for batch in flying if batch.lane == fleet.lane]
    for batch in sorted(mine, key=lambda batch: (not batch.is_running, batch.batch)):
        if benches:
            heapq.heapreplace(benches, benches[0].after(batch.p50_seconds, batch.p90_seconds))
    return benches
