"""When a worker was first listed by its provider, and when its last order ended."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """Adds ``listed_at`` and ``last_order_at``."""

    dependencies: ClassVar = [
        ("compute", "0003_planning"),
    ]

    operations: ClassVar = [
        migrations.AddField(
            model_name="workerlife",
            name="listed_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="workerlife",
            name="last_order_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
