"""Forecasts: the backlog in fair order on the live workers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from apps.compute.policy.admission import forecast, promise, refusal
from apps.compute.policy.batching import BatchLimits
from apps.compute.policy.dispatching import decide_dispatch
from apps.compute.policy.snapshot import LaneFleet, Snapshot, StartingWorker
from tests.unit.compute.worlds import (
    CLASS,
    LAGGED,
    LANE,
    SINGLY,
    flying,
    share,
    waiting,
    world,
)

Limits = Mapping[str, BatchLimits]


def test_an_idle_fleet_starts_at_once() -> None:
    plan = forecast(world([waiting("i")], workers=2), 0.0)

    assert plan["i"].position == 1
    assert plan["i"].start_p50 == 0.0
    assert plan["i"].finish_p50 == 1.0
    assert plan["i"].finish_p90 >= 1.0


def test_what_is_in_flight_comes_first() -> None:
    flights = (flying("x", running=True), flying("y"))

    plan = forecast(world([waiting("i")], workers=1, flying=flights), 0.0)

    assert plan["i"].start_p50 == 2.0
    assert plan["i"].start_p90 > 2.0


def test_work_is_spread_over_the_workers() -> None:
    items = [waiting(f"i{n}") for n in range(6)]

    plan = forecast(world(items, workers=3), 0.0)

    assert [plan[f"i{n}"].start_p50 for n in range(6)] == [0, 0, 0, 1, 1, 1]


def test_a_lane_without_workers_promises_nothing() -> None:
    assert forecast(world([waiting("i")], workers=0), 0.0) == {}


@pytest.mark.parametrize("limits", [SINGLY, LAGGED])
def test_positions_follow_the_order_of_dispatch(limits: Limits) -> None:
    items = [waiting(f"{t}{n}", t, p50_seconds=1.0 + n) for t in "abc" for n in range(4)]
    shares = [share("a", 3.0, weight=2.0), share("b", 1.0), share("c", 0.0, weight=4.0)]
    snapshot = world(items, shares, workers=6)

    plan = forecast(snapshot, 0.0, limits)
    batches = decide_dispatch(snapshot, 0.0, limits).batches

    assert [batch.orders[0].item for batch in batches] == sorted(
        plan, key=lambda item: plan[item].position
    )


def test_a_small_order_is_promised_soon_beside_a_large_one() -> None:
    crowd = [waiting(f"a{n:04d}", "a") for n in range(1000)]

    snapshot = world([*crowd, waiting("b", "b")], [share("a", 50.0)], workers=2)

    strictly = forecast(snapshot, 0.0, SINGLY)
    with_lag = forecast(snapshot, 0.0, LAGGED)

    assert strictly["b"].position <= 3
    assert strictly["a0999"].position == 1001
    # The lag lets the crowd begin first with what can still be in time, so long as b can be, too.
    assert with_lag["b"].start_p50 <= LAGGED[CLASS].target_wait_seconds


def test_spread_grows_slower_than_the_line() -> None:
    items = [waiting(f"i{n:03d}") for n in range(100)]

    plan = forecast(world(items, workers=1), 0.0)

    early = plan["i000"].finish_p90 / plan["i000"].finish_p50
    late = plan["i099"].finish_p90 / plan["i099"].finish_p50
    assert late < early
    assert late > 1.25


def with_fleet(snapshot: Snapshot, fleet: LaneFleet) -> Snapshot:
    return replace(snapshot, lanes=(fleet,))


def test_starting_workers_count_from_when_they_are_ready() -> None:
    items = [waiting(f"i{n}", p50_seconds=50.0, p90_seconds=60.0) for n in range(3)]
    fleet = LaneFleet(LANE, CLASS, 1, starting=(StartingWorker(40.0, 55.0),))

    plan = forecast(with_fleet(world(items), fleet), 0.0)

    assert [plan[f"i{n}"].start_p50 for n in range(3)] == [0.0, 40.0, 50.0]
    assert plan["i1"].start_p90 == 55.0


def test_work_that_finds_nobody_is_promised_what_a_launch_takes() -> None:
    fleet = LaneFleet(LANE, CLASS, 0, launchable=StartingWorker(90.0, 120.0))

    plan = forecast(with_fleet(world([waiting("i")]), fleet), 0.0)

    assert plan["i"].start_p50 == 90.0
    assert plan["i"].finish_p90 > 120.0


def test_a_launch_that_might_come_is_not_counted_beside_workers() -> None:
    items = [waiting(f"i{n}", p50_seconds=500.0) for n in range(2)]
    fleet = LaneFleet(LANE, CLASS, 1, launchable=StartingWorker(90.0, 120.0))

    assert forecast(with_fleet(world(items), fleet), 0.0)["i1"].start_p50 == 500.0


def test_an_order_is_promised_with_its_last_render() -> None:
    plan = forecast(world([waiting(f"i{n}") for n in range(4)], workers=2), 0.0, SINGLY)

    p50, p90 = promise(plan, ["i0", "i3"]) or (0.0, 0.0)

    assert (p50, p90) == (2.0, plan["i3"].finish_p90)
    assert promise(plan, ["i0", "elsewhere"]) is None
    assert promise(plan, []) is None


def test_work_is_refused_only_where_no_worker_can_ever_come() -> None:
    nobody = refusal(LaneFleet(LANE, CLASS, 0))

    assert nobody
    assert f"class {CLASS}" in nobody
    assert "raise the cap" in nobody
    assert refusal(LaneFleet(LANE, CLASS, 1)) is None
    assert refusal(LaneFleet(LANE, CLASS, 0, starting=(StartingWorker(5.0, 9.0),))) is None
    assert refusal(LaneFleet(LANE, CLASS, 0, launchable=StartingWorker(5.0, 9.0))) is None


def test_batches_that_save_time_are_promised_sooner() -> None:
    items = [waiting(f"i{n}", p50_seconds=19.0, p90_seconds=30.0) for n in range(4)]
    saving = {CLASS: BatchLimits(8, 120.0, 60.0, fixed_seconds=18.0)}

    together = forecast(world(items), 0.0, saving)
    singly = forecast(world(items), 0.0, SINGLY)

    # 18 s once, and each member's own second; at p90 twelve seconds each.
    assert (together["i3"].finish_p50, together["i3"].finish_p90) == (22.0, 66.0)
    assert singly["i3"].finish_p50 == 76.0


def test_who_ends_work_in_a_forecast_may_begin_again() -> None:
    # The guard lets each of five hold two workers, four batches; none of a's lasts so long.
    items = [waiting(f"a{n}", "a", p50_seconds=1.0) for n in range(6)]
    items += [waiting(f"{t}{n}", t, p50_seconds=10.0) for t in "bcde" for n in range(4)]

    plan = forecast(world(items, workers=5), 0.0, SINGLY)

    assert [plan[f"a{n}"].start_p50 for n in range(6)] == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
