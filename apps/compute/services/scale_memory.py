"""What the autoscaler remembers between two looks.

Owns nothing that matters: a new leader begins with empty memories and reads the rows again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from apps.compute.models import ScaleDecision, WorkerLife
from apps.compute.policy.fleet import ScaleDecision as Decided
from apps.compute.providers.base import FleetProvider, ProvidedWorker, ProviderUnavailable
from apps.compute.scale_feed import LATE_SECONDS, Happening
from apps.compute.services import ledger
from apps.compute.services.ledger import NOTHING_DONE, WorkDone

_log = structlog.get_logger(__name__)

HEARTBEAT: Final = timedelta(minutes=5)
"""A decision that changes nothing is logged this often."""


class FleetMemory:
    """The last that a provider said: its workers and what it can carry."""

    def __init__(self, provider: FleetProvider) -> None:
        self._provider = provider
        self._capacities: dict[str, int] = {}
        self._is_away = False
        self.workers: Mapping[str, ProvidedWorker] = {}

    def heard(self, workers: Sequence[ProvidedWorker]) -> None:
        """Remember a list of its workers."""
        self.workers = {worker.worker: worker for worker in workers}
        if self._is_away:
            self._is_away = False
            _log.info("fleet_answers_again", fleet=self._provider.name)

    def failed(self, error: ProviderUnavailable) -> None:
        """Say once that it does not answer."""
        if not self._is_away:
            self._is_away = True
            _log.warning("fleet_unavailable", fleet=self._provider.name, error=str(error))

    def worker_classes(self) -> Sequence[str]:
        """Return the classes it can launch, none while it does not answer."""
        try:
            return self._provider.worker_classes()
        except ProviderUnavailable as error:
            self.failed(error)
            return ()

    def capacity(self, worker_class: str) -> int | None:
        """Return what it can carry, as of the last time it answered; None if it never did."""
        try:
            self._capacities[worker_class] = self._provider.capacity(worker_class)
        except ProviderUnavailable as error:
            self.failed(error)
        return self._capacities.get(worker_class)


class WorkSums:
    """What each worker has done in its life, summed from what is told."""

    def __init__(self) -> None:
        self._counted_until = 0.0
        self._done: dict[str, WorkDone] = {}

    def begin(self, now: datetime) -> None:
        """Sum anew from the rows; what ended in the last seconds is still going to be told."""
        until = now - timedelta(seconds=LATE_SECONDS)
        lives = list(WorkerLife.objects.filter(released_at__isnull=True))
        self._done = ledger.work_of(lives, until=until)
        self._counted_until = until.timestamp()

    def add(self, happenings: Iterable[Happening]) -> dict[str, WorkDone]:
        """Add what ended. Return the sums that changed."""
        changed: dict[str, WorkDone] = {}
        for one in happenings:
            if one.what != "ended" or not one.worker or one.at <= self._counted_until:
                continue
            before = self._done.get(one.worker, NOTHING_DONE)
            changed[one.worker] = self._done[one.worker] = before.plus(
                _instant(one.began_at), _instant(one.at), one.seconds
            )
        return changed


@dataclass(frozen=True, slots=True)
class LogMark:
    """What of a decision makes it worth a new row."""

    at: datetime
    target: int
    parts: frozenset[str]
    """Whose answer is the target, and what keeps the target from being reached."""

    @classmethod
    def of(cls, decided: Decided, now: datetime) -> LogMark:
        """Return the mark of a decision."""
        parts = ((reason.part, reason.workers) for reason in decided.reasons)
        return cls(now, decided.target, _telling(parts, decided.target))

    @classmethod
    def last(cls, worker_class: str) -> LogMark | None:
        """Return the mark of the last logged decision of a class."""
        rows = ScaleDecision.objects.filter(worker_class=worker_class).defer("view")
        row = rows.order_by("-decided_at", "-id").first()
        if row is None:
            return None
        parts = ((reason["part"], reason["workers"]) for reason in row.reasons)
        return cls(row.decided_at, row.target, _telling(parts, row.target))

    def covers(self, later: LogMark) -> bool:
        """Return whether a later decision says nothing new."""
        return (
            later.target == self.target
            and later.parts == self.parts
            and later.at - self.at < HEARTBEAT
        )


def _telling(parts: Iterable[tuple[str, int]], target: int) -> frozenset[str]:
    return frozenset(part for part, workers in parts if workers == target or part == "hold")


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, tz=UTC)
