"""Applying the dispatcher's decisions: rows first, then the queue."""

from __future__ import annotations

from datetime import datetime

import redis
import structlog
from django.db import transaction
from django.db.models import F

from apps.compute import wire
from apps.compute.models import WorkItem
from apps.compute.policy.decisions import Decisions, PlannedBatch, PlannedOrder
from apps.compute.services import execution, shares
from apps.core import clock
from apps.core.ids import new_id
from apps.tenants.scope import across_tenants, tenant_scope

_log = structlog.get_logger(__name__)


def apply(decisions: Decisions) -> int:
    """Dispatch what was decided. Return how many batches went out.

    Items that were canceled meanwhile drop out. The queue is written after the commit; what then
    cannot be enqueued is put back at once, and what is lost on the way when its lease expires.

    Raises
    ------
    redis.exceptions.RedisError
        If Redis is away; everything that did not go out waits again.
    """
    now = clock.now()
    batches = {new_id("bat"): batch for batch in decisions.batches}
    with transaction.atomic():
        # Rows in the order of ids, as everybody locks them.
        wanted = sorted(
            ((order, batch_id) for batch_id, batch in batches.items() for order in batch.orders),
            key=lambda pair: pair[0].item,
        )
        taken = [(order, batch_id) for order, batch_id in wanted if _take(order, batch_id, now)]
        charges: dict[tuple[str, str], float] = {}
        for order, batch_id in taken:
            key = (order.tenant, batches[batch_id].worker_class)
            charges[key] = charges.get(key, 0.0) + order.charge_share
        shares.change(decisions.shares, charges)
    filled = {batch_id for _, batch_id in taken}
    return _send([(batch_id, batch) for batch_id, batch in batches.items() if batch_id in filled])


def _take(order: PlannedOrder, batch: str, now: datetime) -> bool:
    with tenant_scope(order.tenant):
        return bool(
            WorkItem.objects.filter(pk=order.item, state=WorkItem.State.QUEUED).update(
                state=WorkItem.State.DISPATCHED,
                attempt=F("attempt") + 1,
                batch=batch,
                worker="",
                dispatched_at=now,
                started_at=None,
                lease_expires_at=execution.lease_end(now),
                charged_seconds=order.charge_seconds,
            )
        )


def _send(batches: list[tuple[str, PlannedBatch]]) -> int:
    for number, (batch_id, batch) in enumerate(batches):
        try:
            _enqueue(batch_id, batch)
        except redis.RedisError:
            for lost, _ in batches[number:]:
                _put_back(lost)
            raise
    return len(batches)


def _enqueue(batch_id: str, batch: PlannedBatch) -> None:
    with across_tenants("a batch holds items of several tenants"):
        items = {item.pk: item for item in WorkItem.objects.filter(batch=batch_id)}
    rows = [
        wire.OrderRow(item.pk, item.attempt, item.tenant_id, item.order)
        for order in batch.orders
        if (item := items.get(order.item)) is not None and item.state == WorkItem.State.DISPATCHED
    ]
    if rows:
        wire.enqueue_batch(
            batch.lane,
            wire.encode_batch(
                batch=batch_id,
                lane=batch.lane,
                deadline_seconds=batch.deadline_seconds,
                rows=rows,
            ),
        )


def _put_back(batch_id: str) -> None:
    with across_tenants("a batch holds items of several tenants"):
        items = list(WorkItem.objects.defer("order").filter(batch=batch_id))
    execution.put_back(items)
    _log.warning("batch_put_back", batch=batch_id, items=len(items))
