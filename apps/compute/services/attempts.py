"""How an attempt moves: the step for each thing that may become of it.

Owns the limits of tries and the new values of a row; taking the steps is `movements`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from apps.compute import wire
from apps.compute.models import WorkItem
from apps.compute.services import shares
from apps.compute.services.movements import Step, movement_of

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


def lease_end(now: datetime) -> datetime:
    """Return until when an attempt is believed alive without another word."""
    return now + timedelta(seconds=settings.LEASE_SECONDS)


def start(item: WorkItem, now: datetime, *, worker: str) -> Step | None:
    """Return the step of a worker that begins; None if it has begun before."""
    if item.state != _State.DISPATCHED:
        return None
    return Step(
        item,
        "started",
        movement_of(item, worker=worker),
        {
            "state": _State.RUNNING,
            "worker": worker,
            "started_at": now,
            "lease_expires_at": lease_end(now),
        },
    )


def success(item: WorkItem, now: datetime, *, worker: str, result: wire.RenderResult) -> Step:
    """Return the step of a finished render: what it took replaces what was charged."""
    return Step(
        item,
        "succeeded",
        movement_of(item, worker=worker, result=wire.result_values(result)),
        {
            "state": _State.SUCCEEDED,
            "worker": worker,
            "finished_at": now,
            "service_seconds": result.seconds,
            "lease_expires_at": None,
            "charged_seconds": result.seconds,
            "failure_code": "",
            "failure_detail": "",
        },
        used_seconds=result.seconds,
        learned_seconds=result.seconds,
    )


def failure(
    item: WorkItem, now: datetime, *, worker: str, code: str, detail: str, retryable: bool
) -> Step:
    """Return the step of a try that failed by its worker: a pause and another, or the end."""
    pause = RETRY_PAUSE_SECONDS[min(item.tries_counted, len(RETRY_PAUSE_SECONDS) - 1)]
    return ending(
        item,
        now,
        worker=worker,
        code=code,
        detail=detail,
        retryable=retryable,
        counted=True,
        pause_seconds=pause,
    )


def uncounted(item: WorkItem, now: datetime, *, worker: str) -> Step:
    """Return the step of an attempt that was no try: handed back, or never begun."""
    return ending(item, now, worker=worker, code="", detail="", retryable=True, counted=False)


def ending(
    item: WorkItem,
    now: datetime,
    *,
    worker: str,
    code: str,
    detail: str,
    retryable: bool,
    counted: bool,
    only_expired: bool = False,
    pause_seconds: float = 0.0,
    limit: int = MAX_TRIES,
) -> Step:
    """Return the step of an attempt without a result; see `execution.end_attempt` for values."""
    tries = item.tries_counted + (1 if counted else 0)
    if item.attempt >= MAX_ATTEMPTS and retryable:
        retryable, code = False, "compute.attempts_exhausted"
    again = retryable and tries < limit
    changes: dict[str, Any] = {
        "tries_counted": tries,
        "lease_expires_at": None,
        "charged_seconds": 0.0,
        "failure_code": code[:60],
        "failure_detail": detail[:500],
    }
    if again:
        changes |= {
            "state": _State.QUEUED,
            "worker": "",
            "started_at": None,
            "not_before": now + timedelta(seconds=pause_seconds) if pause_seconds else None,
        }
    else:
        changes |= {"state": _State.FAILED, "finished_at": now}
    return Step(
        item,
        "requeued" if again else "failed",
        movement_of(item, worker=worker, code=code, detail=detail),
        changes,
        used_seconds=shares.seconds_since_start(item, now) if counted else 0.0,
        only_expired_at=now if only_expired else None,
    )
