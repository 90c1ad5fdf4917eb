"""Credits: a balance that constraints keep true, and a ledger that is only ever appended to."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models

from apps.billing.plans import PLANS, Plan
from apps.core.ids import new_id
from apps.tenants.models import TenantModel


def new_entry_id() -> str:
    """Return a new id of a ledger entry."""
    return new_id("led")


class CreditAccount(TenantModel):
    """A workspace's plan and balance. ``available + reserved`` is what has not been used."""

    plan_slug = models.CharField(max_length=20, default="trial")
    available = models.IntegerField(default=0)
    reserved = models.IntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant"], name="credit_account_once"),
            models.CheckConstraint(condition=models.Q(available__gte=0), name="credits_available"),
            models.CheckConstraint(condition=models.Q(reserved__gte=0), name="credits_reserved"),
        ]

    def __str__(self) -> str:
        return f"{self.available} available, {self.reserved} reserved"

    @property
    def plan(self) -> Plan:
        """The plan's terms."""
        return PLANS[self.plan_slug]


class LedgerEntry(TenantModel):
    """One movement of credits. Append-only."""

    class Kind(models.TextChoices):
        """Grant and expire change the sum; hold, capture and release move it."""

        GRANT = "grant"
        HOLD = "hold"
        CAPTURE = "capture"
        RELEASE = "release"
        EXPIRE = "expire"

    id = models.CharField(primary_key=True, max_length=40, default=new_entry_id, editable=False)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    credits = models.PositiveIntegerField()
    subject = models.CharField(max_length=40)
    """Id of the work item, or the reason of a grant."""
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            # One hold at a time is settled once: a retry holds again under a new subject.
            models.UniqueConstraint(
                fields=["tenant", "subject"],
                condition=models.Q(kind__in=["capture", "release"]),
                name="ledger_settled_once",
            ),
            models.UniqueConstraint(
                fields=["tenant", "subject"],
                condition=models.Q(kind="hold"),
                name="ledger_held_once",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["tenant", "-created_at"], name="ledger_recent")]

    def __str__(self) -> str:
        return f"{self.kind} {self.credits} for {self.subject}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Append the entry; an existing one is never changed."""
        if not self._state.adding:
            raise TypeError("the ledger is append-only")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Refuse: entries leave only with their tenant."""
        raise TypeError("the ledger is append-only")
