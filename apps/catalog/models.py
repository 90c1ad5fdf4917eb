"""Products and the photos sellers upload of them."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from apps.core import storage
from apps.core.ids import new_id
from apps.tenants.models import TenantModel


def new_product_id() -> str:
    """Return a new id of a product."""
    return new_id("prd")


def new_photo_id() -> str:
    """Return a new id of a source photo."""
    return new_id("pho")


def new_upload_id() -> str:
    """Return a new id of an upload."""
    return new_id("upl")


class Product(TenantModel):
    """One thing a seller sells, known by its SKU."""

    id = models.CharField(primary_key=True, max_length=40, default=new_product_id, editable=False)
    sku = models.CharField(max_length=64)
    title = models.CharField(max_length=200, blank=True)
    attributes = models.JSONField(default=dict, blank=True)
    """Free text by name: material, color, size."""
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "sku"], name="product_sku_once")
        ]
        indexes: ClassVar = [models.Index(fields=["tenant", "-created_at"], name="product_recent")]

    def __str__(self) -> str:
        return self.sku


class SourcePhoto(TenantModel):
    """A photo as the engine sees it: sRGB, upright, 8 bit, without metadata."""

    id = models.CharField(primary_key=True, max_length=40, default=new_photo_id, editable=False)
    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="photos")
    file_name = models.CharField(max_length=255)
    """As the seller named it, cleaned; shown, never used as a path."""
    view = models.CharField(max_length=40, default="main")
    """Which side it shows: main, front, back, detail, 2, 3."""
    position = models.PositiveIntegerField(default=0)
    sha256 = models.CharField(max_length=64)
    """Digest of the original bytes: the same file twice is one photo."""
    width_px = models.PositiveIntegerField()
    height_px = models.PositiveIntegerField()
    size_bytes = models.PositiveIntegerField()
    photo_key = models.CharField(max_length=200)
    preview_key = models.CharField(max_length=200)
    thumb_key = models.CharField(max_length=200)
    original_key = models.CharField(max_length=200)
    has_alpha = models.BooleanField(default=False)
    cutout_revision = models.PositiveIntegerField(default=0)
    """Which cutout renders take: 0 is what an engine makes, above it a person's correction."""
    cutout_numbers = models.PositiveIntegerField(default=0)
    """Revisions begun so far: a number is never given to two corrections."""
    cutout_kept_at = models.DateTimeField(null=True, blank=True)
    """When a person last kept a correction; renders ordered before used another cutout."""
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "sha256"], name="photo_once")
        ]
        indexes: ClassVar = [
            models.Index(fields=["tenant", "product", "position"], name="photo_order")
        ]
        ordering: ClassVar = ["position", "created_at", "id"]

    def __str__(self) -> str:
        return self.file_name

    @property
    def cutout_key(self) -> str:
        """Where the cutout lies, or will once the first render has made it."""
        return storage.cutout_key(self.tenant_id, self.pk, self.cutout_revision)

    @property
    def cutout_keys(self) -> list[str]:
        """Where every cutout lies that was ever begun."""
        return [
            storage.cutout_key(self.tenant_id, self.pk, revision)
            for revision in range(self.cutout_numbers + 1)
        ]

    @property
    def is_cut_by_hand(self) -> bool:
        """Whether a person has corrected the cutout."""
        return self.cutout_revision > 0


class Upload(TenantModel):
    """One file a seller sent, and what became of it."""

    class State(models.TextChoices):
        """``accepted`` has a photo, ``duplicate`` points to the one that was there before."""

        ACCEPTED = "accepted"
        DUPLICATE = "duplicate"
        REFUSED = "refused"

    id = models.CharField(primary_key=True, max_length=40, default=new_upload_id, editable=False)
    file_name = models.CharField(max_length=255)
    state = models.CharField(max_length=10, choices=State.choices)
    refusal_code = models.CharField(max_length=60, blank=True)
    size_bytes = models.PositiveBigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True)
    photo = models.ForeignKey(
        SourcePhoto, on_delete=models.SET_NULL, null=True, blank=True, related_name="uploads"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["tenant", "-created_at"], name="upload_recent")]

    def __str__(self) -> str:
        return f"{self.file_name} {self.state}"
