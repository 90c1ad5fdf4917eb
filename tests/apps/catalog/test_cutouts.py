"""Which cutout of a photo is in use, and what becomes of the others."""

from __future__ import annotations

import pytest

from apps.catalog.models import Product, SourcePhoto
from apps.catalog.queries import product_detail
from apps.catalog.services.cutouts import begin_cutout, keep_cutout
from apps.catalog.services.products import delete_photo
from apps.core import storage
from apps.core.errors import ConflictError, ForbiddenError, NotFoundError
from apps.events.models import Event
from apps.tenants.scope import tenant_scope
from tests.apps.catalog.test_products import photo_of
from tests.cast import Person

pytestmark = pytest.mark.usefixtures("in_ateliers")


@pytest.fixture
def photo(in_ateliers: object) -> SourcePhoto:
    return photo_of(Product.objects.create(sku="MUG"))


def kept(ben: Person, photo: SourcePhoto) -> int:
    _, revision = begin_cutout(actor=ben.actor, photo_id=photo.pk)
    storage.put(storage.cutout_key(photo.tenant_id, photo.pk, revision), b"png")
    keep_cutout(actor=ben.actor, photo_id=photo.pk, revision=revision)
    photo.refresh_from_db()
    return revision


def test_a_new_photo_takes_what_an_engine_makes(photo):
    assert photo.cutout_key == f"photos/{photo.tenant_id}/{photo.pk}/cutout-0.png"
    assert not photo.is_cut_by_hand


def test_a_correction_is_taken_from_now_on_and_recorded(ben, photo):
    revision = kept(ben, photo)

    assert photo.cutout_key.endswith(f"cutout-{revision}.png")
    assert photo.is_cut_by_hand
    assert photo.cutout_kept_at is not None
    event = Event.objects.get(kind="photo.cutout_kept")
    assert (event.subject, event.data["revision"]) == (photo.pk, revision)


def test_two_people_never_get_one_number(ben, adam, photo):
    numbers = [begin_cutout(actor=who.actor, photo_id=photo.pk)[1] for who in (ben, adam, ben)]

    assert numbers == [1, 2, 3]


def test_what_was_never_written_is_not_taken(ben, photo):
    _, revision = begin_cutout(actor=ben.actor, photo_id=photo.pk)

    with pytest.raises(NotFoundError, match="Save it again"):
        keep_cutout(actor=ben.actor, photo_id=photo.pk, revision=revision)
    with pytest.raises(NotFoundError):
        keep_cutout(actor=ben.actor, photo_id=photo.pk, revision=7)

    photo.refresh_from_db()
    assert not photo.is_cut_by_hand


def test_who_is_later_than_a_later_correction_learns_of_it(ben, photo):
    _, early = begin_cutout(actor=ben.actor, photo_id=photo.pk)
    storage.put(storage.cutout_key(photo.tenant_id, photo.pk, early), b"png")
    late = kept(ben, photo)

    with pytest.raises(ConflictError, match="Reload"):
        keep_cutout(actor=ben.actor, photo_id=photo.pk, revision=early)

    photo.refresh_from_db()
    assert photo.cutout_revision == late


def test_keeping_twice_is_keeping_once(ben, photo):
    revision = kept(ben, photo)
    before = photo.cutout_kept_at

    keep_cutout(actor=ben.actor, photo_id=photo.pk, revision=revision)

    photo.refresh_from_db()
    assert photo.cutout_kept_at == before
    assert Event.objects.filter(kind="photo.cutout_kept").count() == 1


def test_only_who_may_order_may_correct(rita, vera, photo):
    for person in (rita, vera):
        with pytest.raises(ForbiddenError):
            begin_cutout(actor=person.actor, photo_id=photo.pk)
        with pytest.raises(ForbiddenError):
            keep_cutout(actor=person.actor, photo_id=photo.pk, revision=1)


def test_a_photo_of_another_workspace_is_missing(eve, photo):
    with tenant_scope(eve.tenant.pk), pytest.raises(NotFoundError):
        begin_cutout(actor=eve.actor, photo_id=photo.pk)


def test_deleting_a_photo_deletes_all_its_cutouts(ben, photo, django_capture_on_commit_callbacks):
    storage.put(photo.cutout_key, b"png")
    kept(ben, photo)
    begin_cutout(actor=ben.actor, photo_id=photo.pk)
    storage.put(storage.cutout_key(photo.tenant_id, photo.pk, 2), b"left behind")

    with django_capture_on_commit_callbacks(execute=True):
        delete_photo(actor=ben.actor, photo_id=photo.pk)

    assert list(storage.listing(f"photos/{photo.tenant_id}/{photo.pk}")) == []


def test_a_product_page_says_whose_edge_is_doubtful(ben, photo):
    from apps.studio.models import Render, Shoot, Shot

    shoot = Shoot.objects.create(number=7, scene_slug="packshot-white", scene={}, credits=1)
    shot = Shot.objects.create(shoot=shoot, photo=photo, position=0)
    Render.objects.create(shoot=shoot, shot=shot, seed=1, state="succeeded", confidence=0.4)
    Render.objects.create(shoot=shoot, shot=shot, seed=1, state="succeeded", confidence=0.9)

    [doubtful] = product_detail(photo.product_id).photos
    kept(ben, photo)
    [looked_at] = product_detail(photo.product_id).photos

    assert doubtful.needs_look
    assert not looked_at.needs_look
    assert looked_at.is_cut_by_hand
