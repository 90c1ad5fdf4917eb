"""Which work runs together on one worker, what it costs whom, and how long it may be held. Pure.

A batch begins with the item whose turn it is and is filled with items of the same key, of any
tenant whose counter lies within the lag: the lag is the one knob that trades speed for fairness,
and the fairness bound grows by exactly it.

A batch takes ``f + sum(p50_i - f)`` seconds: the fixed part is paid once, and it is shared evenly,
so that everybody in a batch pays less than alone. Seconds of p50 are of work that runs alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from apps.compute.policy.snapshot import WaitingItem

HOLD_SECONDS: Final = 8.0
LONGEST_HOLD_SECONDS: Final = 15.0
"""For bulk work, and for interactive work once more than one item waits per worker."""
_HOLD_MARGIN_SECONDS: Final = 1.0
_WORTH_A_BATCH: Final = 0.25
_DEADLINE_BASE_SECONDS: Final = 60.0
_DEADLINE_FACTOR: Final = 4.0


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """What holds for the batches of one worker class."""

    max_orders: int
    budget_seconds: float
    """Bound of a batch's p50; the first order may exceed it alone."""
    lag_seconds: float
    """How far a preferred tenant may be ahead of the fairest, in seconds of share."""
    budget_pixel_steps: float = math.inf
    """Bound of the members' megapixels times steps; the first order may exceed it alone."""
    fixed_seconds: float = 0.0
    """What a batch costs however many are in it, learned; without it batches save nothing."""
    swap_seconds: float = 0.0
    """What it costs to load another engine."""
    target_wait_seconds: float = 30.0
    """The wait that interactive work aims at."""
    bulk_target_seconds: float = 300.0

    def target_of(self, item: WaitingItem) -> float:
        """Return the wait that an item aims at."""
        if item.target_seconds is not None:
            return item.target_seconds
        return self.target_wait_seconds if item.is_interactive else self.bulk_target_seconds


LIMITS: Final[Mapping[str, BatchLimits]] = {
    # A CPU renders one order after the other: a larger batch only delays the next decision, and
    # with a lag a small order would stand behind half a minute of a crowd that came before it.
    "cpu": BatchLimits(max_orders=1, budget_seconds=0.0, lag_seconds=0.0),
    "gpu": BatchLimits(max_orders=8, budget_seconds=30.0, lag_seconds=60.0),
    "gpu-large": BatchLimits(max_orders=4, budget_seconds=60.0, lag_seconds=60.0),
}


def limits_for(worker_class: str) -> BatchLimits:
    """Return the limits of a worker class; an unknown one runs orders singly."""
    return LIMITS.get(worker_class, LIMITS["cpu"])


def charges(members: Sequence[WaitingItem], fixed_seconds: float) -> tuple[float, ...]:
    """Return what each member of a batch pays, in worker-seconds; they sum up to its p50.

    Each pays its own part and an even share of the fixed part, never more than alone.

    Examples
    --------
    >>> item = WaitingItem("i", "a", "l", "gpu", "k", True, 0.0, 19.0, 30.0)
    >>> charges([item, item], fixed_seconds=18.0)
    (10.0, 10.0)
    """
    fixed = min([fixed_seconds, *(item.p50_seconds for item in members)])
    return tuple(item.p50_seconds - fixed + fixed / len(members) for item in members)


def most_members(seed: WaitingItem, waiting: int, idle_workers: int, limits: BatchLimits) -> int:
    """Return how many items may run with the one that begins a batch, itself included.

    Work that failed before runs alone. Where a batch saves less than `_WORTH_A_BATCH` of the work,
    it holds no more than its part of what waits: the other idle workers take the rest at once.
    """
    if seed.tries:
        return 1
    if limits.fixed_seconds >= _WORTH_A_BATCH * seed.p50_seconds:
        return limits.max_orders
    return min(limits.max_orders, math.ceil(waiting / max(1, idle_workers)))


def held_until(item: WaitingItem, *, queued: int, workers: int, limits: BatchLimits) -> float:
    """Return until when an item may at most be held for a fuller batch.

    Parameters
    ----------
    queued
        Items that wait in its lane.
    workers
        Of its lane.

    Returns
    -------
    The instant when its patience ends or the last one at which its promise is still safe,
    whichever comes first; it may be past.
    """
    load = min(1.0, queued / max(1, workers)) if item.is_interactive else 1.0
    patience = HOLD_SECONDS + (LONGEST_HOLD_SECONDS - HOLD_SECONDS) * load
    deadline = item.deadline
    if deadline is None:
        deadline = item.waits_since + limits.target_of(item) + item.p90_seconds
    safe = deadline - item.p90_seconds - limits.swap_seconds - _HOLD_MARGIN_SECONDS
    return min(item.waits_since + patience, safe)


def deadline_seconds(members: Iterable[WaitingItem]) -> float:
    """Return the wall-clock limit of a batch: far beyond what work takes, well short of for ever.

    Four times the p90 estimates for the work, and a minute for an engine that has to load.
    """
    return _DEADLINE_BASE_SECONDS + _DEADLINE_FACTOR * sum(item.p90_seconds for item in members)
