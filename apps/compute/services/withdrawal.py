"""Taking batches back out of the queue once none of their items is wanted any more.

Saves work and nothing else: a batch that cannot be withdrawn is rendered, and its reports change
nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

import redis
import structlog
from django.db import transaction

from apps.compute import wire
from apps.compute.models import WorkItem
from apps.core import queue
from apps.tenants.scope import across_tenants

_log = structlog.get_logger(__name__)


def withdraw_on_commit(items: Iterable[WorkItem]) -> None:
    """Take back, after commit, the waiting batches of these items that hold no other live item."""
    lanes = {item.batch: wire.lane(item.worker_class, item.engine) for item in items if item.batch}
    if lanes:
        transaction.on_commit(lambda: _withdraw(lanes))


def _withdraw(lanes: dict[str, str]) -> None:
    with across_tenants("a batch may hold items of several tenants"):
        wanted = set(
            WorkItem.objects.filter(
                batch__in=list(lanes), state__in=WorkItem.IN_FLIGHT
            ).values_list("batch", flat=True)
        )
    try:
        for batch, lane in lanes.items():
            if batch not in wanted:
                queue.withdraw(lane, batch)
    except redis.RedisError as error:
        _log.warning("batch_not_withdrawn", error=str(error))
