"""When the next of a kind is expected."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from apps.compute.policy.rhythm import Rhythm


def test_a_steady_rhythm_is_expected_to_go_on() -> None:
    rhythm = Rhythm()
    for number in range(30):
        rhythm.note("key", number * 4.0)

    assert math.isclose(rhythm.next_at("key"), 29 * 4.0 + 4.0, rel_tol=0.01)
    assert rhythm.next_at("other") == math.inf


def test_one_arrival_makes_no_rhythm() -> None:
    rhythm = Rhythm()
    rhythm.note("key", 100.0)

    assert rhythm.next_at("key") == math.inf


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0.0, 1e9)), max_size=50))
def test_whatever_is_told_in_whatever_order_the_next_is_never_before_the_last(
    told: list[tuple[str, float]],
) -> None:
    rhythm = Rhythm()
    last: dict[str, float] = {}
    for kind, at in told:
        rhythm.note(kind, at)
        last[kind] = max(at, last.get(kind, at))

    assert all(last[kind] <= rhythm.next_at(kind) for kind in last)


def test_kinds_that_come_once_do_not_pile_up() -> None:
    rhythm = Rhythm()
    rhythm.note("old", 0.0)
    rhythm.note("old", 1.0)
    for number in range(1_000):
        rhythm.note(f"{number}", 1.0)
        rhythm.note(f"{number}", 2.0)

    assert rhythm.next_at("old") == math.inf
    assert math.isfinite(rhythm.next_at("999"))


def test_a_pause_is_forgotten_after_a_few_arrivals() -> None:
    rhythm = Rhythm()
    for at in (0.0, 4.0, 8.0, 90_000.0, *(90_004.0 + 4.0 * number for number in range(8))):
        rhythm.note("key", at)

    assert rhythm.next_at("key") - (90_004.0 + 28.0) < 6.0
