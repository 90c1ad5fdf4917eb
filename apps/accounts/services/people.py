"""What people say about themselves."""

from __future__ import annotations

from apps.accounts.models import User


def rename_person(*, user: User, name: str) -> None:
    """Keep the name that colleagues see; an empty one shows the e-mail address."""
    user.name = " ".join(name.split())[:120]
    user.save(update_fields=["name"])
