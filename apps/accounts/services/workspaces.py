"""Opening a workspace: the tenant, its owner and its credits, all or nothing."""

from __future__ import annotations

from django.db import transaction

from apps.accounts.models import User
from apps.billing.credits import open_account
from apps.events import services as events
from apps.events.kinds import Kind
from apps.tenants.models import Membership
from apps.tenants.scope import tenant_scope
from apps.tenants.services import create_workspace

FIRST_PLAN = "trial"


def open_workspace(*, owner: User, name: str, plan_slug: str = FIRST_PLAN) -> Membership:
    """Create a workspace that can be worked in at once, and return the owner's membership.

    Raises
    ------
    InvalidError
        ``tenants.name_empty``.
    """
    with transaction.atomic():
        membership = create_workspace(name=name, owner_id=owner.pk)
        with tenant_scope(membership.tenant_id):
            open_account(tenant=membership.tenant_id, plan_slug=plan_slug)
            events.record(
                actor=membership.actor,
                kind=Kind.WORKSPACE_CREATED,
                subject=membership.tenant_id,
                plan=plan_slug,
            )
    return membership
