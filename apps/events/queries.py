"""Who may listen to a workspace's live hints, asked again while they listen."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module

from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.utils.crypto import constant_time_compare

from apps.tenants.models import Membership


@dataclass(frozen=True, slots=True)
class Listener:
    """A member with an open socket."""

    tenant: str
    user: str


def listener_of(*, slug: str, user: str, session_key: str | None) -> Listener | None:
    """Return who listens, or None where access has ended or never was.

    Parameters
    ----------
    session_key
        The login session the socket was opened with: signing out, a changed password and a
        disabled person all end it. None where there was no session middleware.
    """
    membership = (
        Membership.objects.select_related("user")
        .filter(tenant__slug=slug, user_id=user, user__is_active=True)
        .first()
    )
    if membership is None:
        return None
    if session_key is not None and not _is_signed_in(membership, session_key):
        return None
    return Listener(tenant=membership.tenant_id, user=str(membership.user_id))


def _is_signed_in(membership: Membership, session_key: str) -> bool:
    session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    return session.get(SESSION_KEY) == str(membership.user_id) and constant_time_compare(
        session.get(HASH_SESSION_KEY, ""), membership.user.get_session_auth_hash()
    )
