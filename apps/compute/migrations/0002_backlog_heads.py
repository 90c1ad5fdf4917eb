"""An index from which the dispatcher reads every tenant's heads without touching an order."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """Adds ``item_heads``."""

    dependencies: ClassVar = [
        ("compute", "0001_initial"),
    ]

    operations: ClassVar = [
        migrations.AddIndex(
            model_name="workitem",
            index=models.Index(
                fields=[
                    "state",
                    "worker_class",
                    "engine",
                    "tenant",
                    "urgency",
                    "queued_at",
                    "id",
                    "not_before",
                ],
                name="item_heads",
            ),
        ),
    ]
