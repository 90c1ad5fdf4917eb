"""Every tenant with work has its counter's row: from now on its first order enters it."""

from typing import Any, ClassVar

from django.db import migrations


def enter_missing(apps: Any, schema_editor: Any) -> None:
    """Enter the counters of tenants that have work and none."""
    # Managers of migrations are plain: no scope is asked for.
    items = apps.get_model("compute", "WorkItem").objects
    shares = apps.get_model("compute", "FairShare").objects
    known = set(shares.values_list("tenant_id", "worker_class"))
    lines = set(items.order_by().values_list("tenant_id", "worker_class").distinct())
    for tenant, worker_class in sorted(lines - known):
        shares.create(tenant_id=tenant, worker_class=worker_class)


class Migration(migrations.Migration):
    """Enters missing rows."""

    dependencies: ClassVar = [
        ("compute", "0010_line_changes"),
    ]

    operations: ClassVar = [
        migrations.RunPython(enter_missing, migrations.RunPython.noop),
    ]
