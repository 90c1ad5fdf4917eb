"""Workers that somebody else starts: by hand, by systemd, by an image on a GPU host.

Owns nothing: it lists whoever reports, so that the ledger and the log of decisions are kept for
such a fleet too, and it launches and drains nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from apps.compute.models import Worker
from apps.compute.providers.base import ColdStart, Price, ProvidedWorker, ProviderUnavailable

_BOUND: Final = 32
"""What the recorded decisions may dream of; the operator's own limits come first."""


class StaticFleet:
    """The `FleetProvider` of a fleet that is not ours to change."""

    name = "static"
    listed_within_seconds = 20.0

    def worker_classes(self) -> Sequence[str]:
        """Return the classes somebody reports from."""
        alive = Worker.objects.exclude(state=Worker.State.GONE)
        return sorted(set(alive.values_list("worker_class", flat=True)))

    def capacity(self, worker_class: str) -> int:
        """Return a number that bounds nothing: how far this fleet can grow is not known."""
        return _BOUND

    def workers(self) -> Sequence[ProvidedWorker]:
        """List every worker that reports."""
        return [
            ProvidedWorker(
                worker=row.name,
                worker_class=row.worker_class,
                engine=row.engine,
                state="draining" if row.state == Worker.State.DRAINING else "running",
                launched_at=row.started_at,
                place=row.host,
                pid=row.pid,
            )
            for row in Worker.objects.exclude(state=Worker.State.GONE).order_by("name")
        ]

    def launch(
        self, worker_class: str, engine: str, *, names: Sequence[str], is_spot: bool = False
    ) -> Sequence[str]:
        """Refuse: nobody is asked to launch here.

        Raises
        ------
        ProviderUnavailable
            Always.
        """
        raise ProviderUnavailable("a static fleet is started by its operator, not by Packshot")

    def drain(self, worker: str) -> None:
        """Refuse, as `launch` does."""
        raise ProviderUnavailable("a static fleet is drained by its operator, not by Packshot")

    def terminate(self, worker: str) -> None:
        """Refuse, as `launch` does."""
        raise ProviderUnavailable("a static fleet is ended by its operator, not by Packshot")

    def eta(self, worker_class: str) -> ColdStart:
        """Return what starting a worker by hand is believed to take."""
        return ColdStart(p50_seconds=60.0, p95_seconds=180.0)

    def price(self, worker_class: str, *, is_spot: bool = False) -> Price:
        """Return nothing: what the operator's machines cost is not known here."""
        return Price(minor_per_hour=0.0)

    def close(self) -> None:
        """Nothing to let go of."""


def build() -> StaticFleet:
    """Return the fleet."""
    return StaticFleet()
