"""From a snapshot to the batches that go out now. Pure.

Decides as late as possible: for every live worker of a lane at most `LEAD_BATCHES` batches are in
flight, one running and one waiting, because what lies in the queue can no longer be made fair.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Final

from apps.compute.policy.batching import BatchLimits, deadline_seconds, limits_for, take_batch
from apps.compute.policy.decisions import Decisions, PlannedBatch, PlannedOrder, ShareChange
from apps.compute.policy.fairness import TenantLine, lines_by_tenant, starting_counters
from apps.compute.policy.snapshot import LaneFleet, Snapshot, TenantShare, WaitingItem

LEAD_BATCHES: Final = 2


def free_slots(snapshot: Snapshot) -> dict[str, int]:
    """Return by lane how many batches may be dispatched now."""
    flying: dict[str, int] = defaultdict(int)
    for batch in snapshot.flying:
        flying[batch.lane] += 1
    return {
        fleet.lane: max(0, LEAD_BATCHES * fleet.workers - flying[fleet.lane])
        for fleet in snapshot.lanes
    }


def decide_dispatch(
    snapshot: Snapshot, now: float, limits: Mapping[str, BatchLimits] | None = None
) -> Decisions:
    """Choose what to dispatch.

    Parameters
    ----------
    snapshot
        For each tenant at least one more waiting item of each urgency than could be dispatched,
        if it has them: a tenant with nothing left leaves the race.
    now
        Seconds since the epoch.
    limits
        By worker class, in place of the standing ones.

    Returns
    -------
    Batches in the order to enqueue them. The same snapshot gives the same decisions whatever the
    order of its tuples.
    """
    batches: list[PlannedBatch] = []
    changes: list[ShareChange] = []
    for worker_class in sorted({share.worker_class for share in snapshot.shares}):
        desk = _ClassDesk(snapshot, worker_class, now)
        chosen = (limits or {}).get(worker_class) or limits_for(worker_class)
        batches += desk.plan(chosen)
        changes += desk.changes()
    return Decisions(tuple(batches), tuple(changes))


class _ClassDesk:
    """The race of one worker class, over all its lanes."""

    def __init__(self, snapshot: Snapshot, worker_class: str, now: float) -> None:
        waiting = [item for item in snapshot.waiting if item.worker_class == worker_class]
        self._shares: dict[str, TenantShare] = {
            share.tenant: share for share in snapshot.shares if share.worker_class == worker_class
        }
        self._weights = {tenant: share.weight for tenant, share in self._shares.items()}
        self._start = starting_counters(
            self._shares.values(), frozenset(item.tenant for item in waiting)
        )
        self._counters = dict(self._start)
        self._worker_class = worker_class
        self._slots = free_slots(snapshot)
        self._fleets: list[LaneFleet] = sorted(
            (fleet for fleet in snapshot.lanes if fleet.worker_class == worker_class),
            key=lambda fleet: fleet.lane,
        )
        self._lines: dict[str, dict[str, TenantLine]] = {}
        for lane in sorted({item.lane for item in waiting}):
            flying = [batch.bulk_tenants for batch in snapshot.flying if batch.lane == lane]
            self._lines[lane] = lines_by_tenant(
                (item for item in waiting if item.lane == lane),
                now=now,
                bulk_flying=frozenset().union(*flying),
            )

    def plan(self, limits: BatchLimits) -> list[PlannedBatch]:
        batches = []
        for fleet in self._fleets:
            lines = self._lines.get(fleet.lane, {})
            for _ in range(self._slots[fleet.lane]):
                members = take_batch(lines, self._counters, self._weights, limits)
                if not members:
                    break
                batches.append(self._planned(fleet.lane, members))
        return batches

    def changes(self) -> list[ShareChange]:
        """Return the counters that were lifted and the tenants that joined or left the race."""
        changes = []
        for tenant, share in sorted(self._shares.items()):
            lift = self._start.get(tenant, share.served) - share.served
            active = any(
                tenant in lines and lines[tenant].head() is not None
                for lines in self._lines.values()
            )
            if lift or active != share.was_active:
                changes.append(ShareChange(tenant, self._worker_class, lift, active))
        return changes

    def _planned(self, lane: str, members: list[WaitingItem]) -> PlannedBatch:
        return PlannedBatch(
            lane=lane,
            worker_class=self._worker_class,
            deadline_seconds=deadline_seconds(members),
            orders=tuple(
                PlannedOrder(
                    item=item.item,
                    tenant=item.tenant,
                    charge_seconds=item.p50_seconds,
                    charge_share=item.p50_seconds / self._weights[item.tenant],
                )
                for item in members
            ),
        )
