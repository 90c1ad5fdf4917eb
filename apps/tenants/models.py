"""Workspaces, who belongs to them, and the base of every row that belongs to one."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models

from apps.core.ids import new_id
from apps.tenants.managers import TenantManager
from apps.tenants.roles import PERMISSIONS, Actor, Role
from apps.tenants.scope import WrongTenant, current_scope


def new_tenant_id() -> str:
    """Return a new id of a tenant."""
    return new_id("wsp")


class Tenant(models.Model):
    """One seller's workspace: the border that nothing crosses."""

    id = models.CharField(primary_key=True, max_length=40, default=new_tenant_id, editable=False)
    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=120)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """A user's role in a workspace."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships"
    )
    role = models.CharField(max_length=16, choices=[(role.value, role.value) for role in Role])
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "user"], name="membership_once"),
            models.CheckConstraint(
                condition=models.Q(role__in=[role.value for role in Role]),
                name="membership_role_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} as {self.role} of {self.tenant}"

    @property
    def actor(self) -> Actor:
        """The actor that services receive for this member."""
        return Actor(
            tenant=self.tenant_id,
            kind="member",
            subject=str(self.user_id),
            label=str(self.user),
            permissions=PERMISSIONS[Role(self.role)],
        )


class TenantModel(models.Model):
    """Base of every row that belongs to a tenant."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+", editable=False)

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Write the row, of the open tenant only.

        Raises
        ------
        WrongTenant
            If the row belongs to another tenant than the open scope.
        """
        scope = current_scope()
        if scope.tenant is not None:
            if not self.tenant_id:
                self.tenant_id = scope.tenant
            if self.tenant_id != scope.tenant:
                raise WrongTenant(f"{type(self).__name__} of {self.tenant_id} in {scope.tenant}")
        super().save(*args, **kwargs)
