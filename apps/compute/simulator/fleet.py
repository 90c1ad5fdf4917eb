"""The virtual fleet of one worker class: who is paid for, in which state, warm with what. Pure.

Owns the workers' states and lives. It does not know what time will bring: the engine tells it what
happens, and takes the instants it has to come back at from `agenda`. Times are seconds of the
simulation.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from apps.compute.policy.fleet import ClassView, QueuedView, WorkerState, WorkerView

_Z95: Final = 1.6448536269514722
NEVER: Final = math.inf

Kind = Literal["ready", "done", "lost", "notice", "found", "look", "ring"]


@dataclass(frozen=True, slots=True)
class Machines:
    """What the provider's machines do."""

    cold_start_p50: float = 90.0
    """Seconds from launch to the first job, above or equal 0."""
    cold_start_p95: float = 0.0
    """0: every start takes the p50; else starts are lognormal with these quantiles."""
    hours_between_failures: float = 0.0
    """Mean hours that one worker lives before it is lost at once; 0: none is."""
    hours_between_reclaims: float = 0.0
    """Mean hours until a spot machine is reclaimed; 0: none is."""
    notice_seconds: float = 60.0
    """From the notice to the reclaim."""
    lease_seconds: float = 20.0
    """From a loss until it is noticed and the work waits again."""
    outage: tuple[float, float] = (NEVER, NEVER)
    """From when to when no launch succeeds."""


@dataclass(slots=True)
class Life:
    """What a worker is paid for."""

    launched_at: float
    ready_at: float
    released_at: float
    """Never, if it was there at the end."""


class Worker:
    """One simulated worker."""

    __slots__ = (
        "began_at",
        "engine",
        "free_at",
        "life",
        "members",
        "name",
        "serial",
        "since",
        "state",
        "swap_seconds",
        "view",
    )

    def __init__(self, name: str, now: float, ready_at: float) -> None:
        self.name = name
        self.state: WorkerState = "starting"
        self.life = Life(now, ready_at, NEVER)
        self.since = now
        self.free_at = ready_at
        self.engine = -1
        self.members: Sequence[int] = ()
        self.began_at = now
        self.swap_seconds = 0.0
        self.serial = 0
        """Raised with every batch, so that the end of one that was lost is not taken for real."""
        self.view: WorkerView | None = None


NOBODY: Final = Worker("", 0.0, 0.0)


