"""Roles, permissions and who acts. Pure.

Owns the one table of what each role may do, and the actor that every service receives.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

from apps.core.errors import ForbiddenError


class Role(StrEnum):
    """What a member is in a workspace."""

    OWNER = "owner"
    ADMIN = "admin"
    PRODUCER = "producer"
    REVIEWER = "reviewer"
    VIEWER = "viewer"


class Permission(StrEnum):
    """What may be done in a workspace."""

    VIEW = "workspace.view"
    EDIT_CATALOG = "catalog.edit"
    ORDER_SHOOT = "studio.order"
    REVIEW = "review.decide"
    EXPORT = "exports.create"
    VIEW_USAGE = "usage.view"
    PLAN_DEMAND = "demand.plan"
    MANAGE_BRAND = "brand.manage"
    MANAGE_MEMBERS = "members.manage"
    MANAGE_API_KEYS = "api_keys.manage"
    MANAGE_WORKSPACE = "workspace.manage"


_VIEWER = frozenset({Permission.VIEW})
_REVIEWER = _VIEWER | {Permission.REVIEW, Permission.EXPORT}
_PRODUCER = _VIEWER | {Permission.EDIT_CATALOG, Permission.ORDER_SHOOT, Permission.EXPORT}
_ADMIN = (
    _REVIEWER
    | _PRODUCER
    | {
        Permission.VIEW_USAGE,
        Permission.PLAN_DEMAND,
        Permission.MANAGE_BRAND,
        Permission.MANAGE_MEMBERS,
        Permission.MANAGE_API_KEYS,
    }
)

PERMISSIONS: Final[dict[Role, frozenset[Permission]]] = {
    Role.OWNER: _ADMIN | {Permission.MANAGE_WORKSPACE},
    Role.ADMIN: _ADMIN,
    Role.PRODUCER: _PRODUCER,
    Role.REVIEWER: _REVIEWER,
    Role.VIEWER: _VIEWER,
}


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something in one workspace: a member, an API key or the system itself."""

    tenant: str
    kind: Literal["member", "api_key", "system"]
    subject: str
    """Id of the user or API key; the name of the loop or command for the system."""
    label: str
    """What the audit trail shows: an e-mail address, a key's name, a command."""
    permissions: frozenset[Permission]

    def may(self, permission: Permission) -> bool:
        """Return whether the actor holds the permission."""
        return permission in self.permissions

    def require(self, permission: Permission) -> None:
        """Refuse an actor without the permission.

        Raises
        ------
        ForbiddenError
            With the missing permission in its data.
        """
        if permission not in self.permissions:
            raise ForbiddenError(
                "tenants.permission_missing",
                "Your role does not allow this. Ask an owner or admin of the workspace.",
                permission=str(permission),
            )


def system_actor(tenant: str, name: str) -> Actor:
    """Return the actor for work the product does by itself."""
    return Actor(tenant, "system", name, name, frozenset(Permission))
