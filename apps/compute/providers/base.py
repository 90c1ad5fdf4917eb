"""What every kind of fleet can do: the protocol between the autoscaler and real machines.

Owns the words; each provider owns its own system. A provider keeps no state that matters: after a
restart `workers` tells the truth again. Methods may block for a few seconds and are called from
the autoscaler's thread only. Instants are aware datetimes, durations seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol


class ProviderUnavailable(Exception):
    """The fleet's system does not answer now; nothing is known about what happened."""


@dataclass(frozen=True, slots=True)
class ProvidedWorker:
    """A worker as its provider sees it; it is paid for as long as it is listed."""

    worker: str
    """The worker's name: the one it reports under (``PACKSHOT_WORKER_NAME``)."""
    worker_class: str
    engine: str
    state: Literal["starting", "running", "draining"]
    launched_at: datetime
    is_spot: bool = False
    place: str = ""
    """Host, node or pod, for people."""
    pid: int = 0
    """Process id, where the provider knows it; otherwise 0."""


@dataclass(frozen=True, slots=True)
class ColdStart:
    """How long a launch takes until the first order, in seconds."""

    p50_seconds: float
    p95_seconds: float


@dataclass(frozen=True, slots=True)
class Price:
    """What a worker costs from launch to release; money in minor units of `currency`."""

    minor_per_hour: float
    currency: str = "EUR"


class FleetProvider(Protocol):
    """Starts, drains and ends workers of the classes it serves."""

    name: str
    listed_within_seconds: float
    """How long a launch may take to appear in `workers`; after that it never came."""

    def worker_classes(self) -> Sequence[str]:
        """Return the classes it can launch."""

    def capacity(self, worker_class: str) -> int:
        """Return how many workers of a class it can run at most, now."""

    def workers(self) -> Sequence[ProvidedWorker]:
        """List every worker it started that has not ended.

        Raises
        ------
        ProviderUnavailable
            If that cannot be known now; it never answers with a part.
        """

    def launch(
        self, worker_class: str, engine: str, *, names: Sequence[str], is_spot: bool = False
    ) -> Sequence[str]:
        """Start workers, as many as there are names. Return the names that were started, in order.

        A fleet that can name its workers uses these names, and one that already runs counts as
        started: launching is idempotent. A fleet whose system names them itself (Kubernetes)
        returns the names it was given there: only the answer and `workers` tell who was started.
        Fewer may be returned than were asked for, and those may still appear in `workers` later.
        """

    def drain(self, worker: str) -> None:
        """Let a worker finish its batch, take no other, and leave; idempotent."""

    def terminate(self, worker: str) -> None:
        """End a worker now, whatever it does; idempotent."""

    def eta(self, worker_class: str) -> ColdStart:
        """Return how long a launch takes, before anything was measured."""

    def price(self, worker_class: str, *, is_spot: bool = False) -> Price:
        """Return what a worker of the class costs."""

    def close(self) -> None:
        """Let go of the provider; workers that should outlive the conductor keep running."""
