"""The service bound, the guard, the floors and the aging, on a fleet served event by event."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.compute.policy.fairness import (
    AGING_FACTOR,
    DEBT_CAP_SECONDS,
    patience_seconds,
)
from apps.compute.policy.snapshot import TenantShare
from tests.unit.compute.desks import STRICT, DeskRun, Job, desk, taken_ids
from tests.unit.compute.worlds import CLASS, LANE, waiting

LAG = 60.0
weights = st.sampled_from([1.0, 2.0, 4.0, 8.0])
seconds = st.floats(0.1, 20.0, allow_nan=False)
demands = st.dictionaries(
    st.sampled_from("abcde"),
    st.tuples(weights, st.lists(st.tuples(seconds, st.sampled_from("xyz")), min_size=5)),
    min_size=2,
    max_size=5,
)
fleets = st.integers(1, 4)
Demand = dict[str, tuple[float, list[tuple[float, str]]]]


def backlog(demand: Demand) -> list[Job]:
    return [
        Job(0.0, tenant, each, warm_key=key)
        for tenant, (_, work) in demand.items()
        for each, key in work
    ]


def served(demand: Demand, workers: int, **options: object) -> DeskRun:
    of = {tenant: weight for tenant, (weight, _) in demand.items()}
    return DeskRun(backlog(demand), workers, weights=of, **options).run()


def longest(demand: Demand) -> float:
    return max(each for _, work in demand.values() for each, _ in work)


def assert_bound(run: DeskRun, demand: Demand, factor: int, lag: float = 0.0) -> None:
    most = longest(demand)
    for (one, other), gap in run.peaks.items():
        shares = most / run.weights[one] + most / run.weights[other]
        assert gap <= factor * shares + lag + 1e-6


@settings(max_examples=60, deadline=None)
@given(demands, fleets)
def test_without_guards_service_by_weight_stays_within_the_bound(
    demand: Demand, workers: int
) -> None:
    run = served(demand, workers, guards=False)

    assert_bound(run, demand, workers + 1)


@settings(max_examples=60, deadline=None)
@given(demands, fleets)
def test_the_guard_and_aging_at_most_double_the_bound(demand: Demand, workers: int) -> None:
    run = served(demand, workers)

    # Who is at its cap waits for one of its items, while the others take at most twice their
    # share: (F + 2) (Lmax / w_i + Lmax / w_j) on top.
    assert_bound(run, demand, 2 * workers + 3)


@settings(max_examples=60, deadline=None)
@given(demands, fleets)
def test_the_lag_for_warm_engines_adds_no_more_than_itself(demand: Demand, workers: int) -> None:
    limits = replace(STRICT, lag_seconds=LAG)

    run = served(demand, workers, guards=False, limits=limits)

    assert_bound(run, demand, workers + 1, lag=LAG)


@settings(max_examples=60, deadline=None)
@given(demands, fleets)
def test_a_backlogged_counter_leads_by_no_more_than_one_item(demand: Demand, workers: int) -> None:
    run = served(demand, workers, guards=False)

    for (one, _), lead in run.counter_leads.items():
        assert lead <= longest(demand) / run.weights[one] + 1e-6


@settings(max_examples=60, deadline=None)
@given(demands, fleets, st.sampled_from([0.3, 1.0, 3.0]))
def test_everything_is_served_and_no_worker_idles(
    demand: Demand, workers: int, error: float
) -> None:
    run = served(demand, workers, error=error, limits=replace(STRICT, lag_seconds=LAG))

    assert len(run.waits) == len(run.jobs)
    assert run.idle_while_waiting == 0


@settings(max_examples=30, deadline=None)
@given(demands, fleets, st.randoms(use_true_random=False))
def test_a_loaded_backlog_is_served_the_same_whatever_its_order(
    demand: Demand, workers: int, chance: random.Random
) -> None:
    items = [
        waiting(f"{n:03d}", job.tenant, p50_seconds=job.seconds, warm_key=job.warm_key)
        for n, job in enumerate(backlog(demand))
    ]
    orders = []
    for mixed in (items, chance.sample(items, len(items))):
        made = desk(*demand, workers=workers, limits=replace(STRICT, lag_seconds=LAG))
        made.load(mixed)
        orders.append(
            [made.take(LANE, now=n * 2.0, warm_keys=["x", "y"]) for n in range(len(items))]
        )

    assert orders[0] == orders[1]


def test_while_others_wait_nobody_holds_more_than_twice_its_share() -> None:
    jobs = [Job(0.0, "a", 100.0) for _ in range(40)]
    jobs += [Job(1.0, tenant, 10.0) for tenant in "bcde" for _ in range(12)]

    run = DeskRun(jobs, workers=10).run()

    # Twice a fifth of ten.
    assert max(run.most_held[tenant] for tenant in "bcde") <= 4


def test_the_guard_leaves_no_worker_idle() -> None:
    made = desk("a", "b", "c", workers=4)
    for number in range(9):
        made.add(waiting(f"a{number}", "a"))
    made.add(waiting("b0", "b", p50_seconds=500.0))
    made.add(waiting("c0", "c", p50_seconds=500.0))

    batches = [made.take(LANE, now=0.0) for _ in range(6)]

    # With b and c gone only a waits: it may hold all that is left.
    assert [taken.holder for taken in batches] == ["a", "b", "c", "a", "a", "a"]


def test_the_guard_holds_back_the_smallest_counter() -> None:
    made = desk("a", "b", "c", "d", workers=4)
    made.flying(LANE, "a")
    made.flying(LANE, "a")
    for tenant in "abcd":
        made.add(waiting(f"{tenant}0", tenant))
        made.add(waiting(f"{tenant}1", tenant))

    first = made.take(LANE, now=0.0)
    made.freed(LANE, "a")
    second = made.take(LANE, now=0.0)

    # Two of four workers are twice a quarter; with one given back it is a's turn at once.
    assert taken_ids(first) == ["b0"]
    assert taken_ids(second) == ["a0"]


def test_a_contract_floor_is_served_before_smaller_counters() -> None:
    made = desk("a", workers=4)
    made.know(TenantShare("z", CLASS, 1.0, 500.0, was_active=False, reserved=2))
    for number in range(3):
        made.add(waiting(f"a{number}", "a"))
        made.add(waiting(f"z{number}", "z"))
    made.ended(tenant="z", charged_seconds=0.0, used_seconds=50.0)

    order = [taken_ids(made.take(LANE, now=0.0))[0] for _ in range(4)]

    assert order == ["z0", "z1", "a0", "a1"]


def test_whoever_holds_nothing_is_not_made_to_wait_without_end() -> None:
    made = desk("a", "b", workers=2)
    for number in range(400):
        made.add(waiting(f"a{number:03d}", "a", p50_seconds=1.0))
    made.add(waiting("b000", "b", waits_since=0.0))
    made.ended(tenant="b", charged_seconds=0.0, used_seconds=590.0)

    before = []
    for _ in range(5):
        before += taken_ids(made.take(LANE, now=100.0))
        made.freed(LANE, "a")
    after = taken_ids(made.take(LANE, now=AGING_FACTOR * 30.0 + 1.0))

    assert "b000" not in before
    assert after == ["b000"]


def test_a_burst_does_not_age_past_the_others() -> None:
    jobs = [Job(0.0, "noisy", 25.0) for _ in range(200)]
    jobs += [Job(10.0 * n, f"t{n % 7}", 20.0) for n in range(100)]

    run = DeskRun(jobs, workers=4, limits=replace(STRICT, lag_seconds=LAG)).run()

    others = sorted(wait for n, wait in run.waits.items() if jobs[n].tenant != "noisy")
    assert others[int(0.95 * len(others))] <= 30.0


def test_patience_grows_with_what_the_share_can_earn() -> None:
    assert patience_seconds(30.0, p50_seconds=5.0, share=2.0) == 120.0
    assert patience_seconds(30.0, p50_seconds=20.0, share=0.1) == 800.0


def test_a_true_up_is_forgiven_beyond_the_cap_of_debt() -> None:
    made = desk("a", "b")
    made.add(waiting("a0", "a"))
    made.add(waiting("b0", "b"))

    made.ended(tenant="b", charged_seconds=1.0, used_seconds=5000.0)

    assert made.counters() == {"a": 0.0, "b": DEBT_CAP_SECONDS}
    assert [(c.tenant, c.lift) for c in made.changes()] == [
        ("a", 0.0),
        ("b", DEBT_CAP_SECONDS - 4999.0),
    ]


def test_a_refund_moves_a_tenant_forward() -> None:
    made = desk("a", "b")
    for number in range(3):
        made.add(waiting(f"a{number}", "a", p50_seconds=10.0))
        made.add(waiting(f"b{number}", "b", p50_seconds=12.0))
    taken = [made.take(LANE, now=0.0) for _ in range(2)]

    made.ended(tenant="b", charged_seconds=12.0, used_seconds=0.0)

    assert [one.holder for one in taken] == ["a", "b"]
    assert made.take(LANE, now=0.0).holder == "b"


def test_idleness_earns_no_credit_between_decisions() -> None:
    made = desk("a", "b")
    for number in range(5):
        made.add(waiting(f"a{number}", "a", p50_seconds=10.0))
    for _ in range(3):
        made.take(LANE, now=0.0)

    made.add(waiting("b0", "b"))

    assert made.counters() == {"a": 30.0, "b": 30.0}


@pytest.mark.parametrize("weight", [0.0, -1.0, float("nan")])
def test_a_weight_that_is_none_is_refused(weight: float) -> None:
    with pytest.raises(ValueError, match="weights are above 0"):
        desk().know(TenantShare("a", CLASS, weight, 0.0, was_active=False))


def test_an_unknown_tenant_or_a_second_arrival_is_refused() -> None:
    made = desk("a")
    made.add(waiting("i", "a"))

    with pytest.raises(ValueError, match="waits already"):
        made.add(waiting("i", "a"))
    with pytest.raises(ValueError, match="make it known first"):
        made.add(waiting("j", "b"))
