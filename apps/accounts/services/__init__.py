"""What changes people, memberships and invitations."""

from apps.accounts.services.invitations import (
    accept_invitation,
    invite_member,
    resend_invitation,
    revoke_invitation,
)
from apps.accounts.services.members import change_role, leave_workspace, remove_member
from apps.accounts.services.one_time_logins import one_time_login_url, redeem_one_time_login
from apps.accounts.services.people import rename_person
from apps.accounts.services.workspaces import open_workspace

__all__ = [
    "accept_invitation",
    "change_role",
    "invite_member",
    "leave_workspace",
    "one_time_login_url",
    "open_workspace",
    "redeem_one_time_login",
    "remove_member",
    "rename_person",
    "resend_invitation",
    "revoke_invitation",
]
