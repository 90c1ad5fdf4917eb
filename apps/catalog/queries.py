"""What pages show of products and photos. The number of queries is the same for any page size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from django.conf import settings
from django.core.paginator import Paginator
from django.db.models import Count, Exists, Min, OuterRef, Q, QuerySet, Subquery

from apps.catalog.cutouts import needs_look
from apps.catalog.grouping import VIEWS
from apps.catalog.inspection import ACCEPTED_TYPES, refusal_sentence
from apps.catalog.models import Product, SourcePhoto
from apps.core import storage
from apps.core.errors import NotFoundError

PAGE_SIZE: Final = 48
FILTERS: Final = {"": "All", "new": "Not shot yet", "empty": "Without photos"}

_CONTENT_TYPES: Final = {"jpg": "image/jpeg", "png": "image/png", "webp": "image/webp"}


@dataclass(frozen=True, slots=True)
class ProductCard:
    """A product as the index shows it."""

    id: str
    sku: str
    title: str
    photo_count: int
    cover: str
    """Id of the photo that stands for the product; empty if it has none."""
    cover_has_alpha: bool


@dataclass(frozen=True, slots=True)
class FilterChoice:
    """One way to narrow the index."""

    label: str
    query: str
    """Its address, from the question mark on."""
    is_current: bool


@dataclass(frozen=True, slots=True)
class ProductIndex:
    """One page of the index of products."""

    cards: tuple[ProductCard, ...]
    number: int
    pages: int
    total: int
    """Products that match, on all pages."""
    here: str
    """Address of this page from the question mark on; empty before and after the ends."""
    previous: str
    next: str
    search: str
    filter_by: str
    filters: tuple[FilterChoice, ...]
    is_first_use: bool
    """The workspace has no product at all."""


@dataclass(frozen=True, slots=True)
class PhotoTile:
    """A photo as the product page shows it."""

    id: str
    file_name: str
    view: str
    width_px: int
    height_px: int
    has_alpha: bool
    is_first: bool
    is_last: bool
    is_cut_by_hand: bool
    confidence: float | None
    """The least of the cutouts that its present renders were made of; None before the first."""

    @property
    def needs_look(self) -> bool:
        """Whether its cutout is unsure and nobody has looked at it yet."""
        return not self.is_cut_by_hand and needs_look(self.confidence)

    @property
    def views(self) -> tuple[str, ...]:
        """What the photo can be said to show: the known views, and its own if it is another."""
        return VIEWS if self.view in VIEWS else (self.view, *VIEWS)


@dataclass(frozen=True, slots=True)
class ProductDetail:
    """A product with all its photos, in order."""

    product: Product
    photos: tuple[PhotoTile, ...]

    @property
    def attributes(self) -> tuple[tuple[str, str], ...]:
        """Names and values, in the order they were written."""
        return tuple(self.product.attributes.items())


@dataclass(frozen=True, slots=True)
class UploadRules:
    """What the drop zone tells a browser beforehand; the server decides for itself."""

    accept: str
    max_bytes: int
    too_large: str


@dataclass(frozen=True, slots=True)
class PhotoFile:
    """One stored copy of a photo, ready to send."""

    data: bytes
    content_type: str
    file_name: str


def upload_rules() -> UploadRules:
    """Return what a browser may know of the limits. No query."""
    megabytes = settings.UPLOAD_MAX_BYTES // (1024 * 1024)
    return UploadRules(
        accept=",".join(ACCEPTED_TYPES),
        max_bytes=settings.UPLOAD_MAX_BYTES,
        too_large=refusal_sentence("upload.too_large", max_megabytes=megabytes),
    )


def product_index(*, search: str, filter_by: str, page: str) -> ProductIndex:
    """Return one page of the products, newest first: three queries, a fourth if nothing matches.

    Parameters
    ----------
    search
        Part of an SKU or title, in any letter case.
    filter_by
        A key of `FILTERS`; anything else means all.
    page
        Page number as sent; out of range gives the nearest page.
    """
    chosen = filter_by if filter_by in FILTERS else ""
    term = search.replace("\x00", "").strip()[:100]
    shown = Paginator(_matching(term, chosen), PAGE_SIZE).get_page(page)
    total = shown.paginator.count
    return ProductIndex(
        cards=_cards(list(shown.object_list)),
        number=shown.number,
        pages=shown.paginator.num_pages,
        total=total,
        here=_query(term, chosen, shown.number),
        previous=_query(term, chosen, shown.number - 1) if shown.has_previous() else "",
        next=_query(term, chosen, shown.number + 1) if shown.has_next() else "",
        search=term,
        filter_by=chosen,
        filters=tuple(
            FilterChoice(label, _query(term, value, 1), value == chosen)
            for value, label in FILTERS.items()
        ),
        is_first_use=total == 0 and not Product.objects.exists(),
    )


def _query(term: str, chosen: str, number: int) -> str:
    parts = {"q": term, "filter": chosen, "page": "" if number == 1 else str(number)}
    return "?" + urlencode({name: value for name, value in parts.items() if value})


def _matching(term: str, chosen: str) -> QuerySet[Product]:
    first = SourcePhoto.objects.filter(product=OuterRef("pk")).order_by(
        "position", "created_at", "id"
    )
    products: QuerySet[Product] = Product.objects.order_by("-created_at", "sku")
    if term:
        products = products.filter(Q(sku__icontains=term) | Q(title__icontains=term))
    if chosen == "new":
        shot = SourcePhoto.objects.filter(product=OuterRef("pk"), shots__isnull=False)
        products = products.filter(~Exists(shot))
    if chosen == "empty":
        products = products.filter(photos__isnull=True)
    return products.annotate(cover=Subquery(first.values("pk")[:1]))


def _cards(products: list[Product]) -> tuple[ProductCard, ...]:
    ids = [product.pk for product in products]
    counts = dict(
        SourcePhoto.objects.filter(product_id__in=ids)
        .order_by()
        .values_list("product_id")
        .annotate(count=Count("pk"))
    )
    covers = [getattr(product, "cover", None) for product in products]
    transparent = set(
        SourcePhoto.objects.filter(pk__in=[c for c in covers if c], has_alpha=True)
        .order_by()
        .values_list("pk", flat=True)
    )
    return tuple(
        ProductCard(
            id=product.pk,
            sku=product.sku,
            title=product.title,
            photo_count=counts.get(product.pk, 0),
            cover=cover or "",
            cover_has_alpha=cover in transparent,
        )
        for product, cover in zip(products, covers, strict=True)
    )


def product_by_id(product_id: str) -> Product:
    """Return a product.

    Raises
    ------
    NotFoundError
        If it is missing or another workspace's.
    """
    product: Product | None = Product.objects.filter(pk=product_id).first()
    if product is None:
        raise NotFoundError("catalog.product_missing", "There is no such product.")
    return product


def product_detail(product_id: str) -> ProductDetail:
    """Return a product with its photos: two queries.

    Raises
    ------
    NotFoundError
        If it is missing or another workspace's.
    """
    product = product_by_id(product_id)
    made = Q(shots__renders__state="succeeded", shots__renders__retries__isnull=True)
    rows = list(
        SourcePhoto.objects.filter(product=product).annotate(
            confidence=Min("shots__renders__confidence", filter=made)
        )
    )
    tiles = tuple(
        PhotoTile(
            id=row.pk,
            file_name=row.file_name,
            view=row.view,
            width_px=row.width_px,
            height_px=row.height_px,
            has_alpha=row.has_alpha,
            is_first=place == 0,
            is_last=place == len(rows) - 1,
            is_cut_by_hand=row.is_cut_by_hand,
            confidence=row.confidence,
        )
        for place, row in enumerate(rows)
    )
    return ProductDetail(product, tiles)


def photo_order(photo_id: str, *, by: int) -> tuple[str, list[str]]:
    """Return a photo's product and the order of its photos with this one moved ``by`` places.

    Raises
    ------
    NotFoundError
        If the photo is missing or another workspace's.
    """
    photo = _photo(photo_id)
    order = [
        str(pk)
        for pk in SourcePhoto.objects.filter(product_id=photo.product_id).values_list(
            "pk", flat=True
        )
    ]
    place = order.index(photo.pk)
    order.insert(max(0, min(len(order) - 1, place + by)), order.pop(place))
    return photo.product_id, order


def product_of_photo(photo_id: str) -> str:
    """Return the id of the product a photo belongs to.

    Raises
    ------
    NotFoundError
        If the photo is missing or another workspace's.
    """
    return _photo(photo_id).product_id


def photo_file(photo_id: str, variant: str) -> PhotoFile:
    """Return a stored copy of a photo: ``thumb``, ``preview`` or ``photo``.

    Raises
    ------
    NotFoundError
        If photo, variant or file is missing, or it is another workspace's.
    """
    photo = _photo(photo_id)
    keys = {"thumb": photo.thumb_key, "preview": photo.preview_key, "photo": photo.photo_key}
    if variant not in keys:
        raise NotFoundError("catalog.variant_missing", "There is no such size of this photo.")
    extension = keys[variant].rpartition(".")[2]
    stem = photo.file_name.rpartition(".")[0] or photo.file_name
    return PhotoFile(
        data=storage.read(keys[variant]),
        content_type=_CONTENT_TYPES[extension],
        file_name=f"{stem}.{extension}",
    )


def _photo(photo_id: str) -> SourcePhoto:
    photo: SourcePhoto | None = SourcePhoto.objects.filter(pk=photo_id).first()
    if photo is None:
        raise NotFoundError("catalog.photo_missing", "There is no such photo.")
    return photo
