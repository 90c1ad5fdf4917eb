"""Pages of the accounts app."""

from apps.accounts.views.account import new_workspace, one_time_login, profile, switcher, theme
from apps.accounts.views.invitations import accept_invitation, invitation, invitation_link
from apps.accounts.views.members import (
    change_role,
    invite_member,
    leave_workspace,
    members,
    remove_member,
    resend_invitation,
    revoke_invitation,
)

__all__ = [
    "accept_invitation",
    "change_role",
    "invitation",
    "invitation_link",
    "invite_member",
    "leave_workspace",
    "members",
    "new_workspace",
    "one_time_login",
    "profile",
    "remove_member",
    "resend_invitation",
    "revoke_invitation",
    "switcher",
    "theme",
]
