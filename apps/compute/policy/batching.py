"""Which work items run together on one worker, and how long they may take. Pure.

A batch begins with the fairest tenant's head and is filled with heads of the same key, of any
tenant whose counter lies within the lag: the lag is the one knob that trades speed for fairness,
and the fairness bound grows by exactly it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from apps.compute.policy.fairness import TenantLine
from apps.compute.policy.snapshot import WaitingItem

_DEADLINE_BASE_SECONDS: Final = 60.0
_DEADLINE_FACTOR: Final = 4.0


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """How large a batch may become in one worker class."""

    max_orders: int
    budget_seconds: float
    """Sum of the members' p50 estimates; the first order may exceed it alone."""
    lag_seconds: float
    """How far a member's tenant may be ahead of the fairest, in seconds of share."""


LIMITS: Final[Mapping[str, BatchLimits]] = {
    # A CPU renders one order after the other: a larger batch only delays the next decision.
    "cpu": BatchLimits(max_orders=1, budget_seconds=0.0, lag_seconds=0.0),
    "gpu": BatchLimits(max_orders=8, budget_seconds=30.0, lag_seconds=60.0),
    "gpu-large": BatchLimits(max_orders=4, budget_seconds=60.0, lag_seconds=60.0),
}


def limits_for(worker_class: str) -> BatchLimits:
    """Return the limits of a worker class; an unknown one runs orders singly."""
    return LIMITS.get(worker_class, LIMITS["cpu"])


def fairest(lines: Mapping[str, TenantLine], counters: Mapping[str, float]) -> str | None:
    """Return the tenant with work whose counter is smallest, ties by id."""
    ready = [(counters[tenant], tenant) for tenant, line in lines.items() if line.head()]
    return min(ready)[1] if ready else None


def take_batch(
    lines: Mapping[str, TenantLine],
    counters: dict[str, float],
    weights: Mapping[str, float],
    limits: BatchLimits,
) -> list[WaitingItem]:
    """Take the next batch out of the lines and charge the counters.

    Parameters
    ----------
    lines
        Of one lane, by tenant. Items are taken out.
    counters
        By tenant; raised by each member's p50 estimate over its tenant's weight.

    Returns
    -------
    The members in the order they were chosen; empty if nothing waits.
    """
    first = fairest(lines, counters)
    if first is None:
        return []
    reach = counters[first] + limits.lag_seconds
    batch = [_take(first, lines, counters, weights)]
    seconds = batch[0].p50_seconds
    while len(batch) < limits.max_orders and not batch[0].tries:
        mates = {
            tenant: line
            for tenant, line in lines.items()
            if counters[tenant] <= reach
            and (head := line.head()) is not None
            and head.batch_key == batch[0].batch_key
            and not head.tries
            and seconds + head.p50_seconds <= limits.budget_seconds
        }
        mate = fairest(mates, counters)
        if mate is None:
            break
        batch.append(_take(mate, lines, counters, weights))
        seconds += batch[-1].p50_seconds
    return batch


def deadline_seconds(members: Iterable[WaitingItem]) -> float:
    """Return the wall-clock limit of a batch: far beyond what work takes, well short of for ever.

    Four times the p90 estimates for the work, and a minute for an engine that has to load.
    """
    return _DEADLINE_BASE_SECONDS + _DEADLINE_FACTOR * sum(item.p90_seconds for item in members)


def _take(
    tenant: str,
    lines: Mapping[str, TenantLine],
    counters: dict[str, float],
    weights: Mapping[str, float],
) -> WaitingItem:
    item = lines[tenant].take()
    counters[tenant] += item.p50_seconds / weights[tenant]
    return item
