"""A failed render is made again at most once; its retry may fail and be retried in turn."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("studio", "0002_tenant_guards")]

    operations: ClassVar = [
        migrations.AddConstraint(
            model_name="render",
            constraint=models.UniqueConstraint(
                fields=["retry_of"],
                condition=models.Q(retry_of__isnull=False),
                name="render_retried_once",
            ),
        ),
    ]
