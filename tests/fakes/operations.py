"""A workspace and a fleet with a month behind them, for pages that would be empty otherwise.

Run as a program it furnishes the database that the environment names.
"""

from __future__ import annotations

import random
import sys
from datetime import datetime, timedelta


def furnish(slug: str, *, items: int = 400) -> None:
    """Give a workspace past and open work, promises, plans, and the fleet a history."""
    from apps.compute.models import DemandPeriod
    from apps.core import clock
    from apps.tenants.models import Tenant
    from apps.tenants.scope import tenant_scope

    tenant = Tenant.objects.get(slug=slug)
    now = clock.now()
    rng = random.Random(7)
    with tenant_scope(tenant.pk):
        _past_work(tenant.pk, now, items, rng)
        _shoots(now)
        tomorrow = (now + timedelta(days=1)).replace(hour=9, minute=0, second=0, microsecond=0)
        DemandPeriod.objects.create(
            name="Spring launch",
            starts_at=tomorrow + timedelta(days=2),
            ends_at=tomorrow + timedelta(days=4, hours=8),
            renders=4_000,
            kind="packshot",
            note="New season, all colors",
        )
        DemandPeriod.objects.create(
            name="Flash sale",
            starts_at=tomorrow,
            ends_at=tomorrow + timedelta(hours=3),
            renders=350,
            kind="packshot",
        )
    _fleet(now)


def _past_work(tenant: str, now: datetime, items: int, rng: random.Random) -> None:
    from apps.billing.models import LedgerEntry
    from apps.compute.models import WorkItem

    made = []
    for number in range(items):
        hours = rng.choice((9, 10, 10, 11, 14, 15, 15, 16))
        at = (now - timedelta(days=rng.randint(0, 27))).replace(
            hour=hours, minute=rng.randint(0, 59)
        )
        at = min(at, now - timedelta(minutes=20))
        wait, took = rng.uniform(0.2, 22), rng.uniform(7, 12)
        made.append((number, at, wait, took))
    # Orders of the last hours, so that the fleet's chart has something to show.
    for number in range(items, items + 120):
        at = now - timedelta(minutes=rng.betavariate(2, 2) * 330 + 2)
        made.append((number, at, rng.uniform(0.2, 12), rng.uniform(7, 12)))
    rows = [
        WorkItem(
            tenant_id=tenant,
            subject=f"rnd_past{number}",
            group="sho_past",
            kind="packshot",
            batch_key="past",
            cost_units=4.0,
            order={},
            state=WorkItem.State.SUCCEEDED,
            started_at=at + timedelta(seconds=wait),
            finished_at=at + timedelta(seconds=wait + took),
            service_seconds=took,
        )
        for number, at, wait, took in made
    ]
    WorkItem.objects.bulk_create(rows)
    for row, (_number, at, _wait, _took) in zip(rows, made, strict=True):
        row.queued_at = at
    WorkItem.objects.bulk_update(rows, ["queued_at"], batch_size=200)
    entries = [
        LedgerEntry(tenant_id=tenant, kind="capture", credits=1, subject=row.pk) for row in rows
    ]
    LedgerEntry.objects.bulk_create(entries)
    for entry, row in zip(entries, rows, strict=True):
        LedgerEntry.objects.filter(pk=entry.pk).update(created_at=row.finished_at)


def _shoots(now: datetime) -> None:
    from apps.compute.models import WorkItem
    from apps.studio.models import Shoot

    promised = {"finish_p50_seconds": 90.0, "finish_p90_seconds": 150.0}
    for number, took in enumerate((84, 97, 71, 260, 88, 80), start=900):
        shoot = Shoot.objects.create(
            number=number,
            name=f"Lookbook {number}",
            scene_slug="packshot-white",
            scene={},
            credits=8,
            quote=promised,
            state=Shoot.State.FINISHED,
            ordered_by="alice",
            finished_at=now - timedelta(hours=number - 895),
        )
        Shoot.objects.filter(pk=shoot.pk).update(
            ordered_at=now - timedelta(hours=number - 895, seconds=took)
        )
    opened = Shoot.objects.create(
        number=950,
        name="Autumn knitwear",
        scene_slug="packshot-white",
        scene={},
        credits=30,
        quote={"finish_p50_seconds": 300.0, "finish_p90_seconds": 420.0},
        ordered_by="alice",
    )
    for number in range(30):
        is_running = number < 4
        WorkItem.objects.create(
            subject=f"rnd_open{number}",
            group=opened.pk,
            kind="packshot",
            batch_key="open",
            # A lane of its own: no worker of a running product takes these.
            worker_class="gpu",
            engine="diffusion",
            cost_units=4.0,
            order={},
            state=WorkItem.State.RUNNING if is_running else WorkItem.State.QUEUED,
            worker="gpu-1" if is_running else "",
            started_at=now if is_running else None,
            lease_expires_at=now + timedelta(days=1) if is_running else None,
        )


def _fleet(now: datetime) -> None:
    from apps.compute.models import ScaleDecision, Worker, WorkerLife

    for number in range(1, 4):
        name = f"gpu-{number}"
        # Seen in the far future: the sweeper of a running product does not end them.
        Worker.objects.create(
            name=name,
            worker_class="gpu",
            engine="diffusion",
            lane="render-gpu-diffusion",
            host="gpu-box",
            state=Worker.State.BUSY if number == 1 else Worker.State.IDLE,
            seen_at=now + timedelta(days=1),
        )
        WorkerLife.objects.create(
            worker=name,
            worker_class="gpu",
            engine="diffusion",
            provider="kubernetes",
            place=f"gpu-box-{number}",
            is_spot=number == 3,
            price_minor_per_hour=140.0,
            launched_at=now - timedelta(hours=number, minutes=2),
            online_at=now - timedelta(hours=number, minutes=1),
            load_seconds=70,
            active_seconds=1500 * number,
        )
    WorkerLife.objects.create(
        worker="gpu-4",
        worker_class="gpu",
        engine="diffusion",
        provider="kubernetes",
        price_minor_per_hour=140.0,
        launched_at=now - timedelta(seconds=40),
    )
    workers = 1
    for step in range(40):
        target = 1 + abs(20 - step) % 5
        parts = [
            ("replay", target, f"It takes {target} to keep 12.4 promises an hour."),
            ("surge", max(0, target - 2), "18 s of work will wait when a fresh worker is ready."),
        ]
        ScaleDecision.objects.create(
            decided_at=now - timedelta(minutes=(39 - step) * 9),
            worker_class="gpu",
            workers=workers,
            target=target,
            launched=max(0, target - workers),
            drained=["gpu-9"] if target < workers else [],
            reasons=[
                {
                    "part": part,
                    "workers": count,
                    "words": words,
                    "numbers": {"value_seconds": 214.0, "kept_per_hour": 12.4},
                }
                for part, count, words in parts
            ],
            view={"max_workers": 8},
        )
        workers = target


if __name__ == "__main__":
    import django

    django.setup()
    furnish(sys.argv[1])
