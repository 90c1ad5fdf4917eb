"""Who waits in one lane, indexed for every question a dispatch asks. Pure.

Owns the lines, who holds how many places, and the heaps over them. Does not know counters or
prices: the desk of the class passes counters in.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable

from apps.compute.policy.fairness import GUARD_FACTOR
from apps.compute.policy.lines import Entrant
from apps.compute.policy.race import Race
from apps.compute.policy.snapshot import WaitingItem

Numbers = Callable[[str], float]


class LaneDesk:
    """One lane of a worker class.

    A waiting tenant stands in `race`, or in `parked` while it holds too much; in `warm` and
    `alike` under each key that is near the head of its line; in `oldest` while it holds nothing.
    """

    __slots__ = (
        "_counter_of",
        "_last_at_of",
        "_weight_of",
        "alike",
        "entrants",
        "keys",
        "lead",
        "oldest",
        "parked",
        "race",
        "waiting",
        "waiting_weight",
        "warm",
        "workers",
    )

    def __init__(self, counter_of: Numbers, weight_of: Numbers, last_at_of: Numbers) -> None:
        self._counter_of = counter_of
        self._weight_of = weight_of
        self._last_at_of = last_at_of
        self.entrants: dict[str, Entrant] = {}
        self.race = Race()
        self.parked = Race()
        self.oldest = Race()
        self.warm: dict[str, Race] = {}
        self.alike: dict[str, Race] = {}
        self.keys: Counter[str] = Counter()
        """Waiting items by batch key."""
        self.workers = 0
        self.lead = 1
        """Batches that a worker is given at a time, the one it runs included."""
        self.waiting = 0
        self.waiting_weight = 0.0
        """Of all tenants with work waiting here."""

    def entrant(self, tenant: str) -> Entrant:
        """Return a tenant's part, a new one if it has none yet."""
        found = self.entrants.get(tenant)
        if found is None:
            found = self.entrants[tenant] = Entrant()
        return found

    def add(self, item: WaitingItem) -> None:
        """Let an item wait."""
        tenant = item.tenant
        entrant = self.entrant(tenant)
        if not entrant.size:
            self.waiting_weight += self._weight_of(tenant)
        near = entrant.line_of(item).add(item)
        self.waiting += 1
        self.keys[item.batch_key] += 1
        self.place(tenant, entrant)
        if near:
            self._offer(item)

    def remove(self, item: WaitingItem) -> None:
        """Take a waiting item out."""
        tenant = item.tenant
        entrant = self.entrants[tenant]
        line = entrant.line_of(item)
        came_near = line.remove(item)
        self.waiting -= 1
        self.keys[item.batch_key] -= 1
        if not self.keys[item.batch_key]:
            del self.keys[item.batch_key]
        if came_near:
            self._offer(came_near)
        if not entrant.size:
            self.waiting_weight = (
                self.waiting_weight - self._weight_of(tenant) if self.waiting else 0.0
            )
            for heap in (self.race, self.parked, self.oldest):
                heap.drop(tenant)
            if not entrant.held and not entrant.bulk_flying:
                del self.entrants[tenant]
        elif not line.size or not item.is_interactive:
            # The other line's turn: while it had none, its keys were dropped.
            self.offer_all(tenant, entrant)

    def hold(self, tenant: str, by: int) -> None:
        """Note that a tenant holds more or fewer places."""
        entrant = self.entrant(tenant)
        entrant.held = max(0, entrant.held + by)
        if entrant.size:
            self.place(tenant, entrant)
        elif not entrant.held and not entrant.bulk_flying:
            del self.entrants[tenant]

    def fly_bulk(self, tenant: str, by: int) -> None:
        """Note that more or fewer batches with bulk work of a tenant are in flight."""
        entrant = self.entrant(tenant)
        entrant.bulk_flying = max(0, entrant.bulk_flying + by)
        if entrant.size:
            self.offer_all(tenant, entrant)
        elif not entrant.held and not entrant.bulk_flying:
            del self.entrants[tenant]

    def place(self, tenant: str, entrant: Entrant) -> None:
        """Put a waiting tenant where it belongs, after its counter fell or its holding changed."""
        if self._is_full(tenant):
            self._park(tenant)
        else:
            if tenant in self.parked:
                self.parked.drop(tenant)
                self.offer_all(tenant, entrant)
            self.race.put(tenant, self._counter_of(tenant))
        if entrant.held:
            self.oldest.drop(tenant)
        elif (since := self._neglect(tenant)) is not None:
            self.oldest.put(tenant, since)

    def offer_all(self, tenant: str, entrant: Entrant) -> None:
        """Enter a tenant under every key near the heads of its lines."""
        for line in (entrant.interactive, entrant.bulk):
            for item in line.near():
                self._offer(item)
        self.race.put(tenant, self._counter_of(tenant))

    def fairest(self) -> tuple[float, str] | None:
        """Return the smallest counter among those who may have another place, and its tenant."""
        limit = self._limit()
        while (first := self.parked.first(self._parking)) is not None and first[0] < limit:
            tenant = first[1]
            self.parked.drop(tenant)
            self.offer_all(tenant, self.entrants[tenant])
        while (first := self.race.first(self._racing)) is not None:
            tenant = first[1]
            if not self._is_full(tenant):
                return first
            self._park(tenant)
        # All hold twice their share: places were lost since. A worker does not idle for that.
        full = [(self._counter_of(tenant), tenant) for tenant in self.parked.tenants()]
        return min(full, default=None)

    def warmest(self, warm_key: str, now: float) -> tuple[float, str, WaitingItem] | None:
        """Return the fairest tenant with near work for a loaded engine: counter, tenant, item."""
        heap = self.warm.get(warm_key)
        if heap is None:
            return None

        def number_of(tenant: str) -> float | None:
            entrant = self.entrants.get(tenant)
            if entrant is None or tenant in self.parked:
                return None
            if self._is_full(tenant):
                self._park(tenant)
                return None
            found = entrant.line(now).with_warm_key(warm_key)
            return self._counter_of(tenant) if found else None

        first = heap.first(number_of)
        if first is None:
            del self.warm[warm_key]
            return None
        item = self.entrants[first[1]].line(now).with_warm_key(warm_key)
        return (*first, item) if item else None

    def mate(
        self, batch_key: str, now: float, *, seconds: float, pixel_steps: float
    ) -> tuple[float, WaitingItem] | None:
        """Return the fairest tenant's counter and its item that still fits into a batch."""
        heap = self.alike.get(batch_key)
        if heap is None:
            return None

        def mate_of(
            tenant: str, seconds: float = math.inf, pixel_steps: float = math.inf
        ) -> WaitingItem | None:
            entrant = self.entrants.get(tenant)
            return entrant.line(now).mate(batch_key, seconds, pixel_steps) if entrant else None

        first = heap.first(lambda tenant: self._counter_of(tenant) if mate_of(tenant) else None)
        if first is None:
            del self.alike[batch_key]
            return None
        item = mate_of(first[1], seconds, pixel_steps)
        return (first[0], item) if item else None

    def longest_neglected(self) -> tuple[float, str] | None:
        """Return who holds nothing and was served or arrived longest ago, after when it was."""
        return self.oldest.first(self._neglect)

    def _neglect(self, tenant: str) -> float | None:
        entrant = self.entrants.get(tenant)
        if entrant is None or not entrant.size:
            return None
        heads = (entrant.interactive.head(), entrant.bulk.head())
        return max(self._last_at_of(tenant), min(head.waits_since for head in heads if head))

    def _park(self, tenant: str) -> None:
        self.race.drop(tenant)
        self.parked.put(tenant, self._holding(tenant))

    def _offer(self, item: WaitingItem) -> None:
        counter = self._counter_of(item.tenant)
        if item.warm_key:
            self.warm.setdefault(item.warm_key, Race()).put(item.tenant, counter)
        if not item.tries:
            self.alike.setdefault(item.batch_key, Race()).put(item.tenant, counter)

    def _limit(self) -> float:
        """Workers held over weight from which on a tenant holds twice its share."""
        if not self.waiting_weight:
            return 0.0
        return GUARD_FACTOR * self.workers / self.waiting_weight

    def _is_full(self, tenant: str) -> bool:
        return self.entrants[tenant].held >= self.lead and self._holding(tenant) >= self._limit()

    def _racing(self, tenant: str) -> float | None:
        entrant = self.entrants.get(tenant)
        return self._counter_of(tenant) if entrant and entrant.size else None

    def _holding(self, tenant: str) -> float:
        """Workers that a tenant fills, over its weight."""
        return self.entrants[tenant].held // self.lead / self._weight_of(tenant)

    def _parking(self, tenant: str) -> float | None:
        entrant = self.entrants.get(tenant)
        return self._holding(tenant) if entrant and entrant.size else None
