"""What the simulator replays: arrivals, their work, whose it is and its size hints. Pure.

Owns the workload value, the reading of trace files, folding and the injected noisy neighbor. The
generators are in `generators`. Times are seconds from the first arrival of the source's clock;
`Workload` begins at 0. A trace file is CSV, plain or gzipped, with the columns ``arrival_s``,
``tenant`` and ``work_s`` and any number of size hints.
"""

from __future__ import annotations

import csv
import gzip
import io
import math
import zlib
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

REQUIRED: Final = ("arrival_s", "tenant", "work_s")
OUTCOME_COLUMNS: Final = frozenset({"ok", "output_tokens", "tokens_out"})
"""Known only afterwards: no hint for an estimate."""
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
    )


def read_trace(path: Path, *, fold_days: tuple[int, int] | None = None) -> Workload:
    """Read a trace file.

    Parameters
    ----------
    path
        CSV or gzipped CSV; told apart by its first bytes.
    fold_days
        First and last day, counted from 0, whose jobs are laid upon one day; the tenants of
        different days are different tenants.

    Raises
    ------
    WorkloadError
        If the file cannot be read or a line is not as it should be; names the line and the cure.
    """
    try:
        raw = path.read_bytes()
        text = gzip.decompress(raw).decode() if raw[:2] == b"\x1f\x8b" else raw.decode()
    except FileNotFoundError:
        raise WorkloadError(f"There is no file {path}: give the path of a trace.") from None
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise WorkloadError(
            f"{path} cannot be read ({error}): give a CSV file in UTF-8, plain or gzipped."
        ) from None
    columns = _Columns(path.name, fold_days)
    columns.read(csv.reader(io.StringIO(text, newline="")))
    return columns.workload()


class _Columns:
    """The columns of a trace while it is read."""

    def __init__(self, name: str, fold_days: tuple[int, int] | None) -> None:
        self._name = name
        self._fold_days = fold_days
        self._arrival = array("d")
        self._work = array("d")
        self._tenant, self._tenants = array("i"), _Index()
        self._size, self._sizes = array("i"), _Index()
        self._engine, self._engines = array("i"), _Index()
        self._batch, self._batches = array("i"), _Index()

    def read(self, lines: Iterator[list[str]]) -> None:
        header = next(lines, [])
        if tuple(header[:3]) != REQUIRED:
            raise WorkloadError(
                f"{self._name}, line 1: the columns must begin with {', '.join(REQUIRED)}."
            )
        hints = [
            place
            for place, column in enumerate(header)
            if place > 2 and column not in OUTCOME_COLUMNS
        ]
        place_of = {column: place for place, column in enumerate(header)}
        before = -math.inf
        for number, row in enumerate(lines, start=2):
            if len(row) != len(header):
                raise WorkloadError(
                    f"{self._name}, line {number}: {len(row)} values under {len(header)} columns; "
                    "give one value for each."
                )
            arrival = self._seconds(row[0], number, "arrival_s", lowest=0.0)
            work = self._seconds(row[2], number, "work_s", lowest=0.0)
            if work == 0:
                raise WorkloadError(f"{self._name}, line {number}: work_s must be above 0.")
            if arrival < before:
                raise WorkloadError(
                    f"{self._name}, line {number}: arrival_s goes back; sort the file by it."
                )
            before = arrival
            self._add(row, arrival, work, hints, place_of)

    def workload(self) -> Workload:
        return workload_of(
            self._name.removesuffix(".gz").removesuffix(".csv"),
            np.frombuffer(self._arrival),
            np.frombuffer(self._work),
            tenant=np.frombuffer(self._tenant, dtype=np.int32),
            tenants=self._tenants.names(),
            size=np.frombuffer(self._size, dtype=np.int32),
            engine=np.frombuffer(self._engine, dtype=np.int32),
            batch=np.frombuffer(self._batch, dtype=np.int32),
        )

    def _seconds(self, text: str, number: int, column: str, *, lowest: float) -> float:
        try:
            seconds = float(text)
        except ValueError:
            seconds = math.nan
        if not (math.isfinite(seconds) and seconds >= lowest):
            raise WorkloadError(
                f"{self._name}, line {number}: {column} is {text!r}; give seconds, 0 or more."
            )
        return seconds

    def _add(
        self,
        row: Sequence[str],
        arrival: float,
        work: float,
        hints: Sequence[int],
        place_of: Mapping[str, int],
    ) -> None:
        tenant = row[1]
        if self._fold_days is not None:
            day = int(arrival // DAY_SECONDS)
            first, last = self._fold_days
            if not first <= day <= last:
                return
            arrival %= DAY_SECONDS
            tenant = f"{day}/{tenant}"
        self._arrival.append(arrival)
        self._work.append(work)
        self._tenant.append(self._tenants.place(tenant))
        self._size.append(self._sizes.place("|".join(_rough(row[place]) for place in hints)))
        key = row[place_of["batch_key"]] if "batch_key" in place_of else ""
        self._engine.append(self._engines.place(key.rpartition("-")[0] or key))
        self._batch.append(self._batch_class(key, row, place_of))

    def _batch_class(self, key: str, row: Sequence[str], place_of: Mapping[str, int]) -> int:
        """Class of jobs that may share a pass: same key and steps, and no adapters."""
        adapters = row[place_of["loras"]] if "loras" in place_of else "0"
        if not key or adapters not in {"", "0"}:
            return -1
        steps = row[place_of["steps"]] if "steps" in place_of else ""
        return self._batches.place(f"{key}|{steps}")


class _Index:
    """Numbers for names, in the order of their first appearance."""

    def __init__(self) -> None:
        self._places: dict[str, int] = {}

    def place(self, name: str) -> int:
        return self._places.setdefault(name, len(self._places))

    def names(self) -> tuple[str, ...]:
        return tuple(self._places)


def _rough(hint: str) -> str:
    """Return a hint coarse enough that equal ones come again: numbers in steps of a quarter."""
    try:
        number = float(hint)
    except ValueError:
        return hint
    if not math.isfinite(number) or abs(number) < 16:
        return hint
    return f"~{round(math.log(abs(number), 1.25))}"


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
    )


def joined_workload(name: str, parts: Iterable[Workload]) -> Workload:
    """Return several workloads laid upon one clock; equal tenant names are one tenant."""
    tenants = _Index()
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
    )
