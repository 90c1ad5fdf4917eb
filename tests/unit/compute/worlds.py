"""Small worlds for policy: values with sensible defaults, and a fleet that serves them."""

from __future__ import annotations

import heapq
from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import Any

from apps.compute.policy.batching import BatchLimits
from apps.compute.policy.dispatching import decide_dispatch
from apps.compute.policy.snapshot import (
    FlyingBatch,
    LaneFleet,
    Snapshot,
    TenantShare,
    WaitingItem,
)

LANE = "render-gpu-diffusion"
CLASS = "gpu"
SINGLY = {CLASS: BatchLimits(max_orders=1, budget_seconds=0.0, lag_seconds=0.0)}
LAGGED = {CLASS: BatchLimits(max_orders=1, budget_seconds=0.0, lag_seconds=60.0)}


def waiting(item: str, tenant: str = "a", **changes: Any) -> WaitingItem:
    values: dict[str, Any] = {
        "lane": LANE,
        "worker_class": CLASS,
        "batch_key": "k",
        "is_interactive": True,
        "waits_since": 0.0,
        "p50_seconds": 1.0,
        "p90_seconds": 2.0,
    }
    return WaitingItem(item=item, tenant=tenant, **(values | changes))


def share(tenant: str, served: float = 0.0, *, weight: float = 1.0, active: bool = True):
    return TenantShare(tenant, CLASS, weight, served, active)


def world(
    items: list[WaitingItem],
    shares: list[TenantShare] | None = None,
    *,
    workers: int = 1,
    flying: tuple[FlyingBatch, ...] = (),
) -> Snapshot:
    known = {one.tenant for one in shares or []}
    news = [share(tenant, active=False) for tenant in sorted({i.tenant for i in items} - known)]
    return Snapshot(
        tuple(items), (*(shares or []), *news), (LaneFleet(LANE, CLASS, workers),), flying
    )


def flying(name: str, *, running: bool = False, bulk: frozenset[str] = frozenset()) -> FlyingBatch:
    return FlyingBatch(name, LANE, running, 1.0, 2.0, bulk)


def chosen(snapshot: Snapshot, now: float = 0.0, **options: Any) -> list[list[str]]:
    """Return the ids of each batch that would go out."""
    decisions = decide_dispatch(snapshot, now, **options)
    return [[order.item for order in batch.orders] for batch in decisions.batches]


@dataclass
class FleetRun:
    """Serves tenants with `decide_dispatch` until a time, and keeps the books."""

    weights: dict[str, float]
    work: dict[str, list[float]]
    """By tenant the seconds of each item, in the order they were submitted."""
    workers: int
    error: dict[str, float] = field(default_factory=dict)
    """Estimate over truth, by tenant."""
    served: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    """Seconds of finished work."""
    dispatched: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    peaks: dict[tuple[str, str], float] = field(default_factory=lambda: defaultdict(float))
    """Greatest difference of weighted service between two tenants, while both had a backlog."""
    finish_times: dict[str, float] = field(default_factory=dict)

    def run(self) -> None:
        lines = {tenant: list(enumerate(work)) for tenant, work in self.work.items()}
        shares = {t: share(t, weight=w, active=False) for t, w in self.weights.items()}
        queue: list[tuple[str, str, float, float]] = []
        busy: list[tuple[float, str, str, float, float]] = []
        now = 0.0
        while any(lines.values()) or queue or busy:
            shares = self._dispatch(lines, shares, queue, busy, now)
            while queue and len(busy) < self.workers:
                name, tenant, charged, seconds = queue.pop(0)
                heapq.heappush(busy, (now + seconds, name, tenant, charged, seconds))
            now, name, tenant, charged, seconds = heapq.heappop(busy)
            self.served[tenant] += seconds
            self.finish_times[name] = now
            true_up = (seconds - charged) / self.weights[tenant]
            shares[tenant] = replace(shares[tenant], served=shares[tenant].served + true_up)
            self._compare(lines)

    def _dispatch(self, lines, shares, queue, busy, now):
        items = []
        for tenant, line in lines.items():
            bias = self.error.get(tenant, 1.0)
            items += [
                waiting(f"{tenant}-{n:05d}", tenant, waits_since=float(n), p50_seconds=s * bias)
                for n, s in line[: 2 * self.workers + 1]
            ]
        flights = tuple(flying(name) for name, *_ in queue) + tuple(
            flying(entry[1], running=True) for entry in busy
        )
        snapshot = world(items, list(shares.values()), workers=self.workers, flying=flights)
        decisions = decide_dispatch(snapshot, now, SINGLY)
        for change in decisions.shares:
            old = shares[change.tenant]
            shares[change.tenant] = replace(
                old, served=old.served + change.lift, was_active=change.is_active
            )
        for batch in decisions.batches:
            (order,) = batch.orders
            line = lines[order.tenant]
            # Work in time may go before work that is late already.
            place = [number for number, _ in line].index(int(order.item.rpartition("-")[2]))
            _, seconds = line.pop(place)
            queue.append((order.item, order.tenant, order.charge_seconds, seconds))
            self.dispatched[order.tenant] += seconds
            old = shares[order.tenant]
            shares[order.tenant] = replace(old, served=old.served + order.charge_share)
        return shares

    def _compare(self, lines) -> None:
        backlogged = sorted(tenant for tenant, line in lines.items() if line)
        for one in backlogged:
            for other in backlogged:
                gap = (
                    self.served[one] / self.weights[one] - self.served[other] / self.weights[other]
                )
                self.peaks[one, other] = max(self.peaks[one, other], gap)
