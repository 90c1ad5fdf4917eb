"""From a snapshot to the batches that go out now. Pure.

Decides as late as possible: for every live worker of a lane at most `LEAD_BATCHES` batches are in
flight, one running and one waiting, because what lies in the queue can no longer be made fair.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

from apps.compute.policy.batching import BatchLimits, deadline_seconds, limits_for
from apps.compute.policy.decisions import ClassMove, Decisions, PlannedBatch, PlannedOrder
from apps.compute.policy.desk import ClassDesk, Taken
from apps.compute.policy.routing import may_help
from apps.compute.policy.snapshot import LaneFleet, Snapshot

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
    slots = free_slots(snapshot)
    batches: list[PlannedBatch] = []
    dues: list[float] = []
    desks: dict[str, ClassDesk] = {}
    for worker_class in sorted({share.worker_class for share in snapshot.shares}):
        chosen = (limits or {}).get(worker_class) or limits_for(worker_class)
        desk = desks[worker_class] = desk_of(snapshot, worker_class, chosen)
        for fleet in _fleets(snapshot, worker_class):
            out, due = take_all(desk, fleet, slots[fleet.lane], now)
            slots[fleet.lane] -= len(out)
            batches += out
            dues += [due] if due is not None else []
    moves: list[ClassMove] = []
    for fleet in sorted(snapshot.lanes, key=lambda fleet: fleet.lane):
        moves += help_out(desks, snapshot.lanes, fleet, slots[fleet.lane], now)
    changes = [change for desk in desks.values() for change in desk.changes()]
    return Decisions(tuple(batches), tuple(changes), min(dues, default=None), tuple(moves))


def desk_of(
    snapshot: Snapshot, worker_class: str, limits: BatchLimits, *, with_flights: bool = True
) -> ClassDesk:
    """Return the desk of a class as a snapshot shows it, with or without what is in flight."""
    shares = [share for share in snapshot.shares if share.worker_class == worker_class]
    desk = ClassDesk(worker_class, limits, shares)
    lanes = {fleet.lane for fleet in snapshot.lanes if fleet.worker_class == worker_class}
    for fleet in _fleets(snapshot, worker_class):
        desk.staff(fleet.lane, fleet.workers, LEAD_BATCHES)
    for batch in snapshot.flying:
        if with_flights and batch.lane in lanes:
            desk.flying(batch.lane, batch.holder, batch.bulk_tenants)
    desk.load(item for item in snapshot.waiting if item.worker_class == worker_class)
    return desk


def take_all(
    desk: ClassDesk, fleet: LaneFleet, slots: int, now: float
) -> tuple[list[PlannedBatch], float | None]:
    """Fill the free slots of a lane.

    Returns
    -------
    The batches, and when to look again if work was held back for a fuller one.
    """
    batches: list[PlannedBatch] = []
    warm_keys = list(fleet.warm_keys)
    # The lead is filled last: so many slots beyond it are workers with nothing to do.
    idle = slots - (LEAD_BATCHES - 1) * fleet.workers
    for number in range(slots):
        taken = desk.take(
            fleet.lane, now=now, warm_keys=warm_keys, idle_workers=max(1, idle - number)
        )
        if not taken.members:
            return batches, taken.hold_until
        if warm_keys:
            del warm_keys[taken.place]
        batches.append(planned(taken, desk.worker_class))
    return batches, None


def help_out(
    desks: Mapping[str, ClassDesk],
    lanes: Iterable[LaneFleet],
    fleet: LaneFleet,
    slots: int,
    now: float,
) -> list[ClassMove]:
    """Let idle workers of a lane have what smaller classes cannot begin now.

    An item goes over into the larger class's line, so that it is charged, promised and learned
    from where it runs.

    Parameters
    ----------
    desks
        By worker class, after each has filled its own slots; what goes over is taken out.
    slots
        Of the lane that are still free; its lead is left free for its own work.
    """
    moves: list[ClassMove] = []
    own = desks.get(fleet.worker_class)
    class_of = {each.lane: each.worker_class for each in lanes}
    idle = slots - (LEAD_BATCHES - 1) * fleet.workers
    for lane in fleet.helps:
        other = desks.get(class_of.get(lane, ""))
        while len(moves) < idle and other and (item := other.peek(lane, now=now)):
            if not may_help(
                fleet.worker_class,
                other.worker_class,
                own_queued=own.queued(fleet.lane) if own else 0,
                own_arrivals_per_second=fleet.arrivals_per_second,
                item_seconds=item.p90_seconds,
                cold_start_seconds=fleet.launchable.ready_p50 if fleet.launchable else 0.0,
            ):
                break
            other.withdraw(item.item)
            moves.append(ClassMove(item.item, item.tenant, other.worker_class, fleet.worker_class))
    return moves


def planned(taken: Taken, worker_class: str) -> PlannedBatch:
    """Return what a desk gave out as a batch to enqueue."""
    paid = zip(taken.members, taken.charged_seconds, taken.charged_shares, strict=True)
    return PlannedBatch(
        lane=taken.lane,
        worker_class=worker_class,
        deadline_seconds=deadline_seconds(taken.members),
        orders=tuple(
            PlannedOrder(item.item, item.tenant, charge_seconds=seconds, charge_share=share)
            for item, seconds, share in paid
        ),
    )


def _fleets(snapshot: Snapshot, worker_class: str) -> list[LaneFleet]:
    return sorted(
        (fleet for fleet in snapshot.lanes if fleet.worker_class == worker_class),
        key=lambda fleet: fleet.lane,
    )
