"""The simulator's engine: order of events, billing, losses, and queueing theory."""

from __future__ import annotations

import math

import numpy as np
import pytest

from apps.compute.policy.fleet import ScaleDecision
from apps.compute.policy.queueing import erlang_c
from apps.compute.simulator.baselines.fixed import FixedFleet
from apps.compute.simulator.baselines.serverless import RequestCountScaler
from apps.compute.simulator.engine import TAIL_SECONDS, Costs, SimulationError
from apps.compute.simulator.estimates import EstimateError
from apps.compute.simulator.experiment import DISPATCH, Conditions, replay, simulate
from apps.compute.simulator.fleet import NEVER, Machines, paid_seconds
from apps.compute.simulator.generators import workload_from_text
from apps.compute.simulator.outcome import waits_of
from apps.compute.simulator.workload import workload_of

QUICK = Machines(cold_start_p50=0.0)


class Scripted:
    """A policy that launches at the start and drains every busy worker later."""

    tick_seconds = 5.0

    def __init__(self, workers: int, drains_at: float = NEVER) -> None:
        self.workers, self.drains_at = workers, drains_at
        self.views = []
        self.heard = []

    def arrived(self, at, seconds, tenant):
        self.heard.append(("arrived", at, seconds))

    def started(self, at, wait):
        self.heard.append(("started", at, wait))

    def finished(self, at, seconds):
        self.heard.append(("finished", at, seconds))

    def decide(self, view):
        self.views.append(view)
        staying = [worker for worker in view.workers if worker.state != "draining"]
        if view.now >= self.drains_at:
            self.drains_at = NEVER
            busy = tuple(worker.worker for worker in staying if worker.state == "busy")
            return ScaleDecision(self.workers, drain=busy)
        return ScaleDecision(self.workers, launch=max(0, self.workers - len(staying)))


def test_a_fixed_fleet_waits_as_long_as_erlang_says():
    # 3 erlangs on 4 workers; batch means keep the allowance honest.
    random = np.random.default_rng(5)
    jobs = 60_000
    arrivals = np.cumsum(random.exponential(20 / 3, jobs))
    workload = workload_of("theory", arrivals, random.exponential(20.0, jobs))
    record = simulate(workload, FixedFleet(4), machines=QUICK, max_workers=4)
    waits = waits_of(workload, record)[2000:]
    expected = erlang_c(workers=4, offered_load=3.0) * 20.0 / (4 - 3.0)
    means = [float(part.mean()) for part in np.array_split(waits, 29)]
    allowance = 3 * float(np.std(means, ddof=1)) / math.sqrt(len(means))
    assert abs(float(waits.mean()) - expected) < allowance < 0.15 * expected


def test_every_job_starts_once_it_has_come_and_runs_as_long_as_its_work():
    workload = workload_from_text("launch-day:renders=600", seed=3)
    record = simulate(
        workload, RequestCountScaler(2, 300, buffer=1), machines=Machines(), max_workers=8
    )
    starts, done = np.asarray(record.start), np.asarray(record.done)
    assert (starts >= workload.arrival).all()
    assert np.allclose(done - starts, workload.work)
    assert record.batches == len(workload)
    assert record.busy_seconds == pytest.approx(workload.work_seconds)


def test_no_more_jobs_run_than_workers_are_online():
    workload = workload_from_text("launch-day:renders=600", seed=3)
    record = simulate(workload, RequestCountScaler(2, 30), machines=Machines(), max_workers=8)
    for instant in np.linspace(0, record.end, 200):
        running = sum(
            begun <= instant < ended for begun, ended in zip(record.start, record.done, strict=True)
        )
        online = sum(life.ready_at <= instant < life.released_at for life in record.lives)
        assert running <= online


