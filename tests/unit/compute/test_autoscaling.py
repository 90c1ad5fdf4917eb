"""The scaling policy on views made by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.compute.policy.autoscaling import Floor, PackshotScaler, ScalingSettings
from apps.compute.policy.fleet import ClassView, QueuedView, WorkerView
from apps.compute.policy.replay import NeedRates, ShadowFleets


def worker(name: str, state: str = "idle", since: float = 0.0, free_at: float = 0.0, **more):
    return WorkerView(name, state, since, free_at, **more)  # type: ignore[arg-type]


def view(now: float, *workers: WorkerView, queued: int = 0, most: int = 12) -> ClassView:
    waiting = tuple(QueuedView(now, 15.0) for _ in range(queued))
    return ClassView("gpu", now, waiting, workers, 90.0, 120.0, most)


def busy_hour(scaler: PackshotScaler, rate: float, *, seconds: float = 15.0) -> float:
    """Let work arrive evenly for an hour; return the instant after it."""
    scaler.decide(view(0.0))
    for n in range(int(3600 * rate)):
        at = n / rate
        scaler.arrived(at, seconds, "a")
        scaler.started(at, 0.0)
        scaler.finished(at, seconds)
    return 3600.0


def test_nothing_is_launched_for_nothing() -> None:
    decision = PackshotScaler().decide(view(100.0))

    assert (decision.target, decision.launch, decision.drain) == (0, 0, ())


def test_the_first_work_gets_a_worker_at_once() -> None:
    scaler = PackshotScaler()
    scaler.arrived(0.0, 15.0, "a")

    assert scaler.decide(view(0.0, queued=1)).launch >= 1


def test_starting_workers_count_and_are_not_launched_twice() -> None:
    scaler = PackshotScaler()
    scaler.arrived(0.0, 15.0, "a")
    first = scaler.decide(view(0.0, queued=1)).launch
    starting = [worker(f"w{n}", "starting", 0.0, 90.0) for n in range(first)]

    assert scaler.decide(view(5.0, *starting, queued=1)).launch == 0


def test_steady_work_keeps_about_as_many_workers_as_it_needs() -> None:
    scaler = PackshotScaler()
    now = busy_hour(scaler, rate=0.2)

    target = scaler.decide(view(now, *(worker(f"w{n}") for n in range(12)))).target

    assert 3 <= target <= 6


def test_the_longest_idle_goes_first_and_busy_starting_or_held_ones_never() -> None:
    workers = [
        worker("busy", "busy", 0.0, 99999.0),
        worker("starting", "starting", 0.0, 99999.0),
        worker("held", since=1.0, is_held=True),
        worker("young", since=50.0),
        worker("old", since=10.0),
    ]

    scaler = PackshotScaler()
    busy_hour(scaler, rate=0.02)

    assert scaler.decide(view(900_000.0, *workers)).drain == ("old", "young")


def test_broken_promises_raise_the_value_and_kept_ones_lower_it() -> None:
    scaler = PackshotScaler()
    before = scaler.value

    scaler.started(0.0, 31.0)
    broken = scaler.value
    for _ in range(1000):
        scaler.started(0.0, 0.0)

    assert broken > before > scaler.value


def test_the_value_stands_still_where_no_worker_could_be_bought() -> None:
    scaler = PackshotScaler()
    for n in range(60):
        scaler.arrived(float(n), 15.0, "a")
    scaler.decide(view(60.0, worker("w", "busy", 0.0, 70.0), queued=50, most=1))
    before = scaler.value

    scaler.started(61.0, 31.0)

    assert scaler.value == before


def test_a_floor_holds_from_its_start_to_its_end() -> None:
    scaler = PackshotScaler()
    scaler.plan([Floor(1000.0, 2000.0, 4, "Launch.")])

    assert scaler.decide(view(999.0)).target == 0
    assert scaler.decide(view(1000.0)).target == 4
    assert scaler.decide(view(2000.0)).target == 0


def test_a_long_backlog_gets_workers_although_all_promises_are_broken() -> None:
    scaler = PackshotScaler(ScalingSettings())
    for _ in range(400):
        scaler.arrived(0.0, 15.0, "a")

    decision = scaler.decide(view(0.0, worker("w", "busy", 0.0, 15.0), queued=399))

    assert decision.target == 12
    assert "cap" in {reason.part for reason in decision.reasons} or decision.launch == 11


@pytest.mark.parametrize("size", [1, 3, 7])
def test_shadow_fleets_agree_with_a_queue_computed_by_hand(size: int) -> None:
    fleets = ShadowFleets(size, target_seconds=30.0)

    needs = [fleets.need(0.0, 20.0) for _ in range(2 * size + 1)]

    # Twice the size in jobs of 20 s begin within 20 s; the next one would begin after 40 s.
    assert needs[-1] == size + 1
    assert needs[0] == 1
    assert max(needs[: 2 * size]) == size


@given(st.lists(st.tuples(st.floats(0.0, 40.0), st.floats(0.5, 60.0)), min_size=1, max_size=60))
def test_a_larger_fleet_never_needs_more(gaps: list[tuple[float, float]]) -> None:
    small, large = ShadowFleets(4, 30.0), ShadowFleets(9, 30.0)
    at = 0.0
    for gap, seconds in gaps:
        at += gap
        need = large.need(at, seconds)

        assert small.need(at, seconds) == min(need, 5)


@given(st.lists(st.floats(0.0, 3600.0), min_size=1, max_size=50))
def test_rates_fade_and_are_never_negative(gaps: list[float]) -> None:
    rates = NeedRates(3, (0.3,) * 6, 0.1)
    at = 0.0
    for gap in gaps:
        at += gap
        rates.note(at, 2)
    now, later = rates.rates(at), rates.rates(at + 7200.0)

    assert all(rate >= 0 for rate in (*now, *later))
    assert later[1] < now[1]
    assert now[0] == now[2] == 0


@given(st.integers(0, 40), st.integers(0, 12), st.integers(1, 12))
def test_the_target_never_exceeds_the_cap(queued: int, idle: int, most: int) -> None:
    scaler = PackshotScaler()
    for n in range(queued):
        scaler.arrived(float(n), 20.0, "a")
    workers = [worker(f"w{n}", since=float(n)) for n in range(min(idle, most))]

    decision = scaler.decide(view(50.0, *workers, queued=queued, most=most))

    assert decision.target <= most
    assert len(workers) + decision.launch - len(decision.drain) <= most
