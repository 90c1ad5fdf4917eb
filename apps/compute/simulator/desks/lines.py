"""Plain orders of dispatch to compare with: one line, or one line for each tenant. Pure.

Sources: InvokeAI's session queue of 2026 for `LookaheadRotation`: the user whose work was started
least recently is next, and one of this user's first 32 items goes first if its model is loaded.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Final

from apps.compute.simulator.desks.base import Estimates, PlainDesk, warm_place
from apps.compute.simulator.fleet import Worker
from apps.compute.simulator.workload import Workload

LOOKAHEAD: Final = 32


class OneLine(PlainDesk):
    """First come, first served, by the worker that was busy last.

    Parameters
    ----------
    prefers_warm
        An idle worker that has the engine loaded goes first.
    """

    def __init__(self, workload: Workload, *, prefers_warm: bool = False) -> None:
        super().__init__(workload)
        self._prefers_warm = prefers_warm
        self._line: deque[int] = deque()

    def add(self, job: int, estimates: Estimates, now: float) -> None:
        """Take in a job that arrived."""
        self._line.append(job)

    def take(
        self, idle: Sequence[Worker], now: float, *, workers: int
    ) -> tuple[int, Sequence[int]]:
        """Take out the job that came first."""
        job = self._line.popleft()
        if self._prefers_warm:
            return warm_place(idle, self._engine[job]), (job,)
        return len(idle) - 1, (job,)

    def lost(self, jobs: Sequence[int], now: float) -> None:
        """Put lost jobs first."""
        self._line.extendleft(reversed(jobs))

    def waiting(self) -> Iterable[int]:
        """Yield the waiting jobs in the order of dispatch."""
        return self._line

    def __len__(self) -> int:
        return len(self._line)


class Rotation(PlainDesk):
    """The tenant whose work was started least recently is next; jobs count, not their length.

    Parameters
    ----------
    lookahead
        So many of the tenant's first jobs may be passed by one whose engine is loaded.
    """

    def __init__(self, workload: Workload, *, lookahead: int = 1) -> None:
        super().__init__(workload)
        self._lookahead = lookahead
        self._lines: dict[int, deque[int]] = {}
        self._started: dict[int, int] = {}
        self._turns: list[tuple[int, int, int]] = []
        """Of each tenant with work: when its last was started, its first job, itself."""
        self._starts = 0
        self._count = 0

    def add(self, job: int, estimates: Estimates, now: float) -> None:
        """Take in a job that arrived."""
        self._line(job).append(job)

    def take(
        self, idle: Sequence[Worker], now: float, *, workers: int
    ) -> tuple[int, Sequence[int]]:
        """Take out a job of the tenant whose turn it is."""
        _, _, tenant = heapq.heappop(self._turns)
        line = self._lines[tenant]
        place = len(idle) - 1
        warm = idle[place].engine
        job = line[0]
        if self._lookahead > 1:
            first = islice(line, self._lookahead)
            job = next((other for other in first if self._engine[other] == warm), job)
        line.remove(job)
        self._starts += 1
        self._started[tenant] = self._starts
        self._count -= 1
        if line:
            heapq.heappush(self._turns, (self._starts, line[0], tenant))
        else:
            del self._lines[tenant]
        return place, (job,)

    def lost(self, jobs: Sequence[int], now: float) -> None:
        """Put lost jobs first in their tenants' lines."""
        for job in reversed(jobs):
            self._line(job).appendleft(job)

    def waiting(self) -> Iterable[int]:
        """Yield the waiting jobs, tenant by tenant."""
        for line in self._lines.values():
            yield from line

    def __len__(self) -> int:
        return self._count

    def _line(self, job: int) -> deque[int]:
        tenant = self._tenant[job]
        line = self._lines.get(tenant)
        if line is None:
            line = self._lines[tenant] = deque()
            heapq.heappush(self._turns, (self._started.get(tenant, 0), job, tenant))
        self._count += 1
        return line
