"""Which workspace a person worked in last, kept in their login session."""

from __future__ import annotations

from django.contrib.sessions.backends.base import SessionBase

_KEY = "last_workspace"


def remember(session: SessionBase, slug: str) -> None:
    """Keep the workspace; writes the session only when it changes."""
    if session.get(_KEY) != slug:
        session[_KEY] = slug


def recall(session: SessionBase) -> str:
    """Return the slug kept last, or an empty string."""
    return str(session.get(_KEY, ""))
