"""A photo's cutout can be corrected by hand: which one is in use, and since when."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("catalog", "0002_tenant_guards")]

    operations: ClassVar = [
        migrations.AddField(
            "sourcephoto", "cutout_revision", models.PositiveIntegerField(default=0)
        ),
        migrations.AddField(
            "sourcephoto", "cutout_numbers", models.PositiveIntegerField(default=0)
        ),
        migrations.AddField(
            "sourcephoto", "cutout_kept_at", models.DateTimeField(blank=True, null=True)
        ),
    ]
