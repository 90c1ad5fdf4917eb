"""What signals ask of a worker."""

from __future__ import annotations

import pytest

from gpu_workers.worker import Halt


@pytest.fixture
def now() -> list[float]:
    return [100.0]


@pytest.fixture
def halt(now: list[float]) -> Halt:
    return Halt(grace_seconds=20.0, clock=lambda: now[0])


def test_nothing_is_asked_at_first(halt: Halt) -> None:
    assert not halt.is_asked()
    assert not halt.is_over()


def test_the_first_signal_stops_new_batches_and_starts_the_grace(
    halt: Halt, now: list[float]
) -> None:
    halt.ask(15, None)

    assert halt.is_asked()
    assert not halt.is_over()
    now[0] += 19.9
    assert not halt.is_over()
    now[0] += 0.1
    assert halt.is_over()


def test_the_same_signal_twice_within_a_second_counts_as_one(halt: Halt, now: list[float]) -> None:
    halt.ask(2, None)
    now[0] += 0.5
    halt.ask(15, None)

    assert not halt.is_over()


def test_a_second_signal_ends_the_grace_at_once(halt: Halt, now: list[float]) -> None:
    halt.ask(15, None)
    now[0] += 1.5
    halt.ask(15, None)

    assert halt.is_over()


def test_a_drain_stops_new_batches_and_never_the_running_one(halt: Halt, now: list[float]) -> None:
    halt.drain(12, None)
    now[0] += 1e6

    assert halt.is_asked()
    assert not halt.is_over()


def test_a_signal_to_leave_starts_the_grace_of_a_draining_worker(
    halt: Halt, now: list[float]
) -> None:
    halt.drain(12, None)
    now[0] += 100.0
    halt.ask(15, None)

    assert not halt.is_over()
    now[0] += 20.0
    assert halt.is_over()
