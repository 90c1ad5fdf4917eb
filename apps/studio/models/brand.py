"""What a workspace's brand looks like: one kit at most, and the logos it has had."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from apps.core.ids import new_id
from apps.tenants.models import TenantModel


def new_brand_kit_id() -> str:
    """Return a new id of a brand kit."""
    return new_id("brd")


def new_brand_logo_id() -> str:
    """Return a new id of a logo."""
    return new_id("lgo")


class BrandLogo(TenantModel):
    """A logo as it was uploaded once. Never changed: shoots were ordered with it."""

    id = models.CharField(
        primary_key=True, max_length=40, default=new_brand_logo_id, editable=False
    )
    object_key = models.CharField(max_length=200)
    width_px = models.PositiveIntegerField()
    height_px = models.PositiveIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.id} {self.width_px}x{self.height_px}"


class BrandKit(TenantModel):
    """The present kit. A shoot keeps what it took of it, so a change reaches new shoots only."""

    id = models.CharField(primary_key=True, max_length=40, default=new_brand_kit_id, editable=False)
    primary = models.CharField(max_length=7)
    """Of fields and buttons; colors are sRGB, ``#rrggbb`` in lower case."""
    secondary = models.CharField(max_length=7)
    """Of badges and prices."""
    text = models.CharField(max_length=7)
    """Of words on light ground."""
    headline_font = models.CharField(max_length=20)
    body_font = models.CharField(max_length=20)
    logo = models.ForeignKey(
        BrandLogo, on_delete=models.RESTRICT, null=True, blank=True, related_name="+"
    )
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["tenant"], name="brand_kit_once")]

    def __str__(self) -> str:
        return f"{self.primary} {self.headline_font}"
