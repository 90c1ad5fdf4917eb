"""The fleet provider of a Ray cluster.

Owns the translation between the fleet's words and the cluster's: a worker is a named, detached
actor that keeps one ordinary worker process on some machine. Never imports Ray: a child process
does (`driver_process`), so that a lost head costs the conductor nothing. Keeps no state: actors
and the notes beside them tell everything, to whichever conductor asks.

Nothing here is told of a machine that is cut off from the head. Its workers go on beating and
rendering until their raylet gives up (a minute) and are then asked to leave; until then they are
not listed, and so not paid for.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Protocol

import structlog
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from apps.compute.providers.base import ColdStart, Price, ProvidedWorker
from apps.compute.providers.ray_fleet.driver_process import DriverProcess, driver_command
from apps.compute.providers.ray_fleet.slots import (
    Amounts,
    Machine,
    Tenure,
    capacity,
    parse_slots,
)
from config.queues import WORKER_CLASSES

_ETA: Final = ColdStart(p50_seconds=4.0, p95_seconds=15.0)
_PASSED_ON: Final = (
    "PACKSHOT_WORKER_",
    "PACKSHOT_ENGINE_",
    "PACKSHOT_CALIBRATED_",
    "PACKSHOT_SEGMENTER",
    "PACKSHOT_ALLOW_MODELS",
)

_log = structlog.get_logger(__name__)


class Driver(Protocol):
    """Whoever does in the cluster what it is asked."""

    def ask(self, call: str, **arguments: object) -> Any:
        """Do it and return the answer; raises `ProviderUnavailable`."""

    def close(self) -> None:
        """Let go of the cluster."""


class RayFleet:
    """Workers as actors of a Ray cluster.

    Parameters
    ----------
    slots
        What a worker of each class takes of a machine.
    prices
        Minor units an hour, by class.
    environ
        Settings every worker is started with.
    """

    name = "ray"
    listed_within_seconds = 20.0

    def __init__(
        self,
        driver: Driver,
        *,
        slots: Mapping[str, Amounts],
        prices: Mapping[str, float],
        environ: Mapping[str, str],
    ) -> None:
        self._driver = driver
        self._slots = slots
        self._prices = prices
        self._environ = environ

    def worker_classes(self) -> Sequence[str]:
        """Return the classes that have a slot."""
        return list(self._slots)

    def capacity(self, worker_class: str) -> int:
        """Return how many workers of a class the machines of now can carry beside all others."""
        state = self._state()
        machines = [
            Machine(
                place=each["place"],
                resources=each["resources"],
                available=each["available"],
                is_spot=each["is_spot"],
            )
            for each in state["machines"]
        ]
        tenures = [
            Tenure(worker_class=each["worker_class"], place=each.get("place", ""))
            for each in state["workers"]
        ]
        return capacity(worker_class, self._slots, machines, tenures)

    def workers(self) -> Sequence[ProvidedWorker]:
        """List every worker that has an actor; one that waits for a machine is starting."""
        return [_read_worker(each) for each in self._state()["workers"]]

    def launch(
        self, worker_class: str, engine: str, *, names: Sequence[str], is_spot: bool = False
    ) -> Sequence[str]:
        """Ask for an actor for each name; an actor waits where no machine has a slot."""
        about = {"worker_class": worker_class, "engine": engine, "is_spot": is_spot}
        environ = {
            **self._environ,
            "PACKSHOT_WORKER_CLASS": worker_class,
            "PACKSHOT_WORKER_ENGINE": engine,
        }
        started: list[str] = self._driver.ask(
            "launch",
            names=list(names),
            about=about,
            slot=dict(self._slots[worker_class]),
            environ=environ,
        )
        return started

    def drain(self, worker: str) -> None:
        """Let a worker finish its batch and leave; its actor and slot go with it."""
        self._driver.ask("drain", worker=worker)

    def terminate(self, worker: str) -> None:
        """End a worker's processes and its actor."""
        self._driver.ask("terminate", worker=worker)

    def eta(self, worker_class: str) -> ColdStart:
        """Return what was measured for a CPU worker on machines that are there."""
        return _ETA

    def price(self, worker_class: str, *, is_spot: bool = False) -> Price:
        """Return the price of a slot, as the operator stated it."""
        return Price(minor_per_hour=self._prices.get(worker_class, 0.0))

    def close(self) -> None:
        """Leave the cluster; the workers stay."""
        self._driver.close()

    def _state(self) -> dict[str, Any]:
        state: dict[str, Any] = self._driver.ask("workers")
        for end in state["ended"]:
            log = _log.info if end.get("ended") == 0 else _log.warning
            log(
                "ray_worker_ended",
                worker=end["worker"],
                place=end.get("place", ""),
                status=end.get("ended", "lost with its machine or its actor"),
            )
        return state


def _read_worker(note: Mapping[str, Any]) -> ProvidedWorker:
    is_running = "pid" in note
    return ProvidedWorker(
        worker=note["worker"],
        worker_class=note["worker_class"],
        engine=note["engine"],
        state="draining" if note.get("drains") else ("running" if is_running else "starting"),
        launched_at=datetime.fromtimestamp(note["launched_at"], UTC),
        is_spot=note["is_spot"],
        place=note.get("place", ""),
        pid=note.get("pid", 0),
    )


def build() -> RayFleet:
    """Return the fleet that the settings describe.

    Raises
    ------
    ImproperlyConfigured
        If a setting cannot be used; the message names the variable and the cure.
    """
    address = settings.RAY_ADDRESS
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise ImproperlyConfigured(
            f"PACKSHOT_RAY_ADDRESS={address!r} is not the head's address; write it like "
            "10.0.0.5:6379"
        )
    try:
        slots = parse_slots(settings.RAY_SLOTS, WORKER_CLASSES)
    except ValueError as error:
        raise ImproperlyConfigured(f"PACKSHOT_RAY_SLOTS: {error}") from error
    return RayFleet(
        DriverProcess(address, driver_command(address)),
        slots=slots,
        prices=settings.RAY_PRICES_MINOR_PER_HOUR,
        environ=worker_environ(os.environ),
    )


def worker_environ(ours: Mapping[str, str]) -> dict[str, str]:
    """Return the settings that a worker on another machine takes over from the conductor."""
    passed = {name: value for name, value in ours.items() if name.startswith(_PASSED_ON)}
    passed.pop("PACKSHOT_WORKER_NAME", None)
    return {
        **passed,
        "PACKSHOT_REDIS_URL": settings.REDIS_URL,
        "PACKSHOT_STORAGE_URL": settings.STORAGE_URL,
        "PACKSHOT_WORKER_BEAT_SECONDS": str(settings.WORKER_BEAT_SECONDS),
    }
