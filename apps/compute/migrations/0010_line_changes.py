"""What entered or left a tenant's line since somebody last looked, in place of reading it all."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """Numbers the changes of every line."""

    dependencies: ClassVar = [
        ("compute", "0004_worker_life_marks"),
    ]

    operations: ClassVar = [
        migrations.AddField(
            model_name="fairshare",
            name="line_changes",
            field=models.PositiveBigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="workitem",
            name="line_change",
            field=models.PositiveBigIntegerField(default=0),
        ),
        migrations.RemoveIndex(model_name="workitem", name="item_heads"),
        migrations.AddIndex(
            model_name="workitem",
            index=models.Index(fields=["tenant", "worker_class", "line_change"], name="item_line"),
        ),
    ]
