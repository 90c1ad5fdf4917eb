"""KEDA's Redis list scaler with the horizontal pod autoscaler behind it. Pure.

Source: KEDA 2.18 documentation (ScaledObject: polling interval 30 s, cooldown 300 s; Redis lists:
listLength 5) and Kubernetes' documentation of horizontal pod autoscaling (sync 15 s, tolerance
10 %, per sync at most doubling or 4 more pods, scale-in by the highest wish of the last 300 s).
KEDA itself moves between 0 and 1, the autoscaler between 1 and the maximum. The list no longer
holds what a worker has begun, unless running work is counted as well.
"""

from __future__ import annotations

import math
from typing import Final

from apps.compute.simulator.baselines.reactive import EVERY_TICK, Reactive, Window, scale_in
from apps.compute.simulator.fleet import Fleet

POLLING_SECONDS: Final = 30.0
COOLDOWN_SECONDS: Final = 300.0
SYNC_SECONDS: Final = 15.0
# The wishes at both ends of the window count: one sync more than its length.
STABILIZATION_SECONDS: Final = 300.0 + SYNC_SECONDS
TOLERANCE: Final = 0.1


class KedaListScaler(Reactive):
    """One worker for so many entries of the list."""

    tick_seconds = SYNC_SECONDS

    def __init__(self, list_length: int, *, counts_running: bool = False, least: int = 0) -> None:
        self._list_length = list_length
        self._counts_running = counts_running
        self._least = least
        self._wishes = Window(STABILIZATION_SECONDS)
        self._active_at = -math.inf

    def act(self, fleet: Fleet) -> float:
        """Do what KEDA does at its poll and the autoscaler at its sync."""
        running = fleet.busy_count + fleet.draining_count if self._counts_running else 0
        entries = fleet.waiting + running
        polls = fleet.now % POLLING_SECONDS == 0
        if entries:
            self._active_at = fleet.now
        if not fleet.count:
            if self._least:
                fleet.launch(self._least)
                return EVERY_TICK
            if not (polls and entries and fleet.launch(1)):
                return EVERY_TICK
        self._sync(fleet, entries)
        if polls and not self._least and fleet.now - self._active_at >= COOLDOWN_SECONDS:
            scale_in(fleet, fleet.count)
        return EVERY_TICK

    def _sync(self, fleet: Fleet, entries: int) -> None:
        present = fleet.count
        wish = max(1, self._least, math.ceil(entries / self._list_length))
        if abs(entries / (present * self._list_length) - 1) <= TOLERANCE:
            wish = present
        wish = min(wish, fleet.max_workers)
        self._wishes.add(fleet.now, wish)
        if wish > present:
            fleet.launch(min(wish, max(2 * present, present + 4)) - present)
        else:
            scale_in(fleet, present - min(present, int(self._wishes.largest())))
