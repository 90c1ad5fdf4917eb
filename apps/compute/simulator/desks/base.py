"""Which waiting job goes next, as the engine asks it. Pure.

A desk holds what waits. It knows jobs by their numbers in the workload; what it may know about them
is what production would know: tenant, estimate and keys, never the true work.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from apps.compute.simulator.fleet import NEVER, Worker
from apps.compute.simulator.workload import Workload


@dataclass(frozen=True, slots=True)
class Estimates:
    """What is believed of a job at its arrival, in seconds."""

    p50: float
    p90: float


class Desk(Protocol):
    """The waiting jobs of one worker class."""

    def add(self, job: int, estimates: Estimates, now: float) -> None:
        """Take in a job that arrived."""

    def take(
        self, idle: Sequence[Worker], now: float, *, workers: int
    ) -> tuple[int, Sequence[int]]:
        """Take out what one idle worker runs next.

        Parameters
        ----------
        idle
            At least one worker, the longest idle first.
        workers
            Idle and busy ones together.

        Returns
        -------
        Which of the idle workers, and the jobs of the batch; no jobs if nothing goes out now.
        """

    def looks_again_at(self) -> float:
        """When something that is held back could go out; infinity if nothing is held."""

    def ended(self, jobs: Sequence[int], seconds: float) -> None:
        """Note that a batch ended and what it took, a swap apart."""

    def lost(self, jobs: Sequence[int], now: float) -> None:
        """Take in a batch again whose worker was lost."""

    def waiting(self) -> Iterable[int]:
        """Yield the waiting jobs, in the order of dispatch where there is a fixed one."""

    def __len__(self) -> int: ...


class PlainDesk:
    """What desks share that have no shares, no batches and hold nothing back."""

    def __init__(self, workload: Workload) -> None:
        self._tenant: list[int] = workload.tenant.tolist()
        self._engine: list[int] = workload.engine.tolist()

    def looks_again_at(self) -> float:
        """Nothing is ever held."""
        return NEVER

    def ended(self, jobs: Sequence[int], seconds: float) -> None:
        """Learn nothing: there are no shares."""


def warm_place(idle: Sequence[Worker], engine: int) -> int:
    """Return the worker that was busy last among those with an engine, else among all."""
    for place in range(len(idle) - 1, -1, -1):
        if idle[place].engine == engine:
            return place
    return len(idle) - 1
