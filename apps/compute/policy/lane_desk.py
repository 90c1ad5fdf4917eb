"""Who waits in one lane, indexed for every question a dispatch asks. Pure.

Owns the lines, who holds how many places, and the heaps over them. Does not know counters or
prices: the desk of the class passes the numbers in.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable

from apps.compute.policy.fairness import GUARD_FACTOR
from apps.compute.policy.lines import Entrant
from apps.compute.policy.race import Race
from apps.compute.policy.rhythm import Rhythm
from apps.compute.policy.snapshot import WaitingItem

Numbers = Callable[[str], float]


class LaneDesk:
    """One lane of a worker class.

    A tenant with work stands in `race` by its counter, or in `parked` while it holds too much. Of
    those in the race, who is within the fairness lag stands in `timely` by when its work is due,
    who is beyond it in `ahead`. `warm` and `alike` hold tenants by the keys of their work,
    `neglected` those that hold nothing. All heaps are mended when they are asked.
    """

    def __init__(
        self, counter_of: Numbers, weight_of: Numbers, last_at_of: Numbers, *, guards: bool
    ) -> None:
        self._guards = guards
        self._counter_of = counter_of
        self._weight_of = weight_of
        self._last_at_of = last_at_of
        self.entrants: dict[str, Entrant] = {}
        self._race = Race()
        self._parked = Race()
        self._ahead = Race()
        self._timely = Race()
        self._neglected = Race()
        self.warm: dict[str, Race] = {}
        self._alike: dict[str, Race] = {}
        self.keys: Counter[str] = Counter()
        """Waiting items by batch key."""
        self.rhythm = Rhythm()
        """Of the batch keys, noted only where batches save something."""
        self.workers = 0
        self.lead = 1
        """Batches that a worker is given at a time, the one it runs included."""
        self.waiting = 0
        self.waiting_weight = 0.0
        """Of all tenants with work waiting here."""

    def add(self, item: WaitingItem, target_seconds: float) -> None:
        """Let an item wait."""
        tenant = item.tenant
        entrant = self._entrant(tenant)
        if not entrant:
            self.waiting_weight += self._weight_of(tenant)
        due_at = entrant.line_of(item).add(item, target_seconds)
        self.waiting += 1
        self.keys[item.batch_key] += 1
        counter = self._counter_of(tenant)
        if item.warm_key:
            self.warm.setdefault(item.warm_key, Race()).put(tenant, counter)
        if not item.tries:
            self._alike.setdefault(item.batch_key, Race()).put(tenant, counter)
        if tenant not in self._parked:
            self._race.put(tenant, counter)
            self._timely.put(tenant, due_at)
        self._note_neglect(tenant, entrant)

    def remove(self, item: WaitingItem) -> None:
        """Take a waiting item out."""
        tenant = item.tenant
        entrant = self.entrants[tenant]
        line = entrant.line_of(item)
        line.remove(item)
        self.waiting -= 1
        self.keys[item.batch_key] -= 1
        if not self.keys[item.batch_key]:
            del self.keys[item.batch_key]
        if not entrant:
            left = self.waiting_weight - self._weight_of(tenant)
            self.waiting_weight = left if self.waiting else 0.0
            for heap in (self._race, self._parked, self._ahead, self._timely):
                heap.drop(tenant)
            self._neglected.drop(tenant)
            self._forget(tenant, entrant)
        elif not line:
            # The other line's turn: while it had none, its keys were dropped.
            self._offer(tenant, entrant)

    def hold(self, tenant: str, by: int) -> None:
        """Note that a tenant holds more or fewer places."""
        entrant = self._entrant(tenant)
        entrant.held = max(0, entrant.held + by)
        self._note_neglect(tenant, entrant)
        self._forget(tenant, entrant)

    def fly_bulk(self, tenant: str, by: int) -> None:
        """Note that more or fewer batches with bulk work of a tenant are in flight."""
        entrant = self._entrant(tenant)
        was_flying = entrant.bulk_flying > 0
        entrant.bulk_flying = max(0, entrant.bulk_flying + by)
        if was_flying != (entrant.bulk_flying > 0) and entrant.bulk and entrant.interactive:
            # It may be the other line's turn now.
            self._offer(tenant, entrant)
        self._forget(tenant, entrant)

    def reweigh(self, tenant: str, difference: float) -> None:
        """Note that a tenant's weight changes by a difference."""
        if self.entrants.get(tenant):
            self.waiting_weight += difference

    def place(self, tenant: str) -> None:
        """Move a waiting tenant forward whose counter fell.

        Not in `warm` and `alike`, which would cost as much as it has keys: there it is found late,
        and only a preference comes late with it.
        """
        entrant = self.entrants.get(tenant)
        if not entrant or tenant in self._parked:
            return
        self._race.put(tenant, self._counter_of(tenant))
        self._ahead.drop(tenant)
        for line in (entrant.interactive, entrant.bulk):
            if (due_at := line.first_due_at()) is not None:
                self._timely.put(tenant, due_at)

    def _offer(self, tenant: str, entrant: Entrant) -> None:
        """Enter a waiting tenant everywhere again, from where it was dropped meanwhile."""
        self.place(tenant)
        counter = self._counter_of(tenant)
        for line in (entrant.interactive, entrant.bulk):
            warm_keys, batch_keys = line.keys()
            for key in warm_keys:
                self.warm.setdefault(key, Race()).put(tenant, counter)
            for key in batch_keys:
                self._alike.setdefault(key, Race()).put(tenant, counter)

    def fairest(self) -> tuple[float, str] | None:
        """Return the smallest counter among those who may have another place, and its tenant."""
        limit = self._limit()
        while (first := self._parked.first(self._parking)) is not None and first[0] < limit:
            self._parked.drop(first[1])
            self._offer(first[1], self.entrants[first[1]])
        while (first := self._race.first(self._racing)) is not None:
            if not self._park_if_full(first[1]):
                return first
        # All hold twice their share: workers were lost since. None idles for the sake of that.
        full = [(self._counter_of(tenant), tenant) for tenant in self._parked.tenants()]
        return min(full, default=None)

    def timely(self, now: float, reach: float) -> str | None:
        """Return who within the lag has the oldest work that can still be in time."""
        while (first := self._ahead.first(self._racing)) is not None and first[0] <= reach:
            self._ahead.drop(first[1])
            self.place(first[1])
        return self._within(self._timely, reach, lambda entrant: entrant.line(now).timely_at(now))

    def warmest(
        self, warm_key: str, now: float, reach: float
    ) -> tuple[float, str, WaitingItem] | None:
        """Return the fairest within reach with work for a loaded engine: counter, tenant, item."""
        heap = self.warm.get(warm_key)
        if heap is None or heap.least() > reach:
            return None

        def number_of(tenant: str) -> float | None:
            entrant = self.entrants.get(tenant)
            if not entrant or tenant in self._parked or self._park_if_full(tenant):
                return None
            return self._counter_of(tenant) if entrant.line(now).needs(warm_key) else None

        first = heap.first(number_of)
        if first is None:
            del self.warm[warm_key]
            return None
        if first[0] > reach:
            return None
        item = self.entrants[first[1]].line(now).next_warm(warm_key, now)
        return (*first, item) if item else None

    def mate(self, batch_key: str, now: float) -> tuple[float, WaitingItem] | None:
        """Return the fairest tenant's counter and its item that may join a batch."""
        heap = self._alike.get(batch_key)
        if heap is None:
            return None

        def mate_of(tenant: str) -> WaitingItem | None:
            entrant = self.entrants.get(tenant)
            return entrant.line(now).next_mate(batch_key, now) if entrant else None

        first = heap.first(lambda tenant: self._counter_of(tenant) if mate_of(tenant) else None)
        if first is None:
            del self._alike[batch_key]
            return None
        item = mate_of(first[1])
        return (first[0], item) if item else None

    def longest_neglected(self) -> tuple[float, str] | None:
        """Return who holds nothing and was served or arrived longest ago, after when it was."""
        return self._neglected.first(self._neglect)

    def _entrant(self, tenant: str) -> Entrant:
        found = self.entrants.get(tenant)
        if found is None:
            found = self.entrants[tenant] = Entrant()
        return found

    def _forget(self, tenant: str, entrant: Entrant) -> None:
        if not entrant and not entrant.held and not entrant.bulk_flying:
            del self.entrants[tenant]

    def _within(
        self, heap: Race, reach: float, due_of: Callable[[Entrant], float | None]
    ) -> str | None:
        """Return the first of a heap who is within the lag and may have another place."""

        def number_of(tenant: str) -> float | None:
            entrant = self.entrants.get(tenant)
            return due_of(entrant) if entrant else None

        while (first := heap.first(number_of)) is not None:
            tenant = first[1]
            counter = self._counter_of(tenant)
            if counter > reach:
                self._timely.drop(tenant)
                self._ahead.put(tenant, counter)
            elif not self._park_if_full(tenant):
                return tenant
        return None

    def _park_if_full(self, tenant: str) -> bool:
        is_full = self.entrants[tenant].held >= self.lead and self._holding(tenant) >= self._limit()
        if is_full:
            for heap in (self._race, self._ahead, self._timely):
                heap.drop(tenant)
            self._parked.put(tenant, self._holding(tenant))
        return is_full

    def _limit(self) -> float:
        """Workers held over weight from which on a tenant holds twice its share."""
        if not self._guards:
            return math.inf
        if not self.waiting_weight:
            return 0.0
        return GUARD_FACTOR * self.workers / self.waiting_weight

    def _holding(self, tenant: str) -> float:
        """Workers that a tenant fills, over its weight."""
        return self.entrants[tenant].held // self.lead / self._weight_of(tenant)

    def _parking(self, tenant: str) -> float | None:
        return self._holding(tenant) if self.entrants.get(tenant) else None

    def _racing(self, tenant: str) -> float | None:
        return self._counter_of(tenant) if self.entrants.get(tenant) else None

    def _note_neglect(self, tenant: str, entrant: Entrant) -> None:
        if entrant.held:
            self._neglected.drop(tenant)
        elif (since := self._neglect(tenant)) is not None:
            self._neglected.put(tenant, since)
        if tenant in self._parked:
            self._parked.put(tenant, self._holding(tenant))

    def _neglect(self, tenant: str) -> float | None:
        entrant = self.entrants.get(tenant)
        if not entrant:
            return None
        return max(
            self._last_at_of(tenant),
            min(
                due_at - line.target_seconds
                for line in (entrant.interactive, entrant.bulk)
                if (due_at := line.first_due_at()) is not None
            ),
        )
