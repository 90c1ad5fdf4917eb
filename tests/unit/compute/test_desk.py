"""Batches, holding, warm engines and the lines behind a desk."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.compute.policy.batching import (
    HOLD_SECONDS,
    LONGEST_HOLD_SECONDS,
    BatchLimits,
    charges,
    held_until,
)
from apps.compute.policy.lines import LOOKAHEAD, Line
from apps.compute.policy.race import Race
from apps.compute.policy.snapshot import TenantShare
from tests.unit.compute.desks import STRICT, DeskRun, Job, desk, taken_ids
from tests.unit.compute.worlds import CLASS, LANE, waiting

FULL = BatchLimits(
    max_orders=8, budget_seconds=120.0, lag_seconds=60.0, fixed_seconds=18.0, swap_seconds=15.0
)
WARM = replace(STRICT, lag_seconds=60.0, swap_seconds=15.0)


def single(item: str, tenant: str = "a", **changes: object):
    return waiting(item, tenant, **({"p50_seconds": 19.0, "p90_seconds": 30.0} | changes))


def test_a_batch_shares_its_fixed_part_evenly() -> None:
    made = desk("a", "b", limits=FULL)
    made.add(single("a0", "a"))
    made.add(single("b0", "b"))
    made.add(single("b1", "b", p50_seconds=21.0))

    taken = made.take(LANE, now=100.0)

    assert taken_ids(taken) == ["a0", "b0", "b1"]
    assert taken.charged_seconds == (7.0, 7.0, 9.0)
    assert taken.work_seconds == 23.0
    assert made.counters() == {"a": 7.0, "b": 16.0}


@settings(deadline=None)
@given(st.lists(st.floats(0.1, 100.0), min_size=1, max_size=8), st.floats(0.0, 60.0))
def test_members_pay_the_batch_and_never_more_than_alone(
    seconds: list[float], fixed: float
) -> None:
    members = [single(f"{n}", p50_seconds=each) for n, each in enumerate(seconds)]

    paid = charges(members, fixed)

    once = min(fixed, *seconds)
    assert sum(paid) == pytest.approx(once + sum(each - once for each in seconds))
    assert all(cost <= each + 1e-9 for cost, each in zip(paid, seconds, strict=True))


def test_a_batch_keeps_the_budget_of_pixel_steps() -> None:
    made = desk("a", limits=replace(FULL, budget_pixel_steps=100.0))
    for number in range(5):
        made.add(single(f"a{number}", pixel_steps=40.0))

    assert taken_ids(made.take(LANE, now=100.0)) == ["a0", "a1"]


def test_an_order_beyond_every_budget_still_runs_alone() -> None:
    made = desk("a", limits=replace(FULL, budget_pixel_steps=10.0))
    made.add(single("a0", pixel_steps=400.0, p50_seconds=900.0))

    assert taken_ids(made.take(LANE, now=100.0)) == ["a0"]


def test_a_batch_takes_nobody_who_is_beyond_the_lag() -> None:
    made = desk("a", limits=FULL)
    made.know(TenantShare("b", CLASS, 1.0, 61.0, was_active=True))
    made.load([single("a0", "a"), single("b0", "b")])
    made.ended(tenant="b", charged_seconds=0.0, used_seconds=61.0)
    made.ended(tenant="a", charged_seconds=0.0, used_seconds=0.5)

    assert taken_ids(made.take(LANE, now=100.0)) == ["a0"]


def test_idle_workers_share_what_a_batch_would_not_save() -> None:
    made = desk("a", limits=replace(FULL, fixed_seconds=0.0), workers=3)
    for number in range(6):
        made.add(single(f"a{number}"))

    sizes = [len(made.take(LANE, now=0.0, idle_workers=idle).members) for idle in (3, 2, 1)]

    assert sizes == [2, 2, 2]


def rhythmic(gap_seconds: float, **changes: object):
    """A desk that has seen work of one key every so many seconds, and has one item waiting."""
    made = desk("a", "b", limits=replace(FULL, **changes), workers=4)
    for number in range(4):
        made.add(single(f"{number}", waits_since=number * gap_seconds))
        made.take(LANE, now=number * gap_seconds, may_hold=False)
    made.add(single("a0", waits_since=4 * gap_seconds))
    return made, 4 * gap_seconds


def test_work_is_held_until_its_next_companion_is_expected() -> None:
    made, now = rhythmic(gap_seconds=5.0)

    held = made.take(LANE, now=now)
    made.add(single("b0", "b", waits_since=now + 4.0))
    due = made.take(LANE, now=held.hold_until or 0.0, may_hold=False)

    assert not held.members
    assert held.hold_until == pytest.approx(now + 5.0)
    assert sorted(taken_ids(due)) == ["a0", "b0"]


def test_work_begins_at_once_when_the_expected_companion_has_not_come() -> None:
    made, now = rhythmic(gap_seconds=5.0)

    assert taken_ids(made.take(LANE, now=now + 5.0)) == ["a0"]


def test_work_is_not_held_for_a_companion_that_comes_too_late() -> None:
    patience = HOLD_SECONDS + (LONGEST_HOLD_SECONDS - HOLD_SECONDS) / 4
    made, now = rhythmic(gap_seconds=patience + 0.1)
    assert taken_ids(made.take(LANE, now=now)) == ["a0"]

    made, now = rhythmic(gap_seconds=patience - 0.1)
    assert made.take(LANE, now=now).hold_until == pytest.approx(now + patience - 0.1)


def test_work_of_a_kind_never_seen_before_is_not_held() -> None:
    made = desk("a", limits=FULL, workers=4)
    made.add(single("a0"))

    assert taken_ids(made.take(LANE, now=0.0)) == ["a0"]


def test_work_is_not_held_while_another_key_is_ready() -> None:
    made, now = rhythmic(gap_seconds=5.0)
    made.add(single("b0", "b", batch_key="other", waits_since=now))

    assert made.take(LANE, now=now).members


@pytest.mark.parametrize(
    "changes", [{"max_orders": 1}, {"fixed_seconds": 0.0}, {"budget_pixel_steps": 0.0}]
)
def test_a_full_batch_or_one_that_saves_nothing_is_not_held(changes: dict[str, float]) -> None:
    made, now = rhythmic(gap_seconds=5.0, **changes)

    assert made.take(LANE, now=now).members


def test_work_that_failed_before_is_not_held() -> None:
    made, now = rhythmic(gap_seconds=5.0)
    made.withdraw("a0")
    made.add(single("a1", tries=1, waits_since=now))

    assert made.take(LANE, now=now).members


@settings(deadline=None)
@given(
    st.floats(0.0, 100.0),
    st.floats(0.0, 300.0),
    st.integers(1, 50),
    st.integers(1, 20),
    st.booleans(),
)
def test_holding_never_costs_the_promise(
    p90: float, slack: float, queued: int, workers: int, is_interactive: bool
) -> None:
    item = single("i", p90_seconds=p90, deadline=slack, is_interactive=is_interactive)

    until = held_until(item, queued=queued, workers=workers, limits=FULL)

    assert until + p90 + FULL.swap_seconds < slack
    assert until <= LONGEST_HOLD_SECONDS


def test_within_the_lag_the_head_for_the_warm_engine_is_preferred() -> None:
    made = desk("a", "b", limits=WARM)
    made.add(single("a0", "a", warm_key="x"))
    made.add(single("b0", "b", warm_key="y"))
    made.ended(tenant="b", charged_seconds=0.0, used_seconds=59.0)

    taken = made.take(LANE, now=0.0, warm_keys=["y"])

    assert (taken_ids(taken), taken.swap_seconds) == (["b0"], 0.0)


def test_beyond_the_lag_a_swap_is_paid_half_by_who_triggers_it() -> None:
    made = desk("a", "b", limits=WARM)
    made.add(single("a0", "a", warm_key="x"))
    made.add(single("b0", "b", warm_key="y"))
    made.ended(tenant="b", charged_seconds=0.0, used_seconds=61.0)

    taken = made.take(LANE, now=0.0, warm_keys=["y"])

    assert (taken_ids(taken), taken.swap_seconds) == (["a0"], 15.0)
    assert made.counters()["a"] == 19.0 + 7.5


def test_a_late_burst_of_the_warm_engine_does_not_make_another_late() -> None:
    made = desk("a", "b", limits=WARM, workers=4)
    made.add(single("a0", "a", warm_key="x", waits_since=0.0))
    made.add(single("b0", "b", warm_key="y", waits_since=40.0))
    made.flying(LANE, "a")

    assert taken_ids(made.take(LANE, now=45.0, warm_keys=["x"])) == ["b0"]


def test_a_late_item_of_who_holds_nothing_may_use_the_warm_engine() -> None:
    made = desk("a", "b", limits=WARM)
    made.add(single("a0", "a", warm_key="x", waits_since=0.0))
    made.add(single("b0", "b", warm_key="y", waits_since=40.0))

    assert taken_ids(made.take(LANE, now=45.0, warm_keys=["x"])) == ["a0"]


def test_the_idle_worker_with_the_engine_takes_the_work() -> None:
    made = desk("a", limits=WARM, workers=3)
    made.add(single("a0", warm_key="y"))

    assert made.take(LANE, now=0.0, warm_keys=["x", "y", "z"]).place == 1


@pytest.mark.parametrize(
    ("warm_keys", "place"), [(["x", ""], 1), (["x", "z", "z"], 1), (["x", "z"], 0)]
)
def test_a_swap_falls_on_the_engine_that_is_missed_least(warm_keys: list[str], place: int) -> None:
    made = desk("a", limits=WARM, workers=3)
    made.add(single("a0", warm_key="y"))

    assert made.take(LANE, now=0.0, warm_keys=warm_keys).place == place


def test_within_the_lag_what_can_be_in_time_goes_before_what_is_late() -> None:
    made = desk("a", "b", limits=WARM)
    made.add(single("a0", "a", waits_since=0.0))
    made.add(single("b0", "b", waits_since=20.0))
    made.ended(tenant="b", charged_seconds=0.0, used_seconds=59.0)

    assert taken_ids(made.take(LANE, now=40.0)) == ["b0"]


def test_promises_make_no_detour_beyond_the_lag() -> None:
    made = desk("a", "b", limits=WARM)
    made.add(single("a0", "a", waits_since=0.0))
    made.add(single("b0", "b", waits_since=20.0))
    made.ended(tenant="b", charged_seconds=0.0, used_seconds=61.0)

    assert taken_ids(made.take(LANE, now=40.0)) == ["a0"]


def test_who_was_beyond_the_lag_is_preferred_once_the_others_have_caught_up() -> None:
    made = desk("a", "b", limits=WARM, workers=4)
    for number in range(3):
        made.add(single(f"a{number}", "a", waits_since=0.0))
    made.add(single("b0", "b", waits_since=20.0))
    made.ended(tenant="b", charged_seconds=0.0, used_seconds=70.0)

    order = [taken_ids(made.take(LANE, now=40.0)) for _ in range(3)]

    assert order == [["a0"], ["b0"], ["a1"]]


def test_grouping_by_engine_saves_swaps_and_starves_nobody() -> None:
    chance = random.Random(3)
    jobs = [Job(4.0 * n, f"t{n % 60}", 14.0, chance.choice("uvwxyz")) for n in range(300)]

    grouped = DeskRun(jobs, 5, limits=WARM, swap_seconds=15.0).run()
    blindly = DeskRun(jobs, 5, limits=WARM, swap_seconds=15.0, knows_engines=False).run()

    assert grouped.swaps < 0.6 * blindly.swaps
    assert max(grouped.waits.values()) < max(blindly.waits.values())


def test_a_withdrawn_item_never_goes_out() -> None:
    made = desk("a", limits=FULL)
    for number in range(3):
        made.add(single(f"a{number}"))

    assert made.withdraw("a1")
    assert not made.withdraw("a1")
    assert taken_ids(made.take(LANE, now=100.0)) == ["a0", "a2"]
    assert made.queued(LANE) == made.queued_of("a") == 0


def test_what_comes_back_stands_where_it_stood() -> None:
    made = desk("a")
    for number in range(3):
        made.add(waiting(f"a{number}", waits_since=float(number)))
    (first,) = made.take(LANE, now=3.0).members

    made.freed(LANE, "a")
    made.ended(tenant="a", charged_seconds=1.0, used_seconds=0.0)
    made.add(first)

    assert taken_ids(made.take(LANE, now=4.0)) == ["a0"]


def test_peeking_takes_nothing() -> None:
    made = desk("a", "b")
    made.add(waiting("a0", "a"))

    assert made.peek(LANE, now=0.0) == made.peek(LANE, now=0.0)
    assert made.queued(LANE) == 1
    assert made.peek("elsewhere", now=0.0) is None


arrivals = st.tuples(st.integers(0, 60), st.integers(0, 200), st.sampled_from("xyz"))


@settings(max_examples=80, deadline=None)
@given(st.lists(arrivals, max_size=60), st.lists(st.integers(0, 60)), st.integers(0, 300))
def test_a_line_finds_what_a_plain_search_would(
    added: list[tuple[int, int, str]], removed: list[int], now: int
) -> None:
    line = Line()
    items = {}
    for number, since, key in added:
        if number not in items:
            items[number] = waiting(
                f"{number:03d}", waits_since=float(since), warm_key=key, batch_key=key
            )
            line.add(items[number], 30.0)
    for number in removed:
        if number in items:
            line.remove(items.pop(number))

    ordered = sorted(items.values(), key=lambda item: (item.waits_since, item.item))
    aged = bool(ordered) and now - ordered[0].waits_since > 90.0
    assert line.items() == ordered
    assert line.next(now) == plainly(ordered, now)
    assert line.is_aged(now) == aged
    for key in "xyz":
        of_key = [item for item in ordered if item.warm_key == key]
        assert line.needs(key) == bool(of_key)
        assert line.next_mate(key, now) == plainly(of_key, now)
        found = line.next_warm(key, now)
        assert found == plainly(of_key, now) or (aged and found is None)
        assert found is None or not aged or ordered.index(found) < LOOKAHEAD


def plainly(ordered: list, now: float):
    if not ordered or now - ordered[0].waits_since > 90.0:
        return ordered[0] if ordered else None
    timely = [item for item in ordered if now - item.waits_since <= 30.0]
    return (timely or ordered)[0]


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(["rise", "fall", "drop", "ask"])))
)
def test_a_race_knows_the_smallest_number(steps: list[tuple[str, str]]) -> None:
    race, numbers = Race(), {}
    for place, (tenant, step) in enumerate(steps):
        if step == "drop":
            race.drop(tenant)
            numbers.pop(tenant, None)
        elif step == "ask" or tenant not in numbers:
            numbers.setdefault(tenant, float(place % 5))
            race.put(tenant, numbers[tenant])
        else:
            numbers[tenant] += 2.5 if step == "rise" else -1.5
            race.put(tenant, numbers[tenant])

        expected = min(((number, name) for name, number in numbers.items()), default=None)
        assert race.first(numbers.get) == expected
        assert race.tenants() == set(numbers)


def test_a_number_that_fell_without_notice_is_told_as_it_is() -> None:
    race, numbers = Race(), {"a": 4.0, "b": 6.0}
    for tenant, number in numbers.items():
        race.put(tenant, number)

    numbers["a"] = 1.0

    assert race.first(numbers.get) == (1.0, "a")


def test_behind_an_overdue_head_only_the_nearest_are_taken_for_a_warm_engine() -> None:
    line = Line()
    for number in range(LOOKAHEAD + 1):
        line.add(waiting(f"{number:02d}", warm_key="y" if number < LOOKAHEAD else "x"), 30.0)

    assert line.next_warm("x", now=90.0)
    assert line.next_warm("x", now=91.0) is None
    line.remove(line.items()[0])
    assert line.next_warm("x", now=91.0)
