"""Tenants ordered by a number that keeps changing. Pure.

A heap in which nothing is searched for: an entry whose number has risen meanwhile is mended when
it surfaces, and one that has left is dropped then. Every operation costs O(log n), amortized.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable


class Race:
    """Tenants by number, the smallest first, ties by id."""

    __slots__ = ("_heap", "_placed")

    def __init__(self) -> None:
        self._heap: list[tuple[float, str]] = []
        self._placed: dict[str, float] = {}

    def __contains__(self, tenant: str) -> bool:
        return tenant in self._placed

    def put(self, tenant: str, number: float) -> None:
        """Enter a tenant, or move it forward; it need not be called when a number has risen."""
        placed = self._placed.get(tenant)
        if placed is None or number < placed:
            self._placed[tenant] = number
            heapq.heappush(self._heap, (number, tenant))

    def drop(self, tenant: str) -> None:
        """Take a tenant out; nothing happens if it is not in."""
        self._placed.pop(tenant, None)

    def least(self) -> float:
        """Return a lower bound of all numbers, infinity if nobody takes part; costs nothing."""
        return self._heap[0][0] if self._heap else math.inf

    def first(self, number_of: Callable[[str], float | None]) -> tuple[float, str] | None:
        """Return the smallest number and its tenant, None if nobody is left.

        Parameters
        ----------
        number_of
            The tenant's number now; None if it no longer takes part and is to be dropped. One that
            has fallen since it was put is found late.
        """
        heap, placed = self._heap, self._placed
        while heap:
            number, tenant = heap[0]
            if placed.get(tenant) != number:
                heapq.heappop(heap)
                continue
            current = number_of(tenant)
            if current is None:
                heapq.heappop(heap)
                placed.pop(tenant, None)
            elif current != number:
                placed[tenant] = current
                heapq.heapreplace(heap, (current, tenant))
            else:
                return heap[0]
        return None

    def nearest(
        self, number_of: Callable[[str], float | None], *, reach: float, most: int
    ) -> list[tuple[float, str]]:
        """Return the tenants up to a number, the smallest first, at most so many.

        Parameters
        ----------
        number_of
            As in `first`.
        """
        found: list[tuple[float, str]] = []
        while len(found) < most:
            first = self.first(number_of)
            if first is None or first[0] > reach:
                break
            found.append(heapq.heappop(self._heap))
        for entry in found:
            heapq.heappush(self._heap, entry)
        return found

    def tenants(self) -> frozenset[str]:
        """Return all who take part."""
        return frozenset(self._placed)
