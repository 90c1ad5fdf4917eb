"""Which item begins the next batch of a lane, on which worker, and whether to wait. Pure.

Owns the order of the rules of `fairness`; looks, but takes nothing out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from apps.compute.policy.accounts import Accounts
from apps.compute.policy.batching import BatchLimits, held_until
from apps.compute.policy.fairness import patience_seconds
from apps.compute.policy.lane_desk import LaneDesk
from apps.compute.policy.snapshot import WaitingItem


@dataclass(frozen=True, slots=True)
class Choice:
    """Whose turn it is."""

    item: WaitingItem
    place: int
    """Which of the offered workers should take it."""
    reach: float
    """Counter up to which a tenant is within the lag of the fairest."""
    may_hold: bool
    """It was chosen by the counters and did not fail before: a fuller batch may be waited for."""


class Chooser:
    """The rules of one worker class.

    Parameters
    ----------
    guards
        Whether overdue work of the neglected goes first; the concurrency guard is the lane's.
    """

    def __init__(self, accounts: Accounts, *, guards: bool) -> None:
        self._accounts = accounts
        self._guards = guards

    def choose(
        self, desk: LaneDesk, limits: BatchLimits, now: float, warm_keys: Sequence[str]
    ) -> Choice:
        """Return whose turn it is in a lane in which work waits."""
        first = desk.fairest()
        if first is None:
            raise RuntimeError("work waits but nobody is in the race")
        reach = first[0] + limits.lag_seconds
        urgent = self._reserved(desk, now) or self._overdue(desk, limits, now)
        if urgent:
            return Choice(urgent, _place_for(urgent, warm_keys, desk), reach, may_hold=False)
        item = self._preferred(desk, limits, now, warm_keys, first)
        return Choice(item, _place_for(item, warm_keys, desk), reach, may_hold=not item.tries)

    def _preferred(
        self,
        desk: LaneDesk,
        limits: BatchLimits,
        now: float,
        warm_keys: Sequence[str],
        first: tuple[float, str],
    ) -> WaitingItem:
        """Return the item that the counters choose, or one within the lag that has a reason."""
        least, fairest = first
        reach = least + limits.lag_seconds
        timely = desk.timely(now, reach)
        warm = _warm(desk, now, warm_keys, reach)
        if warm:
            # Without a swap all are served sooner, but a burst that is late anyway and holds
            # workers already shall not make late who still can be in time.
            is_late = now > warm.waits_since + limits.target_of(warm)
            if timely is None or not is_late or not desk.entrants[warm.tenant].held:
                return warm
        tenant = timely or fairest
        item = desk.entrants[tenant].line(now).next(now)
        if item is None:
            raise RuntimeError(f"{tenant} is in the race without work")
        return item

    def _reserved(self, desk: LaneDesk, now: float) -> WaitingItem | None:
        """Return the next work of those who hold less than their contract reserves."""
        short = [
            (self._accounts[tenant].counter, tenant)
            for tenant in self._accounts.reserving
            if self._accounts[tenant].held < self._accounts[tenant].reserved
            and desk.entrants.get(tenant)
        ]
        return desk.entrants[min(short)[1]].line(now).next(now) if short else None

    def _overdue(self, desk: LaneDesk, limits: BatchLimits, now: float) -> WaitingItem | None:
        """Return the next work of whoever waits longest, if that is beyond all patience."""
        first = desk.longest_neglected() if self._guards and desk.workers else None
        if first is None:
            return None
        since, tenant = first
        head = desk.entrants[tenant].line(now).next(now)
        if head is None:
            return None
        account = self._accounts[tenant]
        patience = patience_seconds(
            limits.target_of(head),
            max(head.p50_seconds, account.last_seconds),
            share=account.weight / desk.waiting_weight * desk.workers,
        )
        return head if now - since > patience else None


def hold_until(desk: LaneDesk, limits: BatchLimits, now: float) -> float | None:
    """Return until when to wait for a fuller batch, None to begin at once.

    Only while everything that waits would run together, its kind is expected once more before
    anybody's patience ends, and no longer than until then: holding for what seldom comes costs
    more than the batches save.
    """
    if not limits.fixed_seconds or len(desk.keys) > 1 or desk.waiting >= limits.max_orders:
        return None
    expected_at = desk.rhythm.next_at(next(iter(desk.keys)))
    if expected_at <= now:
        return None
    items = [
        item
        for entrant in desk.entrants.values()
        for line in (entrant.interactive, entrant.bulk)
        for item in line.items()
    ]
    seconds = sum(max(0.0, item.p50_seconds - limits.fixed_seconds) for item in items)
    pixel_steps = sum(item.pixel_steps for item in items)
    if (
        seconds + limits.fixed_seconds >= limits.budget_seconds
        or pixel_steps >= limits.budget_pixel_steps
    ):
        return None
    patient_until = min(
        held_until(item, queued=desk.waiting, workers=desk.workers, limits=limits) for item in items
    )
    return expected_at if expected_at <= patient_until else None


def _warm(desk: LaneDesk, now: float, warm_keys: Sequence[str], reach: float) -> WaitingItem | None:
    """Return the fairest work within the lag for an engine that an idle worker has loaded."""
    best: tuple[float, str, WaitingItem] | None = None
    keys = sorted((desk.warm[key].least(), key) for key in {*warm_keys} & desk.warm.keys())
    for least, key in keys:
        if best and least > best[0]:
            break
        found = desk.warmest(key, now, best[0] if best else reach)
        if found and (best is None or found[:2] < best[:2]):
            best = found
    return best[2] if best else None


def _place_for(item: WaitingItem, warm_keys: Sequence[str], desk: LaneDesk) -> int:
    """Return which of the idle workers should take an item.

    One that has loaded what it needs; else one that has nothing loaded, one whose engine another
    idle worker has too, one whose engine nobody waits for, the longest idle.
    """
    if not warm_keys or not item.warm_key:
        return 0
    if item.warm_key in warm_keys:
        return warm_keys.index(item.warm_key)
    number_of = Counter(warm_keys)

    def reluctance(place: int) -> tuple[bool, bool, bool, int]:
        key = warm_keys[place]
        return (key != "", number_of[key] == 1, key in desk.warm, place)

    return min(range(len(warm_keys)), key=reluctance)
