"""Applying the dispatcher's decisions: rows first, then the queue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import redis
import structlog
from django.db import connection, transaction

from apps.compute import wire
from apps.compute.models import WorkItem
from apps.compute.policy.decisions import ClassMove, Decisions, PlannedBatch, PlannedOrder
from apps.compute.services import attempts, execution, shares
from apps.compute.snapshots.mirror import Sent
from apps.core import clock
from apps.core.ids import new_id
from apps.tenants.scope import across_tenants

_log = structlog.get_logger(__name__)

# By id and state alone: one prepared statement for all, where an ORM's CASE over a few hundred
# rows costs more than the rest of a decision.
_DISPATCH = """
    UPDATE compute_workitem
    SET state = 'dispatched', attempt = attempt + 1, batch = %s, worker = '',
        dispatched_at = %s, started_at = NULL, lease_expires_at = %s, charged_seconds = %s
    WHERE id = %s AND state = 'queued'
"""


@dataclass(frozen=True, slots=True)
class _Going:
    """An order that goes out, and the batch it goes in."""

    order: PlannedOrder
    batch: str
    worker_class: str


def apply(decisions: Decisions) -> list[Sent]:
    """Dispatch what was decided. Return what became of each batch.

    Items that were canceled meanwhile, or that somebody holds at this moment, drop out. The queue
    is written after the commit; what then cannot be enqueued is put back at once, and what is lost
    on the way when its lease expires.

    Raises
    ------
    redis.exceptions.RedisError
        If Redis is away; everything waits again.
    """
    batches = {new_id("bat"): batch for batch in decisions.batches}
    going = {
        order.item: _Going(order, batch_id, batch.worker_class)
        for batch_id, batch in batches.items()
        for order in batch.orders
    }
    with across_tenants("a decision is about work of all tenants"), transaction.atomic():
        rows = _take(going)
        charges: dict[tuple[str, str], float] = {}
        for item in rows:
            line = (going[item].order.tenant, going[item].worker_class)
            charges[line] = charges.get(line, 0.0) + going[item].order.charge_share
        shares.change(decisions.shares, charges)
    sent = [
        Sent(batch_id, batch, frozenset(order.item for order in batch.orders) & rows.keys())
        for batch_id, batch in batches.items()
    ]
    _enqueue([each for each in sent if each.taken], rows)
    _move(decisions.moves)
    return sent


def _move(moves: Sequence[ClassMove]) -> None:
    """Let items that still wait go over to another class's line."""
    if not moves:
        return
    wanted = {move.item: move for move in moves}
    with across_tenants("a decision is about work of all tenants"), transaction.atomic():
        free = WorkItem.objects.select_for_update(skip_locked=True).filter(
            pk__in=list(wanted), state=WorkItem.State.QUEUED
        )
        found = [
            wanted[pk]
            for pk, worker_class in free.order_by("pk").values_list("pk", "worker_class")
            if worker_class == wanted[pk].from_class
        ]
        numbers = {
            line: shares.next_line_change(*line)
            for line in sorted(
                {(move.tenant, name) for move in found for name in (move.from_class, move.to_class)}
            )
        }
        for move in found:
            WorkItem.objects.filter(pk=move.item).update(
                worker_class=move.to_class, line_change=numbers[move.tenant, move.to_class]
            )
    _log.info("work_helped_with", items=len(found))


def _take(going: Mapping[str, _Going]) -> dict[str, wire.OrderRow]:
    """Lock and move the rows that still wait; return them as they go out."""
    if not going:
        return {}
    # By id alone: asked for the state too, SQLite looks at everything that is queued.
    free = (
        WorkItem.objects.select_for_update(skip_locked=True)
        .filter(pk__in=list(going))
        .order_by("pk")
        .values_list("pk", "attempt", "tenant_id", "order", "state")
    )
    rows = {
        pk: wire.OrderRow(pk, attempt + 1, tenant, order)
        for pk, attempt, tenant, order, state in free
        if state == WorkItem.State.QUEUED
    }
    now = clock.now()
    with connection.cursor() as cursor:
        cursor.executemany(
            _DISPATCH,
            [
                (
                    going[pk].batch,
                    _instant(now),
                    _instant(attempts.lease_end(now)),
                    going[pk].order.charge_seconds,
                    pk,
                )
                for pk in rows
            ],
        )
    return rows


def _instant(moment: datetime) -> str | datetime | None:
    """Return an instant as the database's column takes it."""
    return connection.ops.adapt_datetimefield_value(moment)


def _enqueue(sent: Sequence[Sent], rows: Mapping[str, wire.OrderRow]) -> None:
    try:
        wire.enqueue_batches([_outgoing(each, rows) for each in sent])
    except redis.RedisError:
        _put_back([each.batch for each in sent])
        raise


def _outgoing(sent: Sent, rows: Mapping[str, wire.OrderRow]) -> wire.OutgoingBatch:
    batch: PlannedBatch = sent.planned
    return wire.OutgoingBatch(
        batch=sent.batch,
        lane=batch.lane,
        deadline_seconds=batch.deadline_seconds,
        rows=[rows[order.item] for order in batch.orders if order.item in sent.taken],
    )


def _put_back(batches: Sequence[str]) -> None:
    with across_tenants("a batch holds items of several tenants"):
        items = list(
            WorkItem.objects.defer("order").filter(state__in=WorkItem.IN_FLIGHT, batch__in=batches)
        )
    execution.put_back(items)
    _log.warning("batches_put_back", batches=len(batches), items=len(items))
