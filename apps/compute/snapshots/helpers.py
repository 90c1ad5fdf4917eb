"""Which lanes' workers may help which, and how much work of their own they expect.

Owns what `policy.dispatching.help_out` is told beyond the number of workers. Where each engine has
workers of one class only, nothing is asked of the database. Instants are seconds since the epoch.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from apps.compute import wire
from apps.compute.policy.routing import rank
from apps.compute.policy.snapshot import LaneFleet, StartingWorker
from apps.compute.snapshots.rows import start_seconds

_WINDOW_SECONDS: Final = 600.0
_MOST_NOTED: Final = 200
"""More arrivals than that in the window leave nobody idle to ask."""


class Helpers:
    """Follows the arrivals of each lane. For one thread."""

    def __init__(self) -> None:
        self._arrivals: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=_MOST_NOTED))
        self._starts: dict[str, tuple[float, float]] = {}

    def arrived(self, lane: str, at: float) -> None:
        """Note work of a lane, in any order."""
        self._arrivals[lane].append(at)

    def forget_starts(self) -> None:
        """Read anew, when next asked, how long starts take."""
        self._starts.clear()

    def told(self, lanes: Sequence[LaneFleet], now: float) -> tuple[LaneFleet, ...]:
        """Return the lanes, those that may help with whom and how much they expect themselves."""
        return tuple(self._told(fleet, lanes, now) for fleet in lanes)

    def _told(self, fleet: LaneFleet, lanes: Sequence[LaneFleet], now: float) -> LaneFleet:
        smaller = [other for other in lanes if _may_do(fleet, other)]
        if not smaller:
            return fleet
        nearest = sorted(smaller, key=lambda other: (-rank(other.worker_class), other.lane))
        recent = sum(now - at <= _WINDOW_SECONDS for at in self._arrivals[fleet.lane])
        return replace(
            fleet,
            helps=tuple(other.lane for other in nearest),
            arrivals_per_second=recent / _WINDOW_SECONDS,
            launchable=StartingWorker(*start_seconds(fleet.worker_class, self._starts)),
        )


def _may_do(fleet: LaneFleet, other: LaneFleet) -> bool:
    """Return whether a lane's workers run the engine of another lane, of a smaller class."""
    one, two = wire.parts_of_lane(fleet.lane), wire.parts_of_lane(other.lane)
    return (
        one is not None
        and two is not None
        and one[1] == two[1]
        and rank(fleet.worker_class) > rank(other.worker_class)
    )
