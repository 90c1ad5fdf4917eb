"""The line as forecasts see it: item by item while it is short, as a fluid once it is long.

Owns the reading and for how long it is kept: every open page asks, and so does every order. A long
line is read as sums by tenant, kind and size. Instants are seconds since the epoch.
"""

from __future__ import annotations

import math
import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.db.models import Avg, Count

from apps.compute import snapshots, wire
from apps.compute.models import WorkItem
from apps.compute.policy.admission import Forecast, forecast
from apps.compute.policy.fairness import starting_counters
from apps.compute.policy.fluid import Amount, Backlog, FluidLine, amount_of
from apps.compute.policy.snapshot import LaneFleet, Snapshot, TenantShare, WaitingItem
from apps.compute.snapshots.estimates import Estimates
from apps.compute.snapshots.rows import (
    ITEM_FIELDS,
    expected_fleets,
    plans,
    tenant_shares,
    waiting_item,
)
from apps.compute.snapshots.whole import lane_flying
from apps.core import clock
from apps.tenants.scope import across_tenants, current_scope

LONG_LINE: Final = 2_000
"""Beyond so many items their schedule takes longer than an order may."""
_SHORTEST_KEPT: Final = 500
_KEEP_FACTOR: Final = 6.0
_SIZES: Final = ("tenant_id", "urgency", "kind", "engine", "worker_class", "steps", "takes")


class Line:
    """What waits, read again when it is old; for all threads of a process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._short: _ShortLine | None = None
        self._long: _LongLine | None = None
        self._kept_until = 0.0

    def plan(self) -> Mapping[str, Forecast]:
        """Return the forecast of what waits; of a long line, of what is the open tenant's."""
        with self._lock:
            line = self._read()
            if isinstance(line, _ShortLine):
                return line.plan()
            return line.plan_of(current_scope().tenant)

    def with_thought(self, thought: Sequence[WaitingItem]) -> Mapping[str, Forecast]:
        """Return the forecasts of work of one tenant that is only thought of."""
        with self._lock:
            line = self._read()
        return line.with_thought(thought) if thought else {}

    def _read(self) -> _ShortLine | _LongLine:
        began = time.monotonic()
        kept = self._long or self._short
        if kept is not None and began < self._kept_until:
            return kept
        with across_tenants("how much waits, without saying whose"):
            is_long = WorkItem.objects.filter(state=WorkItem.State.QUEUED).count() > LONG_LINE
        self._short = None if is_long else _ShortLine(snapshots.whole_snapshot())
        self._long = _read_long() if is_long else None
        line = self._long or self._short
        if line is None:
            raise RuntimeError("a line is either long or short")
        # A bounded share of a CPU goes into reading; the shortest are read for everybody who asks.
        took = time.monotonic() - began if line.size > _SHORTEST_KEPT else 0.0
        self._kept_until = began + took * _KEEP_FACTOR
        return line


@dataclass
class _ShortLine:
    snapshot: Snapshot
    _plan: dict[str, Forecast] | None = None

    @property
    def size(self) -> int:
        return len(self.snapshot.waiting)

    def plan(self) -> dict[str, Forecast]:
        if self._plan is None:
            self._plan = forecast(self.snapshot, clock.now().timestamp())
        return self._plan

    def with_thought(self, thought: Sequence[WaitingItem]) -> dict[str, Forecast]:
        extended = snapshots.with_thought(self.snapshot, thought)
        plan = forecast(extended, clock.now().timestamp())
        return {item.item: plan[item.item] for item in thought if item.item in plan}


@dataclass
class _LongLine:
    """Sums of a line; a tenant's own items are read when it asks."""

    lanes: dict[str, FluidLine]
    shares: dict[tuple[str, str], TenantShare]
    """With the counters that tenants race with, by tenant and worker class."""
    floors: dict[str, float]
    """By worker class: where a tenant starts that has nothing in the race."""
    weights: dict[str, float]
    """By tenant, also of those that never ordered."""
    estimates: Estimates
    waiting: dict[tuple[str, str], tuple[Amount, Amount]]
    """By tenant and lane: interactive work and bulk work."""
    _plans: dict[str, dict[str, Forecast]] = field(default_factory=dict)

    @property
    def size(self) -> float:
        return math.inf

    def plan_of(self, tenant: str | None) -> dict[str, Forecast]:
        if tenant is None:
            return {}
        if tenant not in self._plans:
            rows = WorkItem.objects.filter(state=WorkItem.State.QUEUED).values(*ITEM_FIELDS)
            items = [waiting_item(row, self.estimates) for row in rows]
            self._plans[tenant] = self._place(items, {})
        return self._plans[tenant]

    def with_thought(self, thought: Sequence[WaitingItem]) -> dict[str, Forecast]:
        ahead: dict[str, Amount] = {}
        for item in thought:
            interactive, bulk = self.waiting.get((item.tenant, item.lane), (Amount(), Amount()))
            ahead[item.lane] = interactive if item.is_interactive else interactive.plus(bulk)
        return self._place(thought, ahead)

    def _place(
        self, items: Sequence[WaitingItem], ahead: Mapping[str, Amount]
    ) -> dict[str, Forecast]:
        """Return the forecasts of one tenant's items, given what of its own goes before them."""
        before = defaultdict(Amount, ahead)
        plan = {}
        for item in sorted(
            items, key=lambda each: (not each.is_interactive, each.waits_since, each.item)
        ):
            line = self.lanes.get(item.lane)
            if line is None:
                continue
            amount = amount_of(item.p50_seconds, item.p90_seconds)
            share = self.shares.get((item.tenant, item.worker_class))
            plan[item.item] = line.forecast(
                item.tenant,
                before[item.lane],
                amount,
                counter=share.served if share else self.floors.get(item.worker_class, 0.0),
                weight=share.weight if share else self.weights.get(item.tenant, 1.0),
            )
            before[item.lane] = before[item.lane].plus(amount)
        return plan


