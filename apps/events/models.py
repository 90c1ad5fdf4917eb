"""The event log: append-only, written in the transaction of what it tells about."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models

from apps.core.ids import new_id
from apps.tenants.models import TenantModel


def new_event_id() -> str:
    """Return a new id of an event."""
    return new_id("evt")


class Event(TenantModel):
    """One thing that happened in a workspace."""

    id = models.CharField(primary_key=True, max_length=40, default=new_event_id, editable=False)
    kind = models.CharField(max_length=40)
    subject = models.CharField(max_length=40, blank=True)
    """Id of the thing it is about."""
    actor_kind = models.CharField(max_length=10)
    actor_subject = models.CharField(max_length=40)
    actor_label = models.CharField(max_length=254)
    data = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["tenant", "-created_at"], name="event_recent")]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Append the event; an existing one is never changed."""
        if not self._state.adding:
            raise TypeError("events are append-only")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Refuse: events leave only with their tenant."""
        raise TypeError("events are append-only")
