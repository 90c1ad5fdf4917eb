"""Moving work items: any number of steps in one transaction, each fenced by its attempt.

Owns the order of locks (shoots, work items by id, then tenant by tenant account and share) and the
telling of receivers. Does not decide where an item moves: that is `execution` and `intake`. Nothing
slow happens inside: storage is read before, the queue is written after the commit.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias

from django.db import transaction

from apps.compute import completion
from apps.compute.completion import Movement
from apps.compute.models import WorkItem
from apps.compute.services import learning, shares, withdrawal
from apps.compute.services.learning import Completion
from apps.core import queue
from apps.tenants.scope import across_tenants, tenant_scope

Word: TypeAlias = Literal["started", "requeued", "succeeded", "failed", "canceled"]

_SOURCES: Final[dict[Word, tuple[str, ...]]] = {
    "started": (WorkItem.State.DISPATCHED,),
    "requeued": WorkItem.IN_FLIGHT,
    "succeeded": WorkItem.IN_FLIGHT,
    "failed": WorkItem.IN_FLIGHT,
    "canceled": WorkItem.OPEN,
}
"""States each step starts from, in the order in which receivers are told."""
_LINE_CHANGES: Final = ("requeued", "canceled")
"""Steps that put an item into its tenant's line or may take it out."""


@dataclass(frozen=True, slots=True)
class Step:
    """One move of one item."""

    item: WorkItem
    """As it was read before, without its order."""
    word: Word
    told: Movement
    changes: dict[str, Any] = field(default_factory=dict)
    """New values of the row."""
    used_seconds: float | None = None
    """Takes the place of what was charged at dispatch; None leaves the charge alone."""
    learned_seconds: float | None = None
    """Service time to learn from."""
    only_expired_at: datetime | None = None
    """Leave the item alone if its lease ends after this instant."""


def commit(steps: Sequence[Step]) -> list[Step]:
    """Take steps, at most one for each item, in one transaction. Return those that were due.

    A step is due if its item still stands at the attempt and in a state it starts from; any other
    is dropped. If a receiver raises, no step was taken.
    """
    if not steps:
        return []
    with across_tenants("reports and leases are of all tenants"), transaction.atomic():
        # What only begins changes nothing of the shoot.
        completion.lock([step.told for step in steps if step.word != "started"])
        due = _due(steps)
        by_tenant: dict[str, list[Step]] = defaultdict(list)
        for step in due:
            by_tenant[step.item.tenant_id].append(step)
        numbers: dict[tuple[str, str], int] = {}
        for tenant in sorted(by_tenant):
            with tenant_scope(tenant):
                _tell(by_tenant[tenant])
                numbers |= _settle(tenant, by_tenant[tenant])
        _write(due, numbers)
        learning.learn(
            [
                Completion(step.item, step.learned_seconds, step.changes["finished_at"])
                for step in due
                if step.learned_seconds is not None
            ]
        )
        gone = [step.item for step in due if step.word not in ("started", "succeeded")]
        withdrawal.withdraw_on_commit(gone)
        if any(step.word != "started" for step in due):
            queue.wake_dispatcher()
    return due


def movement_of(
    item: WorkItem,
    *,
    worker: str = "",
    result: dict[str, Any] | None = None,
    code: str = "",
    detail: str = "",
) -> Movement:
    """Return what a receiver is told about an item."""
    return Movement(
        tenant=item.tenant_id,
        subject=item.subject,
        group=item.group,
        attempt=item.attempt,
        worker=worker or item.worker,
        result=result,
        failure_code=code,
        failure_detail=detail,
    )


def _due(steps: Sequence[Step]) -> list[Step]:
    """Lock the rows, by id as everybody does, and return the steps whose rows stand as expected."""
    rows = {
        pk: (attempt, state, lease)
        for pk, attempt, state, lease in WorkItem.objects.select_for_update()
        .filter(pk__in=[step.item.pk for step in steps])
        .order_by("pk")
        .values_list("pk", "attempt", "state", "lease_expires_at")
    }
    due = []
    for step in steps:
        attempt, state, lease = rows.get(step.item.pk, (None, "", None))
        if attempt != step.item.attempt or state not in _SOURCES[step.word]:
            continue
        if step.only_expired_at is not None and (lease is None or lease > step.only_expired_at):
            continue
        due.append(step)
    return due


def _tell(steps: Sequence[Step]) -> None:
    for word in _SOURCES:
        movements = [step.told for step in steps if step.word == word]
        if movements:
            for receiver in completion.receivers():
                getattr(receiver, word)(movements)


def _settle(tenant: str, steps: Sequence[Step]) -> dict[tuple[str, str], int]:
    """Move the counters. Return by line the number of what enters or leaves it by these steps."""
    used: dict[str, float] = defaultdict(float)
    for step in steps:
        if step.used_seconds is not None and step.item.charged_seconds:
            used[step.item.worker_class] += step.used_seconds - step.item.charged_seconds
    shares.settle(tenant, used)
    lines = {step.item.worker_class for step in steps if step.word in _LINE_CHANGES}
    return {
        (tenant, worker_class): shares.next_line_change(tenant, worker_class)
        for worker_class in sorted(lines)
    }


def _write(steps: Sequence[Step], numbers: Mapping[tuple[str, str], int]) -> None:
    """Write the rows: one statement for all that change alike."""
    alike: dict[tuple[tuple[str, Any], ...], list[str]] = defaultdict(list)
    for step in steps:
        changes = dict(step.changes)
        if step.word in _LINE_CHANGES:
            changes["line_change"] = numbers[step.item.tenant_id, step.item.worker_class]
        alike[tuple(sorted(changes.items()))].append(step.item.pk)
    for values, items in alike.items():
        WorkItem.objects.filter(pk__in=items).update(**dict(values))
