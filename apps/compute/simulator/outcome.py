"""What a run cost and how long its jobs waited, in the figures of the design page. Pure."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from apps.compute.simulator.engine import Record
from apps.compute.simulator.fleet import paid_seconds
from apps.compute.simulator.workload import Floats, Workload

FAIRNESS_WINDOW_SECONDS: Final = 600.0
_HEADER: Final = (
    f"{'policy':28} {'GPU-h':>8} {'ratio':>6} {'in time':>8} {'p50':>6} {'p95':>6} "
    f"{'p99':>7} {'cold':>6} {'killed':>6} {'Jain':>5} {'wall':>7}"
)


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
    """Jain's index of service among backlogged tenants, see `fairness_index`."""
    wall_s: float
    """Seconds the run took on the real clock; 0 until whoever has one sets it."""
    swaps_per_job: float
    jobs_per_batch: float
    lost: int
    """Jobs that ran again because their worker was lost."""
    useful_share: float
    """Part of the paid time in which work was done, swaps apart."""
    worst_tenants_within_target: float
    """Share within the target over the worst tenth of the tenants."""


def outcome_of(
    policy: str, workload: Workload, record: Record, target_wait_seconds: float
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
        wall_s=0.0,
        swaps_per_job=record.swaps / len(workload),
        jobs_per_batch=len(workload) / max(record.batches, 1),
        lost=record.lost,
        useful_share=(record.busy_seconds - record.swap_seconds) / paid,
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
    """Return Jain's index of the service that tenants got while they competed, from 0 to 1.

    Compared are, in every window of `FAIRNESS_WINDOW_SECONDS`, the worker-seconds of the tenants
    that had work waiting all through it; windows count by their tenants. 1 means that all were
    served alike, or that nobody ever had to compete.
    """
    start, done = np.asarray(record.start), np.asarray(record.done)
    width = FAIRNESS_WINDOW_SECONDS
    backlogged = _backlogged(workload, start)
    competing = {window: tenants for window, tenants in backlogged.items() if len(tenants) > 1}
    if not competing:
        return 1.0
    served: dict[tuple[int, int], float] = defaultdict(float)
    for tenant, begin, end in zip(
        workload.tenant.tolist(), start.tolist(), done.tolist(), strict=True
    ):
        for window in range(int(begin // width), int(end // width) + 1):
            if tenant in competing.get(window, ()):
                overlap = min(end, (window + 1) * width) - max(begin, window * width)
                served[window, tenant] += overlap
    total = weight = 0.0
    for window, tenants in competing.items():
        rates = np.asarray([served[window, tenant] for tenant in tenants])
        squares = float((rates**2).sum())
        if squares:
            total += float(rates.sum()) ** 2 / squares
            weight += len(rates)
    return total / weight if weight else 1.0


def _backlogged(workload: Workload, start: Floats) -> dict[int, set[int]]:
    """Return by window the tenants that had work waiting from its beginning to its end."""
    width = FAIRNESS_WINDOW_SECONDS
    windows: dict[int, set[int]] = defaultdict(set)

    def note(tenant: int, since: float, until: float) -> None:
        for window in range(math.ceil(since / width), int(until // width)):
            windows[window].add(tenant)

    waited = np.flatnonzero(start > workload.arrival)
    order = waited[np.argsort(workload.tenant[waited], kind="stable")]
    current, since, until = -1, 0.0, 0.0
    for tenant, arrival, begun in zip(
        workload.tenant[order].tolist(),
        workload.arrival[order].tolist(),
        start[order].tolist(),
        strict=True,
    ):
        if tenant != current or arrival > until:
            note(current, since, until)
            current, since, until = tenant, arrival, begun
        until = max(until, begun)
    note(current, since, until)
    return windows


def table(workload: Workload, outcomes: Sequence[Outcome]) -> str:
    """Return the figures as text, one row for each policy."""
    rows = [
        f"{workload.name}: {len(workload):,} jobs, {workload.work_seconds / 3600:.1f} h of work",
        _HEADER,
    ]
    rows += [
        f"{row.policy:28} {row.gpu_hours:8.1f} {row.ratio:6.2f} {row.within_target:8.2%} "
        f"{row.wait_p50_s:6.0f} {row.wait_p95_s:6.0f} {row.wait_p99_s:7.0f} "
        f"{row.cold_starts:6d} {row.killed:6d} {row.jain:5.2f} {row.wall_s:6.1f}s"
        for row in outcomes
    ]
    return "\n".join(rows)
