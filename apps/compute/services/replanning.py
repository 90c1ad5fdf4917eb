"""Planned demand that changes: the old period is canceled and a new one takes its place.

A period is never rewritten, so that the log shows what was planned when the fleet acted on it.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from apps.compute.models import DemandPeriod
from apps.compute.services.demand import cancel_demand, plan_demand
from apps.tenants.roles import Actor


def change_demand(
    *,
    actor: Actor,
    period_id: str,
    name: str,
    starts_at: datetime,
    ends_at: datetime,
    renders: int,
    kind: str,
    note: str = "",
) -> DemandPeriod:
    """Replace a planned period by another one, both or neither.

    Raises
    ------
    ForbiddenError, InvalidError, NotFoundError, ConflictError
        As `cancel_demand` and `plan_demand`.
    """
    with transaction.atomic():
        cancel_demand(actor=actor, period_id=period_id)
        return plan_demand(
            actor=actor,
            name=name,
            starts_at=starts_at,
            ends_at=ends_at,
            renders=renders,
            kind=kind,
            note=note,
        )
