"""Telling receivers about a work item: one shape for every move."""

from __future__ import annotations

from typing import Any

from apps.compute.completion import Movement
from apps.compute.models import WorkItem


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
