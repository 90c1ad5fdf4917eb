"""The Ray driver as a child process: asked by line, watched, ended and started anew.

Owns the child's life, so that whatever Ray does to its driver never happens to the conductor: a
driver that lost its head is ended by Ray after a minute, and hangs until then. Does not know what
is asked. The other side is `gpu_workers.ray_driver`. Times are float seconds.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from apps.compute.providers.base import ProviderUnavailable
from config.env import ROOT

_PROBE_SECONDS: Final = 2.0
_LEAVE_SECONDS: Final = 2.0
_PAUSES_SECONDS: Final = (1.0, 2.0, 5.0, 10.0, 30.0)


def driver_command(address: str) -> Sequence[str]:
    """Return the command that serves a cluster."""
    return (sys.executable, "-m", "gpu_workers.ray_driver", address)


class DriverProcess:
    """A driver for one cluster; started when asked for the first time.

    Parameters
    ----------
    address
        ``host:port`` of the cluster's head.
    command
        What to run.
    start_seconds
        How long the first answer of a fresh driver may take: it loads Ray and connects.
    answer_seconds
        How long any other answer may take.
    """

    def __init__(
        self,
        address: str,
        command: Sequence[str],
        *,
        start_seconds: float = 30.0,
        answer_seconds: float = 8.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        host, _, port = address.rpartition(":")
        self._address = (host.strip("[]"), int(port))
        self._command = tuple(command)
        self._start_seconds = start_seconds
        self._answer_seconds = answer_seconds
        self._clock = clock
        self._process: subprocess.Popen[bytes] | None = None
        self._received = b""
        self._failures = 0
        self._not_before = 0.0

    @property
    def pid(self) -> int:
        """Process id of the running driver; 0 if there is none."""
        return self._process.pid if self._process is not None else 0

    def ask(self, call: str, **arguments: object) -> Any:
        """Have the driver do something and return its answer.

        Raises
        ------
        ProviderUnavailable
            If the cluster or the driver does not answer; what was asked may still have happened.
        """
        self._check_head()
        process, limit = self._process, self._answer_seconds
        if process is None or process.poll() is not None:
            process, limit = self._start(), self._start_seconds
        try:
            answer = self._exchange(process, {"call": call, "with": arguments}, limit)
        except ProviderUnavailable:
            self._give_up()
            raise
        self._failures = 0
        return answer

    def close(self) -> None:
        """End the driver; what it launched goes on."""
        process, self._process = self._process, None
        if process is None or process.stdin is None or process.stdout is None:
            return
        # A request it never took would be written once more.
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        try:
            process.wait(_LEAVE_SECONDS)
        except subprocess.TimeoutExpired:
            _kill(process)
        process.stdout.close()
        self._received = b""

    def _check_head(self) -> None:
        """Ask for a connection only: a driver costs seconds to find out that there is no head."""
        try:
            socket.create_connection(self._address, timeout=_PROBE_SECONDS).close()
        except OSError as error:
            raise ProviderUnavailable(
                f"Ray's head does not answer at {self._address[0]}:{self._address[1]} ({error}); "
                "start it, or correct PACKSHOT_RAY_ADDRESS"
            ) from error

    def _start(self) -> subprocess.Popen[bytes]:
        wait = self._not_before - self._clock()
        if wait > 0:
            raise ProviderUnavailable(f"Ray's driver failed; it is started again in {wait:.0f} s")
        self.close()
        environ = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0"}
        self._process = subprocess.Popen(  # noqa: S603 - our own command
            self._command,
            cwd=ROOT,
            env={**environ, **os.environ},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            process_group=0,
        )
        return self._process

    def _exchange(self, process: subprocess.Popen[bytes], request: object, seconds: float) -> Any:
        if process.stdin is None or process.stdout is None:
            raise ProviderUnavailable("Ray's driver has no pipes")
        ends_at = self._clock() + seconds
        try:
            process.stdin.write(json.dumps(request).encode() + b"\n")
            process.stdin.flush()
            line = self._line(process.stdout.fileno(), ends_at)
        except OSError as error:
            raise ProviderUnavailable(f"Ray's driver is gone ({error})") from error
        if line is None:
            raise ProviderUnavailable(f"Ray did not answer within {seconds:g} s")
        if not line:
            raise ProviderUnavailable(f"Ray's driver ended without a word (see the log): {request}")
        body = json.loads(line)
        if "error" in body:
            raise ProviderUnavailable(f"Ray: {body['error']}")
        return body["answer"]

    def _line(self, source: int, ends_at: float) -> bytes | None:
        """Return the next line, nothing if the driver closed, None if it took too long."""
        with selectors.DefaultSelector() as selector:
            selector.register(source, selectors.EVENT_READ)
            while b"\n" not in self._received:
                if not selector.select(max(0.0, ends_at - self._clock())):
                    return None
                block = os.read(source, 1 << 16)
                if not block:
                    return b""
                self._received += block
        line, _, self._received = self._received.partition(b"\n")
        return line

    def _give_up(self) -> None:
        pause = _PAUSES_SECONDS[min(self._failures, len(_PAUSES_SECONDS) - 1)]
        self._failures += 1
        self._not_before = self._clock() + pause
        if self._process is not None:
            _kill(self._process)
        self.close()


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
