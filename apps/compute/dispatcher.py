"""The dispatcher's loop: wait for a ring, look, decide, apply."""

from __future__ import annotations

import time

from apps.compute import snapshots
from apps.compute.policy.dispatching import decide_dispatch
from apps.compute.services import dispatching
from apps.core import clock, queue

_LOOK_SECONDS = 0.5
"""Without a ring the backlog is looked at this often: a lost ring costs no more."""
_WAIT_SECONDS = 0.25
"""One wait: how long the end of the process may be held up."""


class Dispatcher:
    """Moves work from the backlog to the workers."""

    name = "dispatcher"

    def __init__(self) -> None:
        self._client = queue.connection()
        self._looked_at = 0.0

    def prepare(self) -> None:
        """Find out whether Redis is there, before anything is dispatched into it."""
        self._client.ping()
        dispatch()

    def step(self) -> None:
        """Wait for a ring and dispatch what may go out."""
        rang = queue.wait_for_wake(self._client, _WAIT_SECONDS)
        if rang or time.monotonic() - self._looked_at >= _LOOK_SECONDS:
            self._looked_at = time.monotonic()
            dispatch()


def dispatch() -> int:
    """Dispatch what may go out now. Return how many batches."""
    snapshot = snapshots.dispatch_snapshot()
    decisions = decide_dispatch(snapshot, clock.now().timestamp())
    if not decisions.batches and not decisions.shares:
        return 0
    return dispatching.apply(decisions)
