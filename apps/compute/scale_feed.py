"""What happened to work since the autoscaler last looked, read from the rows by their times.

Owns the queries and the memory that tells each thing once. Decides nothing and writes nothing.
Instants are seconds since the epoch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from apps.compute.models import WorkItem
from apps.compute.snapshots import Estimates
from apps.tenants.scope import across_tenants

LATE_SECONDS: Final = 15.0
"""Rows are read again for so long: an order's time is taken before its transaction commits."""
SIZE_FIELDS: Final = ("kind", "engine", "worker_class", "cost_units")
"""What `p50_seconds` needs of a row."""


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened to one work item."""

    at: float
    what: Literal["arrived", "started", "ended"]
    worker_class: str
    tenant: str
    seconds: float
    """Estimated p50 service time at an arrival, the wait at a start, the service time at an end."""
    worker: str = ""
    began_at: float = 0.0
    """Of what ended."""


class HappeningReader:
    """Tells what happened since it was last asked, each thing once, in the order of time."""

    def __init__(self) -> None:
        self._told: dict[tuple[str, str, int], float] = {}
        self._since: datetime | None = None

    @property
    def since(self) -> datetime | None:
        """Until when it has told; None before the first time."""
        return self._since

    def read(self, now: datetime, *, back_seconds: float) -> list[Happening]:
        """Return what is new; the first time, what happened in the last `back_seconds`."""
        late = timedelta(seconds=LATE_SECONDS)
        since = self._since - late if self._since else now - timedelta(seconds=back_seconds)
        with across_tenants("the autoscaler sees what all tenants ask for"):
            found = list(self._happenings(since))
        self._since = now
        forget = (now - 2 * late).timestamp()
        self._told = {key: at for key, at in self._told.items() if at >= forget}
        return sorted(found, key=lambda one: (one.at, one.what, one.worker, one.tenant))

    def _happenings(self, since: datetime) -> Iterable[Happening]:
        estimates = Estimates()
        fields = ("id", "tenant_id", "attempt", "queued_at", "started_at", *SIZE_FIELDS)
        for row in WorkItem.objects.filter(queued_at__gt=since).values(*fields).iterator():
            if self._is_new(row, "arrived", 0, row["queued_at"]):
                yield _told(row, "arrived", row["queued_at"], p50_seconds(row, estimates))
        running = WorkItem.objects.filter(state=WorkItem.State.RUNNING, started_at__gt=since)
        more = (*fields, "worker", "finished_at", "service_seconds")
        ended = WorkItem.objects.filter(finished_at__gt=since, started_at__isnull=False)
        for rows in (running, ended):
            for row in rows.values(*more).iterator():
                if row["started_at"] > since and self._is_new(
                    row, "started", row["attempt"], row["started_at"]
                ):
                    wait = (row["started_at"] - row["queued_at"]).total_seconds()
                    yield _told(row, "started", row["started_at"], max(0.0, wait))
                seconds = row["service_seconds"]
                if seconds is not None and self._is_new(row, "ended", 0, row["finished_at"]):
                    yield _told(row, "ended", row["finished_at"], seconds)

    def _is_new(self, row: Mapping[str, Any], what: str, attempt: int, at: datetime) -> bool:
        key = (row["id"], what, attempt)
        if key in self._told:
            return False
        self._told[key] = at.timestamp()
        return True


def p50_seconds(row: Mapping[str, Any], estimates: Estimates) -> float:
    """Return how long such work takes as often as not."""
    return estimates.of(
        kind=row["kind"],
        engine=row["engine"],
        worker_class=row["worker_class"],
        units=row["cost_units"],
    ).p50


def _told(
    row: Mapping[str, Any],
    what: Literal["arrived", "started", "ended"],
    at: datetime,
    seconds: float,
) -> Happening:
    began_at = row["started_at"] or at
    return Happening(
        at=at.timestamp(),
        what=what,
        worker_class=row["worker_class"],
        tenant=row["tenant_id"],
        seconds=seconds,
        worker=row.get("worker", ""),
        began_at=began_at.timestamp(),
    )
