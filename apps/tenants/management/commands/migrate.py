"""Django's ``migrate``, with the tenant guards set aside while SQLite rebuilds tables."""

from __future__ import annotations

from typing import Any

from django.core.management.commands.migrate import Command as DjangoMigrate
from django.db import connections

from apps.tenants.guards import guards_set_aside


class Command(DjangoMigrate):
    """Migrate as ever; the guards are back before the command ends, whatever happens."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate."""
        with guards_set_aside(connections[options["database"]]):
            super().handle(*args, **options)
