"""One worker class's race, kept between decisions. Pure.

Owns the tenants' counters and answers one question: which work should this free worker take? The
dispatcher, the forecast and the simulator all ask here, so that what is simulated is what runs.
Every operation costs O(log n) in tenants and items, times the members of a batch and the keys of
the idle workers. Instants are on the clock of whoever calls.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from apps.compute.policy.accounts import Accounts
from apps.compute.policy.batching import BatchLimits, charges, most_members
from apps.compute.policy.choosing import Choice, Chooser, hold_until
from apps.compute.policy.decisions import ShareChange
from apps.compute.policy.lane_desk import LaneDesk
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
        self._accounts = Accounts(worker_class)
        self._chooser = Chooser(self._accounts, guards=guards)
        self._items: dict[str, WaitingItem] = {}
        self._lanes: dict[str, LaneDesk] = {}
        for share in shares:
            self.know(share)

    def know(self, share: TenantShare) -> None:
        """Enter a tenant, or change its weight and reservation; its counter stays as it is.

        Raises
        ------
        ValueError
            If the weight is not above 0.
        """
        difference = self._accounts.know(share)
        if difference:
            for lane in self._lanes.values():
                lane.reweigh(share.tenant, difference)

    def staff(self, lane: str, workers: int, lead: int = 1) -> None:
        """Say how many workers a lane has, and how many batches each is given at a time."""
        desk = self._lane(lane)
        desk.workers, desk.lead = workers, lead

    def load(self, items: Iterable[WaitingItem]) -> None:
        """Let a whole backlog wait, whose tenants were in the race or not as their shares say.

        The order of the items has no meaning, while `add` takes them as they arrive.
        """
        items = list(items)
        self._accounts.load(frozenset(item.tenant for item in items))
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
        self._accounts.wait(item.tenant)
        self._items[item.item] = item
        lane = self._lane(item.lane)
        lane.add(item, self.limits.target_of(item))
        if self.limits.fixed_seconds:
            lane.rhythm.note(item.batch_key, item.waits_since)

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
        choice = self._chooser.choose(desk, self.limits, now, warm_keys)
        if may_hold and choice.may_hold:
            until = hold_until(desk, self.limits, now)
            if until is not None:
                return Taken(hold_until=until)
        swap = 0.0
        if warm_keys and choice.item.warm_key not in {"", warm_keys[choice.place]}:
            swap = self.limits.swap_seconds
        members = self._fill(desk, choice, now, idle_workers)
        return self._charge(lane, members, now, choice.place, swap)

    def ended(self, *, tenant: str, charged_seconds: float, used_seconds: float) -> None:
        """Replace what an item was charged at dispatch by what it used.

        Parameters
        ----------
        used_seconds
            Worker-seconds, a swap apart; 0 for work that never ran.
        """
        if self._accounts.true_up(tenant, used_seconds - charged_seconds):
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
        return self._accounts.changes()

    def counters(self) -> dict[str, float]:
        """Return every tenant's counter, in seconds of share."""
        return self._accounts.counters()

    def queued(self, lane: str) -> int:
        """Return how many items wait in a lane."""
        desk = self._lanes.get(lane)
        return desk.waiting if desk else 0

    def peek(self, lane: str, *, now: float) -> WaitingItem | None:
        """Return the item that would begin the next batch of a lane, without taking it."""
        desk = self._lanes.get(lane)
        if desk is None or not desk.waiting:
            return None
        return self._chooser.choose(desk, self.limits, now, ()).item

    def queued_of(self, tenant: str) -> int:
        """Return how many items of a tenant wait, over all lanes."""
        return self._accounts.queued_of(tenant)

    def waiting(self) -> Iterator[WaitingItem]:
        """Yield all that waits, in the order it was added."""
        return iter(self._items.values())

    def _fill(
        self, desk: LaneDesk, choice: Choice, now: float, idle_workers: int
    ) -> list[WaitingItem]:
        """Take out the item whose turn it is and those who may run with it."""
        limits, seed = self.limits, choice.item
        most = most_members(seed, desk.waiting, idle_workers, limits)
        members = [seed]
        self._remove(seed)
        seconds = limits.budget_seconds - seed.p50_seconds
        pixel_steps = limits.budget_pixel_steps - seed.pixel_steps
        fixed = min(limits.fixed_seconds, seed.p50_seconds)
        while len(members) < most:
            found = desk.mate(seed.batch_key, now)
            if found is None or found[0] > choice.reach:
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
            # The house pays the other half: grouping is in everybody's interest, and a rare
            # engine is nobody's fault.
            extra = swap / 2 if number == 0 else 0.0
            shares.append(self._accounts.charge(item.tenant, seconds, extra, now))
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
        self._accounts.leave(item.tenant)
        self._lanes[item.lane].remove(item)

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