def test_billing_runs_from_launch_to_release():
    workload = workload_of("two", [0.0, 1000.0], [10.0, 10.0])
    record = simulate(workload, RequestCountScaler(1, 50), machines=Machines(90.0), max_workers=1)
    first, second = record.lives
    assert (first.launched_at, first.ready_at, first.released_at) == (0.0, 90.0, 150.0)
    assert (second.launched_at, second.released_at) == (1000.0, 1150.0)
    assert paid_seconds(record.lives, record.end) == 300.0
    assert record.cold_starts == 2


def test_who_is_there_at_the_end_is_paid_until_the_end():
    workload = workload_of("one", [0.0], [10.0])
    for policy in (FixedFleet(2), Scripted(2)):
        record = simulate(workload, policy, machines=QUICK, max_workers=2)
        assert record.end == TAIL_SECONDS
        assert paid_seconds(record.lives, record.end) == 2 * TAIL_SECONDS


def test_the_same_arguments_give_the_same_record():
    workload = workload_from_text("noisy-neighbor:renders=300", seed=1)

    def once(seed):
        conditions = Conditions(
            machines=Machines(90.0, 140.0, hours_between_failures=1.0),
            dispatch="packshot",
            swap_seconds=15.0,
            batches=True,
            estimate_error=EstimateError(sigma=0.5),
            seed=seed,
        )
        record = replay(workload, RequestCountScaler(2, 60, buffer=1), conditions)
        return record.start, record.done, record.lives

    assert once(1) == once(1)
    assert once(1) != once(2)


def test_a_drained_worker_finishes_what_it_does_and_takes_nothing_more():
    workload = workload_of("three", [0.0, 0.0, 20.0], [30.0, 30.0, 5.0])
    policy = Scripted(2, drains_at=10.0)
    record = simulate(workload, policy, machines=QUICK, max_workers=4)
    assert record.killed == 0
    assert record.done[:2] == [30.0, 30.0]
    assert [life.released_at for life in record.lives[:2]] == [30.0, 30.0]
    # Another was launched for what came afterwards.
    assert record.start[2] == 20.0
    assert record.cold_starts == 4


def test_a_policy_may_not_drain_who_is_starting():
    class Hasty(Scripted):
        def decide(self, view):
            names = tuple(worker.worker for worker in view.workers)
            return ScaleDecision(1, launch=1 - len(names), drain=names)

    with pytest.raises(ValueError, match="not there or starting"):
        simulate(workload_of("one", [0.0], [9.0]), Hasty(1), machines=Machines(), max_workers=1)


def test_a_policy_sees_states_and_estimates_but_never_the_true_work():
    workload = workload_of("three", [0.0, 1.0, 2.0], [50.0, 50.0, 50.0])
    policy = Scripted(1)
    simulate(workload, policy, machines=Machines(7.0), max_workers=3)
    first, second, *_ = policy.views
    assert [item.p50_seconds for item in second.queued] == [20.0, 20.0, 20.0]
    assert [item.waits_since for item in second.queued] == [0.0, 1.0, 2.0]
    assert first.workers == ()
    assert [(w.state, w.since, w.free_at) for w in second.workers] == [("starting", 0.0, 7.0)]
    busy = policy.views[2].workers[0]
    assert (busy.state, busy.since, busy.free_at) == ("busy", 7.0, 27.0)
    # The dispatch follows the start of the worker, the hearing the dispatch.
    assert ("started", 7.0, 7.0) in policy.heard
    assert ("finished", 57.0, 50.0) in policy.heard


def test_a_long_queue_is_shown_with_all_its_seconds():
    workload = workload_of("many", np.zeros(300), np.full(300, 10.0))
    policy = Scripted(1)
    simulate(workload, policy, machines=Machines(20.0), max_workers=1)
    shown = policy.views[1].queued
    assert len(shown) < 100
    assert sum(item.p50_seconds for item in shown) == pytest.approx(300 * 20.0)


def test_a_policy_is_not_asked_before_it_wants_to_be():
    class Patient(Scripted):
        def decide(self, view):
            super().decide(view)
            return ScaleDecision(0, look_again_at=view.now + 1000.0)

    policy = Patient(0)
    with pytest.raises(SimulationError, match="1 jobs still wait"):
        simulate(workload_of("one", [0.0], [1.0]), policy, machines=QUICK, max_workers=1)
    gaps = np.diff([view.now for view in policy.views])
    assert (gaps == 1000.0).all()


