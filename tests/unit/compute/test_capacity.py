"""Work goes to the cheapest class that suits it, and the mix of classes to the cheapest price."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.compute.policy.batching import BatchLimits
from apps.compute.policy.capacity import (
    ClassTerms,
    Demand,
    MixPromise,
    cheapest_mix,
)
from apps.compute.policy.decisions import ClassMove, Decisions
from apps.compute.policy.dispatching import decide_dispatch
from apps.compute.policy.queueing import late_share
from apps.compute.policy.routing import CLASSES, ClassOffer, may_help, route
from apps.compute.policy.snapshot import LaneFleet, Snapshot, StartingWorker, TenantShare
from tests.unit.compute.worlds import waiting

CPU = ClassTerms("cpu", price_per_hour=0.2, cold_start_seconds=2.0, most_workers=50)
GPU = ClassTerms("gpu", price_per_hour=2.0, cold_start_seconds=90.0, most_workers=20)
LARGE = ClassTerms("gpu-large", price_per_hour=6.0, cold_start_seconds=120.0, most_workers=8)
PROMISE = MixPromise(target_wait_seconds=30.0, late=0.05, hours=4.0)


def test_work_goes_where_it_costs_least() -> None:
    offers = [ClassOffer("cpu", 20.0, 0.2, 4), ClassOffer("gpu", 1.0, 2.0, 2)]

    assert route(offers).worker_class == "gpu"
    assert route([offers[0], ClassOffer("gpu", 3.0, 2.0, 2)]).worker_class == "cpu"


def test_a_4k_scene_does_not_stand_before_background_swaps() -> None:
    scene = [ClassOffer("gpu", 90.0, 2.0, 2), ClassOffer("gpu-large", 40.0, 6.0, 1)]
    swap = [ClassOffer("gpu", 5.0, 2.0, 2), ClassOffer("gpu-large", 3.0, 6.0, 1)]

    assert route(scene).worker_class == "gpu-large"
    assert route(swap).worker_class == "gpu"


def test_work_too_long_for_all_goes_to_the_largest() -> None:
    found = route([ClassOffer("cpu", 900.0, 0.2, 4), ClassOffer("gpu", 80.0, 2.0, 1)])

    assert found.worker_class == "gpu"
    assert "80 s" in found.words


def test_equal_costs_go_to_the_smaller_class() -> None:
    assert route([ClassOffer("gpu", 5.0, 0.0, 1), ClassOffer("cpu", 9.0, 0.0, 1)]) == route(
        [ClassOffer("cpu", 9.0, 0.0, 1), ClassOffer("gpu", 5.0, 0.0, 1)]
    )
    assert route([ClassOffer("gpu", 5.0, 0.0, 1), ClassOffer("cpu", 9.0, 0.0, 1)]).worker_class == (
        "cpu"
    )


def test_work_nobody_can_ever_do_is_refused_with_the_reason() -> None:
    unable = route([ClassOffer("cpu", 5.0, 0.2, 4, can_run=False)])
    unstaffed = route([ClassOffer("gpu", 5.0, 2.0, 0), ClassOffer("cpu", 5.0, 0.2, 4, False)])

    assert unable.worker_class is unstaffed.worker_class is None
    assert "engine and the memory" in unable.words
    assert "class gpu" in unstaffed.words
    assert "raise its cap" in unstaffed.words


CALM = {
    "own_queued": 0,
    "own_arrivals_per_second": 0.001,
    "item_seconds": 20.0,
    "cold_start_seconds": 90.0,
}


def test_an_idle_larger_worker_helps_downwards_only() -> None:
    assert may_help("gpu-large", "gpu", **CALM)
    assert may_help("gpu", "cpu", **CALM)
    assert not may_help("gpu", "gpu", **CALM)
    assert not may_help("cpu", "gpu", **CALM)


@pytest.mark.parametrize(
    "change",
    [
        {"own_queued": 1},
        {"own_arrivals_per_second": 0.01},
        {"cold_start_seconds": 900.0},
        {"item_seconds": 600.0},
    ],
)
def test_who_expects_own_work_does_not_help(change: dict[str, float]) -> None:
    assert not may_help("gpu-large", "gpu", **(CALM | change))


def helping(own: int, arrivals: float) -> Snapshot:
    small, large = "render-gpu-diffusion", "render-gpu-large-diffusion"
    items = [waiting(f"s{n}", batch_key=f"k{n}", p50_seconds=9.0) for n in range(6)]
    items += [
        waiting(f"l{n}", lane=large, worker_class="gpu-large", batch_key=f"m{n}")
        for n in range(own)
    ]
    fleets = (
        LaneFleet(small, "gpu", 1),
        LaneFleet(
            large,
            "gpu-large",
            2,
            launchable=StartingWorker(90.0, 120.0),
            helps=(small,),
            arrivals_per_second=arrivals,
        ),
    )
    shares = tuple(TenantShare("a", name, 1.0, 0.0, True) for name in ("gpu", "gpu-large"))
    return Snapshot(tuple(items), shares, fleets, ())


def decided(snapshot: Snapshot) -> Decisions:
    singly = BatchLimits(max_orders=1, budget_seconds=0.0, lag_seconds=0.0)
    return decide_dispatch(snapshot, 0.0, {"gpu": singly, "gpu-large": singly})


def test_idle_larger_workers_take_over_what_the_smaller_class_cannot_begin() -> None:
    decisions = decided(helping(own=0, arrivals=0.0))

    assert [batch.orders[0].item for batch in decisions.batches] == ["s0", "s1"]
    assert decisions.moves == tuple(
        ClassMove(item, "a", "gpu", "gpu-large") for item in ("s2", "s3")
    )


def test_larger_workers_keep_to_their_own_work() -> None:
    assert decided(helping(own=5, arrivals=0.0)).moves == ()
    assert decided(helping(own=0, arrivals=0.1)).moves == ()


def test_a_little_work_is_cheapest_on_the_small_class() -> None:
    demand = Demand("packshot", 0.02, {"cpu": 10.0, "gpu": 1.0})

    mix = cheapest_mix([demand], [CPU, GPU], PROMISE)

    assert [(count.worker_class, count.workers) for count in mix.counts] == [("cpu", 1)]
    assert mix.keeps_promise
    assert mix.price == pytest.approx(0.2 * (4.0 + 2.0 / 3600))


def test_much_work_is_cheapest_on_the_fast_class() -> None:
    demand = Demand("packshot", 3.0, {"cpu": 40.0, "gpu": 1.0})

    (count,) = cheapest_mix([demand], [CPU, GPU], PROMISE).counts

    assert count.worker_class == "gpu"
    assert (
        "would be busy all the time" in cheapest_mix([demand], [CPU, GPU], PROMISE).reasons[0].words
    )


def test_two_kinds_share_a_class_where_that_is_cheaper() -> None:
    swap = Demand("swap", 0.02, {"gpu": 5.0, "gpu-large": 3.0})
    scene = Demand("scene", 0.01, {"gpu-large": 40.0})

    mix = cheapest_mix([swap, scene], [GPU, LARGE], PROMISE)

    assert [(count.worker_class, count.demands) for count in mix.counts] == [
        ("gpu", ("swap",)),
        ("gpu-large", ("scene",)),
    ] or [(count.worker_class, count.demands) for count in mix.counts] == [
        ("gpu-large", ("swap", "scene"))
    ]
    assert mix.price == min(
        price
        for price in (
            cheapest_mix([swap, scene], [LARGE], PROMISE).price,
            cheapest_mix([swap], [GPU], PROMISE).price
            + cheapest_mix([scene], [LARGE], PROMISE).price,
        )
    )


def test_caps_too_small_for_the_promise_are_said_aloud() -> None:
    demand = Demand("packshot", 10.0, {"gpu": 5.0})

    mix = cheapest_mix([demand], [GPU], PROMISE)

    assert not mix.keeps_promise
    assert mix.counts[0].workers == GPU.most_workers
    assert any("raise them" in reason.words for reason in mix.reasons)


def test_work_no_class_can_do_is_named() -> None:
    mix = cheapest_mix([Demand("video", 1.0, {"tpu": 1.0})], [GPU], PROMISE)

    assert mix.unserved == ("video",)
    assert not mix.keeps_promise


def test_no_demand_needs_no_worker() -> None:
    mix = cheapest_mix([Demand("packshot", 0.0, {"cpu": 10.0})], [CPU], PROMISE)

    assert mix.price == 0.0
    assert mix.keeps_promise


rates = st.floats(0.001, 2.0)
works = st.floats(0.5, 60.0)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(rates, works, st.floats(0.1, 1.0)), min_size=1, max_size=3))
def test_no_mix_of_the_two_classes_is_cheaper(kinds: list[tuple[float, float, float]]) -> None:
    demands = [
        Demand(f"d{n}", rate, {"cpu": seconds, "gpu": seconds * factor})
        for n, (rate, seconds, factor) in enumerate(kinds)
    ]

    mix = cheapest_mix(demands, [CPU, GPU], PROMISE)

    prices = [
        price
        for way in itertools.product(["cpu", "gpu"], repeat=len(demands))
        if (price := plain_price(demands, way)) is not None
    ]
    if prices:
        assert mix.price == pytest.approx(min(prices))
    else:
        assert not mix.keeps_promise


def plain_price(demands: list[Demand], way: tuple[str, ...]) -> float | None:
    """Return the price of one way by trying counts upwards; None if the caps are too small."""
    total = 0.0
    for terms in (CPU, GPU):
        name = terms.worker_class
        mine = [demand for demand, place in zip(demands, way, strict=True) if place == name]
        loads = [demand.arrivals_per_second * demand.seconds[name] for demand in mine]
        if not mine:
            continue
        seen = sum(
            load * demand.seconds[name] for load, demand in zip(loads, mine, strict=True)
        ) / sum(loads)
        for workers in range(1, terms.most_workers + 1):
            late = late_share(workers, sum(loads), service_seconds=seen, target_seconds=30.0)
            if late <= PROMISE.late:
                break
        else:
            return None
        total += workers * terms.price_per_hour * (4.0 + terms.cold_start_seconds / 3600)
    return total


@pytest.mark.parametrize(
    ("demand", "promise"),
    [
        (Demand("d", -1.0, {"cpu": 1.0}), PROMISE),
        (Demand("d", 1.0, {"cpu": 0.0}), PROMISE),
        (Demand("d", 1.0, {"cpu": 1.0}), MixPromise(late=0.0)),
        (Demand("d", 1.0, {"cpu": 1.0}), MixPromise(hours=0.0)),
    ],
)
def test_numbers_out_of_range_are_refused(demand: Demand, promise: MixPromise) -> None:
    with pytest.raises(ValueError, match=r"no promise|rate below 0"):
        cheapest_mix([demand], [CPU], promise)


def test_too_many_kinds_are_refused_with_the_cure() -> None:
    demands = [Demand(f"d{n}", 1.0, dict.fromkeys(CLASSES, 1.0)) for n in range(12)]

    with pytest.raises(ValueError, match="merge kinds of like size"):
        cheapest_mix(demands, [CPU, GPU, LARGE], PROMISE)
    assert math.isfinite(cheapest_mix(demands[:6], [CPU, GPU, LARGE], PROMISE).price)
