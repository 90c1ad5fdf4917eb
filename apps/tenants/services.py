"""Making and renaming workspaces. What follows from a new one is the business of upper floors."""

from __future__ import annotations

from django.db import IntegrityError, transaction

from apps.core.errors import InvalidError
from apps.tenants.models import Membership, Tenant
from apps.tenants.roles import Actor, Permission, Role
from apps.tenants.slugs import slug_candidates


def create_workspace(*, name: str, owner_id: int) -> Membership:
    """Create a workspace with a free address and its first member, the owner.

    Raises
    ------
    InvalidError
        ``tenants.name_empty``.
    """
    name = _clean_name(name)
    with transaction.atomic():
        tenant = _create_tenant(name)
        return Membership.objects.create(tenant=tenant, user_id=owner_id, role=Role.OWNER)


def rename_workspace(*, actor: Actor, name: str) -> Tenant:
    """Change what the workspace is called. Its address stays: links must not break."""
    actor.require(Permission.MANAGE_WORKSPACE)
    name = _clean_name(name)
    with transaction.atomic():
        tenant = Tenant.objects.select_for_update().get(pk=actor.tenant)
        tenant.name = name
        tenant.save(update_fields=["name"])
    return tenant


def _create_tenant(name: str) -> Tenant:
    for slug in slug_candidates(name):
        try:
            with transaction.atomic():
                return Tenant.objects.create(slug=slug, name=name)
        except IntegrityError:
            if not Tenant.objects.filter(slug=slug).exists():
                raise
    raise AssertionError("slug_candidates never ends")


def _clean_name(name: str) -> str:
    cleaned = " ".join(name.split())[:120]
    if not cleaned:
        raise InvalidError("tenants.name_empty", "Give the workspace a name.", field="name")
    return cleaned
