"""What the reactive baselines share: they look at counts, and forget what they are told. Pure."""

from __future__ import annotations

from collections import deque
from typing import Final

from apps.compute.simulator.fleet import NEVER, Fleet

EVERY_TICK: Final = 0.0
_HAIR: Final = 1e-9
"""Seconds by which an instant may be missed through rounding."""


class Reactive:
    """A scaler that observes nothing but the fleet itself."""

    tick_seconds = 1.0
    on_arrival = False

    def arrived(self, at: float, seconds: float, tenant: str) -> None:
        """Job sizes are not known to it."""

    def started(self, at: float, wait: float) -> None:
        """Past waits are not known to it."""

    def finished(self, at: float, seconds: float) -> None:
        """Past service times are not known to it."""

    def act(self, fleet: Fleet) -> float:
        """Launch and drain; return before when it need not be asked again."""
        raise NotImplementedError


class Window:
    """Samples of the last seconds: their mean and their largest."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._samples: deque[tuple[float, float]] = deque()
        self._falling: deque[tuple[float, float]] = deque()
        """Those samples that no later one exceeds: the first is the largest."""
        self._sum = 0.0

    def add(self, now: float, value: float) -> None:
        """Take in a sample and drop those that are as old as the window is long."""
        samples, falling = self._samples, self._falling
        samples.append((now, value))
        self._sum += value
        since = now - self._seconds + _HAIR
        while samples[0][0] <= since:
            self._sum -= samples.popleft()[1]
        while falling and falling[-1][1] <= value:
            falling.pop()
        falling.append((now, value))
        while falling[0][0] <= since:
            falling.popleft()

    def mean(self) -> float:
        """Return the mean of the samples, of which there is one at least."""
        return max(self._sum, 0.0) / len(self._samples)

    def largest(self) -> float:
        """Return the largest of the samples."""
        return self._falling[0][1]


def scale_in(fleet: Fleet, count: int) -> None:
    """Let so many workers go: idle ones, then starting ones, then busy ones, as a cluster would.

    A busy one is counted as killed, see `Fleet.stop`.
    """
    of_state = {
        state: [worker for worker in fleet.workers.values() if worker.state == state]
        for state in ("starting", "busy")
    }
    order = [*fleet.idle, *reversed(of_state["starting"]), *reversed(of_state["busy"])]
    for worker in order[:count]:
        fleet.stop(worker)


def release_idle(fleet: Fleet, idle_seconds: float, *, least: int) -> float:
    """Drain workers that were idle for so long, down to the least; return when the next is."""
    while fleet.idle and fleet.count > least:
        expires_at = fleet.idle[0].since + idle_seconds
        if expires_at > fleet.now + _HAIR:
            return expires_at
        fleet.drain(fleet.idle[0])
    return NEVER
