"""Workspaces, photos, backlog and workers for a measurement, written past the pages."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

from apps.accounts.models import User
from apps.accounts.services.workspaces import open_workspace
from apps.billing.credits import grant
from apps.billing.models import CreditAccount
from apps.catalog.models import Product, SourcePhoto
from apps.compute import wire
from apps.compute.models import Worker
from apps.compute.services import intake
from apps.compute.services.intake import NewWork
from apps.core import clock
from apps.tenants.models import Membership, Tenant
from apps.tenants.roles import system_actor
from apps.tenants.scope import across_tenants, tenant_scope

_PLANS = ("trial", "starter", "pro", "studio")
_BULK_FROM = 40
_numbers = count(1)


def open_seller() -> Membership:
    """Open a workspace with plenty of credits and return its owner."""
    user = User.objects.create_user(f"bench-{next(_numbers)}@packshot.example", None, name="Bench")
    owner: Membership = open_workspace(owner=user, name="Bench", plan_slug="studio")
    with tenant_scope(owner.tenant_id):
        grant(tenant=owner.tenant_id, amount=1_000_000, reason="bench")
    return owner


def enter_photos(tenant: str, photos: int) -> list[str]:
    """Enter photos of as many products, of which no file exists. Return their ids."""
    with tenant_scope(tenant):
        products = Product.objects.bulk_create(
            Product(tenant_id=tenant, sku=f"BENCH-{number}", title=f"Product {number}")
            for number in range(photos)
        )
        found = SourcePhoto.objects.bulk_create(
            SourcePhoto(
                tenant_id=tenant,
                product=product,
                file_name=f"{product.sku}.jpg",
                sha256=product.pk,
                width_px=2000,
                height_px=2000,
                size_bytes=1,
                photo_key=f"photos/{tenant}/{product.pk}/photo.jpg",
                preview_key=f"photos/{tenant}/{product.pk}/preview.webp",
                thumb_key=f"photos/{tenant}/{product.pk}/thumb.webp",
                original_key=f"uploads/{tenant}/{product.pk}/original",
            )
            for product in products
        )
    return [photo.pk for photo in found]


def open_tenants(tenants: int) -> list[str]:
    """Open workspaces of all plans, without people. Return their ids."""
    rows = Tenant.objects.bulk_create(
        Tenant(slug=f"bench-{next(_numbers)}", name="Bench") for _ in range(tenants)
    )
    with across_tenants("workspaces of a measurement"):
        CreditAccount.objects.bulk_create(
            CreditAccount(tenant=row, plan_slug=_PLANS[number % len(_PLANS)])
            for number, row in enumerate(rows)
        )
    return [row.pk for row in rows]


def submit(tenant: str, renders: int) -> None:
    """Put renders into a tenant's line, the first of them interactive."""
    intake.submit(
        actor=system_actor(tenant, "bench"),
        work=[_new_work(place) for place in range(renders)],
    )


def enter_workers(workers: int) -> None:
    """Enter workers that do nothing."""
    Worker.objects.bulk_create(
        Worker(
            name=f"bench-{number}",
            worker_class="cpu",
            engine="classical",
            lane=wire.lane("cpu", "classical"),
            seen_at=clock.now(),
        )
        for number in range(workers)
    )


_SCENE = wire.builtin_scenes()["packshot-white"].to_json()
_OUTPUTS: Sequence[dict[str, object]] = [{"name": "shop", "width_px": 2000, "height_px": 2000}]


def _new_work(place: int) -> NewWork:
    return NewWork(
        subject=f"rnd_bench_{next(_numbers)}",
        group=f"sho_bench_{next(_numbers)}",
        kind="packshot",
        source_key="photos/bench/photo.jpg",
        scene=_SCENE,
        outputs=list(_OUTPUTS),
        urgency="interactive" if place < _BULK_FROM else "bulk",
        cost_units=4.0,
    )
