"""When work starts and ends in a line too long to be scheduled item by item. Pure.

The line is taken as a fluid: all tenants with work are served at once, each by its weight, until
their counters meet their ends. What an item waits for is then the sum of what everybody is served
until its tenant's counter reaches it, which a sorted list of breakpoints answers in O(log n). The
fluid differs from the discrete order by no more than the service bound of `fairness`, and by the
affinity lag: seconds, where the wait is minutes. Seconds are of workers; counters of share.

Source: generalized processor sharing (Parekh and Gallager, 1993).
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from apps.compute.policy.admission import Forecast

_SHARED_ERROR: Final = 0.5
"""Of an item's spread, as in `admission`."""


@dataclass(frozen=True, slots=True)
class Amount:
    """Some work."""

    p50_seconds: float = 0.0
    spread: float = 0.0
    """Sum of p90 minus p50 of its items, in seconds."""
    spread_squares: float = 0.0
    items: float = 0.0

    def plus(self, other: Amount, times: float = 1.0) -> Amount:
        """Return this and so many times the other."""
        return Amount(
            self.p50_seconds + times * other.p50_seconds,
            self.spread + times * other.spread,
            self.spread_squares + times * other.spread_squares,
            self.items + times * other.items,
        )


def amount_of(p50_seconds: float, p90_seconds: float, items: int = 1) -> Amount:
    """Return the amount of so many items that take as long each."""
    spread = max(0.0, p90_seconds - p50_seconds)
    return Amount(items * p50_seconds, items * spread, items * spread * spread, items)


@dataclass(frozen=True, slots=True)
class Backlog:
    """What of one tenant waits in a lane."""

    tenant: str
    weight: float
    counter: float
    """Where it stands in the race: see `fairness.starting_counters`."""
    amount: Amount


class FluidLine:
    """The backlogs of one lane.

    Parameters
    ----------
    backlogs
        One of each tenant.
    workers
        Of the lane, at least 1.
    flying
        What is left of the work in flight.
    """

    def __init__(
        self, backlogs: Iterable[Backlog], *, workers: int, flying: Amount = Amount()
    ) -> None:
        if workers < 1:
            raise ValueError(f"{workers} workers serve no line")
        self._workers = workers
        self._flying = flying
        self._backlogs = {each.tenant: each for each in backlogs if each.amount.p50_seconds > 0}
        changes: list[tuple[float, int, Backlog]] = []
        for each in self._backlogs.values():
            changes += [(each.counter, 1, each), (_end(each), -1, each)]
        changes.sort(key=lambda change: (change[0], change[2].tenant, change[1]))
        self._points: list[float] = []
        self._served: list[Amount] = []
        self._slopes: list[Amount] = []
        served, slope, before = Amount(), Amount(), 0.0
        for at, sign, backlog in changes:
            served = served.plus(slope, at - before)
            slope = slope.plus(backlog.amount, sign / (_end(backlog) - backlog.counter))
            self._points.append(at)
            self._served.append(served)
            self._slopes.append(slope)
            before = at

    def forecast(
        self, tenant: str, ahead: Amount, item: Amount, *, counter: float, weight: float
    ) -> Forecast:
        """Return where an item of a tenant stands.

        Parameters
        ----------
        ahead
            What of the tenant's own is served before it.
        item
            The item itself.
        counter, weight
            Of the tenant; it need not have anything in the line.
        """
        reached = counter + ahead.p50_seconds / weight
        others = self._until(reached).plus(self._of(tenant, reached), -1.0)
        before = self._flying.plus(others).plus(ahead)
        after = before.plus(item)
        start_p50 = before.p50_seconds / self._workers
        finish_p50 = start_p50 + item.p50_seconds
        return Forecast(
            position=1 + math.floor(max(0.0, others.plus(ahead).items)),
            start_p50=start_p50,
            start_p90=start_p50 + self._late(before),
            finish_p50=finish_p50,
            finish_p90=finish_p50 + max(self._late(after), item.spread),
        )

    def _late(self, amount: Amount) -> float:
        """Return by how much p90 lies behind p50 when so much was served by all workers."""
        own = math.sqrt(max(0.0, amount.spread_squares) / self._workers)
        return _SHARED_ERROR * amount.spread / self._workers + (1 - _SHARED_ERROR) * own

    def _until(self, counter: float) -> Amount:
        """Return what all tenants are served until the counters reach a point."""
        place = bisect_right(self._points, counter) - 1
        if place < 0:
            return Amount()
        return self._served[place].plus(self._slopes[place], counter - self._points[place])

    def _of(self, tenant: str, counter: float) -> Amount:
        backlog = self._backlogs.get(tenant)
        if backlog is None:
            return Amount()
        whole = _end(backlog) - backlog.counter
        share = min(max((counter - backlog.counter) / whole, 0.0), 1.0)
        return Amount().plus(backlog.amount, share)


def _end(backlog: Backlog) -> float:
    """Return where the tenant's counter stands when all of its work was served."""
    return backlog.counter + backlog.amount.p50_seconds / backlog.weight
