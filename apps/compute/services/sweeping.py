"""Finding what was lost: expired leases, results without a report, batches the queue forgot."""

from __future__ import annotations

import structlog
from django.db import transaction

from apps.compute import wire
from apps.compute.models import WorkItem
from apps.compute.services import attempts, execution, results
from apps.core import clock, queue
from apps.tenants.scope import across_tenants, tenant_scope

_log = structlog.get_logger(__name__)

_PASS_ITEMS = 500
WORKER_LOST = "compute.worker_lost"
RESULT_REFUSED = "compute.result_refused"


def sweep_leases() -> int:
    """Look after every attempt whose lease has expired. Return how many were moved.

    First the manifest in storage is looked for: if it is there, only the report was lost. A batch
    that still waits in its queue gets a longer lease, and so does everything while storage does not
    answer. What is left goes back: it counts as a try if
    a worker had begun it, because work that takes its worker along may not go round for ever.

    Raises
    ------
    redis.exceptions.RedisError
        If Redis is away while a waiting batch is looked for.
    """
    with across_tenants("leases of all tenants expire alike"):
        expired = list(
            WorkItem.objects.defer("order")
            .filter(state__in=WorkItem.IN_FLIGHT, lease_expires_at__lte=clock.now())
            .order_by("lease_expires_at", "id")[:_PASS_ITEMS]
        )
    return sum(_look_after(item) for item in expired)


def _look_after(item: WorkItem) -> bool:
    if not _is_free(item):
        return False
    try:
        if execution.complete_from_storage(item):
            _log.info("result_found", work_item=item.pk, attempt=item.attempt)
            return True
    except results.StorageUnreadable:
        _log.exception("storage_unreadable", work_item=item.pk)
        _extend(item)
        return False
    except execution.ResultRefused:
        # Otherwise it would be offered for ever.
        _log.exception("result_refused", work_item=item.pk, attempt=item.attempt)
        return execution.end_attempt(
            item,
            worker=item.worker,
            code=RESULT_REFUSED,
            detail="The result could not be taken in.",
            retryable=True,
            counted=True,
            only_expired=True,
        )
    begun = item.state == WorkItem.State.RUNNING
    if not begun and not item.worker and _still_waits(item):
        return False
    _log.info("lease_expired", work_item=item.pk, attempt=item.attempt, worker=item.worker)
    return execution.end_attempt(
        item,
        worker=item.worker,
        code=WORKER_LOST if begun else "",
        detail="The worker stopped answering." if begun else "",
        retryable=True,
        counted=begun,
        only_expired=True,
        limit=attempts.MAX_LOSSES,
    )


def _is_free(item: WorkItem) -> bool:
    """Return whether nobody holds the row: a frozen process must not freeze the sweeper too."""
    with tenant_scope(item.tenant_id), transaction.atomic():
        return (
            WorkItem.objects.select_for_update(skip_locked=True)
            .filter(pk=item.pk, attempt=item.attempt)
            .values_list("pk", flat=True)
            .first()
            is not None
        )


def _still_waits(item: WorkItem) -> bool:
    if not queue.is_waiting(wire.lane(item.worker_class, item.engine), item.batch):
        return False
    _extend(item)
    return True


def _extend(item: WorkItem) -> None:
    with tenant_scope(item.tenant_id):
        WorkItem.objects.filter(
            pk=item.pk, attempt=item.attempt, state__in=WorkItem.IN_FLIGHT
        ).update(lease_expires_at=attempts.lease_end(clock.now()))
