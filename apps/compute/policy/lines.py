"""Each tenant's own line in one lane. Pure.

Interactive work goes before bulk work of the same tenant; bulk work yields after every item, since
an item is the smallest chunk. Bulk work that has been patient for `BULK_PATIENCE_SECONDS` always
has one item in flight beside interactive work.

Within a line an item is *due* when its wait reaches its target. First comes what is overdue by
`LATE_FACTOR` targets, then the oldest whose promise can still be kept, then the oldest of the
rest: once an order is late, a little later costs its owner little, while each order that can still
be in time would become late behind it.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import Final

from apps.compute.policy.fairness import BULK_PATIENCE_SECONDS, LATE_FACTOR
from apps.compute.policy.snapshot import WaitingItem

LOOKAHEAD: Final = 32
"""So far ahead of its line's overdue head may an item be taken for the sake of a warm engine."""

_Entry = tuple[float, str, WaitingItem]
"""Instant when it is due, id, item."""


class Line:
    """Waiting items of one tenant, lane and urgency, by when they are due, ties by id."""

    __slots__ = ("_by_batch", "_by_engine", "_entries", "due_at", "target_seconds")

    def __init__(self) -> None:
        self._entries = _Sorted()
        self._by_engine: dict[str, _Sorted] = {}
        self._by_batch: dict[str, _Sorted] = {}
        self.due_at: dict[str, float] = {}
        """By item, of all that wait: asked for its emptiness more often than for anything else."""
        self.target_seconds = 0.0
        """The wait that this tenant's work of this urgency aims at, as the last item had it."""

    def __len__(self) -> int:
        return len(self.due_at)

    def add(self, item: WaitingItem, target_seconds: float) -> float:
        """Add an item that is not in the line. Return when it is due."""
        due_at = item.waits_since + target_seconds
        self.target_seconds = target_seconds
        self.due_at[item.item] = due_at
        for entries in self._indexes(item):
            entries.add((due_at, item.item, item))
        return due_at

    def remove(self, item: WaitingItem) -> None:
        """Take an item of the line out."""
        entry = (self.due_at.pop(item.item), item.item, item)
        for entries in self._indexes(item):
            entries.remove(entry)
        if item.warm_key and not self._by_engine[item.warm_key]:
            del self._by_engine[item.warm_key]
        if not item.tries and not self._by_batch[item.batch_key]:
            del self._by_batch[item.batch_key]

    def keys(self) -> tuple[list[str], list[str]]:
        """Return what could be asked for: warm keys and batch keys."""
        return list(self._by_engine), list(self._by_batch)

    def needs(self, warm_key: str) -> bool:
        """Return whether an item needs this loaded."""
        return warm_key in self._by_engine

    def first_due_at(self) -> float | None:
        """Return when the oldest item is or was due."""
        return self._entries.at(0)[0] if self.due_at else None

    def timely_at(self, now: float) -> float | None:
        """Return when the oldest item is due that is not late yet; None if all are."""
        place = self._entries.place(now)
        return self._entries.at(place)[0] if place < len(self._entries) else None

    def is_aged(self, now: float) -> bool:
        """Return whether the oldest item has waited beyond `LATE_FACTOR` targets."""
        first = self.first_due_at()
        return first is not None and now > first + (LATE_FACTOR - 1) * self.target_seconds

    def next(self, now: float) -> WaitingItem | None:
        """Return the item whose turn it is."""
        return self._preferred(self._entries, now)

    def next_warm(self, warm_key: str, now: float) -> WaitingItem | None:
        """Return the item whose turn it is among those that need this loaded."""
        item = self._preferred(self._by_engine.get(warm_key), now)
        if item is None or not self.is_aged(now):
            return item
        rank = self._entries.rank((self.due_at[item.item], item.item, item))
        return item if rank < LOOKAHEAD else None

    def next_mate(self, batch_key: str, now: float) -> WaitingItem | None:
        """Return the item whose turn it is among those that may join such a batch."""
        return self._preferred(self._by_batch.get(batch_key), now)

    def items(self) -> list[WaitingItem]:
        """Return all items by when they are due."""
        return [self._entries.at(place)[2] for place in range(len(self._entries))]

    def _preferred(self, entries: _Sorted | None, now: float) -> WaitingItem | None:
        if not entries:
            return None
        first = entries.at(0)
        if now <= first[0] or now > first[0] + (LATE_FACTOR - 1) * self.target_seconds:
            return first[2]
        place = entries.place(now)
        return entries.at(place)[2] if place < len(entries) else first[2]

    def _indexes(self, item: WaitingItem) -> list[_Sorted]:
        indexes = [self._entries]
        if item.warm_key:
            indexes.append(self._by_engine.setdefault(item.warm_key, _Sorted()))
        if not item.tries:
            indexes.append(self._by_batch.setdefault(item.batch_key, _Sorted()))
        return indexes


class _Sorted:
    """A sorted list that is mostly added to at its end and taken from at its front."""

    __slots__ = ("_entries", "_start")

    def __init__(self) -> None:
        self._entries: list[_Entry] = []
        self._start = 0

    def __len__(self) -> int:
        return len(self._entries) - self._start

    def add(self, entry: _Entry) -> None:
        if not self._entries or entry > self._entries[-1]:
            self._entries.append(entry)
        else:
            insort(self._entries, entry, lo=self._start)

    def remove(self, entry: _Entry) -> None:
        place = bisect_left(self._entries, entry, lo=self._start)
        if place > self._start:
            del self._entries[place]
            return
        # The front is cut off when it is as long as the rest, so that taking costs O(1) on average.
        self._start += 1
        if 2 * self._start >= len(self._entries):
            del self._entries[: self._start]
            self._start = 0

    def at(self, rank: int) -> _Entry:
        return self._entries[self._start + rank]

    def place(self, due_at: float) -> int:
        """Return the rank of the first entry due at an instant or later."""
        return bisect_left(self._entries, (due_at,), lo=self._start) - self._start

    def rank(self, entry: _Entry) -> int:
        return bisect_left(self._entries, entry, lo=self._start) - self._start


class Entrant:
    """One tenant's part in one lane: two lines and what it holds."""

    __slots__ = ("bulk", "bulk_flying", "held", "interactive")

    def __init__(self) -> None:
        self.interactive = Line()
        self.bulk = Line()
        self.held = 0
        """Places that batches hold which this tenant's work began."""
        self.bulk_flying = 0
        """Batches in flight with bulk work of this tenant."""

    def __bool__(self) -> bool:
        return bool(self.interactive.due_at or self.bulk.due_at)

    def line_of(self, item: WaitingItem) -> Line:
        """Return the line an item belongs to."""
        return self.interactive if item.is_interactive else self.bulk

    def line(self, now: float) -> Line:
        """Return the line whose turn it is."""
        if not self.interactive.due_at:
            return self.bulk
        if self.bulk.due_at and not self.bulk_flying:
            first = self.bulk.first_due_at()
            waits_since = (first or 0.0) - self.bulk.target_seconds
            if now - waits_since > BULK_PATIENCE_SECONDS:
                return self.bulk
        return self.interactive
