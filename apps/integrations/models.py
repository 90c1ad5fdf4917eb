"""The outside: keys for platforms, replayed answers, exports."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from apps.core.ids import new_id
from apps.tenants.models import TenantModel


def new_api_key_id() -> str:
    """Return a new id of an API key."""
    return new_id("key")


def new_export_id() -> str:
    """Return a new id of an export."""
    return new_id("exp")


class ApiKey(TenantModel):
    """A platform's access to one workspace. Only a digest is stored; the key is shown once."""

    id = models.CharField(primary_key=True, max_length=40, default=new_api_key_id, editable=False)
    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=16)
    """First characters, for people to tell keys apart."""
    last4 = models.CharField(max_length=4)
    digest = models.CharField(max_length=64, unique=True)
    scopes = models.JSONField(default=list)
    created_by = models.CharField(max_length=254)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…{self.last4})"


class IdempotentAnswer(TenantModel):
    """The answer to a POST that carried an Idempotency-Key, replayed for 24 hours."""

    api_key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, related_name="answers")
    idempotency_key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    """SHA-256 of method, path and body."""
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    """Null while the first request still runs."""
    body = models.JSONField(null=True, blank=True)
    location = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant", "api_key", "idempotency_key"], name="idempotent_once"
            )
        ]

    def __str__(self) -> str:
        return self.idempotency_key


class Export(TenantModel):
    """Approved renders as one archive."""

    class State(models.TextChoices):
        """Built by the chores worker; a sweeper rings again if it never hears."""

        QUEUED = "queued"
        BUILDING = "building"
        READY = "ready"
        FAILED = "failed"

    id = models.CharField(primary_key=True, max_length=40, default=new_export_id, editable=False)
    render_ids = models.JSONField(default=list)
    """Approved at the time of the request; checked again when the archive is built."""
    sales_channels = models.JSONField(default=list)
    """Slugs to include; empty means all that were finished."""
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    object_key = models.CharField(max_length=200, blank=True)
    size_bytes = models.PositiveBigIntegerField(default=0)
    file_count = models.PositiveIntegerField(default=0)
    failure_detail = models.CharField(max_length=500, blank=True)
    requested_by = models.CharField(max_length=254)
    requested_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["tenant", "-requested_at"], name="export_recent")]

    def __str__(self) -> str:
        return f"{self.id} {self.state}"

    @property
    def is_open(self) -> bool:
        """Whether the archive is still to come."""
        return self.state in (self.State.QUEUED, self.State.BUILDING)
