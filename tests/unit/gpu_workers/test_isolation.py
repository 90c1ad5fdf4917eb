"""What follows a crash, and who gets how much of the deadline."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from gpu_workers.isolation import order_share_seconds, plan_groups_after_crash
from gpu_workers.memory import KILL_FACTOR, decide_recycle, must_end


@given(st.integers(0, 9), st.integers(0, 9))
def test_no_order_is_lost_or_doubled_by_regrouping(running: int, waiting: int) -> None:
    orders = list(range(running + waiting))

    groups = plan_groups_after_crash(orders[:running], orders[running:])

    assert sorted(order for group in groups for order in group) == orders
    assert all(groups)


def test_innocent_orders_go_before_the_suspects() -> None:
    assert plan_groups_after_crash("ab", "cd") == (("c", "d"), ("a",), ("b",))


def test_the_first_waiting_order_is_suspected_when_none_was_running() -> None:
    assert plan_groups_after_crash("", "abc") == (("b", "c"), ("a",))


@given(st.integers(2, 64), st.data())
def test_a_killer_stands_alone_after_logarithmically_many_crashes(
    count: int, data: st.DataObject
) -> None:
    """An engine that runs a whole group at once, so that everyone in it is under suspicion."""
    killer = data.draw(st.integers(0, count - 1))
    groups: list[tuple[int, ...]] = [tuple(range(count))]
    crashes = 0
    while True:
        group = groups.pop(0)
        if killer not in group:
            continue
        crashes += 1
        if group == (killer,):
            break
        groups.extend(plan_groups_after_crash(group, ()))

    assert crashes <= math.ceil(math.log2(count)) + 1


@given(st.lists(st.booleans(), min_size=1, max_size=12), st.floats(1.0, 1000.0))
def test_orders_that_hang_leave_every_other_its_equal_share(
    hangs: list[bool], deadline: float
) -> None:
    remaining = deadline
    for done, hanging in enumerate(hangs):
        share = order_share_seconds(remaining_seconds=remaining, unfinished=len(hangs) - done)
        assert share >= deadline / len(hangs) * 0.999
        remaining -= share if hanging else 0.0

    assert remaining >= -1e-6


def test_a_child_is_replaced_for_orders_or_memory_and_ended_only_at_twice_its_memory() -> None:
    limits = {"recycle_orders": 500, "memory_bytes": 1000}

    assert decide_recycle(orders_done=499, resident_bytes=1000, **limits) is None
    assert decide_recycle(orders_done=500, resident_bytes=1000, **limits) == "orders"
    assert decide_recycle(orders_done=0, resident_bytes=1001, **limits) == "memory"
    assert not must_end(resident_bytes=1000 * KILL_FACTOR, memory_bytes=1000)
    assert must_end(resident_bytes=1000 * KILL_FACTOR + 1, memory_bytes=1000)
