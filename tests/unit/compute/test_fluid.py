"""A long line as a fluid: what the item-by-item schedule would say, at a fraction of its cost."""

from __future__ import annotations

import random

import pytest

from apps.compute.policy.admission import forecast
from apps.compute.policy.fluid import Amount, Backlog, FluidLine, amount_of
from apps.compute.policy.snapshot import LaneFleet, Snapshot, TenantShare, WaitingItem

LANE = "render-cpu-classical"


def test_alone_in_line_work_is_spread_over_the_workers() -> None:
    line = FluidLine([], workers=4)

    found = line.forecast("a", amount_of(10, 10, items=8), amount_of(10, 10), counter=0, weight=1)

    assert (found.position, found.start_p50, found.finish_p50) == (9, 20.0, 30.0)


def test_a_small_order_waits_for_its_share_of_a_large_backlog_only() -> None:
    large = Backlog("large", 1.0, 0.0, amount_of(10, 10, items=1000))
    line = FluidLine([large], workers=2)

    found = line.forecast(
        "small", amount_of(10, 10, items=3), amount_of(10, 10), counter=0, weight=1
    )

    # Until three of its own are served, three of the other's are.
    assert (found.position, found.start_p50) == (7, 30.0)


def test_four_times_the_weight_is_served_four_times_as_much() -> None:
    heavy = Backlog("heavy", 4.0, 0.0, amount_of(10, 10, items=1000))
    line = FluidLine([heavy], workers=1)

    found = line.forecast(
        "light", amount_of(10, 10, items=2), amount_of(10, 10), counter=0, weight=1
    )

    assert found.start_p50 == pytest.approx(2 * 10 + 8 * 10)


def test_a_backlog_that_ends_is_not_waited_for_further() -> None:
    short = Backlog("short", 1.0, 0.0, amount_of(10, 10, items=2))
    line = FluidLine([short], workers=1)

    found = line.forecast("a", amount_of(10, 10, items=50), amount_of(10, 10), counter=0, weight=1)

    assert found.start_p50 == pytest.approx(500 + 20)


def test_who_stands_behind_in_the_race_waits_longer() -> None:
    other = Backlog("other", 1.0, 0.0, amount_of(10, 10, items=100))
    line = FluidLine([other], workers=1)

    level = line.forecast("a", Amount(), amount_of(10, 10), counter=0, weight=1)
    behind = line.forecast("a", Amount(), amount_of(10, 10), counter=60, weight=1)

    assert behind.start_p50 - level.start_p50 == pytest.approx(60)


def test_own_work_in_the_line_is_not_counted_twice() -> None:
    mine = Backlog("a", 1.0, 0.0, amount_of(10, 10, items=5))
    line = FluidLine([mine], workers=1)

    found = line.forecast("a", amount_of(10, 10, items=5), amount_of(10, 10), counter=0, weight=1)

    assert found.start_p50 == pytest.approx(50)


def test_a_line_without_workers_is_refused() -> None:
    with pytest.raises(ValueError, match="0 workers"):
        FluidLine([], workers=0)


@pytest.mark.parametrize("seed", range(4))
def test_the_fluid_says_what_the_schedule_says(seed: int) -> None:
    chance = random.Random(seed)
    weights = {f"t{number}": chance.choice([1.0, 2.0, 4.0]) for number in range(12)}
    counters = {tenant: chance.uniform(0.0, 30.0) for tenant in weights}
    items = [
        WaitingItem(
            f"{tenant}-{number:03d}", tenant, LANE, "cpu", "k", True, float(number), 4.0, 6.0
        )
        for tenant in weights
        for number in range(chance.randint(20, 120))
    ]
    shares = tuple(TenantShare(t, "cpu", weights[t], counters[t], True) for t in weights)
    snapshot = Snapshot(tuple(items), shares, (LaneFleet(LANE, "cpu", 5),), ())
    plan = forecast(snapshot, now=1_000.0)
    counts = {tenant: sum(item.tenant == tenant for item in items) for tenant in weights}
    line = FluidLine(
        [
            Backlog(tenant, weights[tenant], counters[tenant], amount_of(4.0, 6.0, counts[tenant]))
            for tenant in weights
        ],
        workers=5,
    )

    for tenant, weight in weights.items():
        last = counts[tenant] - 1
        found = line.forecast(
            tenant,
            amount_of(4.0, 6.0, last),
            amount_of(4.0, 6.0),
            counter=counters[tenant],
            weight=weight,
        )
        scheduled = plan[f"{tenant}-{last:03d}"]
        # The bound of fairness in time: (workers + 1) items of each of the others, and the lag.
        assert found.finish_p50 == pytest.approx(scheduled.finish_p50, abs=60.0, rel=0.15)
        assert found.finish_p90 == pytest.approx(scheduled.finish_p90, abs=60.0, rel=0.2)
