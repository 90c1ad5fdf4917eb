"""When work will start and end: the backlog, list-scheduled in fair order. Pure.

A forecast assumes that nobody orders more and no worker comes or goes. The p90 adds up two kinds of
error: half of each item's spread is taken as shared by all (an engine that is slow today is slow
for every item), half as its own, which averages out along the line.
"""

from __future__ import annotations

import heapq
import math
from collections import defaultdict
from dataclasses import dataclass
from typing import Final

from apps.compute.policy.fairness import fair_order, lines_by_tenant, starting_counters
from apps.compute.policy.snapshot import FlyingBatch, Snapshot, WaitingItem

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
            self.number,
            self.spread + spread,
            self.spread_squares + spread * spread,
        )


def forecast(snapshot: Snapshot, now: float) -> dict[str, Forecast]:
    """Return the forecast of every waiting item whose lane has a live worker.

    Parameters
    ----------
    snapshot
        With the whole backlog.
    now
        Seconds since the epoch.
    """
    by_lane: dict[str, list[WaitingItem]] = defaultdict(list)
    for item in snapshot.waiting:
        by_lane[item.lane].append(item)
    plan: dict[str, Forecast] = {}
    for fleet in sorted(snapshot.lanes, key=lambda fleet: fleet.lane):
        items = by_lane.get(fleet.lane)
        if not items or fleet.workers < 1:
            continue
        shares = [share for share in snapshot.shares if share.worker_class == fleet.worker_class]
        flying = [batch for batch in snapshot.flying if batch.lane == fleet.lane]
        counters = starting_counters(shares, frozenset(item.tenant for item in items))
        weights = {share.tenant: share.weight for share in shares}
        benches = _benches(fleet.workers, flying)
        lines = lines_by_tenant(items, now=now)
        for position, item in enumerate(fair_order(lines, counters, weights), start=1):
            bench = benches[0]
            done = bench.after(item.p50_seconds, item.p90_seconds)
            heapq.heapreplace(benches, done)
            plan[item.item] = Forecast(
                position, bench.free_p50, bench.free_p90, done.free_p50, done.free_p90
            )
    return plan


def _benches(workers: int, flying: list[FlyingBatch]) -> list[_Bench]:
    """Return the workers' time lines with what is in flight laid on them, as a heap."""
    benches = [_Bench(0.0, number) for number in range(workers)]
    for batch in sorted(flying, key=lambda batch: (not batch.is_running, batch.batch)):
        heapq.heapreplace(benches, benches[0].after(batch.p50_seconds, batch.p90_seconds))
    return benches
