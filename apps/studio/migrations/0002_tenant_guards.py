"""Rows of this app can never point into another tenant."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations

from apps.tenants.guards import TenantGuard


class Migration(migrations.Migration):
    dependencies: ClassVar = [("studio", "0001_initial"), ("catalog", "0002_tenant_guards")]

    operations: ClassVar = [
        TenantGuard("shot", "shoot"),
        TenantGuard("shot", "photo"),
        TenantGuard("render", "shoot"),
        TenantGuard("render", "shot"),
        TenantGuard("render", "retry_of"),
    ]
