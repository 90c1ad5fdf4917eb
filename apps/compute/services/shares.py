"""Tenants' virtual counters in the database.

Owns every write to `FairShare`. Counters only ever move by differences, because
the dispatcher and the relay write them at the same time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from django.db import connection
from django.db.models import F

from apps.billing.models import CreditAccount
from apps.compute.models import FairShare, WorkItem
from apps.compute.policy.decisions import ShareChange

# A decision moves hundreds of counters, each by another amount: one prepared statement.
_MOVE = """
    UPDATE compute_fairshare SET served = served + %s, active = COALESCE(%s, active)
    WHERE tenant_id = %s AND worker_class = %s
"""


def change(changes: Iterable[ShareChange], charges: Mapping[tuple[str, str], float]) -> None:
    """Apply lifts, flags and charges of a decision, in the order of tenants.

    Parameters
    ----------
    charges
        Seconds of share by tenant and worker class, of what was really dispatched.
    """
    moves = dict(charges)
    flags: dict[tuple[str, str], bool] = {}
    for item in changes:
        key = (item.tenant, item.worker_class)
        moves[key] = moves.get(key, 0.0) + item.lift
        flags[key] = item.is_active
    # Every tenant with work has its row: its first order entered it.
    with connection.cursor() as cursor:
        cursor.executemany(
            _MOVE,
            [(moves[key], flags.get(key), *key) for key in sorted(moves)],
        )


def settle(tenant: str, differences: Mapping[str, float]) -> None:
    """Move a tenant's counters by what its items took beyond what was charged at dispatch.

    Parameters
    ----------
    tenant
        The scope is open on it.
    differences
        Worker-seconds by worker class; negative where less was taken.
    """
    moves = {name: seconds for name, seconds in differences.items() if seconds}
    if not moves:
        return
    account = CreditAccount.objects.filter(tenant_id=tenant).first()
    weight = account.plan.weight if account else 1.0
    for worker_class in sorted(moves):
        FairShare.objects.filter(tenant_id=tenant, worker_class=worker_class).update(
            served=F("served") + moves[worker_class] / weight
        )


def next_line_change(tenant: str, worker_class: str) -> int:
    """Return the number under which the open transaction changes a tenant's line.

    The counter's row stays locked until the commit, so that numbers become visible in their
    order: whoever has seen all up to one number misses none below it.
    """
    counters = FairShare.objects.filter(tenant_id=tenant, worker_class=worker_class)
    if not counters.update(line_changes=F("line_changes") + 1):
        FairShare.objects.get_or_create(tenant_id=tenant, worker_class=worker_class)
        counters.update(line_changes=F("line_changes") + 1)
    number: int = counters.values_list("line_changes", flat=True).get()
    return number


def seconds_since_start(item: WorkItem, now: datetime) -> float:
    """Return the worker-seconds an unfinished attempt has used; 0 if none has begun."""
    if item.state != WorkItem.State.RUNNING or item.started_at is None:
        return 0.0
    return max(0.0, (now - item.started_at).total_seconds())
