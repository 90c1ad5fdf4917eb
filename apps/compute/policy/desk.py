"""One worker class's race, kept between decisions. Pure.

Owns the tenants' counters and answers one question: which work should this free worker take? The
dispatcher, the forecast and the simulator all ask here, so that what is simulated is what runs.
Every operation costs O(log n) in tenants and items, times the members of a batch and the keys of
the idle workers. Instants are on the clock of whoever calls.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from apps.compute.policy.batching import BatchLimits, charges, held_until, most_members
from apps.compute.policy.decisions import ShareChange
from apps.compute.policy.fairness import (
    DEBT_CAP_SECONDS,
    PROMISE_PART,
    patience_seconds,
    starting_counters,
)
from apps.compute.policy.lane_desk import LaneDesk
from apps.compute.policy.race import Race
from apps.compute.policy.snapshot import TenantShare, WaitingItem


@dataclass(frozen=True, slots=True)
class Taken:
    """What one free worker takes: a batch, or nothing yet."""

    lane: str = ""
    members: tuple[WaitingItem, ...] = ()
    charged_seconds: tuple[float, ...] = ()
    """Of each member: estimated worker-seconds, trued up when it ends."""
    charged_shares: tuple[float, ...] = ()
    """Of each member: what its tenant's counter rose by, half a swap included."""
    place: int = 0
    """Which of the offered workers takes it."""
    swap_seconds: float = 0.0
    """What that worker spends on loading another engine first."""
    work_seconds: float = 0.0
    """The batch's p50, a swap apart."""
    hold_until: float | None = None
    """Nothing was taken: ask again at this instant, or when work arrives."""

    @property
    def holder(self) -> str:
        """Tenant that counts as holding the worker; empty if nothing was taken."""
        return self.members[0].tenant if self.members else ""

    @property
    def bulk_tenants(self) -> frozenset[str]:
        """Tenants with bulk work in the batch."""
        return frozenset(item.tenant for item in self.members if not item.is_interactive)


_NOTHING: Final = Taken()


class _Account:
    """A tenant's counter in the class, over all lanes."""

    __slots__ = (
        "counter",
        "held",
        "is_active",
        "last_at",
        "last_seconds",
        "lift",
        "reserved",
        "waiting",
        "was_active",
        "weight",
    )

    def __init__(self, share: TenantShare) -> None:
        self.weight = share.weight
        self.counter = share.served
        self.reserved = share.reserved
        self.is_active = self.was_active = share.was_active
        self.lift = 0.0
        self.waiting = 0
        self.held = 0
        # Whoever was in the race was served at some time: not knowing when, do not call it late.
        self.last_at = math.inf if share.was_active and not share.last_at else share.last_at
        self.last_seconds = share.last_seconds


