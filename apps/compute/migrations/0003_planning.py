"""Tables of the autoscaler: decisions, demand planned and past, and what workers cost."""

from typing import ClassVar

import django.db.models.deletion
from django.db import migrations, models

import apps.compute.models.planning


class Migration(migrations.Migration):
    """Adds four tables, and two indexes by which work is read by time."""

    dependencies: ClassVar = [
        ("compute", "0002_backlog_heads"),
        ("tenants", "0001_initial"),
    ]

    operations: ClassVar = [
        migrations.CreateModel(
            name="DemandHour",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("worker_class", models.CharField(max_length=12)),
                ("starts_at", models.DateTimeField()),
                ("arrivals", models.PositiveIntegerField(default=0)),
                ("work_seconds", models.FloatField(default=0.0)),
                ("needed_workers", models.FloatField(default=0.0)),
            ],
        ),
        migrations.CreateModel(
            name="DemandPeriod",
            fields=[
                (
                    "id",
                    models.CharField(
                        default=apps.compute.models.planning.new_demand_id,
                        editable=False,
                        max_length=40,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("name", models.CharField(max_length=80)),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
                ("renders", models.PositiveIntegerField()),
                ("kind", models.CharField(max_length=20)),
                ("note", models.CharField(blank=True, max_length=500)),
                ("created_by", models.CharField(blank=True, max_length=40, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("canceled_at", models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name="ScaleDecision",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("decided_at", models.DateTimeField()),
                ("worker_class", models.CharField(max_length=12)),
                ("workers", models.PositiveIntegerField()),
                ("target", models.PositiveIntegerField()),
                ("launched", models.PositiveIntegerField(default=0)),
                ("drained", models.JSONField(default=list)),
                ("reasons", models.JSONField(default=list)),
                ("view", models.JSONField(default=dict)),
                ("is_shadow", models.BooleanField(default=False)),
            ],
        ),
        migrations.CreateModel(
            name="WorkerLife",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("worker", models.CharField(max_length=64)),
                ("worker_class", models.CharField(max_length=12)),
                ("engine", models.CharField(max_length=20)),
                ("provider", models.CharField(max_length=20)),
                ("place", models.CharField(blank=True, max_length=120)),
                ("is_spot", models.BooleanField(default=False)),
                ("price_minor_per_hour", models.FloatField(default=0.0)),
                ("currency", models.CharField(default="EUR", max_length=3)),
                ("launched_at", models.DateTimeField()),
                ("online_at", models.DateTimeField(blank=True, null=True)),
                ("first_order_at", models.DateTimeField(blank=True, null=True)),
                ("drain_asked_at", models.DateTimeField(blank=True, null=True)),
                ("released_at", models.DateTimeField(blank=True, null=True)),
                ("load_seconds", models.FloatField(default=0.0)),
                ("active_seconds", models.FloatField(default=0.0)),
                (
                    "end",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("drained", "Drained"),
                            ("lost", "Lost"),
                            ("never_came", "Never Came"),
                            ("terminated", "Terminated"),
                        ],
                        max_length=12,
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="workitem",
            index=models.Index(fields=["queued_at"], name="item_arrivals"),
        ),
        migrations.AddIndex(
            model_name="workitem",
            index=models.Index(
                condition=models.Q(("finished_at__isnull", False)),
                fields=["finished_at"],
                name="item_ends",
            ),
        ),
        migrations.AddConstraint(
            model_name="demandhour",
            constraint=models.UniqueConstraint(
                fields=("worker_class", "starts_at"), name="demand_hour_once"
            ),
        ),
        migrations.AddField(
            model_name="demandperiod",
            name="tenant",
            field=models.ForeignKey(
                editable=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="tenants.tenant",
            ),
        ),
        migrations.AddIndex(
            model_name="scaledecision",
            index=models.Index(fields=["worker_class", "-decided_at"], name="scale_decision_log"),
        ),
        migrations.AddIndex(
            model_name="scaledecision",
            index=models.Index(fields=["decided_at"], name="scale_decision_age"),
        ),
        migrations.AddIndex(
            model_name="workerlife",
            index=models.Index(fields=["worker_class", "launched_at"], name="worker_life_class"),
        ),
        migrations.AddIndex(
            model_name="workerlife",
            index=models.Index(fields=["released_at"], name="worker_life_release"),
        ),
        migrations.AddConstraint(
            model_name="workerlife",
            constraint=models.UniqueConstraint(
                condition=models.Q(("released_at__isnull", True)),
                fields=("worker",),
                name="worker_life_once",
            ),
        ),
        migrations.AddIndex(
            model_name="demandperiod",
            index=models.Index(fields=["tenant", "starts_at"], name="demand_period_start"),
        ),
        migrations.AddIndex(
            model_name="demandperiod",
            index=models.Index(fields=["ends_at"], name="demand_period_end"),
        ),
        migrations.AddConstraint(
            model_name="demandperiod",
            constraint=models.CheckConstraint(
                condition=models.Q(("ends_at__gt", models.F("starts_at"))),
                name="demand_period_has_length",
            ),
        ),
        migrations.AddConstraint(
            model_name="demandperiod",
            constraint=models.CheckConstraint(
                condition=models.Q(("renders__gt", 0)), name="demand_period_has_renders"
            ),
        ),
    ]
