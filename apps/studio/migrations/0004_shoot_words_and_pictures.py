"""A shoot keeps the words that its pictures set and the pictures all of them are made with."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("studio", "0003_render_retried_once")]

    operations: ClassVar = [
        migrations.AddField(
            model_name="shoot",
            name="pictures",
            field=models.JSONField(blank=True, default=dict),
        ),
        migrations.AddField(
            model_name="shoot",
            name="texts",
            field=models.JSONField(blank=True, default=dict),
        ),
    ]
