"""The life of an attempt: dispatched, started, ended or lost.

Owns every change of state after a work item was accepted, cancellation apart. Each change is
fenced by (work item, attempt, state), so that a report that comes twice, late or from a worker that
was given up changes nothing. Reports are taken in by the handful: one transaction for all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Literal

import structlog
from django.db.models import Q

from apps.compute.models import WorkItem
from apps.compute.services import attempts, movements, results
from apps.compute.services.faults import TRANSIENT
from apps.compute.services.movements import Step
from apps.core import clock
from apps.tenants.scope import across_tenants

_log = structlog.get_logger(__name__)


class ResultRefused(Exception):
    """A receiver raised when it was given a result; the transaction was rolled back."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a worker said of an attempt."""

    word: Literal["started", "succeeded", "failed", "released"]
    work_item: str
    attempt: int
    worker: str
    code: str = ""
    detail: str = ""
    retryable: bool = False


def take_in(said: Sequence[Said]) -> int:
    """Take in what workers said, in the order they said it. Return how much of it was news.

    Manifests in storage are read under the key of the current attempt: what a report says about a
    result is not asked. A success without a readable manifest is a failed try; one whose storage
    does not answer is left to the sweeper. All that is said of different items is one transaction.

    Raises
    ------
    Exception
        Whatever a receiver raises; what was said in the same breath is then not taken in either.
    """
    return sum(len(movements.commit(_steps(breath))) for breath in _breaths(said))


def extend_leases(*, worker: str, running: Sequence[tuple[str, int]]) -> int:
    """Note that a worker holds these attempts and lives. Return how many are still its own."""
    if not running:
        return 0
    held = reduce(or_, (Q(pk=work_item, attempt=attempt) for work_item, attempt in running))
    with across_tenants("a heartbeat names the attempts of all tenants on its worker"):
        return WorkItem.objects.filter(held, state__in=WorkItem.IN_FLIGHT).update(
            worker=worker, lease_expires_at=attempts.lease_end(clock.now())
        )


def complete_from_storage(item: WorkItem) -> bool:
    """Finish an attempt whose report was lost, if its manifest lies in storage.

    Raises
    ------
    ResultRefused
        If a receiver cannot take the result in.
    StorageUnreadable
        If storage does not answer, so that nothing can be said.
    """
    try:
        result = results.read(item)
    except results.ManifestUnreadable as error:
        _log.warning("manifest_unreadable", work_item=item.pk, error=str(error))
        return False
    if result is None:
        return False
    try:
        return bool(
            movements.commit(
                [attempts.success(item, clock.now(), worker=item.worker, result=result)]
            )
        )
    except TRANSIENT:
        raise
    except Exception as error:
        raise ResultRefused(str(error)) from error


def end_attempt(
    item: WorkItem,
    *,
    worker: str,
    code: str,
    detail: str,
    retryable: bool,
    counted: bool,
    only_expired: bool = False,
    pause_seconds: float = 0.0,
    limit: int = attempts.MAX_TRIES,
) -> bool:
    """End the current attempt without a result and put the item back or fail it.

    Parameters
    ----------
    counted
        Whether this was a try; attempts lost to scale-in or to the queue are none, and cost the
        tenant nothing of its share.
    only_expired
        Leave it alone if a heartbeat has renewed the lease meanwhile.
    pause_seconds
        How long it then waits before it may be dispatched again.
    limit
        Counted tries after which no other follows.

    Returns
    -------
    Whether the attempt was still the current one.
    """
    step = attempts.ending(
        item,
        clock.now(),
        worker=worker,
        code=code,
        detail=detail,
        retryable=retryable,
        counted=counted,
        only_expired=only_expired,
        pause_seconds=pause_seconds,
        limit=limit,
    )
    return bool(movements.commit([step]))


def put_back(items: Iterable[WorkItem]) -> int:
    """Put back what was dispatched and never reached the queue; it costs nothing."""
    now = clock.now()
    return len(movements.commit([attempts.uncounted(item, now, worker="") for item in items]))


def subjects_of(work_items: Iterable[str]) -> dict[str, tuple[str, str, int]]:
    """Return tenant, render and current attempt of items in flight, for progress."""
    with across_tenants("progress names a work item; its tenant is read from the row"):
        return {
            pk: (tenant, subject, attempt)
            for pk, tenant, subject, attempt in WorkItem.objects.filter(
                pk__in=list(work_items), state__in=WorkItem.IN_FLIGHT
            ).values_list("pk", "tenant_id", "subject", "attempt")
        }


def _breaths(said: Sequence[Said]) -> list[list[Said]]:
    """Split so that each item is named once in a breath and the order of each item is kept."""
    breaths: list[list[Said]] = []
    turns: dict[str, int] = {}
    for each in said:
        turn = turns.get(each.work_item, 0)
        turns[each.work_item] = turn + 1
        if turn == len(breaths):
            breaths.append([])
        breaths[turn].append(each)
    return breaths


def _steps(breath: Sequence[Said]) -> list[Step]:
    with across_tenants("reports name work items; their tenants are read from the rows"):
        items = WorkItem.objects.defer("order").in_bulk([each.work_item for each in breath])
    # One instant for all, so that rows which change alike are written together.
    now = clock.now()
    steps = []
    for each in breath:
        item = items.get(each.work_item)
        if item is None or item.attempt != each.attempt or item.state not in WorkItem.IN_FLIGHT:
            _log_stale(each, item)
            continue
        step = _step(item, each, now)
        if step is not None:
            steps.append(step)
    return steps


def _step(item: WorkItem, said: Said, now: datetime) -> Step | None:
    match said.word:
        case "started":
            return attempts.start(item, now, worker=said.worker)
        case "succeeded":
            return _success_or_failure(item, now, worker=said.worker)
        case "released":
            return attempts.uncounted(item, now, worker=said.worker)
        case "failed":
            return attempts.failure(
                item,
                now,
                worker=said.worker,
                code=said.code,
                detail=said.detail,
                retryable=said.retryable,
            )


def _success_or_failure(item: WorkItem, now: datetime, *, worker: str) -> Step | None:
    trouble = "There is no manifest."
    try:
        result = results.read(item)
    except results.ManifestUnreadable as error:
        result, trouble = None, str(error)
    except results.StorageUnreadable:
        _log.exception("storage_unreadable", work_item=item.pk)
        return None
    if result is not None:
        return attempts.success(item, now, worker=worker, result=result)
    return attempts.failure(
        item, now, worker=worker, code="compute.manifest_unreadable", detail=trouble, retryable=True
    )


def _log_stale(said: Said, item: WorkItem | None) -> None:
    _log.info(
        "report_stale",
        word=said.word,
        work_item=said.work_item,
        attempt=said.attempt,
        current=item.attempt if item else None,
        state=item.state if item else None,
    )
