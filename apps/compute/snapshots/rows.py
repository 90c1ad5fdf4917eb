"""Rows as policy knows them: waiting items, tenants' shares, lanes and their workers.

Owns how a row becomes a frozen value. Instants are seconds since the epoch.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final

from apps.billing.models import CreditAccount
from apps.billing.plans import PLANS
from apps.compute import wire
from apps.compute.models import FairShare, Worker, WorkItem
from apps.compute.policy.snapshot import LaneFleet, TenantShare, WaitingItem
from apps.compute.snapshots.estimates import Estimates

ITEM_FIELDS: Final = (
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
"""What `waiting_item` needs of a row."""


def waiting_item(row: Mapping[str, Any], estimates: Estimates) -> WaitingItem:
    """Return a row of a work item as one that waits."""
    seconds = estimates.of_row(row)
    return WaitingItem(
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


def engine_of(fleet: LaneFleet) -> str:
    """Return the engine that a lane's workers run; empty if its name is no lane's."""
    parts = wire.parts_of_lane(fleet.lane)
    return parts[1] if parts else ""


def weights() -> dict[str, float]:
    """Return the weight of every tenant's plan."""
    plans = CreditAccount.objects.values_list("tenant_id", "plan_slug")
    return {tenant: PLANS[slug].weight for tenant, slug in plans}


def tenant_shares(waiting: Iterable[WaitingItem]) -> tuple[TenantShare, ...]:
    """Return the counters of those who wait and those still in the race, new ones at zero."""
    wanted = {(item.tenant, item.worker_class) for item in waiting}
    rows = {(row.tenant_id, row.worker_class): row for row in FairShare.objects.all()}
    known = weights()
    return tuple(
        TenantShare(
            tenant=tenant,
            worker_class=worker_class,
            weight=known.get(tenant, 1.0),
            served=row.served if (row := rows.get((tenant, worker_class))) else 0.0,
            was_active=bool(row and row.active),
        )
        for tenant, worker_class in sorted(wanted | rows.keys())
    )