def _read_long() -> _LongLine:
    estimates = Estimates()
    waiting: dict[tuple[str, str], tuple[Amount, Amount]] = {}
    for row in _sums():
        lane = wire.lane(row["worker_class"], row["engine"])
        each = estimates.of_row(row | {"cost_units": row["mean_units"]})
        amount = amount_of(each.p50, each.p90, row["items"])
        interactive, bulk = waiting.get((row["tenant_id"], lane), (Amount(), Amount()))
        if row["urgency"] == WorkItem.Urgency.INTERACTIVE:
            interactive = interactive.plus(amount)
        else:
            bulk = bulk.plus(amount)
        waiting[row["tenant_id"], lane] = (interactive, bulk)
    fleets = expected_fleets()
    shares, floors = _racing(fleets, frozenset(waiting))
    with across_tenants("weights of plans, also of those that never ordered"):
        weights = {tenant: plan.weight for tenant, plan in plans().items()}
    lanes = _lanes(fleets, waiting, shares, estimates)
    return _LongLine(lanes, shares, floors, weights, estimates, waiting)


def _sums() -> list[dict[str, Any]]:
    with across_tenants("a place in the line depends on everyone in it"):
        rows = WorkItem.objects.filter(state=WorkItem.State.QUEUED).values(*_SIZES)
        return list(rows.annotate(mean_units=Avg("cost_units"), items=Count("id")).order_by())


def _racing(
    fleets: Sequence[LaneFleet], waiting: frozenset[tuple[str, str]]
) -> tuple[dict[tuple[str, str], TenantShare], dict[str, float]]:
    """Return every tenant's share with the counter it races with, and the floor of each class."""
    with across_tenants("a place in the line depends on everyone in it"):
        known = tenant_shares(())
    by_class: dict[str, list[TenantShare]] = defaultdict(list)
    for share in known:
        by_class[share.worker_class].append(share)
    shares: dict[tuple[str, str], TenantShare] = {}
    floors: dict[str, float] = {}
    for worker_class, members in by_class.items():
        lanes = {fleet.lane for fleet in fleets if fleet.worker_class == worker_class}
        with_work = {tenant for tenant, lane in waiting if lane in lanes}
        names = {share.tenant for share in members}
        counters = starting_counters(members, frozenset(with_work & names))
        floors[worker_class] = min(counters.values(), default=0.0)
        for share in members:
            # Who has nothing in the race would enter it at the floor.
            counter = counters.get(share.tenant, max(share.served, floors[worker_class]))
            shares[share.tenant, worker_class] = TenantShare(
                share.tenant, worker_class, share.weight, counter, share.was_active
            )
    return shares, floors


def _lanes(
    fleets: Sequence[LaneFleet],
    waiting: Mapping[tuple[str, str], tuple[Amount, Amount]],
    shares: Mapping[tuple[str, str], TenantShare],
    estimates: Estimates,
) -> dict[str, FluidLine]:
    backlogs: dict[str, list[Backlog]] = defaultdict(list)
    classes = {fleet.lane: fleet.worker_class for fleet in fleets}
    for (tenant, lane), (interactive, bulk) in waiting.items():
        share = shares.get((tenant, classes.get(lane, "")))
        if share is not None:
            backlogs[lane].append(
                Backlog(tenant, share.weight, share.served, interactive.plus(bulk))
            )
    flying: dict[str, Amount] = defaultdict(Amount)
    for batch in lane_flying(estimates):
        left = amount_of(batch.p50_seconds, batch.p90_seconds)
        flying[batch.lane] = flying[batch.lane].plus(left)
    lines = {}
    for fleet in fleets:
        # Those that start soon count: a long line outlasts every start.
        workers = fleet.workers + len(fleet.starting) or (1 if fleet.launchable else 0)
        if workers:
            lines[fleet.lane] = FluidLine(
                backlogs[fleet.lane], workers=workers, flying=flying[fleet.lane]
            )
    return lines
