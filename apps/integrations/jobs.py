"""What the chores queue starts for this app."""

from __future__ import annotations

from django.db import close_old_connections

from apps.integrations.services import exports
from apps.tenants.scope import tenant_scope


def build_export(tenant: str, export: str) -> None:
    """Build one export's archive."""
    close_old_connections()
    with tenant_scope(tenant):
        exports.build_export(export)
