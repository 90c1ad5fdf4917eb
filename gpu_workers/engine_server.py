"""The engine fork server as its owner holds it: started, started again, ended.

Owns its process and the socket over which workers ask it for engine children. What it does is in
`engine_forkserver`; how a worker asks is in `engine_births`.
"""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import time
from typing import Final

from gpu_workers.engine_births import thread_environ

_STABLE_SECONDS: Final = 5.0
"""One that ends sooner after its start cannot serve here and is not started again."""
_END_SECONDS: Final = 2.0

log = logging.getLogger("gpu_workers.engine_server")


class EngineServer:
    """Keeps an engine fork server running for all workers of this machine.

    Parameters
    ----------
    renderer
        Dotted name of the render function to have ready; empty for the engines' own.
    """

    def __init__(self, renderer: str) -> None:
        self._renderer = renderer
        self._process: subprocess.Popen[bytes] | None = None
        self._ends: tuple[socket.socket, socket.socket] | None = None
        if sys.platform != "linux":
            # Without packets on local sockets and process descriptors there is no such server.
            return
        self._ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._start()

    @property
    def requests(self) -> socket.socket | None:
        """The workers' end of the socket, or None if children must start afresh."""
        return self._ends[0] if self._ends is not None else None

    def note_end(self, pid: int, code: int) -> None:
        """Start it again if it was the one that ended; give up on one that cannot stay."""
        process = self._process
        if process is None or process.pid != pid:
            return
        process.returncode = code  # reaped by our owner
        self._process = None
        lived = time.monotonic() - self._started_at
        log.warning("engine fork server ended", extra={"facts": {"code": code, "lived": lived}})
        if lived >= _STABLE_SECONDS:
            self._start()
        else:
            self._give_up()

    def close(self) -> None:
        """End it; children that still run are looked after by it to their end."""
        self._give_up()
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def _start(self) -> None:
        if self._ends is None:
            return
        self._started_at = time.monotonic()
        descriptor = self._ends[1].fileno()
        arguments = [self._renderer] if self._renderer else []
        self._process = subprocess.Popen(  # noqa: S603 -- our own module, no input from outside
            [sys.executable, "-m", "gpu_workers.engine_forkserver", str(descriptor), *arguments],
            pass_fds=(descriptor,),
            stdin=subprocess.DEVNULL,
            # One thread: a library's pool would not survive the fork.
            env={**os.environ, **thread_environ(1)},
        )

    def _give_up(self) -> None:
        """Close the socket, so that workers that ask know at once."""
        for end in self._ends or ():
            end.close()
        self._ends = None