def test_a_failed_worker_s_work_runs_again_after_its_lease():
    workload = workload_from_text("steady-shop:renders=200:seconds=120", seed=2)
    machines = Machines(30.0, hours_between_failures=0.2, lease_seconds=20.0)
    record = simulate(workload, RequestCountScaler(1, 60), machines=machines, max_workers=6)
    assert record.lost > 10
    assert not any(math.isnan(moment) for moment in record.done)
    ended = {life.released_at for life in record.lives}
    assert all(life.released_at <= record.end for life in record.lives), ended


def test_a_reclaimed_spot_worker_ends_no_later_than_its_notice_allows():
    workload = workload_of("long", [0.0], [4000.0])
    machines = Machines(0.0, hours_between_reclaims=0.3, notice_seconds=60.0, lease_seconds=0.0)
    record = simulate(workload, FixedFleet(1), machines=machines, max_workers=1, seed=4)
    assert record.lost > 0
    assert record.done[0] - record.start[0] == pytest.approx(4000.0)
    lengths = [life.released_at - life.launched_at for life in record.lives[:-1]]
    assert all(length > 0 for length in lengths)


def test_no_worker_is_launched_in_an_outage():
    workload = workload_of("one", [100.0, 100.0], [5.0, 5.0])
    machines = Machines(10.0, outage=(0.0, 500.0))
    record = simulate(workload, RequestCountScaler(1, 50), machines=machines, max_workers=2)
    assert record.refused > 0
    assert min(life.launched_at for life in record.lives) >= 500.0


def test_cold_starts_follow_their_quantiles():
    jobs = 1500
    workload = workload_of("apart", np.arange(jobs) * 2000.0, np.full(jobs, 1.0))
    machines = Machines(90.0, 180.0)
    record = simulate(workload, RequestCountScaler(1, 10), machines=machines, max_workers=1)
    starts = [life.ready_at - life.launched_at for life in record.lives]
    p50, p95 = np.percentile(starts, [50, 95])
    assert p50 == pytest.approx(90.0, rel=0.07)
    assert p95 == pytest.approx(180.0, rel=0.1)


def test_a_swap_is_paid_on_a_change_of_engine_and_not_on_the_first_load():
    workload = workload_of("engines", [0.0, 1.0, 2.0, 3.0], [10.0] * 4, engine=[0, 0, 1, 0])
    record = simulate(
        workload,
        FixedFleet(1),
        machines=QUICK,
        max_workers=1,
        costs=Costs(swap_seconds=15.0),
    )
    assert record.swaps == 2
    assert record.done == [10.0, 20.0, 45.0, 70.0]


def test_a_batch_pays_the_fixed_part_once():
    workload = workload_of("alike", [0.0, 0.0, 0.0], [20.0, 20.0, 20.0], batch=[0, 0, 0])
    conditions = Conditions(
        machines=Machines(30.0), max_workers=1, dispatch="packshot", batches=True
    )
    record = replay(workload, FixedFleet(1), conditions)
    assert record.batches == 1
    assert {done - start for done, start in zip(record.done, record.start, strict=True)} == {24.0}


@pytest.mark.parametrize("dispatch", sorted(DISPATCH))
def test_every_order_of_dispatch_serves_all_and_survives_losses(dispatch):
    workload = workload_from_text("noisy-neighbor:renders=250", seed=1)
    conditions = Conditions(
        machines=Machines(20.0, hours_between_failures=0.5, hours_between_reclaims=0.5),
        max_workers=4,
        dispatch=dispatch,
        swap_seconds=5.0,
        batches=dispatch == "packshot",
    )
    record = replay(workload, FixedFleet(4), conditions)
    assert record.lost > 0
    assert not any(math.isnan(moment) for moment in record.done)
    assert (np.asarray(record.start) >= workload.arrival).all()
