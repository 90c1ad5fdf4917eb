"""The whole backlog at one moment, for forecasts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db.models import Q

from apps.compute import wire
from apps.compute.models import WorkItem
from apps.compute.policy.snapshot import FlyingBatch, LaneFleet, Snapshot, WaitingItem
from apps.compute.snapshots.estimates import Estimates
from apps.compute.snapshots.rows import (
    ITEM_FIELDS,
    engine_of,
    expected_fleets,
    tenant_shares,
    waiting_item,
)
from apps.core import clock
from apps.tenants.scope import across_tenants


def whole_snapshot() -> Snapshot:
    """Return the whole backlog of the lanes that have workers."""
    with across_tenants("a place in the line depends on everyone in it"):
        estimates = Estimates()
        lanes = expected_fleets()
        waiting = [item for fleet in lanes for item in _waiting(fleet, estimates)]
        flying = _flying_batches(estimates)
        return Snapshot(tuple(waiting), tenant_shares(waiting), lanes, flying)


def lane_flying(estimates: Estimates) -> tuple[FlyingBatch, ...]:
    """Return what is in flight in all lanes."""
    with across_tenants("a place in the line depends on everyone in it"):
        return _flying_batches(estimates)


def with_thought(snapshot: Snapshot, extra: Sequence[WaitingItem]) -> Snapshot:
    """Return the snapshot as it would be with work that is only thought of."""
    with across_tenants("a place in the line depends on everyone in it"):
        shares = tenant_shares((*snapshot.waiting, *extra))
    return replace(snapshot, waiting=(*snapshot.waiting, *extra), shares=shares)


def _waiting(fleet: LaneFleet, estimates: Estimates) -> list[WaitingItem]:
    rows = WorkItem.objects.filter(
        Q(not_before__isnull=True) | Q(not_before__lte=clock.now()),
        state=WorkItem.State.QUEUED,
        worker_class=fleet.worker_class,
        engine=engine_of(fleet),
    )
    return [waiting_item(row, estimates) for row in rows.values(*ITEM_FIELDS)]


def _flying_batches(estimates: Estimates) -> tuple[FlyingBatch, ...]:
    """Return every batch with an item in flight, and what is left of it."""
    now = clock.now()
    members: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    rows = WorkItem.objects.filter(state__in=WorkItem.IN_FLIGHT).order_by("id")
    for row in rows.values(*ITEM_FIELDS, "batch", "state", "started_at"):
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
        whole = estimates.of_row(row)
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
        holder=rows[0]["tenant_id"],
    )
