"""Recording events inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from apps.events import live
from apps.events.kinds import Kind
from apps.events.models import Event
from apps.tenants.roles import Actor


def record(*, actor: Actor, kind: Kind, subject: str = "", **data: Any) -> Event:
    """Append an event and, after commit, hint it to the workspace's open pages.

    Parameters
    ----------
    actor
        Who did it; a tenant scope of the same tenant is open.
    subject
        Id of the thing it is about; pages listen for it.
    data
        JSON-ready facts, small: ids and numbers, no texts of users beyond names.
    """
    return record_each(actor=actor, kind=kind, facts=[(subject, data)])[0]


def record_each(
    *, actor: Actor, kind: Kind, facts: Sequence[tuple[str, dict[str, Any]]]
) -> list[Event]:
    """Append an event of one kind for each subject and its data, in this order, with one query."""
    events = Event.objects.bulk_create(
        Event(
            tenant_id=actor.tenant,
            kind=kind.value,
            subject=subject,
            actor_kind=actor.kind,
            actor_subject=actor.subject,
            actor_label=actor.label,
            data=data,
        )
        for subject, data in facts
    )
    live.poke_on_commit(actor.tenant, kind.value, facts)
    return events
