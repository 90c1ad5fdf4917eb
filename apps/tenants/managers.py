"""The manager of every tenant row: refuses without a scope, filters by it otherwise."""

from __future__ import annotations

from typing import Any, TypeVar

from django.db import models

from apps.tenants.scope import current_scope

_Row = TypeVar("_Row", bound=models.Model)


class TenantManager(models.Manager[_Row]):
    """Sees only the open tenant. All reads and writes pass `get_queryset`, so none leaks."""

    def get_queryset(self) -> models.QuerySet[_Row]:
        """Return the rows of the open scope.

        Raises
        ------
        NoTenantInScope
            If no scope is open.
        """
        scope = current_scope()
        rows = super().get_queryset()
        return rows if scope.tenant is None else rows.filter(tenant_id=scope.tenant)

    def create(self, **values: Any) -> _Row:
        """Create a row of the open tenant, which need not be named."""
        scope = current_scope()
        if scope.tenant is not None and "tenant" not in values:
            values.setdefault("tenant_id", scope.tenant)
        return super().create(**values)
