"""One question to the simulator as plain values, and its answer. Pure.

Owns how demand becomes a workload and how several runs become one answer. It runs in a process of
its own (`child`), so it knows neither Django nor a clock: values come and go as JSON. Times are
seconds from the first arrival.
"""

from __future__ import annotations

import json
import math
import sys
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from apps.compute.policy.autoscaling import Floor, PackshotScaler, ScalingSettings
from apps.compute.simulator.engine import Record
from apps.compute.simulator.experiment import simulate
from apps.compute.simulator.fleet import Machines, paid_seconds
from apps.compute.simulator.outcome import waits_of
from apps.compute.simulator.workload import Workload, workload_of

MOST_JOBS: Final = 4_000
"""Of one run: more images are simulated in groups, which overstates their waits a little."""
MOST_JOBS_AT_ONCE: Final = 1_000
"""Where all come at once the line is all there is to see, and groups blur nothing."""
_JOBS_COMPUTED: Final = 8_000
"""Of all runs of a variant: an answer takes about two seconds."""
_LEAST_RUNS, _MOST_RUNS = 2, 5
COLUMNS: Final = 48
_Z90: Final = 1.2815515655446004


@dataclass(frozen=True, slots=True)
class Demand:
    """Images that come evenly at random, or the arrivals that really were."""

    images: int
    spread_seconds: float
    """From the first to the last; 0: all at once."""
    p50_seconds: float
    """Work of one image."""
    p90_seconds: float
    arrivals: tuple[float, ...] = ()
    """If given, the real ones, and the values above count for nothing."""
    works: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to meet the demand."""

    name: str
    max_workers: int
    target_wait_seconds: float
    cold_start_seconds: float
    warm_workers: int = 0
    """Ready at the first arrival."""
    floor_workers: int = 0
    """Kept at least, until `floor_seconds`."""
    floor_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class VariantResult:
    """What came of it, over all runs."""

    name: str
    finish_p50: float
    """Until the last image is done."""
    finish_p90: float
    within_target: float
    """Share of images that began within the target wait."""
    wait_p50: float
    wait_p95: float
    worker_hours: float
    peak_workers: int
    timeline: tuple[float, ...]
    """Workers paid for on average, in `COLUMNS` equal parts until `timeline_seconds`."""
    timeline_seconds: float

    @property
    def within_percent(self) -> int:
        """Share of images that began within the target wait, rounded down."""
        return math.floor(100 * self.within_target + 1e-9)


@dataclass(frozen=True, slots=True)
class ScenarioResult:
    """The answer to a question."""

    variants: tuple[VariantResult, ...]
    group: int
    """Images that were simulated as one."""


def run_scenario(demand: Demand, variants: tuple[Variant, ...], *, seed: int = 1) -> ScenarioResult:
    """Replay the demand in every variant, several times, each time with other random numbers.

    All variants see the same demand. The same arguments give the same answer.
    """
    images = len(demand.arrivals) or demand.images
    is_spread = bool(demand.arrivals or demand.spread_seconds)
    group = max(1, math.ceil(images / (MOST_JOBS if is_spread else MOST_JOBS_AT_ONCE)))
    fitting = _JOBS_COMPUTED // math.ceil(images / group)
    # What really was needs no second run with other random numbers.
    runs = 1 if demand.arrivals else min(_MOST_RUNS, max(_LEAST_RUNS, fitting))
    workloads = [_workload(demand, group, seed + run) for run in range(runs)]
    records = [
        [_replay(workload, variant, seed + run) for run, workload in enumerate(workloads)]
        for variant in variants
    ]
    until = max(max(record.done) for row in records for record in row)
    return ScenarioResult(
        variants=tuple(
            _result(variant, workloads, row, until)
            for variant, row in zip(variants, records, strict=True)
        ),
        group=group,
    )


def _workload(demand: Demand, group: int, seed: int) -> Workload:
    if demand.arrivals:
        arrivals, works = np.asarray(demand.arrivals), np.asarray(demand.works)
        starts = range(0, len(arrivals), group)
        return workload_of(
            "as it was",
            arrivals[::group],
            np.asarray([works[start : start + group].sum() for start in starts]),
        )
    random = np.random.default_rng(seed)
    jobs = math.ceil(demand.images / group)
    width = max(math.log(demand.p90_seconds / demand.p50_seconds) / _Z90, 0.0)
    # A group's work is the sum of its members': the spread shrinks, the mean does not.
    each = demand.p50_seconds * math.exp(width**2 / 2)
    narrow = math.sqrt(math.log1p((math.exp(width**2) - 1) / group))
    works = each * group * np.exp(random.normal(-(narrow**2) / 2, narrow, jobs))
    works *= demand.images / (jobs * group)
    arrivals = random.uniform(0.0, demand.spread_seconds, jobs)
    return workload_of("demand", arrivals, works)


def _replay(workload: Workload, variant: Variant, seed: int) -> Record:
    policy = PackshotScaler(ScalingSettings(target_wait_seconds=variant.target_wait_seconds))
    if variant.floor_workers:
        policy.plan([Floor(0.0, variant.floor_seconds, variant.floor_workers, "planned")])
    return simulate(
        workload,
        policy,
        machines=Machines(
            cold_start_p50=variant.cold_start_seconds,
            cold_start_p95=variant.cold_start_seconds * 1.3,
        ),
        max_workers=variant.max_workers,
        initial_workers=min(variant.warm_workers, variant.max_workers),
        seed=seed,
    )


def _result(
    variant: Variant, workloads: list[Workload], records: list[Record], until: float
) -> VariantResult:
    waits = np.concatenate(
        [waits_of(workload, record) for workload, record in zip(workloads, records, strict=True)]
    )
    ends = sorted(max(record.done) for record in records)
    middle = records[len(records) // 2]
    hours = [paid_seconds(record.lives, max(record.done)) / 3600 for record in records]
    return VariantResult(
        name=variant.name,
        finish_p50=float(np.percentile(ends, 50)),
        finish_p90=float(np.percentile(ends, 90)),
        within_target=float((waits <= variant.target_wait_seconds).mean()),
        wait_p50=float(np.percentile(waits, 50)),
        wait_p95=float(np.percentile(waits, 95)),
        worker_hours=float(np.mean(hours)),
        peak_workers=_peak(middle),
        timeline=_timeline(middle, until),
        timeline_seconds=until,
    )


def _timeline(record: Record, until: float) -> tuple[float, ...]:
    """Return how many workers were paid for on average in each part of the time."""
    width = until / COLUMNS
    columns = []
    for column in range(COLUMNS):
        since, end = column * width, (column + 1) * width
        paid = sum(
            max(0.0, min(life.released_at, end) - max(life.launched_at, since))
            for life in record.lives
        )
        columns.append(round(paid / width, 2))
    return tuple(columns)


def _peak(record: Record) -> int:
    """Return how many workers were paid for at the same time, at most."""
    moves = [(life.launched_at, 1) for life in record.lives]
    moves += [(life.released_at, -1) for life in record.lives]
    alive = most = 0
    # At one instant those who leave go first: -1 sorts before 1.
    for _, step in sorted(moves):
        alive += step
        most = max(most, alive)
    return most


def to_json(demand: Demand, variants: tuple[Variant, ...]) -> str:
    """Return a question for the other process."""
    return json.dumps({"demand": asdict(demand), "variants": [asdict(one) for one in variants]})


def result_of(answer: dict[str, Any]) -> ScenarioResult:
    """Return the other process's answer."""
    return ScenarioResult(
        variants=tuple(
            VariantResult(**{**one, "timeline": tuple(one["timeline"])})
            for one in answer["variants"]
        ),
        group=int(answer["group"]),
    )


def main() -> None:
    """Read a question from the standard input, write the answer to the standard output."""
    question = json.load(sys.stdin)
    demand = Demand(**question["demand"])
    variants = tuple(Variant(**one) for one in question["variants"])
    json.dump(asdict(run_scenario(demand, variants)), sys.stdout)
