"""The local fleet: real worker processes on this machine, one for each CPU slot or GPU.

Owns nothing but the asking: the fork server (``python -m gpu_workers serve``, started by
``manage.py up``) holds the processes and knows the machine's slots, so every conductor that comes
to lead sees the same workers. Times are seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from django.conf import settings

from apps.compute import wire
from apps.compute.providers.base import ColdStart, Price, ProvidedWorker, ProviderUnavailable

_PLACE: Final = "this machine"
# Forked on two busy cores: 0.04 s; a GPU worker starts from nothing and loads its weights.
_CPU_START: Final = ColdStart(p50_seconds=0.3, p95_seconds=2.0)
_GPU_START: Final = ColdStart(p50_seconds=20.0, p95_seconds=60.0)


class LocalFleet:
    """The `FleetProvider` of the fork server that serves a folder."""

    name = "local"
    listed_within_seconds = 20.0

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def worker_classes(self) -> Sequence[str]:
        """Return the classes this machine has slots for.

        Raises
        ------
        ProviderUnavailable
            If the fork server does not answer.
        """
        return sorted(self._ask({"do": "list"})["capacity"])

    def capacity(self, worker_class: str) -> int:
        """Return how many slots this machine has for a class.

        Raises
        ------
        ProviderUnavailable
            If the fork server does not answer.
        """
        return int(self._ask({"do": "list"})["capacity"].get(worker_class, 0))

    def workers(self) -> Sequence[ProvidedWorker]:
        """List every worker process that has not ended.

        Raises
        ------
        ProviderUnavailable
            If the fork server does not answer.
        """
        return [
            ProvidedWorker(
                worker=row["worker"],
                worker_class=row["worker_class"],
                engine=row["engine"],
                state=row["state"],
                launched_at=datetime.fromtimestamp(row["launched_at"], UTC),
                place=f"GPU {row['device']}" if row["device"] else _PLACE,
                pid=row["pid"],
            )
            for row in self._ask({"do": "list"})["workers"]
        ]

    def launch(
        self, worker_class: str, engine: str, *, names: Sequence[str], is_spot: bool = False
    ) -> Sequence[str]:
        """Start a worker under each name while there are slots; those that run count as started.

        Raises
        ------
        ProviderUnavailable
            If the fork server does not answer or refuses; some may have been started.
        """
        request = {
            "do": "launch",
            "worker_class": worker_class,
            "engine": engine,
            "names": list(names),
        }
        return [str(name) for name in self._ask(request)["started"]]

    def drain(self, worker: str) -> None:
        """Let a worker finish its batch, take no other, and leave; idempotent."""
        self._ask({"do": "drain", "worker": worker})

    def terminate(self, worker: str) -> None:
        """Kill a worker, whatever it does; idempotent."""
        self._ask({"do": "terminate", "worker": worker})

    def eta(self, worker_class: str) -> ColdStart:
        """Return how long a launch takes, before anything was measured."""
        return _CPU_START if worker_class == "cpu" else _GPU_START

    def price(self, worker_class: str, *, is_spot: bool = False) -> Price:
        """Return nothing: the machine is there, whether its workers run or not."""
        return Price(minor_per_hour=0.0)

    def close(self) -> None:
        """Let go; the workers keep running under their fork server."""

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        try:
            answer = wire.ask_fork_server(self._folder, request)
        except wire.NobodyServes as error:
            raise ProviderUnavailable(
                f"{error}; `manage.py up` starts one, or run "
                f"`python -m gpu_workers serve {self._folder}`"
            ) from error
        if not answer.get("ok"):
            raise ProviderUnavailable(f"the fork server refuses: {answer.get('reason')}")
        return answer


def build() -> LocalFleet:
    """Return the fleet whose fork server serves the folder of this installation."""
    return LocalFleet(settings.VAR_DIR / "fleet")
