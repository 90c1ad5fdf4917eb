"""Reading the database into the frozen values that policy decides on.

Owns every query behind a decision or forecast. Decides nothing and writes nothing. Instants are
seconds since the epoch.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db.models import F, Q, QuerySet, Window
from django.db.models.functions import RowNumber

from apps.billing.models import CreditAccount
from apps.compute import wire
from apps.compute.models import FairShare, ServiceTime, Worker, WorkItem
from apps.compute.policy.batching import limits_for
from apps.compute.policy.dispatching import free_slots
from apps.compute.policy.service_time import (
    Estimate,
    Learned,
    estimate,
    prior_for,
)
from apps.compute.policy.snapshot import (
    FlyingBatch,
    LaneFleet,
    Snapshot,
    TenantShare,
    WaitingItem,
)
from apps.core import clock
from apps.tenants.scope import across_tenants

_FIELDS = (
    "id",
    "tenant_id",
    "worker_class",
    "engine",
    "kind",
    "batch_key",
    "urgency",
    "cost_units",
    "queued_at",
    "tries_counted",
)


class Estimates:
    """Learned service times, read once for one snapshot."""

    def __init__(self) -> None:
        # By kind, engine and worker class; an empty kind stands for the lane's commonest.
        self._per_unit: dict[tuple[str, str, str], Estimate] = {}
        self._by_lane: dict[tuple[str, str], tuple[int, Estimate]] = {}
        for row in ServiceTime.objects.all():
            learned = Learned(row.completions, tuple(row.histogram))
            found = estimate(learned, prior_for(row.engine, row.worker_class))
            self._per_unit[row.kind, row.engine, row.worker_class] = found
            lane = (row.engine, row.worker_class)
            if row.completions > self._by_lane.get(lane, (-1, found))[0]:
                self._by_lane[lane] = (row.completions, found)

    def of(self, *, kind: str, engine: str, worker_class: str, units: float) -> Estimate:
        """Return the estimate for work of a size; an empty kind asks for the lane's commonest."""
        key = (kind, engine, worker_class)
        if key not in self._per_unit:
            lane = (engine, worker_class)
            known = None if kind else self._by_lane.get(lane)
            self._per_unit[key] = (
                known[1] if known else estimate(Learned(), prior_for(engine, worker_class))
            )
        return self._per_unit[key].times(units)


def dispatch_snapshot() -> Snapshot:
    """Return what the dispatcher needs: of every tenant as much as could go out now.

    Nothing of the backlog is read while no batch may be dispatched.
    """
    with across_tenants("the dispatcher shares the fleet between all tenants"):
        estimates = Estimates()
        lanes = lane_fleets()
        flying = flying_batches(estimates)
        slots = free_slots(Snapshot((), (), lanes, flying))
        if not any(slots.values()):
            return Snapshot((), (), lanes, flying)
        waiting: list[WaitingItem] = []
        for fleet in lanes:
            # One more than can go out: who has work left after the decision stays in the race.
            heads = slots[fleet.lane] * limits_for(fleet.worker_class).max_orders + 1
            rows = _waiting_rows(fleet).annotate(
                place=Window(
                    RowNumber(),
                    partition_by=[F("tenant_id"), F("urgency")],
                    order_by=[F("queued_at"), F("id")],
                )
            )
            chosen = list(rows.filter(place__lte=heads).values_list("id", flat=True))
            waiting += _waiting(WorkItem.objects.filter(pk__in=chosen), estimates)
        return Snapshot(tuple(waiting), _shares(waiting), lanes, flying)


def whole_snapshot() -> Snapshot:
    """Return the whole backlog of the lanes that have workers, for forecasts."""
    with across_tenants("a place in the line depends on everyone in it"):
        estimates = Estimates()
        lanes = lane_fleets()
        waiting = [item for fleet in lanes for item in _waiting(_waiting_rows(fleet), estimates)]
        return Snapshot(tuple(waiting), _shares(waiting), lanes, flying_batches(estimates))


def with_thought(snapshot: Snapshot, extra: Sequence[WaitingItem]) -> Snapshot:
    """Return the snapshot as it would be with work that is only thought of."""
    with across_tenants("a place in the line depends on everyone in it"):
        shares = _shares((*snapshot.waiting, *extra))
    return replace(snapshot, waiting=(*snapshot.waiting, *extra), shares=shares)


