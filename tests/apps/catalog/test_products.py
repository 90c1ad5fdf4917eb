"""What people do to products by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from apps.catalog.models import Product, SourcePhoto
from apps.catalog.services.products import (
    create_product,
    delete_photo,
    delete_product,
    edit_product,
    merge_products,
    move_photos,
    reorder_photos,
    set_view,
)
from apps.core import storage
from apps.core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from apps.events.models import Event
from apps.studio.models import Shoot, Shot
from apps.tenants.models import Tenant
from apps.tenants.scope import tenant_scope
from tests.cast import Person

pytestmark = pytest.mark.usefixtures("in_ateliers")


def photo_of(product: Product, position: int = 0, view: str = "main") -> SourcePhoto:
    """A photo with its four stored files, without decoding one."""
    photo = SourcePhoto(
        product=product,
        file_name=f"{product.sku}_{position}.jpg",
        view=view,
        position=position,
        width_px=100,
        height_px=80,
        size_bytes=5,
    )
    photo.sha256 = photo.pk[-26:] * 2
    for name in ("photo", "preview", "thumb", "original"):
        key = storage.photo_key(product.tenant_id, photo.pk, f"{name}.webp")
        setattr(photo, f"{name}_key", key)
        storage.put(key, b"bytes")
    photo.save()
    return photo


def order_of(product: Product) -> list[str]:
    return [photo.pk for photo in product.photos.all()]


def used_in_a_shoot(photo: SourcePhoto) -> Shoot:
    shoot = Shoot.objects.create(number=7, scene_slug="packshot-white", scene={}, credits=1)
    Shot.objects.create(shoot=shoot, photo=photo, position=0)
    return shoot


@pytest.fixture
def mug(ateliers: Tenant) -> Product:
    product: Product = Product.objects.create(tenant=ateliers, sku="MUG-1")
    return product


def test_a_product_is_created_and_edited(alice: Person) -> None:
    product = create_product(actor=alice.actor, sku=" AMB-250 ", attributes={"material": "oak"})

    edited = edit_product(
        actor=alice.actor, product_id=product.pk, sku="AMB-251", title="Amber", attributes={}
    )

    product.refresh_from_db()
    assert edited == product
    assert (product.sku, product.title, product.attributes) == ("AMB-251", "Amber", {})
    assert {event.kind for event in Event.objects.all()} == {"product.created", "product.changed"}


def test_an_sku_belongs_to_one_product_in_any_letter_case(alice: Person, mug: Product) -> None:
    with pytest.raises(ConflictError) as refused:
        create_product(actor=alice.actor, sku="mug-1")

    assert refused.value.data == {"field": "sku", "product": mug.pk}
    edit_product(actor=alice.actor, product_id=mug.pk, sku="mug-1", title="", attributes={})


def test_moved_photos_stand_behind_those_that_were_there(alice: Person, mug: Product) -> None:
    tote = Product.objects.create(sku="TOTE")
    stays, first, second = photo_of(mug, 0), photo_of(tote, 0), photo_of(tote, 1)

    target = move_photos(actor=alice.actor, photo_ids=[second.pk, first.pk], sku="mug-1")

    assert target == mug
    assert order_of(mug) == [stays.pk, first.pk, second.pk]
    assert order_of(tote) == []


def test_photos_moved_to_a_new_sku_found_a_product(alice: Person, mug: Product) -> None:
    photo = photo_of(mug)

    target = move_photos(actor=alice.actor, photo_ids=[photo.pk], sku="MUG-2")

    assert (target.sku, order_of(target)) == ("MUG-2", [photo.pk])


def test_moving_nothing_or_something_foreign_is_refused(
    alice: Person, eve: Person, mug: Product
) -> None:
    with tenant_scope(eve.tenant.pk):
        theirs = photo_of(Product.objects.create(tenant=eve.tenant, sku="THEIRS"))

    with pytest.raises(InvalidError):
        move_photos(actor=alice.actor, photo_ids=[], sku="MUG-1")
    with pytest.raises(NotFoundError):
        move_photos(actor=alice.actor, photo_ids=[theirs.pk], sku="MUG-1")
    with pytest.raises(NotFoundError):
        set_view(actor=alice.actor, photo_id=theirs.pk, view="back")
    with pytest.raises(NotFoundError):
        delete_photo(actor=alice.actor, photo_id=theirs.pk)
    with pytest.raises(NotFoundError):
        merge_products(actor=alice.actor, target_id=mug.pk, source_ids=[theirs.product_id])


def test_merged_products_become_one_with_all_photos(alice: Person, mug: Product) -> None:
    tote, hat = Product.objects.create(sku="TOTE"), Product.objects.create(sku="HAT")
    photos = [photo_of(mug), photo_of(tote), photo_of(hat)]

    merge_products(actor=alice.actor, target_id=mug.pk, source_ids=[mug.pk, tote.pk, hat.pk])

    assert list(Product.objects.all()) == [mug]
    assert set(order_of(mug)) == {photo.pk for photo in photos}
    assert order_of(mug)[0] == photos[0].pk


def test_one_product_alone_cannot_be_merged(alice: Person, mug: Product) -> None:
    with pytest.raises(InvalidError):
        merge_products(actor=alice.actor, target_id=mug.pk, source_ids=[mug.pk])


def test_photos_are_put_into_the_order_given(alice: Person, mug: Product) -> None:
    a, b, c = (photo_of(mug, position).pk for position in range(3))

    reorder_photos(actor=alice.actor, product_id=mug.pk, photo_ids=[c, a, b])

    assert order_of(mug) == [c, a, b]


@pytest.mark.parametrize("wrong", ["missing", "twice", "stranger"])
def test_an_order_that_is_not_of_this_product_changes_nothing(
    alice: Person, mug: Product, wrong: str
) -> None:
    a, b = photo_of(mug, 0).pk, photo_of(mug, 1).pk
    orders = {"missing": [b], "twice": [b, b], "stranger": [b, "pho_none"]}

    with pytest.raises(ConflictError):
        reorder_photos(actor=alice.actor, product_id=mug.pk, photo_ids=orders[wrong])

    assert order_of(mug) == [a, b]


def test_a_deleted_photo_takes_its_files_along(
    alice: Person,
    mug: Product,
    private_storage: Path,
    django_capture_on_commit_callbacks: object,
) -> None:
    gone, stays = photo_of(mug, 0), photo_of(mug, 1)

    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        delete_photo(actor=alice.actor, photo_id=gone.pk)

    assert order_of(mug) == [stays.pk]
    left = [path for path in private_storage.rglob("*") if path.is_file()]
    assert {path.parent.name for path in left} == {stays.pk}


def test_files_stay_until_the_deletion_is_certain(
    alice: Person, mug: Product, private_storage: Path
) -> None:
    photo = photo_of(mug)

    delete_photo(actor=alice.actor, photo_id=photo.pk)

    assert storage.read(photo.photo_key) == b"bytes"


def test_a_photo_that_a_shoot_was_made_from_stays_and_names_the_shoot(
    alice: Person, mug: Product
) -> None:
    photo = photo_of(mug)
    shoot = used_in_a_shoot(photo)

    for delete in (
        lambda: delete_photo(actor=alice.actor, photo_id=photo.pk),
        lambda: delete_product(actor=alice.actor, product_id=mug.pk),
    ):
        with pytest.raises(ConflictError) as refused:
            delete()
        assert refused.value.data["shoot"] == shoot.pk
        assert "Shoot 7" in refused.value.message

    assert order_of(mug) == [photo.pk]


def test_a_deleted_product_takes_its_photos_along(alice: Person, mug: Product) -> None:
    photo_of(mug)

    delete_product(actor=alice.actor, product_id=mug.pk)

    assert Product.objects.count() == SourcePhoto.objects.count() == 0
    assert Event.objects.get().kind == "product.deleted"


def test_a_reviewer_changes_nothing(rita: Person, mug: Product) -> None:
    photo = photo_of(mug)
    actor = rita.actor

    for act in (
        lambda: create_product(actor=actor, sku="X"),
        lambda: edit_product(actor=actor, product_id=mug.pk, sku="X", title="", attributes={}),
        lambda: move_photos(actor=actor, photo_ids=[photo.pk], sku="X"),
        lambda: merge_products(actor=actor, target_id=mug.pk, source_ids=["x"]),
        lambda: reorder_photos(actor=actor, product_id=mug.pk, photo_ids=[photo.pk]),
        lambda: set_view(actor=actor, photo_id=photo.pk, view="back"),
        lambda: delete_photo(actor=actor, photo_id=photo.pk),
        lambda: delete_product(actor=actor, product_id=mug.pk),
    ):
        with pytest.raises(ForbiddenError):
            act()

    assert Event.objects.count() == 0
