"""Orders of dispatch on small and on noisy workloads."""

from __future__ import annotations

import numpy as np
import pytest

from apps.compute.simulator.baselines.fixed import FixedFleet
from apps.compute.simulator.desks.base import Estimates
from apps.compute.simulator.desks.fair import FairDesk
from apps.compute.simulator.experiment import Conditions, replay
from apps.compute.simulator.fleet import Machines, Worker
from apps.compute.simulator.outcome import fairness_index, outcome_of, waits_of
from apps.compute.simulator.workload import with_noisy_neighbor, workload_of


def order(workload, dispatch, *, workers=1, swap=0.0):
    conditions = Conditions(
        machines=Machines(10.0), max_workers=workers, dispatch=dispatch, swap_seconds=swap
    )
    record = replay(workload, FixedFleet(workers), conditions)
    return [int(job) for job in np.argsort(record.start, kind="stable")]


def test_one_line_serves_who_came_first():
    workload = workload_of("w", [0, 1, 2], [5.0] * 3, tenant=[0, 0, 1], tenants=["a", "b"])
    assert order(workload, "fifo") == [0, 1, 2]


def test_rotation_serves_the_tenant_who_was_served_least_recently():
    workload = workload_of("w", [0, 1, 2, 3], [5.0] * 4, tenant=[0, 0, 0, 1], tenants=["a", "b"])
    assert order(workload, "round-robin") == [0, 3, 1, 2]


def test_lookahead_prefers_a_loaded_engine_among_one_tenant_s_own_work():
    workload = workload_of("w", [0, 1, 2], [5.0] * 3, engine=[0, 1, 0])
    assert order(workload, "invoke", swap=1.0) == [0, 2, 1]
    assert order(workload, "round-robin", swap=1.0) == [0, 1, 2]


def test_a_warm_worker_is_preferred_by_the_warm_line_alone():
    workload = workload_of("w", [0, 0, 100, 101], [10.0] * 4, engine=[0, 1, 1, 0])

    def swaps(dispatch):
        conditions = Conditions(
            machines=Machines(1.0), max_workers=2, dispatch=dispatch, swap_seconds=5.0
        )
        return replay(workload, FixedFleet(2), conditions).swaps

    assert swaps("fifo-warm") == 0
    assert swaps("packshot") == 0


def test_lost_work_costs_its_tenant_nothing_and_done_work_what_it_took():
    workload = workload_of("w", [0, 0], [8.0, 8.0])
    desk = FairDesk(workload, Conditions().limits, knows_warmth=False)
    idle = [Worker("w1", 0.0, 0.0)]
    desk.add(0, Estimates(10.0, 20.0), 0.0)
    desk.add(1, Estimates(10.0, 20.0), 0.0)
    _, jobs = desk.take(idle, 0.0, workers=1)
    assert desk.charged() == {"": 10.0}
    desk.lost(jobs, 5.0)
    assert desk.charged() == {"": 0.0}
    assert sorted(desk.waiting()) == [0, 1]
    _, jobs = desk.take(idle, 5.0, workers=1)
    desk.ended(jobs, 8.0)
    assert desk.charged() == {"": 8.0}


@pytest.fixture(scope="module")
def disturbed():
    random = np.random.default_rng(2)
    jobs = 900
    quiet = workload_of(
        "quiet",
        np.sort(random.uniform(0, 5 * 3600, jobs)),
        random.lognormal(3.2, 0.5, jobs),
        tenant=random.integers(0, 60, jobs),
        tenants=[f"t{number}" for number in range(60)],
    )
    return quiet, with_noisy_neighbor(quiet, jobs=400, seconds=25.0, at=7200.0)


def others_p95(workload, dispatch):
    conditions = Conditions(machines=Machines(1.0), max_workers=4, dispatch=dispatch)
    record = replay(workload, FixedFleet(4), conditions)
    waits = waits_of(workload, record)
    quiet = (workload.arrival >= 7200) & (workload.arrival < 7200 + 5400)
    if workload.tenants[-1] == "noisy":
        quiet &= workload.tenant != len(workload.tenants) - 1
    return float(np.percentile(waits[quiet], 95)), record


def test_a_noisy_neighbor_ruins_one_line_and_hardly_touches_fair_shares(disturbed):
    quiet, noisy = disturbed
    undisturbed, _ = others_p95(quiet, "packshot")
    line, _ = others_p95(noisy, "fifo")
    fair, _ = others_p95(noisy, "packshot")
    assert line > 1000
    assert fair <= 1.5 * undisturbed + 15


def test_the_fairness_index_tells_one_line_from_fair_shares():
    # Two tenants, both backlogged for an hour; one brings three times as many jobs.
    jobs = 800
    tenant = np.arange(jobs) % 4 // 3
    workload = workload_of(
        "pair", np.arange(jobs) * 0.01, np.full(jobs, 10.0), tenant=tenant, tenants=["a", "b"]
    )
    assert fairness_index(workload, _run(workload, "fifo")) == pytest.approx(0.8, abs=0.03)
    assert fairness_index(workload, _run(workload, "packshot")) > 0.99
    alone = workload_of("alone", np.zeros(50), np.full(50, 60.0))
    assert outcome_of("", alone, _run(alone, "fifo"), 30.0).jain == 1.0


def _run(workload, dispatch):
    conditions = Conditions(machines=Machines(1.0), max_workers=2, dispatch=dispatch)
    return replay(workload, FixedFleet(2), conditions)
