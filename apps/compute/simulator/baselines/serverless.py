"""Scalers of the serverless GPU clouds: queue delay, request count, one container a request. Pure.

Source: RunPod's documentation of serverless endpoints (queue delay 4 s, idle timeout 5 s, request
count: queued plus running over a value) and Modal's of autoscaling (a container for each input
that has none, scaledown window 60 s). RunPod does not say how fast its queue delay scaler goes on:
one launch every 4 s is assumed while work waits that no starting worker is meant for. Workers that
were idle for the timeout end, the longest idle first; busy ones never.
"""

from __future__ import annotations

import math
from typing import Final

from apps.compute.simulator.baselines.reactive import EVERY_TICK, Reactive, release_idle
from apps.compute.simulator.fleet import Fleet

LAUNCH_STEP_SECONDS: Final = 4.0


class QueueDelayScaler(Reactive):
    """Another worker while the oldest job has waited for longer than a delay."""

    def __init__(self, delay_seconds: float, idle_seconds: float, *, least: int = 0) -> None:
        self._delay = delay_seconds
        self._idle = idle_seconds
        self._least = least
        self._launched_at = -math.inf

    def act(self, fleet: Fleet) -> float:
        """Launch one worker at a time."""
        if fleet.count < self._least and not fleet.launch(self._least - fleet.count):
            return EVERY_TICK
        is_uncovered = fleet.waiting > fleet.starting_count
        if (
            is_uncovered
            and fleet.oldest_wait >= self._delay
            and fleet.now - self._launched_at >= LAUNCH_STEP_SECONDS
            and fleet.launch(1)
        ):
            self._launched_at = fleet.now
        again = release_idle(fleet, self._idle, least=self._least)
        return EVERY_TICK if is_uncovered else again


class RequestCountScaler(Reactive):
    """One worker for so many jobs, waiting or running, and spares while there are any."""

    def __init__(
        self, jobs_per_worker: int, idle_seconds: float, *, buffer: int = 0, least: int = 0
    ) -> None:
        self._jobs_per_worker = jobs_per_worker
        self._idle = idle_seconds
        self._buffer = buffer
        self._least = least

    def act(self, fleet: Fleet) -> float:
        """Launch what is missing, let go what was idle for long."""
        wish = math.ceil((fleet.waiting + fleet.busy_count) / self._jobs_per_worker)
        if wish or self._least:
            wish += self._buffer
        wish = min(max(wish, self._least), fleet.max_workers)
        missing = wish - fleet.count
        if missing > 0 and fleet.launch(missing) < missing:
            return EVERY_TICK
        return release_idle(fleet, self._idle, least=wish)


class ContainerPerInputScaler(Reactive):
    """One worker for each job that no worker and no start is meant for."""

    def __init__(self, idle_seconds: float) -> None:
        self._idle = idle_seconds

    def act(self, fleet: Fleet) -> float:
        """Launch for what waits, let go what was idle for the window."""
        missing = fleet.waiting - fleet.starting_count
        missing = min(missing, fleet.max_workers - len(fleet.workers))
        if missing > 0 and fleet.launch(missing) < missing:
            return EVERY_TICK
        return release_idle(fleet, self._idle, least=0)
