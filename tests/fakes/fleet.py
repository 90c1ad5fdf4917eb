"""A fleet whose machines are rows of a dictionary: it starts, lists, drains and loses workers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from apps.compute.providers.base import (
    ColdStart,
    Price,
    ProvidedWorker,
    ProviderUnavailable,
)
from apps.core import clock

LANE = "render-cpu-classical"


@dataclass
class FakeFleet:
    """A `FleetProvider` with real state and troubles on demand."""

    name: str = "fake"
    classes: Sequence[str] = ("cpu",)
    most: int = 10
    cold: ColdStart = field(default_factory=lambda: ColdStart(20.0, 40.0))
    running: dict[str, ProvidedWorker] = field(default_factory=dict)
    asked: list[tuple[str, Any]] = field(default_factory=list)
    is_away: bool = False
    refuses: int = 0
    """How many of the next launches it does not carry out."""
    dies_at_launch: bool = False
    """The conductor's process ends right before the machines are asked for."""
    names_its_own: bool = False
    listed_within_seconds: float = 20.0

    def worker_classes(self) -> Sequence[str]:
        self._answer()
        return self.classes

    def capacity(self, worker_class: str) -> int:
        self._answer()
        return self.most

    def workers(self) -> Sequence[ProvidedWorker]:
        self._answer()
        return list(self.running.values())

    def launch(
        self, worker_class: str, engine: str, *, names: Sequence[str], is_spot: bool = False
    ) -> Sequence[str]:
        if self.dies_at_launch:
            raise KeyboardInterrupt
        self._answer()
        self.asked.append(("launch", len(names)))
        started = []
        for name in names:
            if self.refuses:
                self.refuses -= 1
                continue
            actual = f"pod-{len(self.running)}" if self.names_its_own else name
            self.running[actual] = ProvidedWorker(
                actual, worker_class, engine, "starting", clock.now(), is_spot, place="here"
            )
            started.append(actual)
        return started

    def drain(self, worker: str) -> None:
        self._answer()
        self.asked.append(("drain", worker))
        if worker in self.running:
            self.running[worker] = replace(self.running[worker], state="draining")

    def terminate(self, worker: str) -> None:
        self._answer()
        self.asked.append(("terminate", worker))
        self.running.pop(worker, None)

    def eta(self, worker_class: str) -> ColdStart:
        return self.cold

    def price(self, worker_class: str, *, is_spot: bool = False) -> Price:
        return Price(minor_per_hour=360.0)

    def close(self) -> None:
        self.asked.append(("close", ""))

    def add(self, name: str, launched_at: datetime, worker_class: str = "cpu") -> None:
        """Run a worker that nobody here launched."""
        self.running[name] = ProvidedWorker(name, worker_class, "classical", "running", launched_at)

    def _answer(self) -> None:
        if self.is_away:
            raise ProviderUnavailable("the fleet's system is away")
