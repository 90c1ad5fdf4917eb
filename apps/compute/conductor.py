"""The conductor: dispatcher, relay, sweeper and autoscaler, each on a thread of its own.

Owns leadership, the threads and their end. A second conductor is a hot standby: it takes over
when the first one's lease has run out, or at once if it is known to be dead. A large installation
runs the loops in processes of their own; one that runs all of them stands by meanwhile.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

import structlog
from django.conf import settings
from django.db import connection

from apps.compute.autoscaler import Autoscaler
from apps.compute.dispatcher import Dispatcher
from apps.compute.loop import Loop, run_loop
from apps.compute.relay import Hearing, Relay
from apps.compute.services.faults import TRANSIENT
from apps.compute.services.leadership import Leadership
from apps.compute.sweeper import Sweeper

_log = structlog.get_logger(__name__)

_RENEW_SECONDS: Final = 1.0
_STANDBY_SECONDS: Final = 0.3
_GLANCE_SECONDS: Final = 0.05
_END_SECONDS: Final = 1.5
_FRESH_SECONDS: Final = 5.0
_ALL: Final = "conductor"
PARTS: Final = ("relay", "dispatcher", "autoscaler")
"""What may run in a process of its own. The sweeper stays with the relay: it believes a silence
only while that one listens."""


class Conductor:
    """Runs the loops until told to stop.

    Parameters
    ----------
    only
        One of `PARTS`, or empty for all of them.
    """

    def __init__(self, only: str = "") -> None:
        self._stop = threading.Event()
        self._is_asked_to_stop = False
        apart = [f"{_ALL}.{part}" for part in PARTS]
        self._leadership = (
            Leadership(f"{_ALL}.{only}", rivals=[_ALL]) if only else Leadership(rivals=apart)
        )
        self._autoscaler = Autoscaler() if only in ("", "autoscaler") else None
        loops = self._loops(only)
        self._threads = [
            threading.Thread(
                target=run_loop,
                args=(loop,),
                kwargs={"stop": self._stop, "leads": self._leadership.leads},
                name=loop.name,
                daemon=True,
            )
            for loop in loops
        ]

    def _loops(self, only: str) -> list[Loop]:
        loops: list[Loop] = []
        if only in ("", "relay"):
            hearing = Hearing()
            fresh = max(_FRESH_SECONDS, settings.WORKER_BEAT_SECONDS)
            loops += [Relay(hearing), Sweeper(lambda: hearing.seconds(freshness_seconds=fresh))]
        if only in ("", "dispatcher"):
            loops.append(Dispatcher())
        if self._autoscaler is not None:
            loops.append(self._autoscaler)
        return loops

    def stop(self) -> None:
        """Ask everything to end; safe in a signal handler."""
        # Not the event itself: its lock may be held by the very thread the signal interrupts.
        self._is_asked_to_stop = True

    def run(self, *, on_lead: Callable[[], None], on_standby: Callable[[], None]) -> bool:
        """Conduct until `stop`. Return False if a loop ended by itself.

        Parameters
        ----------
        on_lead, on_standby
            Called on every change of roles, and once at the start.
        """
        for thread in self._threads:
            thread.start()
        led: bool | None = None
        try:
            while not self._is_asked_to_stop:
                leads = self._renewed()
                if leads is not led:
                    (on_lead if leads else on_standby)()
                    led = leads
                if not all(thread.is_alive() for thread in self._threads):
                    return False
                self._pause(_RENEW_SECONDS if leads else _STANDBY_SECONDS)
            return True
        finally:
            self._end()

    def _pause(self, seconds: float) -> None:
        ends_at = time.monotonic() + seconds
        while not self._is_asked_to_stop and time.monotonic() < ends_at:
            time.sleep(_GLANCE_SECONDS)

    def _renewed(self) -> bool:
        try:
            return self._leadership.renew()
        except TRANSIENT as error:
            _log.warning("lead_not_renewed", error=str(error))
            connection.close()
            return self._leadership.leads()

    def _end(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(_END_SECONDS / len(self._threads))
        try:
            self._leadership.give_up()
        except TRANSIENT as error:
            _log.warning("lead_not_given_up", error=str(error))
        if self._autoscaler is not None:
            self._autoscaler.close()
        connection.close()
