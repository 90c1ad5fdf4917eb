"""The engine fork server: holds an engine's libraries ready and forks engine children from itself.

Owns the children's birth, their end when their worker is gone, and the telling of how they ended.
Renders nothing. Importing cv2, numpy and scipy costs a fresh interpreter half a second of a CPU,
a fork a few milliseconds. Fork-safe because it only imports: it starts no thread, touches no
device and refuses to serve if a library did. One for each fork server of workers
(`forkserver`), started by it as ``python -m gpu_workers.engine_forkserver DESCRIPTOR``.

A worker asks over one datagram socket that all workers share: a message carries the two
descriptors of its new child, the order pipe's end and the end of a socket over which this process
answers ``{"pid": …}`` and later ``{"exit": …}``. That socket is also the child's lifeline: when
the worker closes it or dies, the child is killed, whatever native code it hangs in. If this
process dies, running children go on; workers start their next ones afresh.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import logging
import os
import selectors
import signal
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from gpu_workers import engine_child
from gpu_workers.forking import Bell, count_threads, ended_children, fork
from gpu_workers.logs import log_to_stderr
from gpu_workers.process_control import die_with_parent
from gpu_workers.registry import RENDERERS

_MESSAGE_BYTES: Final = 65_536
_UNSERVABLE: Final = 1

log = logging.getLogger("gpu_workers.engine_forkserver")


@dataclass(frozen=True, slots=True)
class _Birth:
    """What a worker wants: the child's ends and what its environment adds to ours."""

    pipe: int
    lifeline: socket.socket
    environ: dict[str, str]


class EngineForkserver:
    """Serves requests until its fork server and all children are gone."""

    def __init__(self, requests: socket.socket) -> None:
        self._requests: socket.socket | None = requests
        self._selector = selectors.DefaultSelector()
        self._bell = Bell(self._selector, (signal.SIGTERM, signal.SIGINT))
        self._lifelines: dict[int, socket.socket] = {}
        requests.settimeout(0)
        self._selector.register(requests, selectors.EVENT_READ, None)

    def serve(self) -> None:
        """Answer until nobody can ask any more and the last child has ended."""
        while self._requests is not None or self._lifelines:
            for key, _ in self._selector.select():
                if key.data is self._bell:
                    self._take_signals()
                elif key.data is None:
                    self._answer()
                else:
                    self._cut(key.data)

    def _take_signals(self) -> None:
        if self._bell.rung() & {signal.SIGTERM, signal.SIGINT}:
            self._refuse()
        for pid, code in ended_children():
            self._tell_end(pid, code)

    def _answer(self) -> None:
        if self._requests is None:
            return
        birth = _received(self._requests)
        if birth is None:
            self._refuse()
            return
        try:
            pid = fork(lambda: _child(birth), keep=(birth.pipe,))
        except OSError as error:
            log.error("no child can be forked", extra={"facts": {"reason": error}})
            birth.lifeline.close()
            return
        finally:
            os.close(birth.pipe)
        birth.lifeline.settimeout(0)
        _say(birth.lifeline, pid=pid)
        self._lifelines[pid] = birth.lifeline
        self._selector.register(birth.lifeline, selectors.EVENT_READ, pid)

    def _cut(self, pid: int) -> None:
        """End a child whose worker has let go of it; it is reaped when its end is told."""
        lifeline = self._lifelines.get(pid)
        if lifeline is not None:
            self._selector.unregister(lifeline)
            os.kill(pid, signal.SIGKILL)

    def _tell_end(self, pid: int, code: int) -> None:
        lifeline = self._lifelines.pop(pid, None)
        if lifeline is None:
            return
        with contextlib.suppress(KeyError):
            self._selector.unregister(lifeline)
        _say(lifeline, exit=code)
        lifeline.close()

    def _refuse(self) -> None:
        """Take no further request; what runs is looked after to its end."""
        if self._requests is not None:
            self._selector.unregister(self._requests)
            self._requests.close()
            self._requests = None


def main(descriptor: int, arguments: Sequence[str]) -> int:
    """Load the engine's libraries and serve.

    Parameters
    ----------
    descriptor
        Our end of the request socket.
    arguments
        Dotted name of the render function to have ready; the known engines' own if none.
    """
    die_with_parent(signal.SIGTERM, os.getppid())
    log_to_stderr(server="engine")
    for name in arguments or tuple(RENDERERS.values()):
        try:
            importlib.import_module(name.rpartition(".")[0])
        except ImportError as error:
            # A worker says better what is missing: its own fresh child fails on the same import.
            log.warning("library cannot be loaded", extra={"facts": {"reason": error}})
            return _UNSERVABLE
    if count_threads() != 1:
        log.warning("a library started threads", extra={"facts": {"threads": count_threads()}})
        return _UNSERVABLE
    # Collected once, then left alone: a collection in a child would copy every shared page.
    gc.collect()
    gc.freeze()
    EngineForkserver(socket.socket(fileno=descriptor)).serve()
    return 0


def _child(birth: _Birth) -> int:
    os.environ.update(birth.environ)
    return engine_child.main(birth.pipe, is_forked=True)


def _received(requests: socket.socket) -> _Birth | None:
    """Read one request; None once nobody is left to send any."""
    data, descriptors, _, _ = socket.recv_fds(requests, _MESSAGE_BYTES, 2)
    if not data:
        return None
    pipe, lifeline = descriptors
    return _Birth(pipe, socket.socket(fileno=lifeline), json.loads(data)["environ"])


def _say(lifeline: socket.socket, **body: Any) -> None:
    # The worker may be gone; its child is then cut, and nobody is left to tell.
    with contextlib.suppress(OSError):
        lifeline.send(json.dumps(body).encode())


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
