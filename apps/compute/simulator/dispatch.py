"""Which waiting job goes next, as the engine asks it. Pure.

A desk holds what waits. It knows jobs by their numbers in the workload; what it may know about them
is what production would know: tenant, estimate and keys, never the true work.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Protocol

from apps.compute.simulator.fleet import Worker


class Desk(Protocol):
    """The waiting jobs of one worker class."""

    def add(self, job: int, p50: float, now: float) -> None:
        """Take in a job that arrived."""

    def put_back(self, job: int, p50: float, now: float) -> None:
        """Take in a job again whose worker was lost: it is its tenant's first."""

    def take(self, idle: Sequence[Worker], now: float) -> tuple[int, list[int]]:
        """Take out what one idle worker runs next.

        Parameters
        ----------
        idle
            At least one worker, the longest idle first.

        Returns
        -------
        Which of the idle workers, and the jobs of the batch; no jobs if nothing goes out now.
        """

    def ended(self, job: int, charged: float, used: float) -> None:
        """Note what a job took in the end."""

    def looks_again_at(self) -> float:
        """When something that is held back now could go out; infinity if nothing is held."""

    def waiting(self) -> Iterable[int]:
        """Yield the waiting jobs in the order of dispatch."""

    def __len__(self) -> int: ...


class FirstComeFirstServed:
    """One line for everybody, served by the worker that was busy last."""

    def __init__(self) -> None:
        self._line: deque[int] = deque()

    def add(self, job: int, p50: float, now: float) -> None:
        """Take in a job that arrived."""
        self._line.append(job)

    def put_back(self, job: int, p50: float, now: float) -> None:
        """Take in a job again whose worker was lost."""
        self._line.appendleft(job)

    def take(self, idle: Sequence[Worker], now: float) -> tuple[int, list[int]]:
        """Take out the job that came first."""
        return len(idle) - 1, [self._line.popleft()]

    def ended(self, job: int, charged: float, used: float) -> None:
        """Learn nothing: there are no shares."""

    def looks_again_at(self) -> float:
        """Nothing is ever held."""
        return float("inf")

    def waiting(self) -> Iterable[int]:
        """Yield the waiting jobs in the order of dispatch."""
        return self._line

    def __len__(self) -> int:
        return len(self._line)
