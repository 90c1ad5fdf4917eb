"""Accepted work. The database is the backlog; RQ only carries what is about to run."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from apps.core.ids import new_id
from apps.tenants.models import TenantModel


def new_work_item_id() -> str:
    """Return a new id of a work item."""
    return new_id("wki")


class WorkItem(TenantModel):
    """One unit of accepted work: a render to make.

    ``attempt`` is the fencing token: it grows with every dispatch, and a report counts only if it
    names the present one.
    """

    class State(models.TextChoices):
        """queued → dispatched → running → succeeded | failed | canceled."""

        QUEUED = "queued"
        DISPATCHED = "dispatched"
        RUNNING = "running"
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        CANCELED = "canceled"

    class Urgency(models.TextChoices):
        """Which of a tenant's own work goes first."""

        INTERACTIVE = "interactive"
        BULK = "bulk"

    OPEN = (State.QUEUED, State.DISPATCHED, State.RUNNING)
    IN_FLIGHT = (State.DISPATCHED, State.RUNNING)

    id = models.CharField(primary_key=True, max_length=40, default=new_work_item_id, editable=False)
    subject = models.CharField(max_length=40)
    """Id of the render this makes; compute knows nothing else about it."""
    group = models.CharField(max_length=40)
    """Id of the shoot: what is canceled and shown together."""
    kind = models.CharField(max_length=20)
    """Pipeline: cutout, packshot, scene."""
    engine = models.CharField(max_length=20, default="classical")
    worker_class = models.CharField(max_length=12, default="cpu")
    batch_key = models.CharField(max_length=64)
    """Items with equal keys may run together on one worker."""
    urgency = models.CharField(max_length=12, choices=Urgency.choices, default=Urgency.INTERACTIVE)
    cost_units = models.FloatField(default=1.0)
    """Relative size (megapixels to produce); service time is learned per unit."""
    steps = models.PositiveIntegerField(default=0)
    """Denoising steps, 0 where the engine has none."""
    takes = models.PositiveSmallIntegerField(default=1)
    """Pictures made in one go."""
    order = models.JSONField()
    """The self-contained order except attempt and result prefix: see `apps.compute.wire`."""
    state = models.CharField(max_length=12, choices=State.choices, default=State.QUEUED)
    attempt = models.PositiveIntegerField(default=0)
    tries_counted = models.PositiveIntegerField(default=0)
    """Attempts that count against the limit; those lost to scale-in do not."""
    batch = models.CharField(max_length=40, blank=True)
    worker = models.CharField(max_length=64, blank=True)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    not_before = models.DateTimeField(null=True, blank=True)
    charged_seconds = models.FloatField(default=0.0)
    """Estimate charged to the tenant's share at dispatch; trued up at completion."""
    failure_code = models.CharField(max_length=60, blank=True)
    failure_detail = models.CharField(max_length=500, blank=True)
    line_change = models.PositiveBigIntegerField(default=0)
    """`FairShare.line_changes` when it last entered or left the line other than by dispatch."""
    queued_at = models.DateTimeField(auto_now_add=True)
    dispatched_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    service_seconds = models.FloatField(null=True, blank=True)
    promised_p50_at = models.DateTimeField(null=True, blank=True)
    promised_p90_at = models.DateTimeField(null=True, blank=True)
    """When it would be finished, as shown at the order; empty where nothing could be promised."""
    forecast_p90_seconds = models.FloatField(null=True, blank=True)
    """From order to finished as forecast, before what was shown was corrected by experience."""

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["state", "worker_class", "queued_at"], name="item_backlog"),
            models.Index(fields=["state", "lease_expires_at"], name="item_leases"),
            models.Index(fields=["tenant", "group"], name="item_group"),
            # The autoscaler reads what arrived and what ended since it last looked.
            models.Index(fields=["queued_at"], name="item_arrivals"),
            models.Index(
                fields=["finished_at"], condition=Q(finished_at__isnull=False), name="item_ends"
            ),
            # What entered or left a tenant's line since somebody last looked.
            models.Index(fields=["tenant", "worker_class", "line_change"], name="item_line"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "subject"], name="item_subject_once"),
        ]

    def __str__(self) -> str:
        return f"{self.id} {self.state}"


class FairShare(TenantModel):
    """A tenant's virtual counter: worker-seconds served ÷ plan weight, per worker class."""

    worker_class = models.CharField(max_length=12, default="cpu")
    served = models.FloatField(default=0.0)
    active = models.BooleanField(default=False)
    """Had work at the last decision; on return from idle the counter is lifted."""
    line_changes = models.PositiveBigIntegerField(default=0)
    """Counts the transactions that put work into the tenant's line or took some out, dispatch
    apart. Raised first and locked until their commit, so that they become visible in order."""

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "worker_class"], name="fair_share_once")
        ]

    def __str__(self) -> str:
        return f"{self.tenant_id} {self.served:.1f}"
