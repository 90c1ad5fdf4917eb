"""The pages of shoots: what they show, to whom, and at what cost in queries."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.billing.models import CreditAccount
from apps.compute import wire
from apps.compute.models import WorkItem
from apps.core import queue, storage
from apps.review.services import decide
from apps.studio.models import Render, Shoot
from apps.studio.queries.index import shoot_index
from apps.studio.queries.sheet import contact_sheet
from apps.studio.services.ordering import order_shoot
from apps.tenants.scope import tenant_scope
from tests.apps.studio.conftest import make_photo
from tests.cast import Person

pytestmark = pytest.mark.usefixtures("redis_server")

ORDER = {"scene": "packshot-white", "sales_channel": ["shopify"], "takes": "1"}
HTMX = {"HX-Request": "true"}


def signed_in(person: Person) -> Client:
    client = Client()
    client.force_login(person.user)
    return client


@pytest.fixture
def shoot(ben: Person, photos: list[Any]) -> Shoot:
    with tenant_scope(ben.tenant.pk):
        return order_shoot(
            actor=ben.actor,
            photo_ids=[photo.pk for photo in photos],
            scene_slug="packshot-white",
            sales_channels=["shopify"],
            name="Spring boots",
        )


def first_render(shoot: Shoot) -> Render:
    with tenant_scope(shoot.tenant_id):
        return shoot.renders.select_related("shot__photo__product").first()


class TestOrdering:
    """The order page, its quote and its button."""

    def test_the_page_offers_photos_scenes_and_sales_channels(self, ben, photos):
        page = signed_in(ben).get("/w/ateliers/shoots/new").content.decode()

        assert "Boot 1" in page
        assert 'value="packshot-white"' in page
        assert 'value="amazon-main"' in page
        assert "verify with the platform" in page

    def test_every_scene_on_offer_has_a_picture(self, ben):
        page = signed_in(ben).get("/w/ateliers/shoots/new")

        scenes = page.context["choices"].scenes
        assert scenes
        for scene in scenes:
            assert finders.find(scene.picture), scene.slug

    def test_a_product_brings_its_photos_picked(self, ben, photos):
        product = photos[1].product_id

        page = signed_in(ben).get("/w/ateliers/shoots/new", {"product": product})

        choice = page.context["choices"].photos
        assert choice.picked == {photos[1].pk}
        assert choice.photos[0].pk == photos[1].pk

    def test_a_search_chooses_all_that_match(self, ben, photos):
        page = signed_in(ben).get("/w/ateliers/shoots/new", {"q": "boot 2"}, headers=HTMX)

        choice = page.context["choices"].photos
        assert (choice.matching, choice.everything, choice.chosen) == (1, True, 1)
        assert b"<html" not in page.content

    def test_eves_products_are_not_on_offer(self, ben, eve, photos):
        theirs = make_photo(eve.tenant, 77)

        page = signed_in(ben).get("/w/ateliers/shoots/new", {"product": theirs.product_id})

        assert b"Boot 77" not in page.content

    def test_the_quote_shows_cost_and_balance(self, ben, photos):
        chosen = {**ORDER, "photo": [photo.pk for photo in photos], "takes": "2"}

        answer = signed_in(ben).post("/w/ateliers/shoots/quote", chosen, headers=HTMX)

        assert answer.status_code == 200
        assert "Order 6 renders" in answer.content.decode()
        assert "194" in answer.content.decode()

    def test_the_quote_of_nothing_says_what_to_choose(self, ben, photos):
        answer = signed_in(ben).post("/w/ateliers/shoots/quote", ORDER, headers=HTMX)

        assert answer.status_code == 200
        assert "Choose photos" in answer.content.decode()

    def test_the_quote_names_the_channel_that_a_scene_does_not_suit(self, ben, photos):
        chosen = {
            "photo": photos[0].pk,
            "scene": "oak-window",
            "sales_channel": ["amazon-main"],
            "takes": "1",
        }

        answer = signed_in(ben).post("/w/ateliers/shoots/quote", chosen, headers=HTMX)

        assert answer.status_code == 422
        assert "Amazon main image demands an exact white" in answer.content.decode()

    def test_a_quote_beyond_the_balance_cannot_be_ordered(self, ben, photos):
        with tenant_scope(ben.tenant.pk):
            CreditAccount.objects.update(available=1)
        chosen = {**ORDER, "photo": [photo.pk for photo in photos]}

        page = signed_in(ben).post("/w/ateliers/shoots/quote", chosen).content.decode()

        assert "2 credits short" in page
        assert "data-order" not in page

    def test_ordering_everything_that_matches_orders_it(self, ben, photos):
        chosen = {**ORDER, "everything": "1", "q": "boot", "own_fill": "1", "fill": "70"}

        answer = signed_in(ben).post("/w/ateliers/shoots/order", chosen)

        with tenant_scope(ben.tenant.pk):
            ordered = Shoot.objects.get()
            assert ordered.renders.count() == 3
            assert ordered.scene["framing"]["fill"] == 0.7
        assert answer["Location"] == f"/w/ateliers/shoots/{ordered.pk}/"

    def test_htmx_is_sent_to_the_contact_sheet(self, ben, photos):
        chosen = {**ORDER, "photo": photos[0].pk}

        answer = signed_in(ben).post("/w/ateliers/shoots/order", chosen, headers=HTMX)

        assert answer["HX-Redirect"].startswith("/w/ateliers/shoots/sho_")

    @pytest.mark.parametrize("field", ["takes", "fill"])
    def test_a_number_that_is_none_is_named(self, ben, photos, field):
        chosen = {**ORDER, "photo": photos[0].pk, "own_fill": "1", field: "many"}

        answer = signed_in(ben).post("/w/ateliers/shoots/quote", chosen, headers=HTMX)

        assert answer.status_code == 422
        assert field in answer.content.decode()


class TestContactSheet:
    """A shoot's page and its parts."""

    def test_every_state_has_its_card(self, vera, shoot, report):
        with tenant_scope(shoot.tenant_id):
            first, second, _ = shoot.renders.all()
        report("succeeded", first)
        report("failed", second, failure_code="order.source_unusable")

        page = signed_in(vera).get(f"/w/ateliers/shoots/{shoot.pk}/").content.decode()

        assert f"/renders/{first.pk}/preview" in page
        assert "No product could be found in the photo" in page
        assert "Queued" in page
        assert "66 %" in page

    def test_vera_sees_no_button_that_she_may_not_press(self, vera, shoot, report):
        report("failed", first_render(shoot), failure_code="engine.failed")

        page = signed_in(vera).get(f"/w/ateliers/shoots/{shoot.pk}/").content.decode()

        for control in ("/retry", "/cancel", "bulk-approve", "data-selectable"):
            assert control not in page

    def test_the_unfinished_picture_is_shown_while_the_render_runs(self, vera, shoot, report):
        render = first_render(shoot)
        address = f"/w/ateliers/renders/{render.pk}/live-preview"
        client = signed_in(vera)
        with tenant_scope(shoot.tenant_id):
            item = WorkItem.objects.get(subject=render.pk)
            WorkItem.objects.filter(pk=item.pk).update(state="running", attempt=2)
        with queue.connection() as redis:
            redis.set(wire.preview_key(item.pk, 2), "picture")

        assert client.get(address).status_code == 404, "it is queued"
        report("started", render)
        shown = client.get(address)
        card = client.get(f"/w/ateliers/renders/{render.pk}/card").content.decode()
        with queue.connection() as redis:
            redis.delete(wire.preview_key(item.pk, 2))
            redis.set(wire.preview_key(item.pk, 1), "of an attempt before")
        without = client.get(address)
        with queue.connection() as redis:
            redis.set(wire.preview_key(item.pk, 2), "picture")
        report("succeeded", render)

        assert (shown.status_code, shown.content) == (200, b"picture")
        assert (shown["Content-Type"], shown["Cache-Control"]) == ("image/webp", "no-store")
        assert address in card
        assert without.status_code == 404
        assert client.get(address).status_code == 404, "it is finished"
        assert address not in client.get(f"/w/ateliers/renders/{render.pk}/card").content.decode()

    def test_an_unsure_cutout_asks_for_a_look(self, vera, shoot, report):
        from tests.apps.studio.conftest import a_result

        render = first_render(shoot)
        report("succeeded", render, result=a_result(render, confidence=0.41))

        card = signed_in(vera).get(f"/w/ateliers/renders/{render.pk}/card").content.decode()

        assert "Check the edge" in card

    def test_a_retried_failure_gives_its_place_to_the_retry(self, ben, shoot, report):
        failed = first_render(shoot)
        report("failed", failed, failure_code="engine.failed")
        client = signed_in(ben)

        answer = client.post(f"/w/ateliers/renders/{failed.pk}/retry", headers=HTMX)

        with tenant_scope(shoot.tenant_id):
            again = Render.objects.get(retry_of=failed)
        assert f'data-render-id="{again.pk}"' in answer.content.decode()
        old_card = client.get(f"/w/ateliers/renders/{failed.pk}/card").content.decode()
        assert f'data-render-id="{again.pk}"' in old_card
        page = client.get(f"/w/ateliers/shoots/{shoot.pk}/").content.decode()
        assert failed.pk not in page

    def test_canceling_comes_back_to_the_sheet(self, ben, shoot):
        answer = signed_in(ben).post(f"/w/ateliers/shoots/{shoot.pk}/cancel")

        assert answer["Location"] == f"/w/ateliers/shoots/{shoot.pk}/"
        with tenant_scope(shoot.tenant_id):
            assert set(shoot.renders.values_list("state", flat=True)) == {"canceled"}

    @pytest.mark.parametrize(
        ("show", "expected"), [("", 3), ("open", 1), ("pending", 1), ("failed", 1), ("approved", 0)]
    )
    def test_the_sheet_narrows(self, vera, shoot, report, show, expected):
        with tenant_scope(shoot.tenant_id):
            first, second, _ = shoot.renders.all()
        report("succeeded", first)
        report("failed", second, failure_code="engine.failed")

        page = signed_in(vera).get(f"/w/ateliers/shoots/{shoot.pk}/", {"show": show})

        assert len(page.context["sheet"].cards) == expected

    def test_twice_the_renders_need_no_more_queries(self, ben, ateliers, shoot, report):
        def count() -> int:
            with tenant_scope(ateliers.pk), CaptureQueriesContext(connection) as queries:
                sheet = contact_sheet(shoot.pk)
                for card in sheet.cards:
                    assert card.title
                    assert card.standing_line
                assert sheet.filters
            return len(queries)

        before = count()
        photos = [make_photo(ateliers, number) for number in range(10, 13)]
        with tenant_scope(ateliers.pk):
            more = order_shoot(
                actor=ben.actor,
                photo_ids=[photo.pk for photo in photos],
                scene_slug="packshot-white",
                sales_channels=["shopify"],
            )
            for shot in more.shots.all():
                shot.shoot = shoot
                shot.save(update_fields=["shoot"])
            more.renders.update(shoot=shoot)

        assert count() == before

    def test_twice_the_shoots_need_no_more_queries(self, ben, ateliers, photos, shoot):
        def count() -> int:
            with tenant_scope(ateliers.pk), CaptureQueriesContext(connection) as queries:
                for row in shoot_index().rows:
                    assert row.state
                    assert [shot.photo.thumb_key for shot in row.shots]
            return len(queries)

        before = count()
        with tenant_scope(ateliers.pk):
            for _ in range(3):
                order_shoot(
                    actor=ben.actor,
                    photo_ids=[photos[0].pk],
                    scene_slug="packshot-white",
                    sales_channels=["shopify"],
                )

        assert count() == before

    def test_the_index_is_empty_only_without_any_shoot(self, vera, shoot):
        client = signed_in(vera)

        assert not client.get("/w/ateliers/shoots/", {"show": "failed"}).context["index"].is_empty
        with tenant_scope(shoot.tenant_id):
            Shoot.objects.all().delete()
        assert client.get("/w/ateliers/shoots/").context["index"].is_empty

    @pytest.mark.parametrize("page", ["0", "999", "x", "-1", "٣"])
    def test_a_page_that_is_none_shows_the_nearest(self, vera, shoot, page):
        answer = signed_in(vera).get("/w/ateliers/shoots/", {"page": page})

        assert answer.status_code == 200
        assert len(answer.context["index"].rows) == 1


