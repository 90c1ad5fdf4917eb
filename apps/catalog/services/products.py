"""Changing products by hand: their fields, which photos they hold, in what order.

Owns what may be done to a product and when it is refused. Taking in new photos is
`apps.catalog.services.uploads`. Rows are locked product by product in the order of their ids, so
that two people who move photos both ways cannot block each other.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from django.db import transaction
from django.db.models import QuerySet

from apps.catalog.models import Product, SourcePhoto
from apps.catalog.product_fields import clean_attributes, clean_sku, clean_title, clean_view
from apps.core import storage
from apps.core.errors import ConflictError, InvalidError, NotFoundError
from apps.events.kinds import Kind
from apps.events.services import record
from apps.tenants.roles import Actor, Permission


@transaction.atomic
def create_product(
    *, actor: Actor, sku: str, title: str = "", attributes: Mapping[str, str] | None = None
) -> Product:
    """Create a product without photos.

    Raises
    ------
    InvalidError
        If a field cannot be used; ``data["field"]`` names it.
    ConflictError
        If another product has the SKU.
    """
    actor.require(Permission.EDIT_CATALOG)
    cleaned = clean_sku(sku)
    _refuse_taken_sku(cleaned, except_product="")
    product: Product = Product.objects.create(
        tenant_id=actor.tenant,
        sku=cleaned,
        title=clean_title(title),
        attributes=clean_attributes(attributes or {}),
    )
    record(actor=actor, kind=Kind.PRODUCT_CREATED, subject=product.pk, sku=product.sku)
    return product


@transaction.atomic
def edit_product(
    *, actor: Actor, product_id: str, sku: str, title: str, attributes: Mapping[str, str]
) -> Product:
    """Replace the fields of a product.

    Raises
    ------
    InvalidError
        If a field cannot be used; ``data["field"]`` names it.
    ConflictError
        If another product has the SKU.
    """
    actor.require(Permission.EDIT_CATALOG)
    product = _locked([product_id])[product_id]
    product.sku = clean_sku(sku)
    product.title = clean_title(title)
    product.attributes = clean_attributes(attributes)
    _refuse_taken_sku(product.sku, except_product=product.pk)
    product.save(update_fields=["sku", "title", "attributes", "updated_at"])
    record(actor=actor, kind=Kind.PRODUCT_CHANGED, subject=product.pk, sku=product.sku)
    return product


@transaction.atomic
def move_photos(*, actor: Actor, photo_ids: Collection[str], sku: str) -> Product:
    """Move photos to the product of an SKU, which is created if it is new; return that product.

    Raises
    ------
    InvalidError
        If no photo is named or the SKU cannot be used.
    NotFoundError
        If one of the photos is missing.
    """
    actor.require(Permission.EDIT_CATALOG)
    if not photo_ids:
        raise InvalidError("catalog.no_photos_chosen", "Choose at least one photo to move.")
    cleaned = clean_sku(sku)
    target = Product.objects.filter(sku__iexact=cleaned).first()
    if target is None:
        target = create_product(actor=actor, sku=cleaned)
    sources = {photo.product_id for photo in _photos(photo_ids)}
    locked = _locked(sources | {target.pk})
    _append(locked[target.pk], _photos(photo_ids).exclude(product=target))
    record(actor=actor, kind=Kind.PRODUCT_CHANGED, subject=target.pk, photos=sorted(photo_ids))
    return target


@transaction.atomic
def merge_products(*, actor: Actor, target_id: str, source_ids: Collection[str]) -> Product:
    """Move all photos of other products to one product and delete the others.

    Raises
    ------
    InvalidError
        If nothing is left to merge.
    NotFoundError
        If one of the products is missing.
    """
    actor.require(Permission.EDIT_CATALOG)
    others = sorted(set(source_ids) - {target_id})
    if not others:
        raise InvalidError(
            "catalog.nothing_to_merge", "Choose at least two products to make one of them."
        )
    locked = _locked({target_id, *others})
    target = locked[target_id]
    for source in others:
        _append(target, SourcePhoto.objects.filter(product_id=source))
        record(actor=actor, kind=Kind.PRODUCT_DELETED, subject=source, merged_into=target_id)
        locked[source].delete()
    record(actor=actor, kind=Kind.PRODUCT_CHANGED, subject=target_id, merged=others)
    return target


@transaction.atomic
def reorder_photos(*, actor: Actor, product_id: str, photo_ids: Sequence[str]) -> None:
    """Put the photos of a product into the order given; the first one stands for the product.

    Raises
    ------
    ConflictError
        If the ids are not exactly the product's photos: it has changed meanwhile.
    """
    actor.require(Permission.EDIT_CATALOG)
    product = _locked([product_id])[product_id]
    photos = {photo.pk: photo for photo in SourcePhoto.objects.filter(product=product)}
    if len(photo_ids) != len(photos) or set(photo_ids) != set(photos):
        raise ConflictError(
            "catalog.photos_changed", "The photos of this product have changed. Reload the page."
        )
    for position, photo_id in enumerate(photo_ids):
        photos[photo_id].position = position
    SourcePhoto.objects.bulk_update(photos.values(), ["position"])
    record(actor=actor, kind=Kind.PRODUCT_CHANGED, subject=product_id, order=list(photo_ids))


@transaction.atomic
def set_view(*, actor: Actor, photo_id: str, view: str) -> SourcePhoto:
    """Say which side of the product a photo shows.

    Raises
    ------
    InvalidError
        If the view is empty or too long.
    """
    actor.require(Permission.EDIT_CATALOG)
    photo = _photo(photo_id)
    photo.view = clean_view(view)
    photo.save(update_fields=["view"])
    record(
        actor=actor,
        kind=Kind.PRODUCT_CHANGED,
        subject=photo.product_id,
        photo=photo.pk,
        view=photo.view,
    )
    return photo


@transaction.atomic
def delete_photo(*, actor: Actor, photo_id: str) -> None:
    """Delete a photo with its files.

    Raises
    ------
    ConflictError
        If a shoot was made from it: its pictures must be able to name their source.
    """
    actor.require(Permission.EDIT_CATALOG)
    photo = _photo(photo_id)
    _delete_photos([photo])
    record(actor=actor, kind=Kind.PRODUCT_CHANGED, subject=photo.product_id, deleted=photo_id)


@transaction.atomic
def delete_product(*, actor: Actor, product_id: str) -> None:
    """Delete a product with all its photos.

    Raises
    ------
    ConflictError
        If a shoot was made from one of its photos.
    """
    actor.require(Permission.EDIT_CATALOG)
    product = _locked([product_id])[product_id]
    _delete_photos(list(SourcePhoto.objects.filter(product=product)))
    record(actor=actor, kind=Kind.PRODUCT_DELETED, subject=product_id, sku=product.sku)
    product.delete()


def _delete_photos(photos: Sequence[SourcePhoto]) -> None:
    for photo in photos:
        shot = photo.shots.select_related("shoot").order_by("shoot__number").first()
        if shot is not None:
            raise ConflictError(
                "catalog.photo_in_shoot",
                f"{photo.file_name} is used in {shot.shoot} and cannot be deleted.",
                shoot=shot.shoot_id,
                photo=photo.pk,
            )
    keys = [
        key
        for photo in photos
        for key in (
            photo.photo_key,
            photo.preview_key,
            photo.thumb_key,
            photo.original_key,
            *photo.cutout_keys,
        )
    ]
    for photo in photos:
        photo.delete()

    def remove_files() -> None:
        for key in keys:
            storage.delete(key)

    transaction.on_commit(remove_files)


def _append(target: Product, photos: QuerySet[SourcePhoto]) -> None:
    """Put photos behind those a product has, keeping their order among themselves."""
    last = SourcePhoto.objects.filter(product=target).order_by("-position").first()
    start = 0 if last is None else last.position + 1
    moved = list(photos.order_by("product_id", "position", "created_at", "id"))
    for place, photo in enumerate(moved, start=start):
        photo.product = target
        photo.position = place
    SourcePhoto.objects.bulk_update(moved, ["product", "position"])


def _locked(product_ids: Collection[str]) -> dict[str, Product]:
    """Lock products in the order of their ids.

    Raises
    ------
    NotFoundError
        If one is missing.
    """
    rows = Product.objects.select_for_update().filter(pk__in=product_ids).order_by("pk")
    products = {product.pk: product for product in rows}
    if len(products) != len(set(product_ids)):
        raise NotFoundError("catalog.product_missing", "There is no such product.")
    return products


def _photos(photo_ids: Collection[str]) -> QuerySet[SourcePhoto]:
    photos: QuerySet[SourcePhoto] = SourcePhoto.objects.filter(pk__in=set(photo_ids))
    if photos.count() != len(set(photo_ids)):
        raise _photo_missing()
    return photos


def _photo(photo_id: str) -> SourcePhoto:
    photo: SourcePhoto | None = SourcePhoto.objects.select_for_update().filter(pk=photo_id).first()
    if photo is None:
        raise _photo_missing()
    return photo


def _photo_missing() -> NotFoundError:
    return NotFoundError("catalog.photo_missing", "There is no such photo.")


def _refuse_taken_sku(sku: str, *, except_product: str) -> None:
    taken = Product.objects.filter(sku__iexact=sku).exclude(pk=except_product).first()
    if taken is not None:
        raise ConflictError(
            "catalog.sku_taken",
            f"Product {taken.sku} has this SKU already. Merge the two, or choose another SKU.",
            field="sku",
            product=taken.pk,
        )
