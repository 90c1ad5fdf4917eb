"""What the autoscaler decided, what workers cost, what demand was and is expected to be.

Owns the rows; `services.scaling`, `services.ledger` and `services.demand` write them. All but
planned demand is global: a fleet serves all tenants, and its hours and prices name none of them.
Money is in minor units of its currency, times are seconds.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from apps.core.ids import new_id
from apps.tenants.models import TenantModel


def new_demand_id() -> str:
    """Return a new id of a demand period."""
    return new_id("dem")


class ScaleDecision(models.Model):
    """One decision of the autoscaler for one worker class, with all it saw. Append-only."""

    decided_at = models.DateTimeField()
    worker_class = models.CharField(max_length=12)
    workers = models.PositiveIntegerField()
    """Paid for when it was decided, draining ones left out."""
    target = models.PositiveIntegerField()
    launched = models.PositiveIntegerField(default=0)
    drained = models.JSONField(default=list)
    """Names, in the order of draining."""
    reasons = models.JSONField(default=list)
    """``part``, ``workers``, ``words`` and ``numbers`` of each part's answer."""
    view = models.JSONField(default=dict)
    """The `policy.fleet.ClassView` it was decided on, so that the log can be decided again."""
    is_shadow = models.BooleanField(default=False)
    """Recorded, not acted upon."""

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["worker_class", "-decided_at"], name="scale_decision_log"),
            models.Index(fields=["decided_at"], name="scale_decision_age"),
        ]

    def __str__(self) -> str:
        return f"{self.worker_class} {self.workers} → {self.target}"


class DemandPeriod(TenantModel):
    """A time in which a tenant expects to order much: a launch, a sale, a season's catalog."""

    id = models.CharField(primary_key=True, max_length=40, default=new_demand_id, editable=False)
    name = models.CharField(max_length=80)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    renders = models.PositiveIntegerField()
    """Expected in the whole period."""
    kind = models.CharField(max_length=20)
    """Pipeline: cutout, packshot, scene."""
    note = models.CharField(max_length=500, blank=True)
    created_by = models.CharField(max_length=40, null=True, blank=True)  # noqa: DJ001 - null: nobody
    """Id of the user; null if the product itself planned it."""
    created_at = models.DateTimeField(auto_now_add=True)
    canceled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["tenant", "starts_at"], name="demand_period_start"),
            models.Index(fields=["ends_at"], name="demand_period_end"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")), name="demand_period_has_length"
            ),
            models.CheckConstraint(condition=Q(renders__gt=0), name="demand_period_has_renders"),
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.renders} renders"


class DemandHour(models.Model):
    """What one worker class was asked for in one full hour, UTC."""

    worker_class = models.CharField(max_length=12)
    starts_at = models.DateTimeField()
    arrivals = models.PositiveIntegerField(default=0)
    work_seconds = models.FloatField(default=0.0)
    """Worker-seconds of what arrived: measured where it is done, estimated where not."""
    needed_workers = models.FloatField(default=0.0)
    """90th percentile over the hour of the workers that would have met the target wait."""

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["worker_class", "starts_at"], name="demand_hour_once")
        ]

    def __str__(self) -> str:
        return f"{self.worker_class} {self.starts_at:%Y-%m-%d %H}h: {self.arrivals}"


class WorkerLife(models.Model):
    """One worker from launch to release: what it cost and what it did with the time."""

    class End(models.TextChoices):
        """How it ended; empty while it is paid for."""

        DRAINED = "drained"
        LOST = "lost"
        NEVER_CAME = "never_came"
        TERMINATED = "terminated"

    worker = models.CharField(max_length=64)
    worker_class = models.CharField(max_length=12)
    engine = models.CharField(max_length=20)
    provider = models.CharField(max_length=20)
    place = models.CharField(max_length=120, blank=True)
    is_spot = models.BooleanField(default=False)
    price_minor_per_hour = models.FloatField(default=0.0)
    currency = models.CharField(max_length=3, default="EUR")
    launched_at = models.DateTimeField()
    listed_at = models.DateTimeField(null=True, blank=True)
    """When its provider first listed it; null if the launch never arrived there."""
    online_at = models.DateTimeField(null=True, blank=True)
    first_order_at = models.DateTimeField(null=True, blank=True)
    last_order_at = models.DateTimeField(null=True, blank=True)
    """End of the last order."""
    drain_asked_at = models.DateTimeField(null=True, blank=True)
    released_at = models.DateTimeField(null=True, blank=True)
    load_seconds = models.FloatField(default=0.0)
    """Loading and swapping engines."""
    active_seconds = models.FloatField(default=0.0)
    """Rendering."""
    end = models.CharField(max_length=12, choices=End.choices, blank=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["worker_class", "launched_at"], name="worker_life_class"),
            models.Index(fields=["released_at"], name="worker_life_release"),
        ]
        constraints: ClassVar = [
            # A name lives once at a time; after its end it may be used again.
            models.UniqueConstraint(
                fields=["worker"], condition=Q(released_at__isnull=True), name="worker_life_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.worker} {self.end or 'alive'}"

    def paid_seconds(self, now: datetime) -> float:
        """Return seconds from launch to release, or to `now` while it is paid for."""
        return max(0.0, ((self.released_at or now) - self.launched_at).total_seconds())

    def start_seconds(self, now: datetime) -> float:
        """Return seconds from launch until it was ready; all of them if it never was."""
        ready_at = self.online_at or self.released_at or now
        return max(0.0, (ready_at - self.launched_at).total_seconds())

    def idle_seconds(self, now: datetime) -> float:
        """Return seconds it was ready, neither loading nor rendering."""
        used = self.start_seconds(now) + self.load_seconds + self.active_seconds
        return max(0.0, self.paid_seconds(now) - used)

    def price_minor(self, now: datetime) -> float:
        """Return what it has cost, in minor units of its currency."""
        return self.paid_seconds(now) / 3600.0 * self.price_minor_per_hour
