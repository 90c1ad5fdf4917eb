"""Reviews and the verdicts given in them. Nothing unapproved leaves the workspace."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from apps.core.ids import new_id
from apps.studio.models import Render
from apps.tenants.models import TenantModel


def new_review_id() -> str:
    """Return a new id of a review."""
    return new_id("rev")


def new_verdict_id() -> str:
    """Return a new id of a verdict."""
    return new_id("ver")


class Review(TenantModel):
    """The present standing of one render. Opened when it succeeds."""

    class State(models.TextChoices):
        """What the last verdict left."""

        PENDING = "pending"
        APPROVED = "approved"
        REJECTED = "rejected"

    id = models.CharField(primary_key=True, max_length=40, default=new_review_id, editable=False)
    render = models.OneToOneField(Render, on_delete=models.CASCADE, related_name="review")
    state = models.CharField(max_length=10, choices=State.choices, default=State.PENDING)
    reason = models.CharField(max_length=40, blank=True)
    opened_at = models.DateTimeField(auto_now_add=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.CharField(max_length=254, blank=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["tenant", "state", "opened_at"], name="to_review")
        ]

    def __str__(self) -> str:
        return f"{self.render_id} {self.state}"


class Verdict(TenantModel):
    """One decision, kept for ever: who, what, why."""

    class Action(models.TextChoices):
        """Undo brings the review back to pending."""

        APPROVE = "approve"
        REJECT = "reject"
        UNDO = "undo"

    id = models.CharField(primary_key=True, max_length=40, default=new_verdict_id, editable=False)
    review = models.ForeignKey(Review, on_delete=models.CASCADE, related_name="verdicts")
    action = models.CharField(max_length=8, choices=Action.choices)
    reason = models.CharField(max_length=40, blank=True)
    note = models.CharField(max_length=1000, blank=True)
    decided_by = models.CharField(max_length=254)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["created_at", "id"]

    def __str__(self) -> str:
        return f"{self.action} by {self.decided_by}"
