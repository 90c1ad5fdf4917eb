"""The two ways an engine child comes into the world: a fresh interpreter, or a fork.

Owns how a child is started, measured, ended and buried in each way. Does not talk to it: that is
`engine_process`. A fork is the quick way (`engine_forkserver`); where there is no such server, or
it does not answer, a fresh interpreter makes the same child, only later.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import select
import signal
import socket
import subprocess
import sys
import time
from typing import Final, Protocol

_THREAD_VARIABLES: Final = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)
_HANDED_DOWN: Final = ("CUDA_VISIBLE_DEVICES",)
"""What a worker's environment has that its fork server's has not and a child needs."""
_ANSWER_SECONDS: Final = 10.0
"""Time for the engine fork server to answer; it may still be loading its libraries."""
_LAST_WORD_SECONDS: Final = 1.0
_ANSWER_BYTES: Final = 4096
EXIT_UNKNOWN: Final = 255
"""Stands for the exit code of a child whose fork server died before it."""

log = logging.getLogger("gpu_workers.engine_births")


class ChildProcess(Protocol):
    """A started child, however it was started."""

    pid: int

    def is_alive(self) -> bool:
        """Return whether it runs."""
        ...

    def kill(self) -> None:
        """End it now, wherever it is, and wait until it is gone."""
        ...

    def wait(self, timeout_seconds: float) -> int | None:
        """Return its exit code, negative for a signal, or None if it still runs after the time."""
        ...


def thread_environ(threads: int) -> dict[str, str]:
    """Return the variables that hold every numeric library to this many threads."""
    return dict.fromkeys(_THREAD_VARIABLES, str(threads))


class FreshChild:
    """A child in an interpreter of its own.

    Through subprocess and not multiprocessing's spawn: that would re-import the worker's main
    module (rq, redis: 30 MB) and keep a tracker process.
    """

    def __init__(self, pipe: int, *, threads: int) -> None:
        self._process = subprocess.Popen(  # noqa: S603 -- our own module, no input from outside
            [sys.executable, "-m", "gpu_workers.engine_child", str(pipe)],
            pass_fds=(pipe,),
            stdin=subprocess.DEVNULL,
            env={**os.environ, **thread_environ(threads)},
        )
        self.pid = self._process.pid

    def is_alive(self) -> bool:
        """Return whether it runs."""
        return self._process.poll() is None

    def kill(self) -> None:
        """End it now, wherever it is, and wait until it is gone."""
        self._process.kill()
        self._process.wait()

    def wait(self, timeout_seconds: float) -> int | None:
        """Return its exit code, negative for a signal, or None if it still runs after the time."""
        try:
            return self._process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            return None


class EngineServerSilent(Exception):
    """The engine fork server cannot make a child now."""


class ForkedChild:
    """A child of the engine fork server: its server buries it, its worker holds its life.

    The process descriptor tells life from death even if the server is gone, and the lifeline to
    the server makes it end the child should this worker be gone.
    """

    def __init__(self, pipe: int, requests: socket.socket) -> None:
        self._lifeline, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        environ = {name: os.environ[name] for name in _HANDED_DOWN if name in os.environ}
        try:
            with theirs:
                request = json.dumps({"environ": environ}).encode()
                socket.send_fds(requests, [request], [pipe, theirs.fileno()])
            self.pid = int(self._answer(_ANSWER_SECONDS)["pid"])
            self._process = os.pidfd_open(self.pid)
        except (OSError, KeyError) as error:
            self._lifeline.close()
            raise EngineServerSilent(repr(error)) from error
        self._code: int | None = None

    def is_alive(self) -> bool:
        """Return whether it runs."""
        return self.wait(0.0) is None

    def kill(self) -> None:
        """End it now, wherever it is, and wait until it is gone."""
        if self._code is None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._process, signal.SIGKILL)
        while self.wait(1.0) is None:
            continue

    def wait(self, timeout_seconds: float) -> int | None:
        """Return its exit code, negative for a signal, or None if it still runs after the time."""
        if self._code is None and select.select([self._process], [], [], timeout_seconds)[0]:
            os.close(self._process)
            try:
                self._code = int(self._answer(_LAST_WORD_SECONDS)["exit"])
            except (OSError, KeyError):
                self._code = EXIT_UNKNOWN
            self._lifeline.close()
        return self._code

    def _answer(self, timeout_seconds: float) -> dict[str, int]:
        """Return the server's next message; an empty one if it is gone."""
        self._lifeline.settimeout(timeout_seconds)
        data = self._lifeline.recv(_ANSWER_BYTES)
        body: dict[str, int] = json.loads(data or b"{}")
        return body


def start_child(pipe: int, *, threads: int, requests: socket.socket | None) -> ChildProcess:
    """Start a child in the quickest way there is.

    Parameters
    ----------
    pipe
        Descriptor of the child's end of the order pipe; it stays open here.
    threads
        Threads each numeric library may use.
    requests
        The socket to the engine fork server, if this worker has one.

    Raises
    ------
    OSError
        If the system has no room for another process.
    """
    if requests is not None and threads == 1:
        asked_at = time.monotonic()
        try:
            return ForkedChild(pipe, requests)
        except EngineServerSilent as silence:
            facts = {"reason": silence, "seconds": round(time.monotonic() - asked_at, 1)}
            log.warning("engine fork server is silent", extra={"facts": facts})
    return FreshChild(pipe, threads=threads)
