"""One tree of processes: started in order, restarted with back-off, stopped in reverse.

Owns the life of the children of ``manage.py up``. Knows nothing of what they do: a child is a name
and a command. Every child leads its own process group, so that a signal sent to the supervisor's
group reaches only the supervisor, which then ends the children in the right order (Redis last).
On Linux a child also dies with the supervisor, however that ends.
"""

from __future__ import annotations

import collections
import contextlib
import ctypes
import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_PR_SET_PDEATHSIG: Final = 1
_QUICK_DEATH_SECONDS: Final = 3.0
_STABLE_SECONDS: Final = 10.0
_QUICK_DEATHS_ALLOWED: Final = 5
_LONGEST_BACKOFF_SECONDS: Final = 8.0
_TAIL_LINES: Final = 30

_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


class GaveUp(RuntimeError):
    """A child died again and again right after its start; the message holds its last lines."""


@dataclass(frozen=True, slots=True)
class Program:
    """What to run under a name."""

    name: str
    command: Sequence[str]
    environ: Mapping[str, str] = field(default_factory=dict)
    stop_seconds: float = 10.0
    """Time between SIGTERM and SIGKILL at the end."""
    stage: str = ""
    """Neighbors of one stage are ended together instead of one after the other."""


class _Child:
    """A program and its present process."""

    def __init__(self, program: Program, log_dir: Path, say: Callable[[str, str], None]) -> None:
        self.program = program
        self.tail: collections.deque[str] = collections.deque(maxlen=_TAIL_LINES)
        self.process: subprocess.Popen[str] | None = None
        self.restart_at = 0.0
        self._log = (log_dir / f"{program.name}.log").open("a", encoding="utf-8")
        self._say = say
        self._pumping: threading.Thread | None = None
        self._started_at = 0.0
        self._short_lives = 0
        self._quick_deaths = 0

    def start(self) -> None:
        self._started_at = time.monotonic()
        self.process = subprocess.Popen(  # noqa: S603 - commands of our own
            list(self.program.command),
            env={**os.environ, **self.program.environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            process_group=0,
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - one C call, no Python locks taken
        )
        self._pumping = threading.Thread(target=self._pump, args=(self.process,), daemon=True)
        self._pumping.start()

    def note_death(self, returncode: int) -> None:
        """Plan the restart, or give up on a child that never stays up."""
        lived = time.monotonic() - self._started_at
        self._quick_deaths = self._quick_deaths + 1 if lived < _QUICK_DEATH_SECONDS else 0
        self._short_lives = self._short_lives + 1 if lived < _STABLE_SECONDS else 0
        if self._quick_deaths >= _QUICK_DEATHS_ALLOWED:
            lines = "\n".join(f"    {line}" for line in self.tail)
            raise GaveUp(
                f"{self.program.name} ended {self._quick_deaths} times right after its start "
                f"(status {returncode}). Its last lines:\n{lines}"
            )
        wait = min(_LONGEST_BACKOFF_SECONDS, 0.2 * 2**self._short_lives)
        self.restart_at = time.monotonic() + wait
        self.process = None
        self._say(self.program.name, f"ended with status {returncode}; starting again")

    def _pump(self, process: subprocess.Popen[str]) -> None:
        if process.stdout is None:
            return
        with process.stdout:
            for line in process.stdout:
                text = line.rstrip("\n")
                self.tail.append(text)
                with contextlib.suppress(ValueError):  # the log closes as the last lines arrive
                    self._log.write(text + "\n")
                    self._log.flush()
                self._say(self.program.name, text)

    def close(self) -> None:
        """Take the last lines and close the log."""
        if self._pumping is not None:
            self._pumping.join(timeout=1.0)
        self._log.close()


class Supervisor:
    """Runs programs until told to stop."""

    def __init__(self, log_dir: Path, say: Callable[[str, str], None]) -> None:
        log_dir.mkdir(parents=True, exist_ok=True)
        self._log_dir = log_dir
        self._say = say
        self._children: list[_Child] = []
        self._stopping = threading.Event()

    def add(self, program: Program) -> None:
        """Start a program and keep it running."""
        child = _Child(program, self._log_dir, self._say)
        self._children.append(child)
        child.start()

    def pids(self) -> dict[str, int]:
        """Return the process id of every running child by name."""
        return {c.program.name: c.process.pid for c in self._children if c.process is not None}

    def request_stop(self) -> None:
        """Ask the loop to end; safe in a signal handler."""
        self._stopping.set()

    @property
    def is_stopping(self) -> bool:
        """Whether a stop was asked for."""
        return self._stopping.is_set()

    def watch_once(self) -> bool:
        """Restart what died and is due. Return whether any process id has changed.

        Raises
        ------
        GaveUp
            If a child cannot be kept up.
        """
        changed = False
        for child in self._children:
            if child.process is None:
                if time.monotonic() >= child.restart_at:
                    child.start()
                    changed = True
                continue
            returncode = child.process.poll()
            if returncode is not None:
                child.note_death(returncode)
        return changed

    def run(self, *, on_change: Callable[[], None]) -> None:
        """Watch until a stop is asked for; ``on_change`` is called after restarts."""
        while not self._stopping.wait(0.1):
            if self.watch_once():
                on_change()

    def stop(self) -> None:
        """End all children in reverse order of their start, whatever state they are in."""
        stages = itertools.groupby(
            reversed(self._children), key=lambda child: child.program.stage or child.program.name
        )
        for _, stage in stages:
            together = list(stage)
            for child in together:
                _ask_to_end(child)
            for child in together:
                _end(child)
                child.close()


def _ask_to_end(child: _Child) -> None:
    if child.process is not None and child.process.poll() is None:
        child.process.send_signal(signal.SIGTERM)


def _end(child: _Child) -> None:
    process = child.process
    if process is None:
        return
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=child.program.stop_seconds)
    # Also after a good end: what it started and left behind goes with it.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _die_with_parent() -> None:
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
