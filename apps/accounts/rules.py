"""Who may give which role to whom. Pure."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from apps.tenants.roles import PERMISSIONS, Actor, Role

ROLE_WORDS: Final[dict[Role, str]] = {
    Role.OWNER: "Everything, including the workspace itself",
    Role.ADMIN: "Everything but the workspace: members, brand, API keys, shoots and review",
    Role.PRODUCER: "Adds products and photos, orders shoots, exports",
    Role.REVIEWER: "Approves or rejects renders, exports",
    Role.VIEWER: "Sees everything, changes nothing",
}
"""What each role means, in the words of the members page."""


def may_assign(actor: Actor, role: Role) -> bool:
    """Return whether the actor may give or take the role: nobody hands out more than they hold."""
    return PERMISSIONS[role] <= actor.permissions


def assignable_roles(actor: Actor) -> tuple[Role, ...]:
    """Return the roles that the actor may give, highest first."""
    return tuple(role for role in Role if may_assign(actor, role))


def would_orphan(roles: Collection[str], leaving: str, becoming: str | None = None) -> bool:
    """Return whether a workspace with these roles would lose its last owner.

    Parameters
    ----------
    roles
        The roles of all members, the leaving one included.
    leaving
        The present role of the member who leaves or changes.
    becoming
        Their new role; None if they leave.
    """
    if leaving != Role.OWNER or becoming == Role.OWNER:
        return False
    return sum(role == Role.OWNER for role in roles) <= 1
