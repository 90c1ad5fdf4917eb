"""Fair shares by virtual counters, and each tenant's own line. Pure.

A tenant's counter is the worker-seconds charged to it divided by its weight. The next work comes
from the tenant with the smallest counter among those that have some, ties by id: whoever has work
is served in proportion to the weights, and nobody idles a worker for the sake of a share. For
tenants that stay backlogged the weighted service differs by at most
``(workers + 1) (Lmax / w_i + Lmax / w_j)``.

A tenant that returns from idle starts at the smallest counter in the race: idleness earns no
credit. A debt beyond `DEBT_CAP_SECONDS` of share is forgiven, so that one wrong estimate cannot
lock a tenant out. If nobody is in the race, it starts level with the largest counter: what was
taken while nobody else wanted it is not held against anyone.

Source: start-time fair queueing (Goyal, Vin and Cheng, 1996), with the counter in place of tags.
"""

from __future__ import annotations

import heapq
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from apps.compute.policy.snapshot import TenantShare, WaitingItem

DEBT_CAP_SECONDS: Final = 600.0
BULK_PATIENCE_SECONDS: Final = 1200.0
"""After this wait a tenant's bulk work gets a place beside its own interactive work."""


def starting_counters(shares: Iterable[TenantShare], with_work: frozenset[str]) -> dict[str, float]:
    """Return the counters that the tenants with work race with.

    Parameters
    ----------
    shares
        Of one worker class.
    with_work
        Tenants that have something waiting; each has a share.
    """
    known = {share.tenant: share for share in shares}
    racing = [known[tenant].served for tenant in with_work if known[tenant].was_active]
    everyone = [share.served for share in known.values()]
    floor = min(racing) if racing else max(everyone, default=0.0)
    return {
        tenant: min(
            known[tenant].served if known[tenant].was_active else max(known[tenant].served, floor),
            floor + DEBT_CAP_SECONDS,
        )
        for tenant in with_work
    }


class TenantLine:
    """One tenant's waiting items in one lane, in the order it wants them served."""

    def __init__(self, items: Iterable[WaitingItem], *, now: float, bulk_is_flying: bool) -> None:
        ordered = sorted(items, key=lambda item: (item.waits_since, item.item))
        self._interactive = deque(item for item in ordered if item.is_interactive)
        self._bulk = deque(item for item in ordered if not item.is_interactive)
        self._now = now
        self._bulk_is_flying = bulk_is_flying

    def head(self) -> WaitingItem | None:
        """Return the next item without taking it."""
        line = self._line()
        return line[0] if line else None

    def take(self) -> WaitingItem:
        """Take the next item out."""
        item = self._line().popleft()
        self._bulk_is_flying = self._bulk_is_flying or not item.is_interactive
        return item

    def _line(self) -> deque[WaitingItem]:
        """Interactive before bulk, but patient bulk work always has one item in flight."""
        if not self._interactive:
            return self._bulk
        waited = self._now - self._bulk[0].waits_since if self._bulk else 0.0
        if waited > BULK_PATIENCE_SECONDS and not self._bulk_is_flying:
            return self._bulk
        return self._interactive


def lines_by_tenant(
    items: Iterable[WaitingItem], *, now: float, bulk_flying: frozenset[str] = frozenset()
) -> dict[str, TenantLine]:
    """Return the lines of one lane, by tenant in the order of their ids."""
    grouped: dict[str, list[WaitingItem]] = defaultdict(list)
    for item in items:
        grouped[item.tenant].append(item)
    return {
        tenant: TenantLine(grouped[tenant], now=now, bulk_is_flying=tenant in bulk_flying)
        for tenant in sorted(grouped)
    }


def fair_order(
    lines: Mapping[str, TenantLine], counters: Mapping[str, float], weights: Mapping[str, float]
) -> Iterator[WaitingItem]:
    """Yield all items in the order they would be dispatched one by one; empties the lines."""
    race = [(counters[tenant], tenant) for tenant in lines]
    heapq.heapify(race)
    while race:
        counter, tenant = race[0]
        if lines[tenant].head() is None:
            heapq.heappop(race)
            continue
        item = lines[tenant].take()
        heapq.heapreplace(race, (counter + item.p50_seconds / weights[tenant], tenant))
        yield item
