"""Migration operation: a row can never point into another tenant.

On PostgreSQL a composite foreign key (tenant_id, fk) to (tenant_id, id); on SQLite, which cannot
add constraints to a table, a pair of triggers that say the same. SQLite also changes a table by
building it anew, which loses its triggers and fails on those of others that name it: the project's
``migrate`` command therefore sets all guards aside first and puts them back at the end, with those
that its own migrations asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

_Triggers = dict[str, tuple[str, str]]
"""Name of a trigger to its table and statement."""

_aside: ContextVar[_Triggers | None] = ContextVar("guards set aside", default=None)


class TenantGuard(Operation):
    """Bind a foreign key between two tenant models to one tenant."""

    reduces_to_sql = True
    reversible = True

    def __init__(self, model_name: str, field_name: str) -> None:
        self.model_name = model_name
        self.field_name = field_name

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        """Return what a squashed migration needs to write this operation again."""
        return (
            type(self).__name__,
            [],
            {"model_name": self.model_name, "field_name": self.field_name},
        )

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Change nothing: the guard is below Django's model state."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """Add the constraint or the triggers."""
        child, parent, column = self._names(app_label, to_state)
        name = f"guard_{child}_{column}"
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(
                f'CREATE UNIQUE INDEX IF NOT EXISTS "{parent}_tenant_id" '
                f'ON "{parent}" (tenant_id, id)'
            )
            schema_editor.execute(
                f'ALTER TABLE "{child}" ADD CONSTRAINT "{name[:60]}" '
                f'FOREIGN KEY (tenant_id, "{column}") REFERENCES "{parent}" (tenant_id, id) '
                "DEFERRABLE INITIALLY DEFERRED"
            )
            return
        aside = _aside.get()
        for moment in ("INSERT", "UPDATE"):
            trigger = f"{name}_{moment.lower()}"
            statement = (  # names from our own models, not from users
                f'CREATE TRIGGER "{trigger}" BEFORE {moment} ON "{child}" '
                f'WHEN NEW."{column}" IS NOT NULL AND NEW.tenant_id IS NOT '
                f'(SELECT tenant_id FROM "{parent}" WHERE id = NEW."{column}") '
                f"BEGIN SELECT RAISE(ABORT, 'row of another tenant: {child}.{column}'); END"
            )
            if aside is None:
                schema_editor.execute(statement)
            else:
                # A later migration of the same run may build the table anew.
                aside[trigger] = (child, statement)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """Remove the constraint or the triggers."""
        child, _, column = self._names(app_label, from_state)
        name = f"guard_{child}_{column}"
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(f'ALTER TABLE "{child}" DROP CONSTRAINT "{name[:60]}"')
            return
        for moment in ("insert", "update"):
            (_aside.get() or {}).pop(f"{name}_{moment}", None)
            schema_editor.execute(f'DROP TRIGGER IF EXISTS "{name}_{moment}"')

    def describe(self) -> str:
        """Return one line for ``migrate --plan``."""
        return f"Bind {self.model_name}.{self.field_name} to one tenant"

    def _names(self, app_label: str, state: ProjectState) -> tuple[str, str, str]:
        model = state.apps.get_model(app_label, self.model_name)
        field: Any = model._meta.get_field(self.field_name)
        return model._meta.db_table, field.related_model._meta.db_table, field.column


@contextmanager
def guards_set_aside(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Remove SQLite's guard triggers inside the block and put back those that are missing after it.

    Guards that migrations ask for inside the block come at its end too, and those that they take
    back stay away, as does a guard of a table that the block removed. Other databases need none of
    this.
    """
    if connection.vendor != "sqlite":
        yield
        return
    kept = _triggers(connection)
    _execute(connection, [f'DROP TRIGGER "{name}"' for name in kept])
    token = _aside.set(kept)
    try:
        yield
    finally:
        _aside.reset(token)
        present, tables = _triggers(connection), set(connection.introspection.table_names())
        _execute(
            connection,
            [
                statement
                for name, (table, statement) in kept.items()
                if name not in present and table in tables
            ],
        )


def _triggers(connection: BaseDatabaseWrapper) -> _Triggers:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, tbl_name, sql FROM sqlite_master "
            "WHERE type = 'trigger' AND name LIKE 'guard_%'"
        )
        return {name: (table, statement) for name, table, statement in cursor.fetchall()}


def _execute(connection: BaseDatabaseWrapper, statements: list[str]) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
