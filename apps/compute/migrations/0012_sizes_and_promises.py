"""Service times by size, and what was promised for each render."""

from typing import Any, ClassVar

from django.db import migrations, models


def keep_learned(apps: Any, schema_editor: Any) -> None:
    """Keep what was learned of each kind as what is known of all its sizes."""
    rows = apps.get_model("compute", "ServiceTime").objects
    for old in apps.get_model("compute", "KindTime").objects.all():
        rows.create(
            key=f"{old.engine}/{old.worker_class}/{old.kind}",
            kind=old.kind,
            engine=old.engine,
            worker_class=old.worker_class,
            completions=old.completions,
            histogram=old.histogram,
        )


class Migration(migrations.Migration):
    """Learns service times by size and keeps promises."""

    dependencies: ClassVar = [
        ("compute", "0011_fair_share_of_all"),
    ]

    operations: ClassVar = [
        migrations.RenameModel("ServiceTime", "KindTime"),
        migrations.RemoveConstraint("kindtime", "service_time_once"),
        migrations.CreateModel(
            name="ServiceTime",
            fields=[
                ("key", models.CharField(max_length=80, primary_key=True, serialize=False)),
                ("kind", models.CharField(blank=True, max_length=20)),
                ("engine", models.CharField(max_length=20)),
                ("worker_class", models.CharField(max_length=12)),
                ("completions", models.PositiveIntegerField(default=0)),
                ("histogram", models.JSONField(default=list)),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
        ),
        migrations.RunPython(keep_learned, migrations.RunPython.noop),
        migrations.DeleteModel("KindTime"),
        migrations.CreateModel(
            name="PromiseRecord",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("lane", models.CharField(max_length=60)),
                ("urgency", models.CharField(max_length=12)),
                ("factor", models.FloatField(default=1.0)),
                ("promises", models.PositiveIntegerField(default=0)),
                ("kept", models.PositiveIntegerField(default=0)),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("lane", "urgency"), name="promise_record_once")
                ],
            },
        ),
        migrations.AddField(
            model_name="workitem",
            name="steps",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="workitem",
            name="takes",
            field=models.PositiveSmallIntegerField(default=1),
        ),
        migrations.AddField(
            model_name="workitem",
            name="promised_p50_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="workitem",
            name="promised_p90_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="workitem",
            name="forecast_p90_seconds",
            field=models.FloatField(blank=True, null=True),
        ),
    ]