class ClassDesk:
    """Chooses work for the free workers of one class.

    Parameters
    ----------
    worker_class
        Whose race this is.
    limits
        Of its batches.
    shares
        Tenants known from the start; `know` adds others.
    guards
        Whether the concurrency guard and aging are on. Off, the order is that of the counters
        alone, for which the service bound is proved.
    """

    def __init__(
        self,
        worker_class: str,
        limits: BatchLimits,
        shares: Iterable[TenantShare] = (),
        *,
        guards: bool = True,
    ) -> None:
        self.worker_class = worker_class
        self.limits = limits
        self._guards = guards
        self._accounts: dict[str, _Account] = {}
        self._items: dict[str, WaitingItem] = {}
        self._lanes: dict[str, LaneDesk] = {}
        self._racing = Race()
        self._reserving: set[str] = set()
        self._touched: set[str] = set()
        self._top = 0.0
        for share in shares:
            self.know(share)

    def know(self, share: TenantShare) -> None:
        """Enter a tenant, or change its weight and reservation; its counter stays as it is.

        Raises
        ------
        ValueError
            If the weight is not above 0.
        """
        if not share.weight > 0:
            raise ValueError(f"{share.tenant} has weight {share.weight}; weights are above 0")
        account = self._accounts.get(share.tenant)
        if account is None:
            self._accounts[share.tenant] = _Account(share)
            self._top = max(self._top, share.served)
            if share.was_active:
                self._touched.add(share.tenant)
        else:
            if account.weight != share.weight:
                for lane in self._lanes.values():
                    lane.reweigh(share.tenant, share.weight - account.weight)
            account.weight, account.reserved = share.weight, share.reserved
        if share.reserved:
            self._reserving.add(share.tenant)
        else:
            self._reserving.discard(share.tenant)

    def staff(self, lane: str, workers: int, lead: int = 1) -> None:
        """Say how many workers a lane has, and how many batches each is given at a time."""
        desk = self._lane(lane)
        desk.workers, desk.lead = workers, lead

    def load(self, items: Iterable[WaitingItem]) -> None:
        """Let a whole backlog wait, whose tenants were in the race or not as their shares say.

        The order of the items has no meaning, while `add` takes them as they arrive.
        """
        items = list(items)
        with_work = frozenset(item.tenant for item in items)
        shares = [
            TenantShare(name, self.worker_class, each.weight, each.counter, each.was_active)
            for name, each in self._accounts.items()
        ]
        for tenant, counter in starting_counters(shares, with_work).items():
            account = self._account(tenant)
            account.is_active = True
            self._move(tenant, account, counter - account.counter)
        for item in items:
            self.add(item)

    def add(self, item: WaitingItem) -> None:
        """Let an item wait.

        Raises
        ------
        ValueError
            If it waits already or its tenant is not known.
        """
        if item.item in self._items:
            raise ValueError(f"{item.item} waits already")
        account = self._account(item.tenant)
        if not account.is_active:
            self._enter(item.tenant, account)
        self._items[item.item] = item
        account.waiting += 1
        self._racing.put(item.tenant, account.counter)
        self._lane(item.lane).add(item, self.limits.target_of(item))

    def withdraw(self, item_id: str) -> bool:
        """Take an item out that shall not run. Return whether it waited."""
        item = self._items.get(item_id)
        if item is None:
            return False
        self._remove(item)
        return True

    def take(
        self,
        lane: str,
        *,
        now: float,
        warm_keys: Sequence[str] = (),
        idle_workers: int = 1,
        may_hold: bool = True,
    ) -> Taken:
        """Choose a batch for one of the workers of a lane that have room.

        Parameters
        ----------
        lane
            The queue these workers listen on.
        warm_keys
            What each of them has loaded, the longest idle first, "" for nothing. Empty if that is
            not known: then nothing is preferred and no swap is charged.
        idle_workers
            How many of the lane's workers have nothing to do: a batch that saves little is not
            filled with what another of them could begin at once.
        may_hold
            Whether work may be held back for a fuller batch.

        Returns
        -------
        The batch, taken out and charged; or no members, and until when to hold if work waits.
        """
        desk = self._lanes.get(lane)
        if desk is None or not desk.waiting:
            return _NOTHING
        item, place, is_ordinary = self._seed(desk, now, warm_keys)
        if may_hold and is_ordinary and not item.tries:
            until = self._hold(desk, now)
            if until is not None:
                return Taken(hold_until=until)
        swap = 0.0
        if warm_keys and item.warm_key and warm_keys[place] != item.warm_key:
            swap = self.limits.swap_seconds
        members = self._fill(desk, item, now, idle_workers)
        return self._charge(lane, members, now, place, swap)

    def ended(self, *, tenant: str, charged_seconds: float, used_seconds: float) -> None:
        """Replace what an item was charged at dispatch by what it used.

        Parameters
        ----------
        used_seconds
            Worker-seconds, a swap apart; 0 for work that never ran.
        """
        account = self._account(tenant)
        difference = (used_seconds - charged_seconds) / account.weight
        if not difference:
            return
        account.counter += difference
        if difference > 0:
            self._forgive(tenant, account)
        elif account.waiting:
            self._racing.put(tenant, account.counter)
            for lane in self._lanes.values():
                lane.place(tenant)

    def freed(self, lane: str, holder: str, bulk_tenants: Iterable[str] = ()) -> None:
        """Note that a batch has ended, whoever of its members succeeded."""
        self._count_flight(lane, holder, bulk_tenants, -1)

    def flying(self, lane: str, holder: str, bulk_tenants: Iterable[str] = ()) -> None:
        """Note a batch in flight that this desk has not given out itself."""
        self._count_flight(lane, holder, bulk_tenants, +1)

    def changes(self) -> list[ShareChange]:
        """Return counters lifted and tenants that joined or left since the last call, by id."""
        changed = []
        for tenant in sorted(self._touched):
            account = self._accounts[tenant]
            if account.lift or account.is_active != account.was_active:
                changed.append(
                    ShareChange(tenant, self.worker_class, account.lift, account.is_active)
                )
            account.lift, account.was_active = 0.0, account.is_active
        self._touched.clear()
        return changed

    def counters(self) -> dict[str, float]:
        """Return every tenant's counter, in seconds of share."""
        return {tenant: account.counter for tenant, account in self._accounts.items()}

    def queued(self, lane: str) -> int:
        """Return how many items wait in a lane."""
        desk = self._lanes.get(lane)
        return desk.waiting if desk else 0

    def queued_of(self, tenant: str) -> int:
        """Return how many items of a tenant wait, over all lanes."""
        account = self._accounts.get(tenant)
        return account.waiting if account else 0

    def waiting(self) -> Iterator[WaitingItem]:
        """Yield all that waits, in the order it was added."""
        return iter(self._items.values())

    def _seed(
        self, desk: LaneDesk, now: float, warm_keys: Sequence[str]
    ) -> tuple[WaitingItem, int, bool]:
        """Return the item whose turn it is, the worker for it, whether counters chose it."""
        first = desk.fairest()
        if first is None:
            raise RuntimeError("work waits but nobody is in the race")
        if reserved := self._reserved(desk, now):
            return reserved, _place_for(reserved, warm_keys, desk), False
        if self._guards and (overdue := self._overdue(desk, now)):
            return overdue, _place_for(overdue, warm_keys, desk), False
        promised = first[0] + PROMISE_PART * self.limits.lag_seconds
        timely = desk.timely(now, promised)
        tenant = desk.aged(now, promised)
        reach = first[0] + self.limits.lag_seconds
        warm = self._warm(desk, now, warm_keys, reach) if tenant is None else None
        # What is late anyway does not make late what is not, not even without a swap.
        if warm and (timely is None or now <= warm.waits_since + self.limits.target_of(warm)):
            return warm, _place_for(warm, warm_keys, desk), True
        tenant = tenant or timely or first[1]
        item = desk.entrants[tenant].line(now).next(now)
        if item is None:
            raise RuntimeError(f"{tenant} is in the race without work")
        return item, _place_for(item, warm_keys, desk), True

    def _warm(
        self, desk: LaneDesk, now: float, warm_keys: Sequence[str], reach: float
    ) -> WaitingItem | None:
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

    def _reserved(self, desk: LaneDesk, now: float) -> WaitingItem | None:
        """Return the next work of those who hold less than their contract reserves."""
        short = [
            (self._accounts[tenant].counter, tenant)
            for tenant in self._reserving
            if self._accounts[tenant].held < self._accounts[tenant].reserved
            and desk.entrants.get(tenant)
        ]
        return desk.entrants[min(short)[1]].line(now).next(now) if short else None

    def _overdue(self, desk: LaneDesk, now: float) -> WaitingItem | None:
        """Return the next work of whoever waits longest, if that is beyond all patience."""
        first = desk.longest_neglected()
        if first is None or not desk.workers:
            return None
        since, tenant = first
        head = desk.entrants[tenant].line(now).next(now)
        if head is None:
            return None
        account = self._accounts[tenant]
        patience = patience_seconds(
            self.limits.target_of(head),
            max(head.p50_seconds, account.last_seconds),
            share=account.weight / desk.waiting_weight * desk.workers,
        )
        return head if now - since > patience else None

    def _hold(self, desk: LaneDesk, now: float) -> float | None:
        """Return until when to wait for a fuller batch, None to begin at once."""
        limits = self.limits
        if not limits.fixed_seconds or len(desk.keys) > 1 or desk.waiting >= limits.max_orders:
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
        until = min(
            held_until(item, queued=desk.waiting, workers=desk.workers, limits=limits)
            for item in items
        )
        return until if until > now else None

    def _fill(
        self, desk: LaneDesk, seed: WaitingItem, now: float, idle_workers: int
    ) -> list[WaitingItem]:
        """Take out the seed and those who may run with it."""
        limits = self.limits
        most = most_members(seed, desk.waiting, idle_workers, limits)
        reach = self._accounts[seed.tenant].counter + limits.lag_seconds
        members = [seed]
        self._remove(seed)
        seconds = limits.budget_seconds - seed.p50_seconds
        pixel_steps = limits.budget_pixel_steps - seed.pixel_steps
        fixed = min(limits.fixed_seconds, seed.p50_seconds)
        while len(members) < most:
            found = desk.mate(seed.batch_key, now)
            if found is None or found[0] > reach:
                break
            mate = found[1]
            own_seconds = max(0.0, mate.p50_seconds - fixed)
            if own_seconds > seconds or mate.pixel_steps > pixel_steps:
                break
            members.append(mate)
            self._remove(mate)
            seconds -= own_seconds
            pixel_steps -= mate.pixel_steps
        return members

    def _charge(
        self, lane: str, members: list[WaitingItem], now: float, place: int, swap: float
    ) -> Taken:
        paid = charges(members, self.limits.fixed_seconds)
        shares = []
        for number, (item, seconds) in enumerate(zip(members, paid, strict=True)):
            account = self._accounts[item.tenant]
            # The house pays the other half: grouping is in everybody's interest, and a rare
            # engine is nobody's fault.
            rise = (seconds + (swap / 2 if number == 0 else 0.0)) / account.weight
            account.counter += rise
            account.last_at, account.last_seconds = now, seconds
            self._top = max(self._top, account.counter)
            shares.append(rise)
        taken = Taken(lane, tuple(members), paid, tuple(shares), place, swap, sum(paid))
        self._count_flight(lane, taken.holder, taken.bulk_tenants, +1)
        return taken

    def _count_flight(self, lane: str, holder: str, bulk: Iterable[str], by: int) -> None:
        desk = self._lane(lane)
        if holder in self._accounts:
            account = self._accounts[holder]
            account.held = max(0, account.held + by)
            desk.hold(holder, by)
        for tenant in bulk:
            desk.fly_bulk(tenant, by)

    def _remove(self, item: WaitingItem) -> None:
        del self._items[item.item]
        account = self._accounts[item.tenant]
        account.waiting -= 1
        self._lanes[item.lane].remove(item)
        if not account.waiting:
            account.is_active = False
            self._touched.add(item.tenant)
            self._racing.drop(item.tenant)

    def _enter(self, tenant: str, account: _Account) -> None:
        """Bring a tenant into the race: no credit from idleness, no debt beyond the cap."""
        floor = self._floor()
        counter = max(account.counter, self._top if floor is None else floor)
        account.is_active = True
        self._move(tenant, account, counter - account.counter)
        self._forgive(tenant, account)

    def _forgive(self, tenant: str, account: _Account) -> None:
        """Cut off what is beyond the cap of debt."""
        floor = self._floor()
        if account.is_active and floor is not None and account.counter > floor + DEBT_CAP_SECONDS:
            self._move(tenant, account, floor + DEBT_CAP_SECONDS - account.counter)
            for lane in self._lanes.values():
                lane.place(tenant)
        self._top = max(self._top, account.counter)

    def _move(self, tenant: str, account: _Account, lift: float) -> None:
        account.counter += lift
        account.lift += lift
        self._top = max(self._top, account.counter)
        self._touched.add(tenant)

    def _floor(self) -> float | None:
        first = self._racing.first(
            lambda tenant: account.counter if (account := self._accounts[tenant]).waiting else None
        )
        return first[0] if first else None

    def _lane(self, name: str) -> LaneDesk:
        found = self._lanes.get(name)
        if found is None:
            found = self._lanes[name] = LaneDesk(
                lambda tenant: self._accounts[tenant].counter,
                lambda tenant: self._accounts[tenant].weight,
                lambda tenant: self._accounts[tenant].last_at,
                guards=self._guards,
            )
        return found

    def _account(self, tenant: str) -> _Account:
        account = self._accounts.get(tenant)
        if account is None:
            raise ValueError(f"{tenant} has no share in {self.worker_class}: make it known first")
        return account


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
