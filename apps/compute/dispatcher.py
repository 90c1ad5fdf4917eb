"""The dispatcher's loop: wait for a ring, look, decide, apply."""

from __future__ import annotations

import time

from apps.compute.policy.decisions import Decisions
from apps.compute.services import dispatching
from apps.compute.snapshots import Mirror
from apps.compute.snapshots.mirror import MOST_BATCHES
from apps.core import clock, queue

_LOOK_SECONDS = 0.5
"""Without a ring the backlog is looked at this often: a lost ring costs no more."""
_WAIT_SECONDS = 0.25
"""One wait: how long the end of the process may be held up."""
_SHORT_SECONDS = 0.01


class Dispatcher:
    """Moves work from the backlog to the workers."""

    name = "dispatcher"

    def __init__(self) -> None:
        self._client = queue.connection()
        self._mirror = Mirror()
        self._look_at = 0.0

    def prepare(self) -> None:
        """Find out whether Redis is there, before anything is dispatched into it."""
        # Somebody else may have led meanwhile, or a transaction's end is unknown.
        self._mirror.forget()
        self._client.ping()
        self._dispatch()

    def step(self) -> None:
        """Wait for a ring and dispatch what may go out."""
        patience = max(0.0, min(_WAIT_SECONDS, self._look_at - time.monotonic()))
        # Redis waits for ever if told to wait for 0 seconds.
        rang = patience > 0.0 and queue.wait_for_wake(self._client, max(patience, _SHORT_SECONDS))
        if rang or time.monotonic() >= self._look_at:
            self._dispatch()

    def _dispatch(self) -> None:
        decisions = dispatch(self._mirror)
        soon = _LOOK_SECONDS
        if len(decisions.batches) >= MOST_BATCHES or decisions.moves:
            soon = 0.0
        elif decisions.look_again_at is not None:
            soon = min(soon, decisions.look_again_at - clock.now().timestamp())
        self._look_at = time.monotonic() + soon


def dispatch(mirror: Mirror) -> Decisions:
    """Dispatch what may go out now, and return what was decided."""
    mirror.refresh()
    decisions = mirror.decide(clock.now().timestamp())
    if decisions.batches or decisions.shares or decisions.moves:
        mirror.went(decisions, dispatching.apply(decisions))
    return decisions
