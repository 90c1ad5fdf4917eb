"""The sweeper's loop: gives up silent workers, looks after expired leases, forgets old logs."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.conf import settings

from apps.compute.services import fleet, history, sweeping
from apps.core import clock

_WAIT_SECONDS = 0.25
_FORGET_SECONDS = 3600.0
_LONGEST_INTERVAL_SECONDS = 1.0


class Sweeper:
    """Finds what was lost.

    Parameters
    ----------
    hearing_seconds
        Returns how long reports have been heard without a gap, 0 if they are not: silence proves
        nothing while nobody listens.
    """

    name = "sweeper"

    def __init__(self, hearing_seconds: Callable[[], float]) -> None:
        self._hearing_seconds = hearing_seconds
        self._swept_at = 0.0
        self._forgot_at = time.monotonic()

    def prepare(self) -> None:
        """Nothing to prepare."""

    def step(self) -> None:
        """Sweep if it is time."""
        interval = min(_LONGEST_INTERVAL_SECONDS, settings.WORKER_BEAT_SECONDS)
        if time.monotonic() - self._swept_at < interval:
            time.sleep(min(_WAIT_SECONDS, interval))
            return
        self._swept_at = time.monotonic()
        if self._hearing_seconds() < 2 * settings.WORKER_BEAT_SECONDS:
            return
        fleet.sweep_workers()
        sweeping.sweep_leases()
        if time.monotonic() - self._forgot_at > _FORGET_SECONDS:
            self._forgot_at = time.monotonic()
            history.forget_old(clock.now())
