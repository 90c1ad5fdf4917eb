"""What is read about workspaces and memberships."""

from __future__ import annotations

from django.db.models import QuerySet

from apps.tenants.models import Membership


def memberships_of_user(user_id: int) -> QuerySet[Membership]:
    """Return a person's memberships with their workspaces, oldest first. One query."""
    return (
        Membership.objects.select_related("tenant")
        .filter(user_id=user_id)
        .order_by("created_at", "id")
    )
