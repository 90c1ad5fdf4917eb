"""A shoot is an order: products in one scene, finished for sales channels."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models

from apps.catalog.models import SourcePhoto
from apps.core.ids import new_id
from apps.tenants.models import TenantModel


def new_shoot_id() -> str:
    """Return a new id of a shoot."""
    return new_id("sho")


def new_shot_id() -> str:
    """Return a new id of a shot."""
    return new_id("sht")


def new_render_id() -> str:
    """Return a new id of a render."""
    return new_id("rnd")


class Shoot(TenantModel):
    """An order as accepted; its progress is the sum of its renders."""

    class State(models.TextChoices):
        """``rendering`` until every render has ended."""

        RENDERING = "rendering"
        FINISHED = "finished"
        CANCELED = "canceled"

    id = models.CharField(primary_key=True, max_length=40, default=new_shoot_id, editable=False)
    number = models.PositiveIntegerField()
    """Counts up inside the workspace; what people say to each other."""
    name = models.CharField(max_length=120, blank=True)
    scene_slug = models.CharField(max_length=60)
    scene = models.JSONField()
    """The scene template as it was at the order."""
    sales_channels = models.JSONField(default=list)
    """Slugs, in the order chosen."""
    takes = models.PositiveSmallIntegerField(default=1)
    credits = models.PositiveIntegerField()
    quote = models.JSONField(default=dict)
    """What was promised: renders, credits, finish_p50_seconds, finish_p90_seconds, and
    ``outputs``, the sales channels' rules as they were at the order."""
    texts = models.JSONField(default=dict, blank=True)
    """Words that the pictures set, by name."""
    pictures = models.JSONField(default=dict, blank=True)
    """Role to the photo that all renders are made with."""
    state = models.CharField(max_length=10, choices=State.choices, default=State.RENDERING)
    ordered_by = models.CharField(max_length=254)
    ordered_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "number"], name="shoot_number_once")
        ]
        indexes: ClassVar = [models.Index(fields=["tenant", "-ordered_at"], name="shoot_recent")]

    def __str__(self) -> str:
        return self.name or f"Shoot {self.number}"

    @property
    def outputs(self) -> list[dict[str, Any]]:
        """What every render is finished as, in the protocol's values."""
        return list(self.quote.get("outputs", []))


class Shot(TenantModel):
    """One source photo in the shoot's scene."""

    id = models.CharField(primary_key=True, max_length=40, default=new_shot_id, editable=False)
    shoot = models.ForeignKey(Shoot, on_delete=models.CASCADE, related_name="shots")
    photo = models.ForeignKey(SourcePhoto, on_delete=models.CASCADE, related_name="shots")
    position = models.PositiveIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "shoot", "photo"], name="shot_once")
        ]
        ordering: ClassVar = ["position"]

    def __str__(self) -> str:
        return f"{self.photo_id} in {self.shoot_id}"


class Render(TenantModel):
    """One take of a shot: what the worker makes and the reviewer judges."""

    class State(models.TextChoices):
        """As the seller sees it; the work item holds the queue's side of the truth."""

        QUEUED = "queued"
        RENDERING = "rendering"
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        CANCELED = "canceled"

    ENDED = (State.SUCCEEDED, State.FAILED, State.CANCELED)

    id = models.CharField(primary_key=True, max_length=40, default=new_render_id, editable=False)
    shoot = models.ForeignKey(Shoot, on_delete=models.CASCADE, related_name="renders")
    shot = models.ForeignKey(Shot, on_delete=models.CASCADE, related_name="renders")
    take = models.PositiveSmallIntegerField(default=1)
    seed = models.PositiveBigIntegerField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    retry_of = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="retries"
    )
    """A retried failure keeps its row; the retry is a new render with its own work item."""
    engine = models.CharField(max_length=40, blank=True)
    provenance = models.JSONField(default=dict)
    """versions, step_seconds, seconds, attempt, worker: how to make it again."""
    files = models.JSONField(default=list)
    """The `ResultFile` values of the manifest: outputs by sales channel, preview, cutout."""
    confidence = models.FloatField(null=True, blank=True)
    fidelity = models.JSONField(default=dict)
    failure_code = models.CharField(max_length=60, blank=True)
    failure_detail = models.CharField(max_length=500, blank=True)
    queued_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["tenant", "shoot", "state"], name="render_by_shoot")
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["retry_of"],
                condition=models.Q(retry_of__isnull=False),
                name="render_retried_once",
            )
        ]
        ordering: ClassVar = ["shot__position", "take", "queued_at", "id"]

    def __str__(self) -> str:
        return f"{self.id} {self.state}"
