"""Who makes room for whom."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu_workers.engines.residency import Resident, TooLarge, plan_moves

ROOMY = 10**6


@st.composite
def memories(draw: st.DrawFn):
    sizes = draw(st.lists(st.integers(1, 100), min_size=1, max_size=7))
    used = draw(st.permutations(range(len(sizes))))
    all_of_them = [
        Resident(f"e{number}", size, when)
        for number, (size, when) in enumerate(zip(sizes, used, strict=True))
    ]
    host_budget = draw(st.integers(max(sizes), sum(sizes) + 50))
    in_host: list[Resident] = []
    for each in all_of_them[1:]:
        if sum(other.weight_bytes for other in in_host) + each.weight_bytes <= host_budget:
            in_host.append(each)
    device_budget = draw(st.integers(1, sum(sizes) + 50))
    on_device: list[Resident] = []
    for each in in_host:
        if sum(other.weight_bytes for other in on_device) + each.weight_bytes <= device_budget:
            on_device.append(each)
    return all_of_them[0], on_device, in_host, device_budget, host_budget


def total(residents):
    return sum(each.weight_bytes for each in residents)


@given(memories(), st.integers(0, 30))
def test_both_memories_hold_what_they_may(memory, working):
    wanted, on_device, in_host, device_budget, host_budget = memory
    if wanted.weight_bytes + working > device_budget:
        with pytest.raises(TooLarge):
            plan_moves(
                wanted,
                on_device,
                in_host,
                device_budget_bytes=device_budget,
                host_budget_bytes=host_budget,
                working_bytes=working,
            )
        return

    moves = plan_moves(
        wanted,
        on_device,
        in_host,
        device_budget_bytes=device_budget,
        host_budget_bytes=host_budget,
        working_bytes=working,
    )

    left_on_device = [each for each in on_device if each.name not in moves.offload]
    left_in_host = [each for each in in_host if each.name not in moves.drop]
    assert total(left_on_device) + wanted.weight_bytes + working <= device_budget
    assert total(left_in_host) + wanted.weight_bytes <= host_budget
    assert {each.name for each in left_on_device} <= {each.name for each in left_in_host}


@given(memories())
def test_nobody_moves_who_would_still_fit(memory):
    wanted, on_device, in_host, _, host_budget = memory

    moves = plan_moves(
        wanted, on_device, in_host, device_budget_bytes=ROOMY, host_budget_bytes=host_budget
    )

    room = host_budget - wanted.weight_bytes
    left = [each for each in in_host if each.name not in moves.drop]
    for each in in_host:
        newer = [other for other in left if other.used > each.used]
        if each.name in moves.drop:
            assert total(newer) + each.weight_bytes > room


@given(memories())
def test_the_order_of_the_lists_does_not_matter(memory):
    wanted, on_device, in_host, _, host_budget = memory
    budgets = {"device_budget_bytes": ROOMY, "host_budget_bytes": host_budget}

    forth = plan_moves(wanted, on_device, in_host, **budgets)
    back = plan_moves(wanted, on_device[::-1], in_host[::-1], **budgets)

    assert forth == back


def test_the_least_recently_used_makes_room():
    old, new = Resident("old", 40, 1), Resident("new", 40, 2)

    moves = plan_moves(
        Resident("wanted", 40, 3),
        [old, new],
        [old, new],
        device_budget_bytes=100,
        host_budget_bytes=200,
        working_bytes=10,
    )

    assert moves.offload == ("old",)
    assert moves.drop == ()


def test_an_engine_that_is_there_stays():
    here, other = Resident("here", 60, 1), Resident("other", 30, 2)

    moves = plan_moves(
        here, [here, other], [here, other], device_budget_bytes=90, host_budget_bytes=90
    )

    assert moves.offload == moves.drop == ()


def test_what_leaves_host_memory_leaves_the_device():
    old = Resident("old", 40, 1)

    moves = plan_moves(
        Resident("wanted", 40, 2), [old], [old], device_budget_bytes=200, host_budget_bytes=50
    )

    assert moves.drop == moves.offload == ("old",)
