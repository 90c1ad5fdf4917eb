"""What a seller may choose from when ordering: photos, scenes, sales channels."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from django.db.models import Case, IntegerField, Q, QuerySet, Value, When

from apps.catalog.models import SourcePhoto
from apps.compute import wire
from apps.studio.models import BrandKit, BrandLogo
from apps.studio.picture_roles import PictureRole, role_of, text_title
from apps.studio.queries.brand import brand_kit
from apps.studio.sales_channels import SALES_CHANNELS, SalesChannel

USUAL_SCENE: Final = "packshot-white"
ROLE_PHOTOS_SHOWN: Final = 12
PHOTOS_SHOWN: Final = 60
"""Tiles on the screen; all that match can be ordered without being shown."""


@dataclass(frozen=True, slots=True)
class SceneChoice:
    """A scene on offer."""

    slug: str
    kind: str
    title: str
    description: str
    is_exact_white: bool
    is_transparent: bool
    fill_percent: int

    @property
    def is_usual(self) -> bool:
        """Whether the page comes with this scene chosen."""
        return self.slug == USUAL_SCENE

    @property
    def picture(self) -> str:
        """Static path of the scene's preview."""
        return f"scenes/{self.slug}.webp"


@dataclass(frozen=True, slots=True)
class TextField:
    """Words that a kind of picture sets."""

    name: str
    """Of the form's field."""
    title: str


@dataclass(frozen=True, slots=True)
class PictureField:
    """Another picture that a kind of picture is made with."""

    name: str
    """Of the form's field."""
    role: PictureRole
    is_needed: bool
    photos: tuple[SourcePhoto, ...]
    """What can be chosen for all; empty where the product's own view is taken."""
    brand_logo: BrandLogo | None = None
    """The logo of the brand kit, which is taken unless another one is chosen."""


@dataclass(frozen=True, slots=True)
class SceneGroup:
    """The scenes of one kind, and what this kind asks for."""

    kind: str
    title: str
    scenes: tuple[SceneChoice, ...]
    texts: tuple[TextField, ...]
    pictures: tuple[PictureField, ...]
    has_brand: bool = False
    """Whether colors and fonts are the brand kit's."""

    @property
    def asks(self) -> bool:
        """Whether the kind has fields of its own."""
        return bool(self.texts or self.pictures)


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
    groups: tuple[SceneGroup, ...]
    """Scenes by kind, in the order of the first scene of each."""
    sales_channels: tuple[SalesChannel, ...]

    @property
    def scenes(self) -> tuple[SceneChoice, ...]:
        """All scenes, as they stand on the page."""
        return tuple(scene for group in self.groups for scene in group.scenes)


def kind_of_scene(slug: str) -> str:
    """Return the kind that a scene draws; empty if there is no such scene."""
    scene = wire.builtin_scenes().get(slug)
    return scene.kind if scene else ""


def order_choices(
    *, q: str = "", product_ids: Sequence[str] = (), picked: Sequence[str] = ()
) -> OrderChoices:
    """Return what the order page offers; a product's photos come picked."""
    return OrderChoices(
        photos=photo_choice(q=q, product_ids=product_ids, picked=picked),
        groups=_scene_groups(),
        sales_channels=tuple(SALES_CHANNELS.values()),
    )


def _scene_groups() -> tuple[SceneGroup, ...]:
    kit = brand_kit()
    by_kind: dict[str, list[SceneChoice]] = {}
    roles: dict[str, set[str]] = {}
    for scene in wire.builtin_scenes().values():
        choice = SceneChoice(
            slug=scene.slug,
            kind=scene.kind,
            title=scene.title,
            description=scene.description,
            is_exact_white=scene.is_exact_white,
            is_transparent=scene.mode == "none",
            fill_percent=round(scene.framing.fill * 100),
        )
        by_kind.setdefault(scene.kind, []).append(choice)
        roles.setdefault(scene.kind, set()).update(wire.roles_of(scene))
    return tuple(
        _scene_group(wire.KINDS[kind], scenes, roles[kind], kit if kind == "collateral" else None)
        for kind, scenes in by_kind.items()
    )


def _scene_group(
    kind: wire.Kind,
    scenes: Sequence[SceneChoice],
    roles: Collection[str],
    kit: BrandKit | None,
) -> SceneGroup:
    return SceneGroup(
        kind=kind.name,
        title=kind.title,
        scenes=tuple(scenes),
        texts=tuple(TextField(f"text-{kind.name}-{name}", text_title(name)) for name in kind.texts),
        pictures=tuple(
            PictureField(
                name=f"picture-{kind.name}-{role}",
                role=role_of(role),
                is_needed=role in kind.needed_roles,
                photos=_photos_for(role),
                brand_logo=kit.logo if kit is not None and role == "logo" else None,
            )
            for role in kind.roles
            if role in roles
        ),
        has_brand=kit is not None,
    )


def _photos_for(role: str) -> tuple[SourcePhoto, ...]:
    """Return the newest photos whose file name holds the role's word."""
    if role_of(role).view:
        return ()
    named = SourcePhoto.objects.filter(file_name__icontains=role).select_related("product")
    return tuple(named.order_by("-created_at", "-pk")[:ROLE_PHOTOS_SHOWN])


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
