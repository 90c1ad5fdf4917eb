"""Rows of this app can never point into another tenant."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations

from apps.tenants.guards import TenantGuard


class Migration(migrations.Migration):
    dependencies: ClassVar = [("review", "0001_initial"), ("studio", "0002_tenant_guards")]

    operations: ClassVar = [
        TenantGuard("review", "render"),
        TenantGuard("verdict", "review"),
    ]
