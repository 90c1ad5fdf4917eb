"""A workspace keeps what its brand looks like. New tables only: nothing is locked or rewritten."""

from __future__ import annotations

from typing import ClassVar

import django.db.models.deletion
from django.db import migrations, models

import apps.studio.models.brand


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("studio", "0004_shoot_words_and_pictures"),
        ("tenants", "0001_initial"),
    ]

    operations: ClassVar = [
        migrations.CreateModel(
            name="BrandLogo",
            fields=[
                (
                    "id",
                    models.CharField(
                        default=apps.studio.models.brand.new_brand_logo_id,
                        editable=False,
                        max_length=40,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("object_key", models.CharField(max_length=200)),
                ("width_px", models.PositiveIntegerField()),
                ("height_px", models.PositiveIntegerField()),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "tenant",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="tenants.tenant",
                    ),
                ),
            ],
            options={"abstract": False},
        ),
        migrations.CreateModel(
            name="BrandKit",
            fields=[
                (
                    "id",
                    models.CharField(
                        default=apps.studio.models.brand.new_brand_kit_id,
                        editable=False,
                        max_length=40,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("primary", models.CharField(max_length=7)),
                ("secondary", models.CharField(max_length=7)),
                ("text", models.CharField(max_length=7)),
                ("headline_font", models.CharField(max_length=20)),
                ("body_font", models.CharField(max_length=20)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "tenant",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="tenants.tenant",
                    ),
                ),
                (
                    "logo",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="+",
                        to="studio.brandlogo",
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=["tenant"], name="brand_kit_once")]
            },
        ),
    ]
