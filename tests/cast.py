"""The people of the tests. Alice owns the workspace Ateliers; Eve belongs elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

from apps.accounts.models import User
from apps.billing.credits import open_account
from apps.tenants.models import Membership, Tenant
from apps.tenants.roles import Actor
from apps.tenants.scope import tenant_scope

PASSWORD = "a-long-enough-passphrase"


@dataclass(frozen=True)
class Person:
    """A member as tests need them."""

    user: User
    tenant: Tenant
    membership: Membership

    @property
    def actor(self) -> Actor:
        return self.membership.actor


def workspace(slug: str, name: str, *, plan: str = "trial") -> Tenant:
    tenant = Tenant.objects.create(slug=slug, name=name)
    with tenant_scope(tenant.pk):
        open_account(tenant=tenant.pk, plan_slug=plan)
    return tenant


def member(tenant: Tenant, email: str, role: str) -> Person:
    user = User.objects.create_user(email, PASSWORD)
    return Person(user, tenant, Membership.objects.create(tenant=tenant, user=user, role=role))
