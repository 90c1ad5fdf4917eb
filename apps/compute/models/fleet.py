"""Workers, learned service times and who leads which loop. Global: fleets serve all tenants."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Worker(models.Model):
    """A worker process as last heard of."""

    class State(models.TextChoices):
        """``gone`` is kept for a day, for the fleet page."""

        IDLE = "idle"
        BUSY = "busy"
        DRAINING = "draining"
        GONE = "gone"

    name = models.CharField(primary_key=True, max_length=64)
    worker_class = models.CharField(max_length=12)
    engine = models.CharField(max_length=20)
    lane = models.CharField(max_length=60)
    host = models.CharField(max_length=80, blank=True)
    pid = models.IntegerField(default=0)
    state = models.CharField(max_length=10, choices=State.choices, default=State.IDLE)
    versions = models.JSONField(default=dict)
    started_at = models.DateTimeField(auto_now_add=True)
    seen_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["state", "seen_at"], name="worker_alive")]

    def __str__(self) -> str:
        return self.name


class ServiceTime(models.Model):
    """Learned seconds per cost unit of work, under one key: see `policy.work_size.keys`."""

    key = models.CharField(primary_key=True, max_length=80)
    """From coarse, ``engine/class``, to fine, with kind, pixels, steps and takes."""
    kind = models.CharField(max_length=20, blank=True)
    """Empty where the key holds for all kinds."""
    engine = models.CharField(max_length=20)
    worker_class = models.CharField(max_length=12)
    completions = models.PositiveIntegerField(default=0)
    histogram = models.JSONField(default=list)
    """Decaying weights by logarithmic bucket of seconds: see `policy.service_time`."""
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.key


class PromiseRecord(models.Model):
    """How well the promises of a lane's renders were kept, and by what the next is corrected."""

    lane = models.CharField(max_length=60)
    urgency = models.CharField(max_length=12)
    factor = models.FloatField(default=1.0)
    """What a forecast p90 is multiplied by: see `policy.calibration`."""
    promises = models.PositiveIntegerField(default=0)
    """Renders that ended and for which something was promised."""
    kept = models.PositiveIntegerField(default=0)
    """Of these, finished before the p90 shown."""
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["lane", "urgency"], name="promise_record_once")
        ]

    def __str__(self) -> str:
        return f"{self.lane} {self.urgency}: {self.kept} of {self.promises}"


class LoopLease(models.Model):
    """Who runs a loop now; another conductor waits until it expires."""

    loop = models.CharField(primary_key=True, max_length=40)
    holder = models.CharField(max_length=80)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.loop} by {self.holder}"
