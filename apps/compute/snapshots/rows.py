"""Rows as policy knows them: waiting items, tenants' shares, lanes and their workers.

Owns how a row becomes a frozen value. Instants are seconds since the epoch.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from django.conf import settings

from apps.billing.models import CreditAccount
from apps.billing.plans import PLANS, Plan
from apps.compute import wire
from apps.compute.models import FairShare, Worker, WorkerLife, WorkItem
from apps.compute.policy.snapshot import LaneFleet, StartingWorker, TenantShare, WaitingItem
from apps.compute.snapshots.estimates import Estimates, size_of
from apps.core import clock

ITEM_FIELDS: Final = (
    "id",
    "tenant_id",
    "worker_class",
    "engine",
    "kind",
    "batch_key",
    "urgency",
    "cost_units",
    "steps",
    "takes",
    "queued_at",
    "promised_p90_at",
    "tries_counted",
)
"""What `waiting_item` needs of a row."""
_STARTS_LEARNED: Final = 50
_START_SECONDS: Final = (60.0, 90.0)
"""Of a class that has never started a worker."""


def waiting_item(row: Mapping[str, Any], estimates: Estimates) -> WaitingItem:
    """Return a row of a work item as one that waits."""
    size = size_of(row)
    seconds = estimates.of_size(size)
    promised = row["promised_p90_at"]
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
        pixel_steps=size.pixel_steps if size.steps else 0.0,
        deadline=promised.timestamp() if promised else None,
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


def expected_fleets() -> tuple[LaneFleet, ...]:
    """Return the lanes with workers, those still starting and what a new one would need."""
    now = clock.now()
    fleets = {fleet.lane: fleet for fleet in lane_fleets()}
    waits: dict[str, tuple[float, float]] = {}
    for life in WorkerLife.objects.filter(released_at__isnull=True, online_at__isnull=True):
        lane = wire.lane(life.worker_class, life.engine)
        p50, p90 = start_seconds(life.worker_class, waits)
        age = (now - life.launched_at).total_seconds()
        fleet = fleets.setdefault(lane, LaneFleet(lane, life.worker_class, 0))
        start = StartingWorker(max(0.0, p50 - age), max(0.0, p90 - age))
        fleets[lane] = replace(fleet, starting=(*fleet.starting, start))
    if settings.FLEET != "static":
        for lane in settings.RQ_QUEUES:
            parts = wire.parts_of_lane(lane)
            if parts is not None and settings.MAX_WORKERS.get(parts[0], 1) > 0:
                fleet = fleets.setdefault(lane, LaneFleet(lane, parts[0], 0))
                launchable = StartingWorker(*start_seconds(parts[0], waits))
                fleets[lane] = replace(fleet, launchable=launchable)
    return tuple(fleets[lane] for lane in sorted(fleets))


def start_seconds(worker_class: str, known: dict[str, tuple[float, float]]) -> tuple[float, float]:
    """Return what half, and nine in ten, of the latest starts of a class took at most."""
    if worker_class not in known:
        lives = WorkerLife.objects.filter(
            worker_class=worker_class, online_at__isnull=False
        ).order_by("-launched_at")[:_STARTS_LEARNED]
        took = sorted(life.start_seconds(life.launched_at) for life in lives)
        known[worker_class] = (
            (took[int(0.5 * (len(took) - 1))], took[int(0.9 * (len(took) - 1))])
            if took
            else _START_SECONDS
        )
    return known[worker_class]


def engine_of(fleet: LaneFleet) -> str:
    """Return the engine that a lane's workers run; empty if its name is no lane's."""
    parts = wire.parts_of_lane(fleet.lane)
    return parts[1] if parts else ""


def plans() -> dict[str, Plan]:
    """Return every tenant's plan."""
    accounts = CreditAccount.objects.values_list("tenant_id", "plan_slug")
    return {tenant: PLANS[slug] for tenant, slug in accounts}


def tenant_share(
    tenant: str, worker_class: str, plan: Plan | None, *, served: float, was_active: bool
) -> TenantShare:
    """Return a tenant's counter; one without an account counts as the lightest plan."""
    return TenantShare(
        tenant=tenant,
        worker_class=worker_class,
        weight=plan.weight if plan else 1.0,
        served=served,
        was_active=was_active,
        reserved=plan.reserved_workers if plan else 0,
    )


def tenant_shares(waiting: Iterable[WaitingItem]) -> tuple[TenantShare, ...]:
    """Return the counters of those who wait and those still in the race, new ones at zero."""
    wanted = {(item.tenant, item.worker_class) for item in waiting}
    rows = {(row.tenant_id, row.worker_class): row for row in FairShare.objects.all()}
    known = plans()
    return tuple(
        tenant_share(
            tenant,
            worker_class,
            known.get(tenant),
            served=row.served if (row := rows.get((tenant, worker_class))) else 0.0,
            was_active=bool(row and row.active),
        )
        for tenant, worker_class in sorted(wanted | rows.keys())
    )
