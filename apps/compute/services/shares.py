"""Tenants' virtual counters and learned service times in the database.

Owns every write to `FairShare` and `ServiceTime`. Counters only ever move by differences, because
the dispatcher and the relay write them at the same time.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models import F

from apps.billing.models import CreditAccount
from apps.compute.models import FairShare, ServiceTime, WorkItem
from apps.compute.policy.decisions import ShareChange
from apps.compute.policy.service_time import Learned, learn
from apps.tenants.scope import tenant_scope

_LEAST_SECONDS = 0.001


def change(changes: Iterable[ShareChange], charges: dict[tuple[str, str], float]) -> None:
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
    for tenant, worker_class in sorted(moves):
        key = (tenant, worker_class)
        with tenant_scope(tenant):
            row, _ = FairShare.objects.get_or_create(tenant_id=tenant, worker_class=worker_class)
            FairShare.objects.filter(pk=row.pk).update(
                served=F("served") + moves[key], active=flags.get(key, row.active)
            )


def settle(item: WorkItem, seconds: float) -> None:
    """Replace what an item was charged at dispatch by what it took; the scope is its tenant's."""
    difference = seconds - item.charged_seconds
    if not item.charged_seconds or not difference:
        return
    account = CreditAccount.objects.filter(tenant_id=item.tenant_id).first()
    weight = account.plan.weight if account else 1.0
    FairShare.objects.filter(tenant_id=item.tenant_id, worker_class=item.worker_class).update(
        served=F("served") + difference / weight
    )


def seconds_since_start(item: WorkItem, now: datetime) -> float:
    """Return the worker-seconds an unfinished attempt has used; 0 if none has begun."""
    if item.state != WorkItem.State.RUNNING or item.started_at is None:
        return 0.0
    return max(0.0, (now - item.started_at).total_seconds())


def learn_service_time(item: WorkItem, seconds: float) -> None:
    """Add a completion to what is known about such work."""
    ServiceTime.objects.get_or_create(
        kind=item.kind, engine=item.engine, worker_class=item.worker_class
    )
    row = ServiceTime.objects.select_for_update().get(
        kind=item.kind, engine=item.engine, worker_class=item.worker_class
    )
    learned = learn(
        Learned(row.completions, tuple(row.histogram)),
        max(seconds, _LEAST_SECONDS) / item.cost_units,
    )
    row.completions, row.histogram = learned.completions, list(learned.histogram)
    row.save(update_fields=["completions", "histogram", "updated_at"])
