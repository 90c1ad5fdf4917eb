"""Moving credits: hold at order, capture on success, release otherwise.

Every function runs inside the caller's transaction, writes its ledger entry and moves the balance
by one conditional UPDATE, so that no balance is ever read, checked and written in three steps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db import IntegrityError, transaction
from django.db.models import F

from apps.billing.models import CreditAccount, LedgerEntry
from apps.billing.plans import PLANS
from apps.core.errors import LimitError

_SETTLED = (LedgerEntry.Kind.CAPTURE, LedgerEntry.Kind.RELEASE)


def open_account(*, tenant: str, plan_slug: str) -> CreditAccount:
    """Open the workspace's account with its plan's first allowance."""
    with transaction.atomic():
        account = CreditAccount.objects.create(tenant_id=tenant, plan_slug=plan_slug)
        grant(
            tenant=tenant, amount=PLANS[plan_slug].monthly_credits, reason=f"{plan_slug} allowance"
        )
    account.refresh_from_db()
    return account


def grant(*, tenant: str, amount: int, reason: str) -> None:
    """Add credits to the balance."""
    with transaction.atomic():
        CreditAccount.objects.filter(tenant_id=tenant).update(available=F("available") + amount)
        LedgerEntry.objects.create(
            tenant_id=tenant, kind=LedgerEntry.Kind.GRANT, credits=amount, subject=reason[:40]
        )


def hold(*, tenant: str, subjects: Sequence[str], credits_each: int) -> None:
    """Reserve credits for work items, all or none.

    Raises
    ------
    LimitError
        ``billing.credits_exhausted`` with ``needed`` and ``available``.
    """
    needed = credits_each * len(subjects)
    with transaction.atomic():
        held = CreditAccount.objects.filter(tenant_id=tenant, available__gte=needed).update(
            available=F("available") - needed, reserved=F("reserved") + needed
        )
        if not held:
            available = CreditAccount.objects.get(tenant_id=tenant).available
            raise LimitError(
                "billing.credits_exhausted",
                f"This needs {needed:,} credits and {available:,} are left. "
                "Order fewer renders or ask an owner to raise the plan.",
                needed=needed,
                available=available,
            )
        LedgerEntry.objects.bulk_create(
            LedgerEntry(
                tenant_id=tenant,
                kind=LedgerEntry.Kind.HOLD,
                credits=credits_each,
                subject=subject,
            )
            for subject in subjects
        )


def capture(*, tenant: str, subjects: Sequence[str]) -> frozenset[str]:
    """Spend what was held for work items. Return those that were not settled before."""
    return _settle(tenant, subjects, LedgerEntry.Kind.CAPTURE)


def release(*, tenant: str, subjects: Sequence[str]) -> frozenset[str]:
    """Give back what was held for work items. Return those that were not settled before."""
    return _settle(tenant, subjects, LedgerEntry.Kind.RELEASE)


def _settle(tenant: str, subjects: Sequence[str], kind: LedgerEntry.Kind) -> frozenset[str]:
    held: dict[str, int] = {}
    settled: set[str] = set()
    for subject, entry_kind, amount in LedgerEntry.objects.filter(
        tenant_id=tenant, subject__in=subjects
    ).values_list("subject", "kind", "credits"):
        if entry_kind == LedgerEntry.Kind.HOLD:
            held[subject] = amount
        elif entry_kind in _SETTLED:
            settled.add(subject)
    due = [subject for subject in dict.fromkeys(subjects) if subject in held.keys() - settled]
    if not due:
        return frozenset()
    try:
        with transaction.atomic():
            _write_settlement(tenant, {subject: held[subject] for subject in due}, kind)
    except IntegrityError:
        # Two settle at once: the unique constraint lets one through, and one is enough. Whether
        # it is this one is found out for each subject alone.
        if len(due) == 1:
            return frozenset()
        return frozenset().union(*(_settle(tenant, [subject], kind) for subject in due))
    return frozenset(due)


def _write_settlement(tenant: str, amounts: Mapping[str, int], kind: LedgerEntry.Kind) -> None:
    LedgerEntry.objects.bulk_create(
        LedgerEntry(tenant_id=tenant, kind=kind, credits=amount, subject=subject)
        for subject, amount in amounts.items()
    )
    total = sum(amounts.values())
    back = total if kind == LedgerEntry.Kind.RELEASE else 0
    CreditAccount.objects.filter(tenant_id=tenant).update(
        reserved=F("reserved") - total, available=F("available") + back
    )
