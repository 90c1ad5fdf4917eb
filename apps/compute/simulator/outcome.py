"""What a run cost and how long its jobs waited, in the figures of the design page. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from apps.compute.simulator.engine import Record
from apps.compute.simulator.fleet import paid_seconds
from apps.compute.simulator.workload import Floats, Workload


@dataclass(frozen=True, slots=True)
class Outcome:
    """One policy on one workload."""

    policy: str
    gpu_hours: float
    """Worker-hours from launch to release, over the whole fleet."""
    work_hours: float
    """Worker-hours of the jobs alone."""
    ratio: float
    within_target: float
    """Share of jobs that waited no longer than the target, 0 to 1."""
    wait_p50_s: float
    wait_p95_s: float
    wait_p99_s: float
    cold_starts: int
    killed: int
    jain: float
    """Jain's index of service over waiting time, see `fairness_index`."""
    swaps_per_job: float
    jobs_per_batch: float
    lost: int
    worst_tenants_within_target: float
    """Share within the target over the worst tenth of the tenants."""
    wall_s: float = 0.0
    """Seconds the run took on the real clock, set by whoever has one."""


def outcome_of(
    policy: str, workload: Workload, record: Record, *, target_wait_seconds: float
) -> Outcome:
    """Sum up a record."""
    waits = waits_of(workload, record)
    within = waits <= target_wait_seconds + 1e-9
    paid = paid_seconds(record.lives, record.end)
    p50, p95, p99 = (float(value) for value in np.percentile(waits, [50, 95, 99]))
    return Outcome(
        policy=policy,
        gpu_hours=paid / 3600,
        work_hours=workload.work_seconds / 3600,
        ratio=paid / workload.work_seconds,
        within_target=float(within.mean()),
        wait_p50_s=p50,
        wait_p95_s=p95,
        wait_p99_s=p99,
        cold_starts=record.cold_starts,
        killed=record.killed,
        jain=fairness_index(workload, record),
        swaps_per_job=record.swaps / len(workload),
        jobs_per_batch=len(workload) / max(record.batches, 1),
        lost=record.lost,
        worst_tenants_within_target=_worst_tenth(workload, within.astype(float)),
    )


def waits_of(workload: Workload, record: Record) -> Floats:
    """Return each job's seconds from its arrival to the start of the run that delivered it."""
    return np.asarray(record.start) - workload.arrival


def _by_tenant(workload: Workload, values: Floats) -> Floats:
    sums = np.bincount(workload.tenant, weights=values, minlength=len(workload.tenants))
    return sums.astype(np.float64)


def _worst_tenth(workload: Workload, within: Floats) -> float:
    jobs = _by_tenant(workload, np.ones(len(workload)))
    hits = _by_tenant(workload, within)[jobs > 0]
    jobs = jobs[jobs > 0]
    order = np.argsort(hits / jobs, kind="stable")
    worst = order[: max(1, len(order) // 10)]
    return float(hits[worst].sum() / jobs[worst].sum())


def fairness_index(workload: Workload, record: Record) -> float:
    """Return Jain's index of the service rates that tenants got while they had work waiting.

    A tenant's rate is its worker-seconds over the seconds between its arrivals and completions;
    1 means that all tenants were served alike.
    """
    served = _by_tenant(workload, workload.work)
    stayed = _by_tenant(workload, np.asarray(record.done) - workload.arrival)
    rates = served[stayed > 0] / stayed[stayed > 0]
    return float(rates.sum() ** 2 / (len(rates) * (rates**2).sum()))