class Fleet:
    """All workers that are paid for."""

    def __init__(
        self,
        worker_class: str,
        machines: Machines,
        *,
        max_workers: int,
        seed: int,
        queued: Callable[[], tuple[QueuedView, ...]],
        oldest_wait: Callable[[], float],
        waiting: Callable[[], int],
    ) -> None:
        self._class = worker_class
        self._machines = machines
        self.max_workers = max_workers
        self._random = np.random.default_rng([seed, 1])
        self._queued = queued
        self._oldest_wait = oldest_wait
        self._waiting = waiting
        self.now = 0.0
        self.workers: dict[str, Worker] = {}
        self.idle: list[Worker] = []
        """The longest idle first."""
        self.lives: list[Life] = []
        self.busy_count = 0
        self.starting_count = 0
        self.draining_count = 0
        self.cold_starts = 0
        self.killed = 0
        """Times that a scaler would have killed a busy worker; here it finished first."""
        self.refused = 0
        """Launches that the provider refused during an outage."""
        self.agenda: list[tuple[float, int, Kind, Worker, int]] = []
        self._entries = 0

    # What scalers read.

    @property
    def waiting(self) -> int:
        """Jobs that no worker has begun."""
        return self._waiting()

    @property
    def oldest_wait(self) -> float:
        """Seconds that the first of them has waited; 0 if none waits."""
        return self._oldest_wait()

    @property
    def count(self) -> int:
        """Workers that stay: starting, idle and busy, not draining."""
        return len(self.workers) - self.draining_count

    def view(self) -> ClassView:
        """Return what a `ScalePolicy` sees."""
        machines = self._machines
        return ClassView(
            worker_class=self._class,
            now=self.now,
            queued=self._queued(),
            workers=tuple([worker.view or _viewed(worker) for worker in self.workers.values()]),
            cold_start_p50=machines.cold_start_p50,
            cold_start_p95=machines.cold_start_p95 or machines.cold_start_p50,
            max_workers=self.max_workers,
        )

    # What scalers do.

    def launch(self, count: int) -> int:
        """Launch up to so many workers, within the cap; return how many the provider gave."""
        count = min(count, self.max_workers - len(self.workers))
        start, end = self._machines.outage
        if count > 0 and start <= self.now < end:
            self.refused += count
            return 0
        for _ in range(count):
            self._launch(self._cold_start())
            self.cold_starts += 1
        return max(count, 0)

    def launch_warm(self, count: int) -> None:
        """Begin with workers that are ready at once."""
        for _ in range(min(count, self.max_workers)):
            self._launch(0.0)

    def drain(self, worker: Worker) -> None:
        """Let a worker go: at once if it does nothing, else when its batch has ended."""
        if worker.state == "draining":
            return
        if worker.state == "busy":
            self.busy_count -= 1
            self.draining_count += 1
            worker.state = "draining"
            worker.view = None
        else:
            self.release(worker)

    def stop(self, worker: Worker) -> None:
        """Let a worker go as a scaler does that does not ask whether it is busy.

        Such an order is counted, but carried out as a drain: the work itself is compared, not how
        often it has to be repeated.
        """
        self.killed += worker.state == "busy"
        self.drain(worker)

    # What the engine does.

    def is_gone(self, worker: Worker) -> bool:
        """Whether a worker's life has ended."""
        return worker.life.released_at < NEVER

    def wake_at(self, at: float, kind: Kind, worker: Worker = NOBODY, serial: int = 0) -> None:
        """Come back at an instant."""
        self._entries += 1
        heapq.heappush(self.agenda, (at, self._entries, kind, worker, serial))

    def ready(self, worker: Worker) -> None:
        """A starting worker came online."""
        self.starting_count -= 1
        worker.state = "idle"
        worker.since = self.now
        worker.free_at = self.now
        worker.view = None
        self.idle.append(worker)

    def begin(self, worker: Worker, members: Sequence[int], *, seconds: float, p50: float) -> None:
        """An idle worker, already taken off the idle list, begins a batch."""
        worker.state = "busy"
        worker.since = worker.began_at = self.now
        worker.free_at = self.now + p50
        worker.members = members
        worker.serial += 1
        worker.view = None
        self.busy_count += 1
        self.wake_at(self.now + seconds, "done", worker, worker.serial)

    def end(self, worker: Worker) -> None:
        """A batch ended: the worker is idle, or gone if it was draining."""
        worker.members = ()
        if worker.state == "draining":
            self.release(worker)
            return
        self.busy_count -= 1
        worker.state = "idle"
        worker.since = self.now
        worker.free_at = self.now
        worker.view = None
        self.idle.append(worker)

    def release(self, worker: Worker) -> None:
        """A worker's life ends."""
        if worker.state == "idle":
            self.idle.remove(worker)
        elif worker.state == "starting":
            self.starting_count -= 1
        elif worker.state == "busy":
            self.busy_count -= 1
        else:
            self.draining_count -= 1
        worker.life.released_at = self.now
        del self.workers[worker.name]

    def _launch(self, seconds: float) -> None:
        worker = Worker(f"w{len(self.lives) + 1}", self.now, self.now + seconds)
        self.lives.append(worker.life)
        self.workers[worker.name] = worker
        self.starting_count += 1
        if seconds:
            self.wake_at(worker.life.ready_at, "ready", worker)
        else:
            self.ready(worker)
        machines = self._machines
        for mean_hours, kind in (
            (machines.hours_between_failures, "lost"),
            (machines.hours_between_reclaims, "notice"),
        ):
            if mean_hours:
                after = self._random.exponential(mean_hours * 3600.0)
                self.wake_at(self.now + after, "lost" if kind == "lost" else "notice", worker)

    def _cold_start(self) -> float:
        p50, p95 = self._machines.cold_start_p50, self._machines.cold_start_p95
        if p95 <= p50 or p50 <= 0:
            return p50
        return p50 * math.exp(self._random.normal(0.0, math.log(p95 / p50) / _Z95))


def _viewed(worker: Worker) -> WorkerView:
    worker.view = WorkerView(
        worker=worker.name, state=worker.state, since=worker.since, free_at=worker.free_at
    )
    return worker.view


def paid_seconds(lives: Sequence[Life], end: float) -> float:
    """Return the sum of all lives from launch to release, cut at the end of the simulation."""
    return sum(min(life.released_at, end) - life.launched_at for life in lives)
