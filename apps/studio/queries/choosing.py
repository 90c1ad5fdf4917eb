"""What a seller may choose from when ordering: photos, scenes, sales channels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.db.models import Case, IntegerField, Q, QuerySet, Value, When

from apps.catalog.models import SourcePhoto
from apps.compute import wire
from apps.studio.sales_channels import SALES_CHANNELS, SalesChannel

PHOTOS_SHOWN: Final = 60
"""Tiles on the screen; all that match can be ordered without being shown."""


@dataclass(frozen=True, slots=True)
class SceneChoice:
    """A scene on offer."""

    slug: str
    title: str
    description: str
    is_exact_white: bool
    is_transparent: bool
    fill_percent: int

    @property
    def picture(self) -> str:
        """Static path of the scene's preview."""
        return f"scenes/{self.slug}.webp"


@dataclass(frozen=True, slots=True)
class PhotoChoice:
    """The photos on offer under a search."""

    photos: tuple[SourcePhoto, ...]
    """Those picked first, then the newest that match."""
    picked: frozenset[str]
    matching: int
    everything: bool
    """Whether all that match are chosen."""
    q: str

    @property
    def chosen(self) -> int:
        """How many photos are chosen now."""
        return self.matching if self.everything else len(self.picked)

    @property
    def hidden(self) -> int:
        """Matching photos beyond those shown."""
        return max(0, self.matching - len(self.photos))


@dataclass(frozen=True, slots=True)
class OrderChoices:
    """Everything the order page offers."""

    photos: PhotoChoice
    scenes: tuple[SceneChoice, ...]
    sales_channels: tuple[SalesChannel, ...]


def order_choices(
    *, q: str = "", product_ids: Sequence[str] = (), picked: Sequence[str] = ()
) -> OrderChoices:
    """Return what the order page offers; a product's photos come picked."""
    scenes = tuple(
        SceneChoice(
            slug=scene.slug,
            title=scene.title,
            description=scene.description,
            is_exact_white=scene.is_exact_white,
            is_transparent=scene.mode == "none",
            fill_percent=round(scene.framing.fill * 100),
        )
        for scene in wire.builtin_scenes().values()
    )
    return OrderChoices(
        photos=photo_choice(q=q, product_ids=product_ids, picked=picked),
        scenes=scenes,
        sales_channels=tuple(SALES_CHANNELS.values()),
    )


def photo_choice(
    *, q: str = "", product_ids: Sequence[str] = (), picked: Sequence[str] = ()
) -> PhotoChoice:
    """Return the photos on offer under a search."""
    q = clean_search(q)
    of_products = SourcePhoto.objects.filter(product_id__in=tuple(product_ids))
    chosen = frozenset(picked) | frozenset(of_products.values_list("pk", flat=True))
    matching = photos_matching(q)
    shown = SourcePhoto.objects.filter(
        Q(pk__in=chosen) | Q(pk__in=matching.order_by().values("pk"))
    ).annotate(
        rank=Case(When(pk__in=chosen, then=Value(0)), default=Value(1), output_field=IntegerField())
    )
    return PhotoChoice(
        photos=tuple(
            shown.select_related("product").order_by(
                "rank", "-product__created_at", "product_id", "position", "pk"
            )[:PHOTOS_SHOWN]
        ),
        picked=chosen,
        matching=matching.count(),
        everything=bool(q) and not chosen,
        q=q,
    )


def clean_search(q: str) -> str:
    """Return a search text without what no product's name can hold."""
    return q.replace("\x00", "").strip()[:100]


def photos_matching(q: str) -> QuerySet[SourcePhoto]:
    """Return the photos of products whose SKU or title contains the text, as the catalog finds.

    An empty text matches all.
    """
    photos = SourcePhoto.objects.all()
    if not q:
        return photos
    return photos.filter(Q(product__sku__icontains=q) | Q(product__title__icontains=q))


def matching_photo_ids(q: str) -> list[str]:
    """Return the ids of all photos that match, in the order of products and positions."""
    photos = photos_matching(clean_search(q))
    return list(
        photos.order_by("product__sku", "position", "created_at", "pk").values_list("pk", flat=True)
    )