class TestPictures:
    """Looking is for members, taking away is for what was approved."""

    @pytest.fixture
    def finished(self, shoot: Shoot, report: Any) -> Render:
        render = first_render(shoot)
        report("succeeded", render)
        render.refresh_from_db()
        for file in render.files:
            storage.put(file["object_key"], b"picture")
        storage.put(render.shot.photo.preview_key, b"the photo")
        return render

    def url(self, render: Render, name: str = "shopify") -> str:
        return f"/w/ateliers/renders/{render.pk}/{name}"

    def test_a_member_looks_at_an_unapproved_render(self, vera, finished):
        answer = signed_in(vera).get(self.url(finished, "preview"))

        assert b"".join(answer.streaming_content) == b"picture"
        assert answer["Content-Type"] == "image/webp"
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Cache-Control"].startswith("private")
        assert answer["Content-Disposition"].startswith("inline")

    def test_the_source_photo_stands_beside_it(self, vera, finished):
        answer = signed_in(vera).get(self.url(finished, "source"))

        assert b"".join(answer.streaming_content) == b"the photo"

    def test_an_unapproved_render_is_not_downloaded_by_anybody(self, alice, finished):
        answer = signed_in(alice).get(self.url(finished), {"download": "1"})

        assert answer.status_code == 409

    def test_an_approved_render_is_downloaded_under_a_name_people_know(self, ben, rita, finished):
        with tenant_scope(rita.tenant.pk):
            decide(actor=rita.actor, render_id=finished.pk, verdict="approve")

        answer = signed_in(ben).get(self.url(finished), {"download": "1"})

        assert b"".join(answer.streaming_content) == b"picture"
        assert (
            answer["Content-Disposition"] == 'attachment; filename="SKU-001_main_take1_shopify.jpg"'
        )

    def test_a_viewer_downloads_nothing(self, vera, rita, finished):
        with tenant_scope(rita.tenant.pk):
            decide(actor=rita.actor, render_id=finished.pk, verdict="approve")

        answer = signed_in(vera).get(self.url(finished), {"download": "1"})

        assert answer.status_code == 403

    @pytest.mark.parametrize("name", ["walmart", "manifest", "original"])
    def test_a_file_that_was_not_made_is_not_found(self, vera, finished, name):
        assert signed_in(vera).get(self.url(finished, name)).status_code == 404

    def test_eve_does_not_look_at_pictures_of_ateliers(self, eve, finished):
        client = signed_in(eve)

        assert client.get(self.url(finished, "preview")).status_code == 404
        through_her_own = f"/w/elsewhere/renders/{finished.pk}/preview"
        assert client.get(through_her_own).status_code == 404
