"""One life of an engine child as its worker holds it: start, talk, measure, end.

Owns the conversation with the child. Does not start its process (`engine_births`) and does not
decide what to send, when to end it or what its death means: that is `supervisor`.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import socket
from multiprocessing.connection import Connection
from typing import Final

from gpu_workers.config import WorkerConfig
from gpu_workers.engine_births import EXIT_UNKNOWN, start_child
from gpu_workers.engine_pipe import Answer, ChildSettings, answer_from_bytes
from gpu_workers.process_control import resident_bytes
from gpu_workers.protocol import RenderBatch

_LEAVE_SECONDS: Final = 2.0

log = logging.getLogger("gpu_workers.engine_process")


class EngineGone(Exception):
    """The child has ended; the message says how."""


class EngineProcess:
    """A running engine child. Its libraries load while the worker goes on; see `Answer` ready.

    Parameters
    ----------
    requests
        Socket to the engine fork server; None starts the child in a fresh interpreter.
    """

    def __init__(self, config: WorkerConfig, requests: socket.socket | None = None) -> None:
        ours, theirs = multiprocessing.Pipe(duplex=True)
        with theirs:
            self._process = start_child(
                theirs.fileno(), threads=config.engine_threads, requests=requests
            )
        self._pipe: Connection = ours
        self.orders_sent = 0
        self._send(
            ChildSettings(
                parent_pid=os.getpid(),
                worker=config.worker,
                engine=config.engine,
                renderer=config.renderer,
                storage_url=config.storage_url,
                threads=config.engine_threads,
            ).to_bytes()
        )

    @property
    def pid(self) -> int:
        """Process id of the child."""
        return self._process.pid

    def resident_bytes(self) -> int:
        """Return the child's resident memory, or 0 where it cannot be known."""
        return resident_bytes(self.pid)

    def send(self, batch: RenderBatch) -> None:
        """Hand orders to the child."""
        self.orders_sent += len(batch.orders)
        self._send(batch.to_json().encode())

    def receive(self, timeout_seconds: float) -> Answer | None:
        """Return the next answer, or None if none came in time.

        Raises
        ------
        EngineGone
            If the child has ended and said all it had to say.
        """
        try:
            if not self._pipe.poll(max(0.0, timeout_seconds)):
                return None
            return answer_from_bytes(self._pipe.recv_bytes())
        except (EOFError, OSError):
            raise EngineGone(self._ending()) from None

    def is_alive(self) -> bool:
        """Return whether the child runs."""
        return self._process.is_alive()

    def kill(self) -> None:
        """End the child now, wherever it is, and wait until it is gone."""
        self._process.kill()
        self._pipe.close()

    def leave(self) -> None:
        """Let an idle child end by itself; kill it if it does not."""
        self._pipe.close()
        if self._process.wait(_LEAVE_SECONDS) is None:
            log.warning("idle engine child did not leave", extra={"facts": {"child": self.pid}})
            self.kill()

    def _send(self, data: bytes) -> None:
        try:
            self._pipe.send_bytes(data)
        except OSError:
            # The child is gone: `receive` tells how, with whatever it said before.
            log.warning("engine child takes no message", extra={"facts": {"child": self.pid}})

    def _ending(self) -> str:
        code = self._process.wait(_LEAVE_SECONDS)
        if code is None:
            self._process.kill()
            return "closed its pipe"
        if code == EXIT_UNKNOWN:
            return "ended after its fork server"
        if code < 0:
            return f"ended by {signal.Signals(-code).name}"
        return f"left with exit code {code}"
