"""How many workers a Ray cluster's machines can carry."""

from __future__ import annotations

from typing import Any

import pytest

from apps.compute.providers.ray_fleet.slots import Machine, Tenure, capacity, parse_slots

SLOTS = {"cpu": {"CPU": 1.0}, "gpu": {"CPU": 2.0, "GPU": 1.0}}


def _machine(place: str, *, used: dict[str, float] | None = None, **resources: Any) -> Machine:
    is_spot = resources.pop("is_spot", False)
    left = {name: amount - (used or {}).get(name, 0) for name, amount in resources.items()}
    return Machine(place, resources, left, is_spot)


def test_a_machine_carries_as_many_workers_as_its_scarcest_resource_allows() -> None:
    machines = [_machine("a", CPU=8, GPU=2), _machine("b", CPU=3, GPU=4), _machine("c", CPU=1)]

    assert capacity("gpu", SLOTS, machines, []) == 2 + 1 + 0
    assert capacity("cpu", SLOTS, machines, []) == 12


def test_a_fraction_of_a_device_counts() -> None:
    slots = {"gpu": {"GPU": 0.1}}

    assert capacity("gpu", slots, [_machine("a", GPU=1)], []) == 10


def test_workers_of_all_classes_take_their_slots_and_those_there_are_count() -> None:
    machines = [_machine("a", CPU=8, GPU=2)]
    tenures = [Tenure("cpu", "a"), Tenure("cpu", "a"), Tenure("cpu", "a"), Tenure("gpu", "a")]

    assert capacity("gpu", SLOTS, machines, tenures) == 2
    assert capacity("cpu", SLOTS, machines, tenures) == 6


def test_a_worker_that_waits_takes_the_slot_it_will_get_and_counts_only_with_one() -> None:
    machines = [_machine("a", CPU=2), _machine("b", CPU=2, GPU=1)]

    assert capacity("gpu", SLOTS, machines, [Tenure("gpu", "")]) == 1
    assert capacity("gpu", SLOTS, machines, [Tenure("gpu", ""), Tenure("gpu", "")]) == 1
    assert capacity("cpu", SLOTS, machines, [Tenure("gpu", "")]) == 2


def test_a_worker_on_a_machine_that_left_the_list_counts_as_long_as_it_is_listed() -> None:
    assert capacity("cpu", SLOTS, [_machine("a", CPU=2)], [Tenure("cpu", "gone")]) == 3


def test_slots_that_ray_gave_to_others_or_lost_are_not_free() -> None:
    machines = [_machine("a", CPU=4, used={"CPU": 3})]

    assert capacity("cpu", SLOTS, machines, [Tenure("cpu", "a")]) == 2


def test_slots_of_workers_that_ray_has_not_booked_yet_are_not_free_either() -> None:
    machines = [_machine("a", CPU=4)]

    assert capacity("cpu", SLOTS, machines, [Tenure("cpu", "a")]) == 4


def test_a_spot_machine_counts_only_for_the_workers_it_carries() -> None:
    machines = [_machine("a", CPU=1), _machine("b", CPU=4, is_spot=True)]

    assert capacity("cpu", SLOTS, machines, [Tenure("cpu", "b")]) == 2


def test_slots_are_read_as_they_are_written() -> None:
    text = "cpu=CPU:1, gpu = CPU:2 + GPU:0.5 ,"

    assert parse_slots(text, ("cpu", "gpu")) == {
        "cpu": {"CPU": 1.0},
        "gpu": {"CPU": 2.0, "GPU": 0.5},
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("tpu=CPU:1", "begins with none of cpu, gpu"),
        ("cpu", "is not like"),
        ("cpu=CPU", "is not like"),
        ("cpu=CPU:0", "is not like"),
        ("cpu=CPU:nan", "is not like"),
        ("cpu=:1", "is not like"),
    ],
)
def test_slots_that_cannot_be_read_are_named(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_slots(text, ("cpu", "gpu"))
