"""Forecasts: the backlog in fair order on the live workers."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from apps.compute.policy.admission import forecast
from apps.compute.policy.batching import BatchLimits
from apps.compute.policy.dispatching import decide_dispatch
from tests.unit.compute.worlds import (
    CLASS,
    LAGGED,
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
