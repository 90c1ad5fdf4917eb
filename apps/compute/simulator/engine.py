"""Replay a workload on a virtual fleet, event by event. Pure.

Owns the order of events and what a batch costs; the workers' lives are the fleet's, who is next is
the desk's, how many there should be is the scaler's. At one instant ends and starts of workers come
first, then arrivals, then the scaler's tick. Billing begins at a launch and ends at the release, or
at the end of the simulation: `TAIL_SECONDS` after the last arrival, or with the last job.
"""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from apps.compute.policy.fleet import QueuedView
from apps.compute.simulator.desks.base import Desk
from apps.compute.simulator.estimates import SizeTable
from apps.compute.simulator.fleet import NEVER, Fleet, Kind, Life, Machines, Worker
from apps.compute.simulator.scalers import Scaler
from apps.compute.simulator.workload import Workload

TAIL_SECONDS: Final = 900.0
RING_SECONDS: Final = 1.0
"""Arrivals ask at most so often, as in production."""
SHOWN_SINGLY: Final = 64
"""A longer queue is shown to a policy as so many jobs and one that stands for the rest."""
PATIENCE_SECONDS: Final = 14 * 86400.0
"""Longest time after the last arrival for which unfinished work is waited for."""


MOST_FIXED: Final = 0.945
"""A measured curve of 18.0 s and 1.04 s an image: every further image costs its part."""


class SimulationError(RuntimeError):
    """A simulation that would not end."""


@dataclass(frozen=True, slots=True)
class Costs:
    """What a batch costs beyond its members' work. Zeros are the plain mode."""

    swap_seconds: float = 0.0
    """Added when a worker runs another engine than before."""
    fixed_seconds: float = 0.0
    """Part of a job's work that a batch pays only once; at most `MOST_FIXED` of the shortest."""


@dataclass(slots=True)
class Record:
    """What happened."""

    start: list[float]
    """By job: when the run began that delivered it."""
    done: list[float]
    end: float
    lives: list[Life]
    cold_starts: int
    killed: int
    """Busy workers that a scaler would have killed."""
    lost: int
    """Jobs that ran again because their worker was lost."""
    swaps: int
    batches: int
    refused: int
    """Launches that the provider refused."""
    busy_seconds: float
    """Worker-seconds of delivered batches, swaps included."""
    swap_seconds: float = 0.0


