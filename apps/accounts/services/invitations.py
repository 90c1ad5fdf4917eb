"""Asking people into a workspace by e-mail. The link's token is stored as a digest only."""

from __future__ import annotations

from datetime import timedelta

from django.db import IntegrityError, transaction

from apps.accounts import tokens
from apps.accounts.models import Invitation, User
from apps.accounts.queries import invitation_by_digest, invitation_state
from apps.accounts.services.members import require_assignable
from apps.core import clock
from apps.core.errors import ConflictError, ForbiddenError, NotFoundError
from apps.core.queue import enqueue_on_commit
from apps.events import services as events
from apps.events.kinds import Kind
from apps.tenants.models import Membership
from apps.tenants.roles import Actor, Permission, Role
from apps.tenants.scope import tenant_scope

VALID_FOR = timedelta(days=7)
_MAIL_SECONDS = 60


def invite_member(*, actor: Actor, email: str, role: Role) -> Invitation:
    """Ask an address to join; asking again renews the open invitation, with the new role.

    Raises
    ------
    ForbiddenError
        ``accounts.role_above_own``.
    ConflictError
        ``accounts.already_member``.
    """
    actor.require(Permission.MANAGE_MEMBERS)
    require_assignable(actor, role)
    email = email.strip().lower()
    if Membership.objects.filter(tenant_id=actor.tenant, user__email=email).exists():
        raise ConflictError(
            "accounts.already_member",
            f"{email} already belongs to this workspace. Change the role in the list of members.",
            email=email,
        )
    with transaction.atomic():
        invitation = (
            Invitation.objects.select_for_update()
            .filter(email=email, accepted_at=None, revoked_at=None)
            .first()
        )
        if invitation is None:
            invitation = Invitation(tenant_id=actor.tenant, email=email)
        else:
            require_assignable(actor, Role(invitation.role))
        invitation.role = role
        invitation.invited_by = actor.label
        _renew(invitation)
        events.record(
            actor=actor,
            kind=Kind.MEMBER_INVITED,
            subject=invitation.pk,
            member=email,
            role=str(role),
        )
        _send_on_commit(invitation)
    return invitation


def resend_invitation(*, actor: Actor, invitation_id: str) -> Invitation:
    """Send a fresh link for another seven days; the old link stops working.

    Raises
    ------
    NotFoundError
        ``accounts.invitation_missing``.
    ForbiddenError
        ``accounts.role_above_own``.
    """
    actor.require(Permission.MANAGE_MEMBERS)
    with transaction.atomic():
        invitation = _locked(invitation_id)
        require_assignable(actor, Role(invitation.role))
        _renew(invitation)
        _send_on_commit(invitation)
    return invitation


def revoke_invitation(*, actor: Actor, invitation_id: str) -> None:
    """Make the link stop working.

    Raises
    ------
    NotFoundError
        ``accounts.invitation_missing``, also when it has been accepted already.
    ForbiddenError
        ``accounts.role_above_own``.
    """
    actor.require(Permission.MANAGE_MEMBERS)
    with transaction.atomic():
        invitation = _locked(invitation_id)
        require_assignable(actor, Role(invitation.role))
        invitation.revoked_at = clock.now()
        invitation.save(update_fields=["revoked_at"])


def accept_invitation(*, user: User, token_sha256: str) -> Membership:
    """Make the user a member, if the invitation is open and was sent to their address.

    Raises
    ------
    NotFoundError
        ``accounts.invitation_invalid``: unknown, revoked, expired or used before.
    ForbiddenError
        ``accounts.invitation_for_another``.
    """
    found = invitation_by_digest(token_sha256)
    if found is None:
        raise _invalid()
    with tenant_scope(found.tenant_id), transaction.atomic():
        invitation: Invitation = Invitation.objects.select_for_update().get(pk=found.pk)
        # Read again under the lock: another click may have used it since.
        if invitation.token_sha256 != token_sha256 or invitation_state(invitation) != "open":
            raise _invalid()
        if invitation.email != user.email.lower():
            raise ForbiddenError(
                "accounts.invitation_for_another",
                "This invitation was sent to another e-mail address. "
                "Sign in with that address, or ask for an invitation to yours.",
            )
        membership = _join(invitation, user)
        invitation.accepted_at = clock.now()
        invitation.save(update_fields=["accepted_at"])
    return membership


def _join(invitation: Invitation, user: User) -> Membership:
    try:
        with transaction.atomic():
            membership = Membership.objects.create(
                tenant_id=invitation.tenant_id, user=user, role=invitation.role
            )
    except IntegrityError:
        # Already inside by another way: the invitation is used up, the present role stays.
        return Membership.objects.select_related("tenant").get(
            tenant_id=invitation.tenant_id, user=user
        )
    events.record(
        actor=membership.actor,
        kind=Kind.MEMBER_JOINED,
        subject=str(user.pk),
        member=str(user),
        role=invitation.role,
    )
    return membership


def _renew(invitation: Invitation) -> None:
    invitation.expires_at = clock.now() + VALID_FOR
    invitation.token_sha256 = tokens.digest(
        tokens.invitation_token(invitation.pk, invitation.expires_at)
    )
    invitation.save()


def _send_on_commit(invitation: Invitation) -> None:
    enqueue_on_commit(
        "chores",
        "apps.accounts.jobs.send_invitation",
        invitation.tenant_id,
        invitation.pk,
        timeout_seconds=_MAIL_SECONDS,
    )


def _locked(invitation_id: str) -> Invitation:
    invitation: Invitation | None = (
        Invitation.objects.select_for_update()
        .filter(pk=invitation_id, accepted_at=None, revoked_at=None)
        .first()
    )
    if invitation is None:
        raise NotFoundError(
            "accounts.invitation_missing",
            "This invitation is not open any more. Reload the page to see who has joined.",
        )
    return invitation


def _invalid() -> NotFoundError:
    return NotFoundError(
        "accounts.invitation_invalid",
        "This invitation link does not work any more. Ask for a new invitation.",
    )
