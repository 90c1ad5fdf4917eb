"""The supervised tree, with real processes."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from apps.core.supervisor import GaveUp, Program, Supervisor

SLEEP = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"]


@pytest.fixture
def said() -> list[tuple[str, str]]:
    return []


@pytest.fixture
def supervisor(tmp_path: Path, said: list[tuple[str, str]]):
    tree = Supervisor(tmp_path, lambda name, text: said.append((name, text)))
    yield tree
    tree.stop()


def _until(holds: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_killed_child_comes_back_with_a_new_process_id(supervisor: Supervisor) -> None:
    supervisor.add(Program("sleeper", SLEEP))
    first = supervisor.pids()["sleeper"]

    os.kill(first, signal.SIGKILL)

    _until(
        lambda: supervisor.watch_once() and supervisor.pids().get("sleeper") not in (None, first)
    )


def test_a_child_that_never_stays_up_ends_with_its_last_words(supervisor: Supervisor) -> None:
    supervisor.add(Program("broken", [sys.executable, "-c", "raise SystemExit('no such luck')"]))

    with pytest.raises(GaveUp, match="no such luck"):
        _until(lambda: supervisor.watch_once() and False, seconds=30)


def test_stopping_leaves_no_process_and_ends_the_first_started_last(
    supervisor: Supervisor, said: list[tuple[str, str]]
) -> None:
    word = (
        "import signal, sys, time\n"
        "signal.signal(15, lambda *_: sys.exit(print('bye', flush=True)))\n"
        "print('up', flush=True)\n"
        "time.sleep(60)"
    )
    for name in ("redis", "worker"):
        supervisor.add(Program(name, [sys.executable, "-c", word]))
    _until(lambda: sum(text == "up" for _, text in said) == 2)
    pids = supervisor.pids().values()

    supervisor.stop()

    assert not any(_lives(pid) for pid in pids)
    _until(lambda: [name for name, text in said if text == "bye"] == ["worker", "redis"])


def test_a_child_that_ignores_the_polite_signal_is_killed(supervisor: Supervisor) -> None:
    deaf = "import signal, time\nsignal.signal(15, signal.SIG_IGN)\ntime.sleep(60)"
    supervisor.add(Program("deaf", [sys.executable, "-c", deaf], stop_seconds=0.3))
    time.sleep(0.3)
    pid = supervisor.pids()["deaf"]

    supervisor.stop()

    assert not _lives(pid)


def test_what_a_child_leaves_in_its_group_ends_with_it(supervisor: Supervisor, said) -> None:
    leaves_one_behind = (
        "import subprocess, sys, time;"
        "left = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
        "print(left.pid, flush=True); time.sleep(60)"
    )
    supervisor.add(Program("parent", [sys.executable, "-c", leaves_one_behind]))
    _until(lambda: bool(said))
    left = int(said[0][1])
    assert _lives(left)

    supervisor.stop()

    _until(lambda: not _lives(left))