class Engine:
    """One run of one worker class."""

    def __init__(
        self,
        workload: Workload,
        scaler: Scaler,
        desk: Desk,
        sizes: SizeTable,
        *,
        max_workers: int,
        machines: Machines,
        costs: Costs,
        initial_workers: int,
        seed: int,
    ) -> None:
        self._arrival: list[float] = workload.arrival.tolist()
        self._work: list[float] = workload.work.tolist()
        self._tenant: list[int] = workload.tenant.tolist()
        self._engine: list[int] = workload.engine.tolist()
        self._names = workload.tenants
        self._scaler = scaler
        self._desk = desk
        self._sizes = sizes
        self._lease = machines.lease_seconds
        self._notice = machines.notice_seconds
        self._costs = costs
        self._fleet = Fleet(
            "simulated",
            machines,
            max_workers=max_workers,
            seed=seed,
            queued=self._queue,
            oldest_wait=self._oldest_wait,
            waiting=desk.__len__,
        )
        self._initial = initial_workers
        self._happened: dict[Kind, Callable[[Worker, int], None]] = {
            "ready": self._came_online,
            "done": self._ended,
            "lost": self._was_lost,
            "found": self._was_found,
            "notice": self._was_noticed,
            "look": self._looked,
            "ring": self._rang,
        }
        jobs = len(self._arrival)
        self._start = [math.nan] * jobs
        self._done = [math.nan] * jobs
        self._left = jobs
        self._lost = self._swaps = self._batches = 0
        self._busy_seconds = self._swap_seconds = 0.0
        self._p50: list[float] = []
        self._queued: dict[int, QueuedView] = {}
        self._queue_view: tuple[QueuedView, ...] | None = ()
        self._queued_seconds = 0.0
        self._line: deque[int] = deque()
        """Jobs in the order of their arrival, some of them begun."""
        self._look_at = NEVER
        self._ticked = -1
        """Number of the last tick; ticks are multiples of the scaler's `tick_seconds`."""
        self._tick_at = 0.0
        self._asked_at = -NEVER
        self._rings = False

    def run(self) -> Record:
        """Replay everything.

        Raises
        ------
        SimulationError
            If work is left waiting for ever.
        """
        fleet = self._fleet
        fleet.launch_warm(self._initial)
        self._loop()
        return Record(
            start=self._start,
            done=self._done,
            end=max(fleet.now, self._arrival[-1] + TAIL_SECONDS),
            lives=fleet.lives,
            cold_starts=fleet.cold_starts,
            killed=fleet.killed,
            lost=self._lost,
            swaps=self._swaps,
            batches=self._batches,
            refused=fleet.refused,
            busy_seconds=self._busy_seconds,
            swap_seconds=self._swap_seconds,
        )

    def _loop(self) -> None:
        fleet, arrival, agenda = self._fleet, self._arrival, self._fleet.agenda
        following, jobs = 0, len(arrival)
        horizon = arrival[-1] + TAIL_SECONDS
        while True:
            arrives_at = arrival[following] if following < jobs else NEVER
            happens_at = agenda[0][0] if agenda else NEVER
            now = min(arrives_at, happens_at, self._tick_at)
            if now > horizon:
                if not self._left:
                    return
                self._give_up_beyond(now, horizon)
            fleet.now = now
            if happens_at <= now:
                _, _, kind, worker, serial = heapq.heappop(agenda)
                self._happened[kind](worker, serial)
            elif arrives_at <= now:
                self._arrived(following)
                following += 1
            else:
                self._ticked = round(now / self._scaler.tick_seconds)
                self._ask()

    def _give_up_beyond(self, now: float, horizon: float) -> None:
        if now > horizon + PATIENCE_SECONDS:
            raise SimulationError(
                f"{self._left} jobs still wait {PATIENCE_SECONDS / 86400:.0f} days after the last "
                "arrival: the scaler keeps too few workers for them."
            )

    def _ask(self) -> None:
        """Let the scaler act, and come back at the first tick at which its answer may change."""
        self._asked_at = self._fleet.now
        look_again_at = self._scaler.act(self._fleet)
        # What was launched without a cold start is idle already.
        self._dispatch()
        step = self._scaler.tick_seconds
        following = (self._ticked + 1) * step
        if look_again_at <= following:
            self._tick_at = following
        elif look_again_at == NEVER:
            self._tick_at = NEVER
        else:
            self._tick_at = math.ceil(look_again_at / step) * step

    def _stir(self) -> None:
        """Something happened: ask at the next tick."""
        step = self._scaler.tick_seconds
        tick_at = max(self._ticked + 1, math.ceil(self._fleet.now / step)) * step
        self._tick_at = min(self._tick_at, tick_at)

    def _arrived(self, job: int) -> None:
        now, estimates = self._fleet.now, self._sizes.of(job)
        self._p50.append(estimates.p50)
        self._scaler.arrived(now, estimates.p50, self._names[self._tenant[job]])
        self._desk.add(job, estimates, now)
        self._wait_for_worker(job)
        self._dispatch()
        self._stir()
        if self._scaler.on_arrival and job in self._queued:
            self._ring()

    def _ring(self) -> None:
        """Work waits that no worker is free for: ask now, or soon if that was just asked."""
        fleet = self._fleet
        if len(fleet.workers) >= fleet.max_workers or self._rings:
            return
        if fleet.now >= self._asked_at + RING_SECONDS:
            self._ask()
        else:
            self._rings = True
            fleet.wake_at(self._asked_at + RING_SECONDS, "ring")

    def _rang(self, _worker: Worker, _serial: int) -> None:
        self._rings = False
        if self._queued:
            self._ask()

    def _came_online(self, worker: Worker, _serial: int) -> None:
        if not self._fleet.is_gone(worker):
            self._fleet.ready(worker)
            self._dispatch()
            self._stir()

    def _ended(self, worker: Worker, serial: int) -> None:
        if worker.serial != serial or self._fleet.is_gone(worker):
            return
        now = self._fleet.now
        members = worker.members
        took = now - worker.began_at
        self._busy_seconds += took
        self._swap_seconds += worker.swap_seconds
        work = took - worker.swap_seconds
        for job in members:
            self._done[job] = now
            self._scaler.finished(now, took / len(members))
            self._sizes.learn(job, self._work[job])
        self._desk.ended(members, work)
        self._left -= len(members)
        self._fleet.end(worker)
        self._dispatch()
        self._stir()

    def _was_lost(self, worker: Worker, _serial: int) -> None:
        if self._fleet.is_gone(worker):
            return
        if worker.members:
            self._fleet.wake_at(self._fleet.now + self._lease, "found", worker)
        self._fleet.release(worker)
        self._stir()

    def _was_found(self, worker: Worker, _serial: int) -> None:
        """The lease of a lost worker ran out: its work waits again."""
        now = self._fleet.now
        self._lost += len(worker.members)
        self._desk.lost(worker.members, now)
        for job in worker.members:
            self._wait_for_worker(job)
        worker.members = ()
        self._dispatch()
        self._stir()

    def _was_noticed(self, worker: Worker, _serial: int) -> None:
        """A spot machine is reclaimed soon: finish what can be finished, give the rest back."""
        if self._fleet.is_gone(worker):
            return
        fleet = self._fleet
        if worker.members and worker.free_at > fleet.now + self._notice:
            fleet.wake_at(fleet.now, "found", worker)
            fleet.release(worker)
        else:
            if worker.members:
                fleet.wake_at(fleet.now + self._notice, "lost", worker)
            fleet.drain(worker)
        self._stir()

    def _looked(self, _worker: Worker, _serial: int) -> None:
        self._look_at = NEVER
        self._dispatch()

    def _dispatch(self) -> None:
        fleet, desk = self._fleet, self._desk
        idle = fleet.idle
        while idle and len(desk):
            place, members = desk.take(idle, fleet.now, workers=len(idle) + fleet.busy_count)
            if not members:
                again = desk.looks_again_at()
                if again < self._look_at:
                    self._look_at = again
                    fleet.wake_at(again, "look")
                return
            self._begin(idle.pop(place), members)

    def _begin(self, worker: Worker, members: Sequence[int]) -> None:
        now, costs = self._fleet.now, self._costs
        swap = 0.0
        engine = self._engine[members[0]]
        if worker.engine != engine:
            # What it loads first is part of its cold start.
            if worker.engine >= 0:
                self._swaps += 1
                swap = costs.swap_seconds
            worker.engine = engine
        seconds = swap + _together([self._work[job] for job in members], costs.fixed_seconds)
        p50 = swap + _together([self._p50[job] for job in members], costs.fixed_seconds)
        for job in members:
            self._start[job] = now
            self._scaler.started(now, now - self._arrival[job])
            self._queued_seconds -= self._queued.pop(job).p50_seconds
        self._queue_view = None
        self._batches += 1
        worker.swap_seconds = swap
        self._fleet.begin(worker, members, seconds=seconds, p50=p50)

    def _wait_for_worker(self, job: int) -> None:
        self._queued[job] = QueuedView(self._arrival[job], self._p50[job])
        self._queued_seconds += self._p50[job]
        self._queue_view = None
        self._line.append(job)

    def _queue(self) -> tuple[QueuedView, ...]:
        if self._queue_view is None:
            queued = self._queued
            shown = [queued[job] for job in islice(self._desk.waiting(), SHOWN_SINGLY)]
            if len(queued) > SHOWN_SINGLY:
                seconds = self._queued_seconds - sum([item.p50_seconds for item in shown])
                shown.append(QueuedView(shown[-1].waits_since, seconds))
            self._queue_view = tuple(shown)
        return self._queue_view

    def _oldest_wait(self) -> float:
        line = self._line
        while line and line[0] not in self._queued:
            line.popleft()
        return self._fleet.now - self._arrival[line[0]] if line else 0.0


def _together(seconds: list[float], fixed_seconds: float) -> float:
    """Return what a batch takes whose members would take so long alone."""
    if len(seconds) == 1:
        return seconds[0]
    fixed = min(fixed_seconds, MOST_FIXED * min(seconds))
    return sum(seconds) - (len(seconds) - 1) * fixed
