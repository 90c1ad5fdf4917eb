"""The child process behind the Ray fleet: asked, silent, broken, gone. No Ray is needed here."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Iterator

import pytest

from apps.compute.providers.base import ProviderUnavailable
from apps.compute.providers.ray_fleet.driver_process import DriverProcess

ECHO = """
import json, sys
for line in sys.stdin:
    request = json.loads(line)
    print(json.dumps({"answer": request["with"]}), flush=True)
"""
SILENT = "import sys, time; sys.stdin.readline(); time.sleep(60)"
LEAVES = "import sys; sys.stdin.readline()"
NEVER_STARTS = "raise SystemExit(3)"
TROUBLED = """
import json, sys
sys.stdin.readline()
print(json.dumps({"error": "RuntimeError: no node here"}), flush=True)
"""

Make = Callable[[str], DriverProcess]


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def head() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture
def make(head: socket.socket, clock: Clock) -> Iterator[Make]:
    made = []

    def make(code: str) -> DriverProcess:
        seconds = 0.3 if code == SILENT else 20.0
        address = f"127.0.0.1:{head.getsockname()[1]}"
        command = (sys.executable, "-S", "-c", code)
        driver = DriverProcess(
            address, command, start_seconds=seconds, answer_seconds=seconds, clock=clock
        )
        made.append(driver)
        return driver

    yield make
    for driver in made:
        driver.close()


def test_a_driver_answers_many_requests_in_order(make: Make) -> None:
    driver = make(ECHO)
    long = "x" * 200_000

    answers = [driver.ask("launch", number=number, text=long) for number in range(3)]

    assert answers == [{"number": number, "text": long} for number in range(3)]


def test_without_a_head_no_driver_is_started(make: Make, head: socket.socket) -> None:
    driver = make(ECHO)
    head.close()

    with pytest.raises(ProviderUnavailable, match="PACKSHOT_RAY_ADDRESS"):
        driver.ask("workers")
    assert driver.pid == 0


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (SILENT, "did not answer within 0.3 s"),
        (LEAVES, "ended without a word"),
        (NEVER_STARTS, "ended without a word|is gone"),
        (TROUBLED, "no node here"),
    ],
)
def test_a_driver_in_trouble_is_ended_and_left_alone_for_a_while(
    make: Make, clock: Clock, code: str, words: str
) -> None:
    driver = make(code)

    with pytest.raises(ProviderUnavailable, match=words):
        driver.ask("workers")
    assert driver.pid == 0
    with pytest.raises(ProviderUnavailable, match="started again in 1 s"):
        driver.ask("workers")

    clock.now += 1.1
    with pytest.raises(ProviderUnavailable, match=words):
        driver.ask("workers")
    with pytest.raises(ProviderUnavailable, match="started again in 2 s"):
        driver.ask("workers")


def test_an_answer_ends_the_growing_pauses(make: Make, clock: Clock) -> None:
    driver = make(TROUBLED)
    for _ in range(2):
        clock.now += 60
        with pytest.raises(ProviderUnavailable, match="no node here"):
            driver.ask("workers")
    driver._command = make(ECHO)._command
    clock.now += 60
    assert driver.ask("workers") == {}

    driver.close()
    driver._command = make(LEAVES)._command
    with pytest.raises(ProviderUnavailable, match="without a word"):
        driver.ask("workers")
    with pytest.raises(ProviderUnavailable, match="started again in 1 s"):
        driver.ask("workers")
