"""Rows of this app can never point into another tenant."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations

from apps.tenants.guards import TenantGuard


class Migration(migrations.Migration):
    dependencies: ClassVar = [("catalog", "0001_initial")]

    operations: ClassVar = [
        TenantGuard("sourcephoto", "product"),
        TenantGuard("upload", "photo"),
    ]
