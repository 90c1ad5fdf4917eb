"""What the simulator replays: arrivals, their work, whose it is and its size hints. Pure.

Owns the workload value and what can be done with any of them: cut, join, add a noisy neighbor.
Trace files are read in `trace`, made-up workloads are in `generators`. Times are seconds from the
first arrival.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

DAY_SECONDS: Final = 86400.0

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]


class WorkloadError(ValueError):
    """A workload that cannot be replayed; the message says what to change."""


@dataclass(frozen=True, eq=False)
class Workload:
    """Jobs in the order of their arrival; all arrays have one length, above 0."""

    name: str
    arrival: Floats
    """Seconds since the first arrival, ascending."""
    work: Floats
    """Seconds of one worker alone, above 0."""
    tenant: Ints
    """Index into `tenants`."""
    tenants: tuple[str, ...]
    size: Ints
    """Class of equal size hints: what an estimate may know before the work is done."""
    engine: Ints
    """Which weights it needs; a worker warm with others swaps first."""
    batch: Ints
    """Jobs of one class may run together; -1 runs alone."""
    pixel_steps: Floats
    """What a batch's memory is counted in: megapixels times denoising steps; 0 if not known."""

    def __len__(self) -> int:
        return len(self.arrival)

    @property
    def work_seconds(self) -> float:
        """Work of all jobs, in worker-seconds."""
        return float(self.work.sum())

    @property
    def span_seconds(self) -> float:
        """Seconds from the first arrival to the last."""
        return float(self.arrival[-1])

    @property
    def mean_load(self) -> float:
        """Workers that would be busy on average if nobody ever waited."""
        return self.work_seconds / max(self.span_seconds, 1.0)


def workload_of(
    name: str,
    arrival: Sequence[float] | Floats,
    work: Sequence[float] | Floats,
    *,
    tenant: Sequence[int] | Ints | None = None,
    tenants: Sequence[str] = ("",),
    size: Sequence[int] | Ints | None = None,
    engine: Sequence[int] | Ints | None = None,
    batch: Sequence[int] | Ints | None = None,
    pixel_steps: Sequence[float] | Floats | None = None,
) -> Workload:
    """Return a workload sorted by arrival and begun at 0.

    Parameters
    ----------
    arrival
        Seconds on any clock, in any order; ties keep their order.
    tenant
        Indices into `tenants`; all of the first if left out.

    Raises
    ------
    WorkloadError
        If there is no job, or a time is not a number, or a work time is not above 0.
    """
    when = np.asarray(arrival, dtype=np.float64)
    seconds = np.asarray(work, dtype=np.float64)
    if not len(when):
        raise WorkloadError(f"{name} has no jobs: give a workload with at least one.")
    if not (np.isfinite(when).all() and np.isfinite(seconds).all() and (seconds > 0).all()):
        raise WorkloadError(f"{name}: arrivals must be numbers and work times above 0 seconds.")
    order = np.argsort(when, kind="stable")

    def sorted_ints(values: Sequence[int] | Ints | None, otherwise: int) -> Ints:
        if values is None:
            return np.full(len(when), otherwise, dtype=np.int32)
        return np.asarray(values, dtype=np.int32)[order]

    return Workload(
        name=name,
        arrival=when[order] - when.min(),
        work=seconds[order],
        tenant=sorted_ints(tenant, 0),
        tenants=tuple(tenants),
        size=sorted_ints(size, 0),
        engine=sorted_ints(engine, 0),
        batch=sorted_ints(batch, -1),
        pixel_steps=(
            np.zeros(len(when))
            if pixel_steps is None
            else np.asarray(pixel_steps, dtype=np.float64)[order]
        ),
    )


class Index:
    """Numbers for names, in the order of their first appearance."""

    def __init__(self) -> None:
        self._places: dict[str, int] = {}

    def place(self, name: str) -> int:
        """Return a name's number, a new one if it has none."""
        return self._places.setdefault(name, len(self._places))

    def names(self) -> tuple[str, ...]:
        """Return all names, in the order of their numbers."""
        return tuple(self._places)


def with_noisy_neighbor(
    workload: Workload, *, jobs: int, seconds: float, at: float | None = None
) -> Workload:
    """Return the workload with one more tenant, ``noisy``, that orders many jobs at once.

    Parameters
    ----------
    jobs
        How many, at least 1.
    seconds
        Work of each, above 0.
    at
        When, in seconds of the workload; the middle of its span if left out.
    """
    if jobs < 1 or not seconds > 0:
        raise WorkloadError("A noisy neighbor needs at least 1 job of more than 0 seconds.")
    when = workload.span_seconds / 2 if at is None else at

    def joined(values: Ints, value: int) -> Ints:
        return np.concatenate([values, np.full(jobs, value, dtype=np.int32)])

    return workload_of(
        f"{workload.name}+noisy",
        np.concatenate([workload.arrival, np.full(jobs, when)]),
        np.concatenate([workload.work, np.full(jobs, seconds)]),
        tenant=joined(workload.tenant, len(workload.tenants)),
        tenants=(*workload.tenants, "noisy"),
        size=joined(workload.size, int(workload.size.max()) + 1),
        engine=joined(workload.engine, int(workload.engine[0])),
        batch=joined(workload.batch, -1),
        pixel_steps=np.concatenate([workload.pixel_steps, np.zeros(jobs)]),
    )


def between(workload: Workload, start: float, end: float) -> Workload:
    """Return the jobs that arrive from `start` up to `end`, in seconds of the workload."""
    kept = (workload.arrival >= start) & (workload.arrival < end)
    if not kept.any():
        raise WorkloadError(f"{workload.name}: nothing arrives between {start:g} and {end:g} s.")
    return replace(
        workload,
        arrival=workload.arrival[kept] - workload.arrival[kept].min(),
        work=workload.work[kept],
        tenant=workload.tenant[kept],
        size=workload.size[kept],
        engine=workload.engine[kept],
        batch=workload.batch[kept],
        pixel_steps=workload.pixel_steps[kept],
    )


def joined_workload(name: str, parts: Iterable[Workload]) -> Workload:
    """Return several workloads laid upon one clock; equal tenant names are one tenant."""
    tenants = Index()
    listed = list(parts)
    tenant = [
        np.asarray([tenants.place(name) for name in part.tenants], dtype=np.int32)[part.tenant]
        for part in listed
    ]
    return workload_of(
        name,
        np.concatenate([part.arrival for part in listed]),
        np.concatenate([part.work for part in listed]),
        tenant=np.concatenate(tenant),
        tenants=tenants.names(),
        size=np.concatenate([part.size for part in listed]),
        engine=np.concatenate([part.engine for part in listed]),
        batch=np.concatenate([part.batch for part in listed]),
        pixel_steps=np.concatenate([part.pixel_steps for part in listed]),
    )
