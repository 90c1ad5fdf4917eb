"""Products, photos and what workers would report of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction

from apps.catalog.models import Product, SourcePhoto
from apps.compute import completion
from apps.compute.completion import Movement
from apps.studio.models import Render
from apps.tenants.models import Tenant
from apps.tenants.scope import tenant_scope


def make_photo(tenant: Tenant, number: int = 1) -> SourcePhoto:
    with tenant_scope(tenant.pk):
        product = Product.objects.create(sku=f"SKU-{number:03d}", title=f"Boot {number}")
        return SourcePhoto.objects.create(
            product=product,
            file_name=f"boot-{number}.jpg",
            sha256=f"{tenant.slug}-{number}",
            width_px=1200,
            height_px=900,
            size_bytes=1000,
            photo_key=f"photos/{tenant.pk}/{number}/photo.jpg",
            preview_key=f"photos/{tenant.pk}/{number}/preview.webp",
            thumb_key=f"photos/{tenant.pk}/{number}/thumb.webp",
            original_key=f"uploads/{tenant.pk}/{number}/original",
        )


@pytest.fixture
def photos(ateliers: Tenant) -> list[SourcePhoto]:
    """Three photos of three products of Ateliers."""
    return [make_photo(ateliers, number) for number in (1, 2, 3)]


def a_result(render: Render, **changes: Any) -> dict[str, Any]:
    """Return the manifest a worker would write."""
    prefix = f"renders/{render.tenant_id}/wki_x/1/"

    def file(name: str, file_format: str, **checks: Any) -> dict[str, Any]:
        return {
            "name": name,
            "object_key": f"{prefix}{name}.{file_format.lower()}",
            "width_px": 2048,
            "height_px": 2048,
            "file_format": file_format,
            "size_bytes": 7,
            "sha256": "0" * 64,
            "checks": {"warnings": [], **checks},
        }

    return {
        "work_item": "wki_x",
        "attempt": 1,
        "files": [
            file("shopify", "JPEG", white_share=1.0, fill=0.85, upscale=1.0),
            file("preview", "WEBP"),
            file("cutout", "PNG"),
        ],
        "engine": "classical/1",
        "seed": render.seed,
        "versions": {"packshot": "1"},
        "step_seconds": {"cut_out": 2.0},
        "seconds": 4.2,
        "confidence": 0.93,
        "fidelity": {"delta_e_mean": 0.4, "delta_e_p99": 2.0, "silhouette_iou": 0.99},
        **changes,
    }


@pytest.fixture
def report() -> Callable[..., None]:
    """Tell all receivers about a render, as compute does: in a transaction and a scope."""

    def tell(kind: str, render: Render, **values: Any) -> None:
        if kind == "succeeded":
            values.setdefault("result", a_result(render))
        movement = Movement(
            tenant=render.tenant_id,
            subject=render.pk,
            group=render.shoot_id,
            attempt=1,
            worker="w-1",
            **values,
        )
        with tenant_scope(render.tenant_id), transaction.atomic():
            for receiver in completion.receivers():
                getattr(receiver, kind)([movement])

    assert connection.vendor in ("sqlite", "postgresql")
    return tell
