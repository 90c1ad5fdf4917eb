"""Words and other pictures of an order: what is asked for, refused, kept and sent on."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from apps.catalog.models import SourcePhoto
from apps.compute.models import WorkItem
from apps.core.errors import InvalidError, NotFoundError
from apps.studio.models import Shoot
from apps.studio.services.ordering import order_shoot
from apps.tenants.scope import tenant_scope
from tests.apps.studio.conftest import make_photo
from tests.cast import Person

pytestmark = pytest.mark.usefixtures("redis_server")


def order(person: Person, photos: list[SourcePhoto], scene: str, **more: Any) -> Shoot:
    with tenant_scope(person.tenant.pk):
        return order_shoot(
            actor=person.actor,
            photo_ids=[photo.pk for photo in photos],
            scene_slug=scene,
            sales_channels=["shopify"],
            **more,
        )


def orders_of(shoot: Shoot) -> list[dict[str, Any]]:
    with tenant_scope(shoot.tenant_id):
        items = WorkItem.objects.filter(group=shoot.pk).order_by("id")
        return [item.order for item in items]


def test_words_are_kept_with_the_shoot_and_sent_to_the_workers(ben: Person, photos: list[Any]):
    words = {"headline": "  Made to last ", "price": "€49", "badge": ""}

    shoot = order(ben, photos[:1], "banner-sand", texts=words)

    assert shoot.texts == {"headline": "Made to last", "price": "€49"}
    [sent] = orders_of(shoot)
    assert sent["texts"] == shoot.texts
    assert sent["kind"] == "collateral"


@pytest.mark.parametrize(
    ("scene", "texts", "code"),
    [
        ("packshot-white", {"headline": "Sale"}, "studio.text_unknown"),
        ("banner-sand", {"slogan": "Sale"}, "studio.text_unknown"),
        ("banner-sand", {"headline": "x" * 201}, "studio.text_too_long"),
        ("banner-sand", {"headline": "  "}, "studio.text_missing"),
        ("variant-blue", {"target": "blue"}, "studio.color_unreadable"),
    ],
)
def test_words_that_a_kind_does_not_set_are_refused(
    ben: Person, photos: list[Any], scene: str, texts: dict[str, str], code: str
):
    with pytest.raises(InvalidError) as refused:
        order(ben, photos[:1], scene, texts=texts)

    assert refused.value.code == code


def test_a_logo_is_chosen_once_for_all_renders(ben: Person, photos: list[Any]):
    logo = make_photo(ben.tenant, 50)

    shoot = order(
        ben, photos[:2], "banner-sand", texts={"headline": "New"}, pictures={"logo": logo.pk}
    )

    assert [sent["extras"] for sent in orders_of(shoot)] == [{"logo": logo.photo_key}] * 2


def test_the_inside_of_a_garment_is_found_by_its_view(ben: Person, photos: list[Any]):
    inside = make_photo(ben.tenant, 51)
    with tenant_scope(ben.tenant.pk):
        SourcePhoto.objects.filter(pk=inside.pk).update(
            view="inside", product_id=photos[0].product_id
        )

    shoot = order(ben, photos[:2], "ghost-white")

    extras = [sent["extras"] for sent in orders_of(shoot)]
    assert sorted(extras, key=len) == [{}, {"back": inside.photo_key}]


@pytest.mark.parametrize(
    ("scene", "role"),
    [("packshot-white", "logo"), ("ghost-white", "back"), ("mug-white", "base")],
)
def test_pictures_that_a_scene_does_not_choose_are_refused(
    ben: Person, photos: list[Any], scene: str, role: str
):
    with pytest.raises(InvalidError) as refused:
        order(ben, photos[:1], scene, pictures={role: photos[1].pk})

    assert refused.value.code == "studio.picture_unknown"


def test_eves_logo_is_not_to_be_had(ben: Person, eve: Person, photos: list[Any]):
    theirs = make_photo(eve.tenant, 52)

    with pytest.raises(NotFoundError):
        order(
            ben, photos[:1], "banner-sand", texts={"headline": "New"}, pictures={"logo": theirs.pk}
        )


def test_the_page_asks_for_what_a_kind_needs_and_reads_only_that(ben: Person, photos: list[Any]):
    client = Client()
    client.force_login(ben.user)

    page = client.get("/w/ateliers/shoots/new").content.decode()
    answer = client.post(
        "/w/ateliers/shoots/order",
        {
            "photo": photos[0].pk,
            "scene": "post-centered",
            "sales_channel": ["shopify"],
            "takes": "1",
            "text-collateral-headline": "Hello",
            "text-variant-target": "#112233",
        },
    )

    assert 'name="text-collateral-headline"' in page
    assert 'name="text-variant-target"' in page
    assert "picture-mockup-base" not in page
    assert answer.status_code == 302
    with tenant_scope(ben.tenant.pk):
        assert Shoot.objects.get().texts == {"headline": "Hello"}


def test_the_page_asks_for_words_before_it_quotes_a_banner(ben: Person, photos: list[Any]):
    client = Client()
    client.force_login(ben.user)
    chosen = {"photo": photos[0].pk, "scene": "banner-sand", "sales_channel": ["shopify"]}

    answer = client.post("/w/ateliers/shoots/quote", chosen, headers={"HX-Request": "true"})

    assert answer.status_code == 200
    assert "Write at least one text" in answer.content.decode()


def test_a_painted_backdrop_waits_in_the_lane_of_its_engine(
    ben: Person, photos: list[Any], settings: Any
):
    settings.FLEET, settings.MAX_WORKERS = "kubernetes", {"cpu": 2, "gpu": 1}

    shoot = order(ben, photos[:1], "bright-kitchen")

    with tenant_scope(shoot.tenant_id):
        item = WorkItem.objects.get(group=shoot.pk)
    assert (item.engine, item.worker_class) == ("diffusion", "gpu")
    assert item.order["scene"]["options"]["setting"]
