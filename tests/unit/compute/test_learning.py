"""Sizes, batches and promises are learned from outcomes."""

from __future__ import annotations

import heapq
import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.compute.policy.admission import forecast, promise
from apps.compute.policy.batch_memory import BatchBudget, BatchCurve
from apps.compute.policy.calibration import LEAST_FACTOR, MOST_FACTOR, Calibration
from apps.compute.policy.service_time import Learned, Prior
from apps.compute.policy.snapshot import FlyingBatch
from apps.compute.policy.work_size import WorkSize, estimate_size, keys, learn_size
from tests.unit.compute.desks import STRICT
from tests.unit.compute.worlds import CLASS, LANE, share, waiting, world

PRIOR = Prior(2.0, 6.0)
SCENE = WorkSize("diffusion", "gpu", "scene", megapixels=4.0, steps=30)
LARGE = WorkSize("diffusion", "gpu", "scene", megapixels=16.0, steps=30)
CUTOUT = WorkSize("diffusion", "gpu", "cutout", megapixels=4.0)


def taught(size: WorkSize, times: list[float], known: dict[str, Learned] | None = None):
    known = dict(known or {})
    for seconds in times:
        known |= learn_size(known, size, seconds)
    return known


def test_keys_go_from_the_engine_to_the_takes() -> None:
    assert keys(SCENE) == (
        "diffusion/gpu",
        "diffusion/gpu/scene",
        "diffusion/gpu/scene/p4/s32",
        "diffusion/gpu/scene/p4/s32/t1",
    )


def test_nothing_learned_is_the_prior() -> None:
    found = estimate_size({}, SCENE, PRIOR)

    assert (found.p50, found.p90) == (2.0, 6.0)


def test_each_size_is_known_apart_after_fifty_completions() -> None:
    known = taught(SCENE, [1.0] * 60)
    known = taught(LARGE, [3.0] * 60, known)

    assert estimate_size(known, SCENE, PRIOR).p50 == pytest.approx(1.0, rel=0.19)
    assert estimate_size(known, LARGE, PRIOR).p50 == pytest.approx(3.0, rel=0.19)


def test_a_new_size_begins_with_what_its_kind_takes() -> None:
    known = taught(SCENE, [0.5] * 100)
    known = taught(CUTOUT, [9.0] * 100, known)

    assert estimate_size(known, LARGE, PRIOR).p50 == pytest.approx(0.5, rel=0.19)


def test_a_new_kind_begins_with_what_its_engine_takes() -> None:
    known = taught(SCENE, [0.5] * 100)

    assert estimate_size(known, CUTOUT, PRIOR).p50 == pytest.approx(0.5, rel=0.19)


def test_another_device_teaches_nothing() -> None:
    elsewhere = WorkSize("diffusion", "gpu-large", "scene", megapixels=4.0, steps=30)
    known = taught(SCENE, [0.5] * 100)

    assert estimate_size(known, elsewhere, PRIOR).p50 == 2.0


def test_the_first_completions_of_a_size_move_it_step_by_step() -> None:
    known = taught(SCENE, [1.0] * 100)
    steps = []
    for _ in range(60):
        known |= learn_size(known, LARGE, 4.0)
        steps.append(estimate_size(known, LARGE, PRIOR).p50)

    assert steps == sorted(steps)
    assert steps[0] < 1.3
    assert steps[-1] == pytest.approx(4.0, rel=0.19)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0.01, 500.0), max_size=30))
def test_estimates_stay_ordered_whatever_is_learned(times: list[float]) -> None:
    found = estimate_size(taught(SCENE, times), SCENE, PRIOR)

    assert 0 < found.p50 <= found.p90


@pytest.mark.parametrize(
    "size",
    [
        WorkSize("e", "d", "k", megapixels=0.0),
        WorkSize("e", "d", "k", megapixels=float("nan")),
        WorkSize("e", "d", "k", megapixels=1.0, steps=-1),
        WorkSize("e", "d", "k", megapixels=1.0, takes=0),
    ],
)
def test_a_size_that_is_none_is_refused(size: WorkSize) -> None:
    with pytest.raises(ValueError, match=r"not above 0|no size of work"):
        keys(size)


def run_batches(memory: float, batches: int, budget: BatchBudget) -> tuple[BatchBudget, int]:
    """Fill every batch to its budget on a card of a memory; return the budget and failures."""
    failures = 0
    for _ in range(batches):
        used = budget.pixel_steps
        if used > memory:
            failures += 1
            budget = budget.after_out_of_memory(used, single=10.0)
        else:
            budget = budget.after_success(used)
    return budget, failures


def test_a_budget_finds_the_memory_of_its_card_with_few_failures() -> None:
    budget, failures = run_batches(1000.0, 150, BatchBudget(10.0))

    assert 800.0 <= budget.pixel_steps <= 1000.0
    assert failures <= 2


