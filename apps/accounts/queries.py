"""What is read about members and invitations."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from allauth.mfa.models import Authenticator
from django.db.models import Exists, OuterRef

from apps.accounts.models import Invitation
from apps.accounts.rules import may_assign, would_orphan
from apps.core import clock
from apps.tenants.models import Membership
from apps.tenants.roles import Actor, Permission, Role
from apps.tenants.scope import across_tenants

InvitationState = Literal["open", "expired", "accepted", "revoked"]


@dataclass(frozen=True, slots=True)
class MemberRow:
    """One member as the members page shows them."""

    id: int
    name: str
    email: str
    role: Role
    joined_at: datetime
    is_self: bool
    second_factor: bool
    changeable: bool
    """Whether the reader may change the role or remove the member."""


@dataclass(frozen=True, slots=True)
class InvitationRow:
    """One invitation that has been neither accepted nor revoked."""

    id: str
    email: str
    role: Role
    invited_by: str
    expires_at: datetime
    expired: bool
    changeable: bool


@dataclass(frozen=True, slots=True)
class MembersPage:
    """Everybody in a workspace and everybody asked to join."""

    members: tuple[MemberRow, ...]
    invitations: tuple[InvitationRow, ...]
    may_leave: bool


def members_page(actor: Actor) -> MembersPage:
    """Return members by name and open invitations, newest first. Two queries."""
    second_factor = Authenticator.objects.filter(user_id=OuterRef("user_id")).exclude(
        type=Authenticator.Type.RECOVERY_CODES
    )
    memberships = list(
        Membership.objects.select_related("user")
        .filter(tenant_id=actor.tenant)
        .annotate(second_factor=Exists(second_factor))
        .order_by("created_at", "id")
    )
    roles = [membership.role for membership in memberships]
    own = next((m for m in memberships if str(m.user_id) == actor.subject), None)
    return MembersPage(
        members=tuple(
            sorted(
                (_member_row(actor, membership, roles) for membership in memberships),
                key=lambda member: (member.name.casefold(), member.id),
            )
        ),
        invitations=tuple(_invitation_row(actor, row) for row in _waiting_invitations()),
        may_leave=own is not None and not would_orphan(roles, own.role),
    )


def invitation_by_digest(token_sha256: str) -> Invitation | None:
    """Return the invitation of a link with its workspace, whatever its state, or None."""
    if not token_sha256:
        return None
    with across_tenants("the token of an invitation link says which workspace"):
        invitation: Invitation | None = (
            Invitation.objects.select_related("tenant").filter(token_sha256=token_sha256).first()
        )
    return invitation


def invitation_state(invitation: Invitation) -> InvitationState:
    """Return what can be done with an invitation now; only an open one can be accepted."""
    if invitation.accepted_at is not None:
        return "accepted"
    if invitation.revoked_at is not None:
        return "revoked"
    return "expired" if invitation.expires_at <= clock.now() else "open"


def _waiting_invitations() -> list[Invitation]:
    return list(
        Invitation.objects.filter(accepted_at=None, revoked_at=None).order_by("-created_at", "id")
    )


def _member_row(actor: Actor, membership: Membership, roles: list[str]) -> MemberRow:
    role = Role(membership.role)
    return MemberRow(
        id=membership.pk,
        name=membership.user.get_full_name(),
        email=membership.user.email,
        role=role,
        joined_at=membership.created_at,
        is_self=str(membership.user_id) == actor.subject,
        second_factor=bool(getattr(membership, "second_factor", False)),
        changeable=actor.may(Permission.MANAGE_MEMBERS)
        and may_assign(actor, role)
        and not would_orphan(roles, role),
    )


def _invitation_row(actor: Actor, invitation: Invitation) -> InvitationRow:
    role = Role(invitation.role)
    return InvitationRow(
        id=invitation.pk,
        email=invitation.email,
        role=role,
        invited_by=invitation.invited_by,
        expires_at=invitation.expires_at,
        expired=invitation_state(invitation) == "expired",
        changeable=actor.may(Permission.MANAGE_MEMBERS) and may_assign(actor, role),
    )
