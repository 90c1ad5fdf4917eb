"""The invitation a person is about to answer, kept in their session as a digest."""

from __future__ import annotations

from django.contrib.sessions.backends.base import SessionBase

from apps.accounts.models import Invitation
from apps.accounts.queries import invitation_by_digest, invitation_state

_KEY = "invitation"


def keep(session: SessionBase, token_sha256: str) -> None:
    """Remember the invitation through sign-in or sign-up."""
    session[_KEY] = token_sha256


def kept_digest(session: SessionBase) -> str:
    """Return the digest kept, or an empty string."""
    return str(session.get(_KEY, ""))


def open_invitation(session: SessionBase) -> Invitation | None:
    """Return the invitation kept, if it can still be accepted."""
    invitation = invitation_by_digest(kept_digest(session))
    if invitation is None or invitation_state(invitation) != "open":
        return None
    return invitation


def forget(session: SessionBase) -> None:
    """Drop the invitation: it has been answered."""
    session.pop(_KEY, None)