def test_a_budget_tries_again_after_a_long_time() -> None:
    small, _ = run_batches(1000.0, 150, BatchBudget(10.0))

    large, _ = run_batches(4000.0, 600, small)

    assert large.pixel_steps > 3000.0


def test_a_budget_halves_and_never_falls_below_one_order() -> None:
    budget = BatchBudget(100.0)
    assert budget.after_out_of_memory(80.0, single=10.0).pixel_steps == 40.0

    for _ in range(20):
        budget = budget.after_out_of_memory(budget.pixel_steps, single=12.0)
    assert budget.pixel_steps == 12.0


def test_a_small_batch_teaches_nothing_about_the_budget() -> None:
    assert BatchBudget(100.0).after_success(20.0).pixel_steps == 100.0


def test_the_fixed_part_is_found_from_batches() -> None:
    rng = random.Random(5)
    curve = BatchCurve()
    for _ in range(200):
        members = rng.randint(1, 6)
        alone = 19.0 * members
        together = (18.0 + 1.0 * members) * rng.uniform(0.9, 1.1)
        curve = curve.after(alone, together, members)

    assert curve.trusted_seconds == pytest.approx(18.0, rel=0.1)


def test_a_curve_is_not_trusted_after_a_few_batches() -> None:
    curve = BatchCurve().after(38.0, 20.0, 2)

    assert curve.fixed_seconds == 18.0
    assert curve.trusted_seconds == 0.0
    assert curve.after(19.0, 19.0, 1) == curve


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0.1, 500.0), st.floats(0.0, 5000.0)), max_size=200))
def test_a_calibration_stays_within_its_range(ends: list[tuple[float, float]]) -> None:
    calibration = Calibration()
    for shown, achieved in ends:
        calibration = calibration.learned(shown, achieved)

    assert LEAST_FACTOR <= calibration.factor <= MOST_FACTOR
    assert calibration.shown(20.0, 10.0) >= 20.0


@pytest.mark.parametrize(("shown", "achieved"), [(0.0, 1.0), (float("nan"), 1.0), (1.0, -1.0)])
def test_an_end_that_is_none_is_refused(shown: float, achieved: float) -> None:
    with pytest.raises(ValueError, match=r"is not above 0|is below 0"):
        Calibration().learned(shown, achieved)


@pytest.mark.parametrize("bias", [0.5, 1.0, 2.0])
def test_promises_hold_for_88_to_94_percent_whatever_the_estimates_are_worth(bias: float) -> None:
    kept = kept_share(bias, orders=1300, seed=11)

    assert 0.88 <= kept <= 0.94


def kept_share(bias: float, *, orders: int, seed: int) -> float:
    """Order, forecast, render and compare; return the share of later renders that were in time.

    Four workers at a load of 0.7, sizes misestimated at random by a factor of 0.5 to 2 and all
    together by `bias`; whoever orders later may be served first, as in truth.
    """
    rng = random.Random(seed)
    waits, truth, raw, shown, ordered = {}, {}, {}, {}, {}
    busy: list[tuple[float, str, float]] = []
    served: Counter[str] = Counter()
    calibration, now, comes_at = Calibration(), 0.0, 0.0
    kept: list[bool] = []
    number = 0
    while len(kept) < orders:
        if not busy or comes_at <= busy[0][0]:
            now, number = comes_at, number + 1
            comes_at = now + rng.expovariate(0.7 * 4 / 12.0)
            item = f"i{number:05d}"
            truth[item] = rng.lognormvariate(2.3, 0.6)
            p50 = 10.0 * rng.uniform(0.5, 2.0) * bias
            waits[item] = waiting(
                item, rng.choice("abcdefg"), waits_since=now, p50_seconds=p50, p90_seconds=1.8 * p50
            )
            plan = forecast(snapshot_of(waits, busy, served, now), now, {CLASS: STRICT})
            p50_eta, raw[item] = promise(plan, [item]) or (0.0, 0.0)
            shown[item], ordered[item] = calibration.shown(p50_eta, raw[item]), now
        else:
            now, item, _ = heapq.heappop(busy)
            kept.append(now - ordered[item] <= shown[item])
            calibration = calibration.learned(raw[item], now - ordered[item])
        while len(busy) < 4 and waits:
            item = min(waits, key=lambda each: (served[waits[each].tenant], each))
            started = waits.pop(item)
            served[started.tenant] += started.p50_seconds
            heapq.heappush(busy, (now + truth[item], item, now + started.p50_seconds))
    later = kept[300:]
    return sum(later) / len(later)


def snapshot_of(waits: dict, busy: list, served: Counter, now: float):
    flying = tuple(
        FlyingBatch(name, LANE, True, max(0.0, ends - now), max(0.0, 1.5 * (ends - now)))
        for _, name, ends in busy
    )
    shares = [share(tenant, served[tenant]) for tenant in "abcdefg"]
    return world(list(waits.values()), shares, workers=4, flying=flying)
