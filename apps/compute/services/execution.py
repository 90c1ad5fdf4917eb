"""The life of an attempt: dispatched, started, ended or lost.

Owns every change of state after a work item was accepted, cancellation apart. Each change is one
conditional UPDATE on (work item, attempt, state), so that a report that comes twice, late or from
a worker that was given up changes nothing. Nothing slow happens inside a transaction: storage is
read before it, the queue is written after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction

from apps.compute import completion, wire
from apps.compute.models import WorkItem
from apps.compute.services import results, shares, withdrawal
from apps.compute.services.faults import TRANSIENT
from apps.compute.services.movements import movement_of
from apps.core import clock, queue
from apps.tenants.scope import across_tenants, tenant_scope

_log = structlog.get_logger(__name__)

MAX_TRIES = 3
"""Tries that a worker itself reports as failed."""
MAX_LOSSES = 6
"""Tries that may end with their worker lost: mostly the machine's fault, and an order that kills
is caught by the worker, whose engine child dies in its place. Bounded all the same."""
RETRY_PAUSE_SECONDS = (2.0, 8.0)
"""After the first and second failure: what a storage or engine needs to come to its senses."""
MAX_ATTEMPTS = 25
"""Attempts of all kinds, also those that count as no try: nothing goes round for ever."""

_State = WorkItem.State


class ResultRefused(Exception):
    """A receiver raised when it was given a result; the transaction was rolled back."""


def lease_end(now: datetime) -> datetime:
    """Return until when an attempt is believed alive without another word."""
    return now + timedelta(seconds=settings.LEASE_SECONDS)


def find(work_item: str) -> WorkItem | None:
    """Return a work item by its id alone, as reports name it, without its order."""
    with across_tenants("a report names a work item; its tenant is read from the row"):
        item: WorkItem | None = WorkItem.objects.defer("order").filter(pk=work_item).first()
        return item


def record_started(*, work_item: str, attempt: int, worker: str) -> bool:
    """Note that a worker has begun an order. Return whether that was news."""
    item = find(work_item)
    if not _is_current(item, attempt) or item is None or item.state != _State.DISPATCHED:
        return False
    now = clock.now()
    told = movement_of(item, worker=worker)
    with tenant_scope(item.tenant_id), transaction.atomic():
        completion.lock(told)
        moved = _move(
            item,
            (_State.DISPATCHED,),
            state=_State.RUNNING,
            worker=worker,
            started_at=now,
            lease_expires_at=lease_end(now),
        )
        if moved:
            for receiver in completion.receivers():
                receiver.started(told)
    return moved


def extend_leases(*, worker: str, running: Sequence[tuple[str, int]]) -> int:
    """Note that a worker holds these attempts and lives. Return how many are still its own."""
    now = clock.now()
    extended = 0
    with across_tenants("a heartbeat names the attempts of all tenants on its worker"):
        for work_item, attempt in running:
            extended += WorkItem.objects.filter(
                pk=work_item, attempt=attempt, state__in=WorkItem.IN_FLIGHT
            ).update(worker=worker, lease_expires_at=lease_end(now))
    return extended


def record_succeeded(*, work_item: str, attempt: int, worker: str) -> bool:
    """Take a finished render in. Return whether that was news.

    The manifest in storage is read under the key of the current attempt: what a report says about
    the result is not asked. A success without a readable manifest is a failed try.

    Raises
    ------
    StorageUnreadable
        If storage does not answer; the lease is left to the sweeper.
    """
    item = find(work_item)
    if not _is_current(item, attempt) or item is None:
        return False
    trouble = "There is no manifest."
    try:
        result = results.read(item)
    except results.ManifestUnreadable as error:
        result, trouble = None, str(error)
    if result is not None:
        return _complete(item, worker=worker, result=result)
    return record_failed(
        work_item=work_item,
        attempt=attempt,
        worker=worker,
        code="compute.manifest_unreadable",
        detail=trouble,
        retryable=True,
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
        return _complete(item, worker=item.worker, result=result)
    except TRANSIENT:
        raise
    except Exception as error:
        raise ResultRefused(str(error)) from error


def record_failed(
    *, work_item: str, attempt: int, worker: str, code: str, detail: str, retryable: bool
) -> bool:
    """Take a failed attempt in: another try, or the end. Return whether that was news."""
    item = find(work_item)
    if not _is_current(item, attempt) or item is None:
        return False
    pause = RETRY_PAUSE_SECONDS[min(item.tries_counted, len(RETRY_PAUSE_SECONDS) - 1)]
    return end_attempt(
        item,
        worker=worker,
        code=code,
        detail=detail,
        retryable=retryable,
        counted=True,
        pause_seconds=pause,
    )


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
    limit: int = MAX_TRIES,
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
    now = clock.now()
    tries = item.tries_counted + (1 if counted else 0)
    if item.attempt >= MAX_ATTEMPTS and retryable:
        retryable, code = False, "compute.attempts_exhausted"
    again = retryable and tries < limit
    used = shares.seconds_since_start(item, now) if counted else 0.0
    told = movement_of(item, worker=worker, code=code, detail=detail)
    expired_at = now if only_expired else None
    changes: dict[str, Any] = {
        "tries_counted": tries,
        "lease_expires_at": None,
        "charged_seconds": 0.0,
        "failure_code": code[:60],
        "failure_detail": detail[:500],
    }
    with tenant_scope(item.tenant_id), transaction.atomic():
        completion.lock(told)
        if again:
            changes |= {
                "state": _State.QUEUED,
                "worker": "",
                "started_at": None,
                "not_before": now + timedelta(seconds=pause_seconds) if pause_seconds else None,
            }
        else:
            changes |= {"state": _State.FAILED, "finished_at": now}
        moved = _move(item, WorkItem.IN_FLIGHT, expired_at=expired_at, **changes)
        if moved:
            shares.settle(item, used)
            for receiver in completion.receivers():
                (receiver.requeued if again else receiver.failed)(told)
            withdrawal.withdraw_on_commit([item])
            queue.wake_dispatcher()
    return moved


def release(*, worker: str, released: Sequence[tuple[str, int]]) -> int:
    """Put back at once what a leaving worker did not finish; no try is counted."""
    back = 0
    for work_item, attempt in released:
        item = find(work_item)
        if item is not None and _is_current(item, attempt):
            back += end_attempt(
                item, worker=worker, code="", detail="", retryable=True, counted=False
            )
    return back


def subject_of(work_item: str) -> tuple[str, str, int] | None:
    """Return tenant, render and current attempt of an item in flight, for progress."""
    item = find(work_item)
    if item is None or item.state not in WorkItem.IN_FLIGHT:
        return None
    return item.tenant_id, item.subject, item.attempt


def _complete(item: WorkItem, *, worker: str, result: wire.RenderResult) -> bool:
    now = clock.now()
    told = movement_of(item, worker=worker, result=wire.result_values(result))
    with tenant_scope(item.tenant_id), transaction.atomic():
        completion.lock(told)
        moved = _move(
            item,
            WorkItem.IN_FLIGHT,
            state=_State.SUCCEEDED,
            worker=worker,
            finished_at=now,
            service_seconds=result.seconds,
            lease_expires_at=None,
            charged_seconds=result.seconds,
            failure_code="",
            failure_detail="",
        )
        if moved:
            shares.settle(item, result.seconds)
            for receiver in completion.receivers():
                receiver.succeeded(told)
            shares.learn_service_time(item, result.seconds)
            queue.wake_dispatcher()
    return moved


def _is_current(item: WorkItem | None, attempt: int) -> bool:
    if item is not None and item.attempt == attempt and item.state in WorkItem.IN_FLIGHT:
        return True
    _log.info(
        "report_stale",
        work_item=item.pk if item else None,
        attempt=attempt,
        current=item.attempt if item else None,
        state=item.state if item else None,
    )
    return False


def _move(
    item: WorkItem, states: Sequence[str], *, expired_at: datetime | None = None, **changes: Any
) -> bool:
    rows = WorkItem.objects.filter(pk=item.pk, attempt=item.attempt, state__in=states)
    if expired_at is not None:
        rows = rows.filter(lease_expires_at__lte=expired_at)
    return bool(rows.update(**changes))
