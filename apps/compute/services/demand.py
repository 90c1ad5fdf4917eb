"""Demand that a tenant says is coming: planned, and taken back.

Owns `DemandPeriod`. What the fleet makes of it is the autoscaler's; past demand by the hour is
`services.history`'s.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from apps.compute.models import DemandPeriod
from apps.core import clock
from apps.core.errors import ConflictError, InvalidError, NotFoundError
from apps.events.kinds import Kind
from apps.events.services import record
from apps.tenants.roles import Actor, Permission
from apps.tenants.scope import tenant_scope

KINDS: Final = ("cutout", "packshot", "scene")
MAX_RENDERS: Final = 1_000_000
MAX_DAYS: Final = 90
"""How far ahead demand may be planned, and how long a period may last."""
MAX_OPEN_PERIODS: Final = 200
"""Of one tenant, not yet over: the autoscaler reads them all at every turn."""
_NAME_LENGTH: Final = 80
_NOTE_LENGTH: Final = 500


def plan_demand(
    *,
    actor: Actor,
    name: str,
    starts_at: datetime,
    ends_at: datetime,
    renders: int,
    kind: str,
    note: str = "",
) -> DemandPeriod:
    """Note that a tenant expects so many renders in a time; workers will be warm for its start.

    Raises
    ------
    ForbiddenError
        If the actor may not plan demand.
    InvalidError
        ``demand.…`` with the name of the field that cannot be used in its data.
    ConflictError
        ``demand.too_many_periods`` if the tenant has planned `MAX_OPEN_PERIODS` already.
    """
    actor.require(Permission.PLAN_DEMAND)
    name, note = name.strip(), note.strip()
    _check_words(name, note, kind)
    _check_size(renders)
    now = clock.now()
    _check_times(starts_at, ends_at, now)
    with tenant_scope(actor.tenant), transaction.atomic():
        planned = DemandPeriod.objects.filter(ends_at__gt=now, canceled_at__isnull=True)
        if planned.count() >= MAX_OPEN_PERIODS:
            raise ConflictError(
                "demand.too_many_periods",
                f"There are {MAX_OPEN_PERIODS} planned periods already. Cancel one that is not "
                "needed any more.",
            )
        period = DemandPeriod.objects.create(
            name=name,
            starts_at=starts_at,
            ends_at=ends_at,
            renders=renders,
            kind=kind,
            note=note,
            created_by=actor.subject[:40] if actor.kind == "member" else None,
        )
        record(actor=actor, kind=Kind.DEMAND_PLANNED, subject=period.pk, renders=renders)
    return period


def cancel_demand(*, actor: Actor, period_id: str) -> DemandPeriod:
    """Take planned demand back; the fleet stops preparing for it. Twice is as good as once.

    Raises
    ------
    ForbiddenError
        If the actor may not plan demand.
    NotFoundError
        ``demand.period_unknown`` if the tenant has no such period.
    ConflictError
        ``demand.period_over`` if it has ended already.
    """
    actor.require(Permission.PLAN_DEMAND)
    now = clock.now()
    with tenant_scope(actor.tenant), transaction.atomic():
        period = DemandPeriod.objects.select_for_update().filter(pk=period_id).first()
        if period is None:
            raise NotFoundError("demand.period_unknown", "There is no such demand period.")
        if period.canceled_at is not None:
            return period
        if period.ends_at <= now:
            raise ConflictError(
                "demand.period_over", "This period is over; there is nothing to cancel."
            )
        period.canceled_at = now
        period.save(update_fields=["canceled_at"])
        record(actor=actor, kind=Kind.DEMAND_CANCELED, subject=period.pk)
    return period


def _check_words(name: str, note: str, kind: str) -> None:
    if not name or len(name) > _NAME_LENGTH:
        raise _invalid(
            "name_unusable", f"Give the period a name of at most {_NAME_LENGTH} characters.", "name"
        )
    if len(note) > _NOTE_LENGTH:
        raise _invalid("note_too_long", f"Shorten the note to {_NOTE_LENGTH} characters.", "note")
    if kind not in KINDS:
        raise _invalid(
            "kind_unknown", f"{kind!r} is nothing we render. Choose {', '.join(KINDS)}.", "kind"
        )


def _check_size(renders: int) -> None:
    if not 1 <= renders <= MAX_RENDERS:
        raise _invalid(
            "renders_out_of_range",
            f"Expect between 1 and {MAX_RENDERS:,} renders; split what is larger.",
            "renders",
        )


def _check_times(starts_at: datetime, ends_at: datetime, now: datetime) -> None:
    if starts_at.tzinfo is None or ends_at.tzinfo is None:
        raise _invalid("time_without_zone", "Say in which time zone the times are.", "starts_at")
    if ends_at <= starts_at:
        raise _invalid("ends_before_start", "Choose an end after the start.", "ends_at")
    if ends_at <= now:
        raise _invalid("over_already", "Choose times that are still to come.", "ends_at")
    if starts_at > now + timedelta(days=MAX_DAYS):
        raise _invalid(
            "too_far_ahead", f"Plan at most {MAX_DAYS} days ahead; come back later.", "starts_at"
        )
    if ends_at - starts_at > timedelta(days=MAX_DAYS):
        raise _invalid(
            "too_long", f"Choose an end at most {MAX_DAYS} days after the start.", "ends_at"
        )


def _invalid(code: str, message: str, field: str) -> InvalidError:
    return InvalidError(f"demand.{code}", message, field=field)
