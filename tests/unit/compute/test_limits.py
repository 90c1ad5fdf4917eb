"""Floors, caps, budgets and pauses around a scaling policy."""

from __future__ import annotations

import itertools

import pytest

from apps.compute.policy.fleet import (
    ClassView,
    Reason,
    ScaleDecision,
    WorkerState,
    WorkerView,
)
from apps.compute.policy.limits import (
    BudgetUse,
    bounded,
    budget_step,
    frozen,
    launch_pause_seconds,
    smallest_cap,
)


def worker(name: str, state: WorkerState = "idle", since: float = 0.0, **more: bool) -> WorkerView:
    return WorkerView(name, state, since, free_at=since, **more)


def view(*workers: WorkerView) -> ClassView:
    return ClassView("cpu", 100.0, (), workers, 60.0, 90.0, 10)


def floor(workers: int) -> Reason:
    return Reason("floor", workers, "floor")


def cap(workers: int) -> Reason:
    return Reason("cap", workers, "cap")


def parts(decision: ScaleDecision) -> list[str]:
    return [reason.part for reason in decision.reasons]


def test_a_decision_inside_its_bounds_is_left_alone() -> None:
    asked = ScaleDecision(target=3, launch=2, reasons=(Reason("load", 3, "load"),))

    assert bounded(asked, view(worker("a")), floor=floor(1), cap=cap(5)) == asked


def test_a_floor_launches_what_is_missing_and_says_so() -> None:
    got = bounded(ScaleDecision(0), view(worker("a")), floor=floor(3), cap=cap(5))

    assert (got.target, got.launch, parts(got)) == (3, 2, ["floor"])


def test_a_floor_keeps_workers_that_the_policy_would_drain() -> None:
    asked = ScaleDecision(0, drain=("a", "b", "c"))

    got = bounded(asked, view(*map(worker, "abc")), floor=floor(2), cap=cap(5))

    assert (got.target, got.launch, got.drain) == (2, 0, ("a",))


def test_a_cap_wins_over_a_floor() -> None:
    got = bounded(ScaleDecision(0), view(), floor=floor(4), cap=cap(1))

    assert (got.target, got.launch, parts(got)) == (1, 1, ["floor", "cap"])


def test_a_cap_that_sank_drains_idle_workers_first_and_spares_starting_and_held_ones() -> None:
    workers = (
        worker("held", is_held=True),
        worker("starting", "starting"),
        worker("busy", "busy", 1.0),
        worker("fresh", "idle", 50.0),
        worker("stale", "idle", 10.0),
    )

    got = bounded(ScaleDecision(5), view(*workers), floor=floor(0), cap=cap(2))

    assert got.drain == ("stale", "fresh", "busy")


def test_draining_workers_count_neither_towards_the_target_nor_as_victims() -> None:
    got = bounded(
        ScaleDecision(2, launch=1, drain=("gone",)),
        view(worker("gone", "draining"), worker("a")),
        floor=floor(0),
        cap=cap(2),
    )

    assert (got.launch, got.drain) == (1, ())


def test_nothing_is_launched_during_a_pause() -> None:
    pause = Reason("hold", 0, "wait")

    got = bounded(ScaleDecision(3, launch=3), view(), floor=floor(0), cap=cap(9), pause=pause)

    assert (got.target, got.launch, parts(got)) == (3, 0, ["hold"])


def test_the_plan_leads_to_the_target_and_never_both_ways() -> None:
    for alive, least, most, asked in itertools.product(range(6), range(4), range(5), range(6)):
        workers = [worker(f"w{number}") for number in range(alive)]
        names = tuple(one.worker for one in workers[asked:])
        plan = ScaleDecision(asked, launch=max(0, asked - alive), drain=names)

        got = bounded(plan, view(*workers), floor=floor(least), cap=cap(most))

        assert got.target == min(max(asked, min(least, most)), most)
        assert alive + got.launch - len(got.drain) == got.target
        assert not (got.launch and got.drain)


def test_a_freeze_holds_what_stands() -> None:
    got = frozen(view(worker("a"), worker("b", "draining")), "deaf", {"age": 61.0})

    assert (got.target, got.launch, got.drain) == (1, 0, ())
    assert parts(got) == ["stale"]


@pytest.mark.parametrize(
    ("used", "level"), [(0.0, 0), (0.79, 0), (0.8, 1), (0.9, 2), (1.0, 3), (1.5, 3)]
)
def test_an_hours_budget_is_used_up_in_steps(used: float, level: int) -> None:
    step = budget_step(BudgetUse(used * 7200, 7200, 0, 0, 0.5))

    assert step.level == level
    assert step.workers == (2 if level == 3 else None)


def test_a_months_budget_matters_only_where_it_runs_ahead_of_the_calendar() -> None:
    def month(used: float, passed: float) -> int:
        return budget_step(BudgetUse(0, 0, used * 1e6, 1e6, passed)).level

    assert (month(0.85, 0.9), month(0.85, 0.5), month(1.0, 1.0)) == (0, 1, 3)


def test_no_limit_is_no_bound() -> None:
    assert budget_step(BudgetUse(1e9, 0, 1e9, 0, 0.5)).level == 0


def test_pauses_double_and_end_somewhere() -> None:
    assert [launch_pause_seconds(n) for n in (0, 1, 2, 3, 7, 50)] == [0, 5, 10, 20, 300, 300]


def test_the_smallest_cap_is_in_force() -> None:
    assert smallest_cap([cap(4), Reason("budget", 2, "b"), cap(2)]).part == "budget"
