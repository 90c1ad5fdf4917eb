"""Each tenant's own line in one lane. Pure.

Interactive work goes before bulk work of the same tenant, the oldest first within each; bulk work
yields after every item, since an item is the smallest chunk. Bulk work that has been patient for
`BULK_PATIENCE_SECONDS` always has one item in flight beside interactive work.

Only the first `LOOKAHEAD` items of a line are offered out of turn, to a worker that has loaded
what they need: a detour inside a tenant's line costs nobody else anything.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, insort
from typing import Final

from apps.compute.policy.fairness import BULK_PATIENCE_SECONDS
from apps.compute.policy.snapshot import WaitingItem

LOOKAHEAD: Final = 32

_Entry = tuple[float, str, int, WaitingItem]


class Line:
    """Waiting items of one tenant, lane and urgency, the oldest first, ties by id."""

    __slots__ = ("_far", "_near", "_serial", "_serials")

    def __init__(self) -> None:
        self._near: list[_Entry] = []
        self._far: list[_Entry] = []
        """A heap; entries whose serial is no longer in force are dropped when they surface."""
        self._serials: dict[str, int] = {}
        self._serial = 0

    @property
    def size(self) -> int:
        """How many items wait."""
        return len(self._serials)

    def add(self, item: WaitingItem) -> bool:
        """Add an item that is not in the line. Return whether it stands among the nearest."""
        self._serial += 1
        self._serials[item.item] = self._serial
        entry = (item.waits_since, item.item, self._serial, item)
        if len(self._near) >= LOOKAHEAD:
            if entry > self._near[-1]:
                heapq.heappush(self._far, entry)
                return False
            heapq.heappush(self._far, self._near.pop())
        insort(self._near, entry)
        return True

    def remove(self, item: WaitingItem) -> WaitingItem | None:
        """Take an item of the line out. Return the one that thereby came near, if any."""
        serial = self._serials.pop(item.item)
        near = self._near
        place = bisect_left(near, (item.waits_since, item.item, serial))
        if place >= len(near) or near[place][2] != serial:
            return None
        del near[place]
        while self._far:
            entry = heapq.heappop(self._far)
            if self._serials.get(entry[1]) == entry[2]:
                near.append(entry)
                return entry[3]
        return None

    def head(self) -> WaitingItem | None:
        """Return the oldest item."""
        return self._near[0][3] if self._near else None

    def near(self) -> list[WaitingItem]:
        """Return the items that may be offered out of turn, the oldest first."""
        return [entry[3] for entry in self._near]

    def with_warm_key(self, warm_key: str) -> WaitingItem | None:
        """Return the oldest near item that needs this loaded."""
        for _, _, _, item in self._near:
            if item.warm_key == warm_key:
                return item
        return None

    def mate(self, batch_key: str, seconds: float, pixel_steps: float) -> WaitingItem | None:
        """Return the oldest near item of a batch that still has so much room."""
        for _, _, _, item in self._near:
            if (
                item.batch_key == batch_key
                and not item.tries
                and item.p50_seconds <= seconds
                and item.pixel_steps <= pixel_steps
            ):
                return item
        return None


class Entrant:
    """One tenant's part in one lane: two lines and what it holds."""

    __slots__ = ("bulk", "bulk_flying", "held", "interactive")

    def __init__(self) -> None:
        self.interactive = Line()
        self.bulk = Line()
        self.held = 0
        """Workers at, or bound for, batches that this tenant's work began."""
        self.bulk_flying = 0
        """Batches in flight with bulk work of this tenant."""

    @property
    def size(self) -> int:
        """How many items wait."""
        return self.interactive.size + self.bulk.size

    def line_of(self, item: WaitingItem) -> Line:
        """Return the line an item belongs to."""
        return self.interactive if item.is_interactive else self.bulk

    def line(self, now: float) -> Line:
        """Return the line whose turn it is."""
        head = self.bulk.head()
        if not self.interactive.size:
            return self.bulk
        if head and not self.bulk_flying and now - head.waits_since > BULK_PATIENCE_SECONDS:
            return self.bulk
        return self.interactive
