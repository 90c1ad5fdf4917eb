"""Finished renders that wait for their verdict."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from apps.catalog.models import Product, SourcePhoto
from apps.review.services import open_reviews
from apps.studio.models import Render, Shoot, Shot
from apps.tenants.models import Tenant
from apps.tenants.scope import tenant_scope

FILES = [
    {
        "name": name,
        "object_key": f"renders/x/{name}",
        "width_px": 2048,
        "height_px": 2048,
        "file_format": file_format,
        "size_bytes": 7,
        "sha256": "0" * 64,
        "checks": {"warnings": [], "fill": 0.85},
    }
    for name, file_format in (("shopify", "JPEG"), ("preview", "WEBP"), ("cutout", "PNG"))
]


def make_shoot(tenant: Tenant, number: int = 1) -> Shoot:
    with tenant_scope(tenant.pk):
        return Shoot.objects.create(
            number=number,
            name=f"Boots {number}",
            scene_slug="packshot-white",
            scene={"title": "Packshot on white", "mode": "solid"},
            sales_channels=["shopify"],
            credits=1,
            quote={"outputs": [{"name": "shopify", "width_px": 2048, "height_px": 2048}]},
            state="finished",
            ordered_by="ben@ateliers.example",
        )


def make_render(shoot: Shoot, confidence: float | None = 0.9, **values: Any) -> Render:
    """Make a finished render of a photo of its own, with its review open."""
    with tenant_scope(shoot.tenant_id):
        number = Shot.objects.count() + 1
        product = Product.objects.create(sku=f"SKU-{number}", title=f"Boot {number}")
        photo = SourcePhoto.objects.create(
            product=product,
            file_name="boot.jpg",
            sha256=f"{shoot.tenant_id}-{number}",
            width_px=1200,
            height_px=900,
            size_bytes=1000,
            photo_key="p",
            preview_key="photos/p.webp",
            thumb_key="photos/t.webp",
            original_key="o",
        )
        shot = Shot.objects.create(shoot=shoot, photo=photo, position=number)
        render = Render.objects.create(
            **{
                "shoot": shoot,
                "shot": shot,
                "seed": 7,
                "state": "succeeded",
                "engine": "classical/1",
                "files": FILES,
                "confidence": confidence,
                "fidelity": {"delta_e_mean": 0.5, "silhouette_iou": 0.99},
                "provenance": {"seconds": 4.0},
                **values,
            }
        )
        if render.state == "succeeded":
            open_reviews([render])
        return render


@pytest.fixture
def shoot(ateliers: Tenant) -> Shoot:
    return make_shoot(ateliers)


@pytest.fixture
def finished(shoot: Shoot) -> Callable[..., Render]:
    """Make a finished render in the shoot."""

    def make(confidence: float | None = 0.9, **values: Any) -> Render:
        return make_render(shoot, confidence, **values)

    return make
