"""Mail that the chores worker sends."""

from __future__ import annotations

from apps.accounts.mails import send_invitation_mail
from apps.accounts.models import Invitation
from apps.accounts.queries import invitation_state
from apps.tenants.scope import tenant_scope


def send_invitation(tenant: str, invitation_id: str) -> None:
    """Send the link of an invitation that is still open."""
    with tenant_scope(tenant):
        invitation = Invitation.objects.select_related("tenant").filter(pk=invitation_id).first()
        if invitation is not None and invitation_state(invitation) == "open":
            send_invitation_mail(invitation)
