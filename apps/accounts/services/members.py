"""Changing who belongs to a workspace, and as what. A workspace always keeps an owner."""

from __future__ import annotations

from django.db import transaction

from apps.accounts.rules import may_assign, would_orphan
from apps.core.errors import ConflictError, ForbiddenError, NotFoundError
from apps.events import live
from apps.events import services as events
from apps.events.kinds import Kind
from apps.tenants.models import Membership, Tenant
from apps.tenants.roles import Actor, Permission, Role


def change_role(*, actor: Actor, membership_id: int, role: Role) -> Membership:
    """Give a member another role.

    Raises
    ------
    NotFoundError
        ``accounts.member_missing``.
    ForbiddenError
        ``accounts.role_above_own``, if either role holds more than the actor does.
    ConflictError
        ``accounts.last_owner``.
    """
    actor.require(Permission.MANAGE_MEMBERS)
    with transaction.atomic():
        membership, roles = _locked(actor, membership_id)
        before = Role(membership.role)
        require_assignable(actor, before)
        require_assignable(actor, role)
        _require_owner_left(roles, before, role)
        if role != before:
            membership.role = role
            membership.save(update_fields=["role"])
            events.record(
                actor=actor,
                kind=Kind.MEMBER_ROLE_CHANGED,
                subject=str(membership.user_id),
                member=str(membership.user),
                before=str(before),
                after=str(role),
            )
    return membership


def remove_member(*, actor: Actor, membership_id: int) -> None:
    """Take a member out of the workspace; their open pages stop being live at once.

    Raises
    ------
    NotFoundError
        ``accounts.member_missing``.
    ForbiddenError
        ``accounts.role_above_own``.
    ConflictError
        ``accounts.last_owner``.
    """
    actor.require(Permission.MANAGE_MEMBERS)
    with transaction.atomic():
        membership, roles = _locked(actor, membership_id)
        require_assignable(actor, Role(membership.role))
        _remove(actor, membership, roles)


def leave_workspace(*, actor: Actor) -> None:
    """Take oneself out of the workspace; every role may.

    Raises
    ------
    ConflictError
        ``accounts.last_owner``.
    """
    with transaction.atomic():
        own = Membership.objects.filter(tenant_id=actor.tenant, user_id=int(actor.subject)).get()
        membership, roles = _locked(actor, own.pk)
        _remove(actor, membership, roles)


def require_assignable(actor: Actor, role: Role) -> None:
    """Refuse to touch a role that holds more than the actor does.

    Raises
    ------
    ForbiddenError
        ``accounts.role_above_own``.
    """
    if not may_assign(actor, role):
        raise ForbiddenError(
            "accounts.role_above_own",
            f"Only an owner may decide about the role {role}. Ask an owner of the workspace.",
            role=str(role),
        )


def _remove(actor: Actor, membership: Membership, roles: list[str]) -> None:
    _require_owner_left(roles, membership.role, None)
    events.record(
        actor=actor,
        kind=Kind.MEMBER_REMOVED,
        subject=str(membership.user_id),
        member=str(membership.user),
    )
    live.revoke_on_commit(actor.tenant, str(membership.user_id))
    membership.delete()


def _locked(actor: Actor, membership_id: int) -> tuple[Membership, list[str]]:
    """Return the membership and the roles of all members, with the workspace locked.

    The lock makes two owners who demote each other at the same moment come one after the other.
    """
    Tenant.objects.select_for_update().get(pk=actor.tenant)
    members = list(Membership.objects.select_related("user").filter(tenant_id=actor.tenant))
    for membership in members:
        if membership.pk == membership_id:
            return membership, [member.role for member in members]
    raise NotFoundError("accounts.member_missing", "There is no such member in this workspace.")


def _require_owner_left(roles: list[str], leaving: str, becoming: str | None) -> None:
    if would_orphan(roles, leaving, becoming):
        raise ConflictError(
            "accounts.last_owner",
            "A workspace needs an owner. Make somebody else an owner first.",
        )