def lane_fleets() -> tuple[LaneFleet, ...]:
    """Return how many workers take from each lane, lanes without any left out."""
    fleets: dict[tuple[str, str], int] = defaultdict(int)
    alive = Worker.objects.filter(state__in=(Worker.State.IDLE, Worker.State.BUSY))
    for lane, worker_class in alive.values_list("lane", "worker_class"):
        fleets[lane, worker_class] += 1
    return tuple(
        LaneFleet(lane, worker_class, workers)
        for (lane, worker_class), workers in sorted(fleets.items())
    )


def flying_batches(estimates: Estimates) -> tuple[FlyingBatch, ...]:
    """Return every batch with an item in flight, and what is left of it."""
    now = clock.now()
    members: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in WorkItem.objects.filter(state__in=WorkItem.IN_FLIGHT).values(
        *_FIELDS, "batch", "state", "started_at"
    ):
        members[row["batch"], wire.lane(row["worker_class"], row["engine"])].append(row)
    return tuple(
        _flying(batch, lane, rows, estimates, now)
        for (batch, lane), rows in sorted(members.items())
    )


def _flying(
    batch: str, lane: str, rows: Sequence[dict[str, Any]], estimates: Estimates, now: datetime
) -> FlyingBatch:
    p50 = p90 = 0.0
    for row in rows:
        whole = _estimate(row, estimates)
        since = (now - row["started_at"]).total_seconds() if row["started_at"] else 0.0
        p50 += max(0.0, whole.p50 - since)
        p90 += max(0.0, whole.p90 - since)
    return FlyingBatch(
        batch=batch,
        lane=lane,
        is_running=any(row["state"] == WorkItem.State.RUNNING for row in rows),
        p50_seconds=p50,
        p90_seconds=p90,
        bulk_tenants=frozenset(
            row["tenant_id"] for row in rows if row["urgency"] == WorkItem.Urgency.BULK
        ),
    )


def _waiting_rows(fleet: LaneFleet) -> QuerySet[WorkItem]:
    parts = wire.parts_of_lane(fleet.lane)
    rows: QuerySet[WorkItem] = WorkItem.objects.filter(
        Q(not_before__isnull=True) | Q(not_before__lte=clock.now()),
        state=WorkItem.State.QUEUED,
        worker_class=fleet.worker_class,
        engine=parts[1] if parts else "",
    )
    return rows


def _waiting(rows: QuerySet[WorkItem], estimates: Estimates) -> list[WaitingItem]:
    waiting = []
    for row in rows.values(*_FIELDS):
        seconds = _estimate(row, estimates)
        waiting.append(
            WaitingItem(
                item=row["id"],
                tenant=row["tenant_id"],
                lane=wire.lane(row["worker_class"], row["engine"]),
                worker_class=row["worker_class"],
                batch_key=row["batch_key"],
                is_interactive=row["urgency"] == WorkItem.Urgency.INTERACTIVE,
                waits_since=row["queued_at"].timestamp(),
                p50_seconds=seconds.p50,
                p90_seconds=seconds.p90,
                tries=row["tries_counted"],
            )
        )
    return waiting


def _estimate(row: dict[str, Any], estimates: Estimates) -> Estimate:
    return estimates.of(
        kind=row["kind"],
        engine=row["engine"],
        worker_class=row["worker_class"],
        units=row["cost_units"],
    )


def _shares(waiting: Iterable[WaitingItem]) -> tuple[TenantShare, ...]:
    """Return the counters of those who wait and those still in the race, new ones at zero."""
    wanted = {(item.tenant, item.worker_class) for item in waiting}
    rows = {(row.tenant_id, row.worker_class): row for row in FairShare.objects.all()}
    weights = {account.tenant_id: account.plan.weight for account in CreditAccount.objects.all()}
    return tuple(
        TenantShare(
            tenant=tenant,
            worker_class=worker_class,
            weight=weights.get(tenant, 1.0),
            served=row.served if (row := rows.get((tenant, worker_class))) else 0.0,
            was_active=bool(row and row.active),
        )
        for tenant, worker_class in sorted(wanted | rows.keys())
    )
