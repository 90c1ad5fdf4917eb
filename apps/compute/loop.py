"""What the loops of the conductor have in common: leadership, patience, and a clean end.

Owns the rhythm of a loop: it runs only while this process leads, it outlives a database or Redis
that is away with growing pauses, and it says so once for each change. What it does is its own.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final, Protocol

import structlog
from django.db import close_old_connections, connection

from apps.compute.services.faults import TRANSIENT

_log = structlog.get_logger(__name__)

_FIRST_PAUSE_SECONDS: Final = 0.1
_LONGEST_PAUSE_SECONDS: Final = 2.0
_STANDBY_SECONDS: Final = 0.1
_RECYCLE_SECONDS: Final = 60.0


class Loop(Protocol):
    """One loop; its methods run on one thread of their own."""

    name: str

    def prepare(self) -> None:
        """Get ready: called when leadership begins and after every trouble."""

    def step(self) -> None:
        """Do one round; block at most about half a second."""


def run_loop(loop: Loop, *, stop: threading.Event, leads: Callable[[], bool]) -> None:
    """Run a loop until `stop` is set.

    Errors that pass by themselves are waited out; any other ends the loop, and the process with
    it, so that a supervisor starts afresh.
    """
    ready = False
    failures = 0
    recycled_at = time.monotonic()
    try:
        while not stop.is_set():
            if not leads():
                ready = False
                stop.wait(_STANDBY_SECONDS)
                continue
            try:
                if not ready:
                    loop.prepare()
                    ready = True
                loop.step()
            except TRANSIENT as error:
                failures += 1
                ready = False
                if failures == 1:
                    _log.warning(
                        "loop_waits", loop=loop.name, error=f"{type(error).__name__}: {error}"
                    )
                connection.close()
                stop.wait(min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2**failures))
                continue
            if failures:
                _log.info("loop_resumes", loop=loop.name, failures=failures)
                failures = 0
            if time.monotonic() - recycled_at > _RECYCLE_SECONDS:
                recycled_at = time.monotonic()
                close_old_connections()
    finally:
        connection.close()
