"""A brand kit can never show the logo of another tenant."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations

from apps.tenants.guards import TenantGuard


class Migration(migrations.Migration):
    dependencies: ClassVar = [("studio", "0005_brand_kits")]

    operations: ClassVar = [TenantGuard("brandkit", "logo")]
