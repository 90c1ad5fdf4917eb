"""Trace files: what arrived somewhere, read from CSV. Pure.

A trace file is CSV, plain or gzipped, sorted by time, with the columns ``arrival_s`` (seconds),
``tenant`` and ``work_s`` (seconds of one worker) and any number of size hints after them. Four
hints have a meaning of their own: ``batch_key`` (engine, then ``-`` and task), ``images``,
``steps`` and ``loras``. Errors name the line and what to write there.
"""

from __future__ import annotations

import csv
import gzip
import io
import math
import zlib
from array import array
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from apps.compute.simulator.workload import DAY_SECONDS, Index, Workload, WorkloadError, workload_of

REQUIRED: Final = ("arrival_s", "tenant", "work_s")
OUTCOME_COLUMNS: Final = frozenset({"ok", "output_tokens", "tokens_out"})
"""Known only afterwards: no hint for an estimate."""


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
        self._tenant, self._tenants = array("i"), Index()
        self._size, self._sizes = array("i"), Index()
        self._engine, self._engines = array("i"), Index()
        self._batch, self._batches = array("i"), Index()
        self._pixel_steps = array("d")

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
            pixel_steps=np.frombuffer(self._pixel_steps),
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
        images, steps = (
            _number(row[place_of[column]]) if column in place_of else 0.0
            for column in ("images", "steps")
        )
        # Images of these services have about a megapixel.
        self._pixel_steps.append(images * steps)

    def _batch_class(self, key: str, row: Sequence[str], place_of: Mapping[str, int]) -> int:
        """Class of jobs that may share a pass: same key and steps, and no adapters."""
        adapters = row[place_of["loras"]] if "loras" in place_of else "0"
        if not key or adapters not in {"", "0"}:
            return -1
        steps = row[place_of["steps"]] if "steps" in place_of else ""
        return self._batches.place(f"{key}|{steps}")


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        return 0.0
    return number if math.isfinite(number) and number > 0 else 0.0


def _rough(hint: str) -> str:
    """Return a hint coarse enough that equal ones come again: numbers in steps of a quarter."""
    try:
        number = float(hint)
    except ValueError:
        return hint
    if not math.isfinite(number) or abs(number) < 16:
        return hint
    return f"~{round(math.log(abs(number), 1.25))}"
