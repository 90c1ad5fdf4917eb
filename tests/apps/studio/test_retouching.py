"""Correcting a cutout and making its pictures again: services, pages and what they refuse."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.billing.models import CreditAccount
from apps.compute import retouch_door
from apps.compute.models import WorkItem
from apps.core import storage
from apps.core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from apps.review.models import Review
from apps.review.queries import pending_count
from apps.review.queries.desk import confident_renders, review_queue
from apps.review.services import bulk_approve, decide
from apps.studio.models import Render
from apps.studio.queries.cutouts import kept_page
from apps.studio.queries.sheet import contact_sheet
from apps.studio.services import retouching
from apps.studio.services.ordering import order_shoot, render_again, retry_render
from tests.fakes.retouch import serving

pytestmark = pytest.mark.usefixtures("in_ateliers", "redis_server")

JSON = {"headers": {"accept": "application/json"}, "content_type": "application/json"}
STEPS = [{"tool": "keep", "radius": 0.02, "points": [[0.5, 0.5]]}]


def address(name: str, photo: Any) -> str:
    return reverse(f"studio:{name}", args=["ateliers", photo.pk])


def writes(request: Any) -> dict[str, Any]:
    if request.do == "keep":
        storage.put(request.to_key, b"a cutout")
    return {"mask": "bWFzaw==", "maker": "engine", "masks": [], "share": 0.5}


@pytest.fixture
def photo(photos: list[Any]) -> Any:
    return photos[0]


@pytest.fixture
def shoot(ben: Any, photo: Any, report: Any) -> Any:
    """A shoot of one photo with three takes, all to review."""
    shoot = order_shoot(
        actor=ben.actor,
        photo_ids=[photo.pk],
        scene_slug="packshot-white",
        sales_channels=["shopify"],
        takes=3,
    )
    for render in shoot.renders.all():
        report("succeeded", render)
    return shoot


def keep(ben: Any, photo: Any) -> None:
    """Keep a correction, as the retouch process would have made it."""
    from apps.catalog.services.cutouts import begin_cutout, keep_cutout

    _, revision = begin_cutout(actor=ben.actor, photo_id=photo.pk)
    storage.put(storage.cutout_key(photo.tenant_id, photo.pk, revision), b"png")
    keep_cutout(actor=ben.actor, photo_id=photo.pk, revision=revision)
    photo.refresh_from_db()


def take(shoot: Any, number: int) -> Render:
    return shoot.renders.get(take=number, retries__isnull=True)


def test_an_order_keeps_the_cutout_of_the_time_it_was_placed(ben, photo, shoot):
    keep(ben, photo)
    later = order_shoot(
        actor=ben.actor,
        photo_ids=[photo.pk],
        scene_slug="packshot-white",
        sales_channels=["shopify"],
    )

    before = WorkItem.objects.filter(group=shoot.pk).first()
    after = WorkItem.objects.get(group=later.pk)
    assert before.order["cutout_key"].endswith(f"{photo.pk}/cutout-0.png")
    assert after.order["cutout_key"].endswith(f"{photo.pk}/cutout-1.png")


def test_what_is_drawn_goes_to_the_process_and_its_mask_comes_back(
    ben, photo, redis_server, client
):
    client.force_login(ben.user)
    with serving(redis_server.url, writes) as seen:
        mask = client.get(address("cutout-mask", photo), **JSON)
        others = client.get(address("cutout-others", photo), **JSON)
        answer = client.post(
            address("correct-cutout", photo), {"start": "current", "steps": STEPS}, **JSON
        )

    assert mask.json()["maker"] == "engine"
    assert others.json()["masks"] == []
    assert answer.json() == {"mask": "bWFzaw==", "maker": "engine", "masks": [], "share": 0.5}
    assert [request.do for request in seen] == ["open", "alternatives", "strokes"]
    assert {request.photo_key for request in seen} == {photo.photo_key}
    assert seen[2].steps[0].points == ((0.5, 0.5),)


def test_keeping_makes_a_new_revision_and_leads_to_it(ben, photo, redis_server, client):
    client.force_login(ben.user)
    with serving(redis_server.url, writes) as seen:
        answer = client.post(address("keep-cutout", photo), {"steps": STEPS}, **JSON)

    photo.refresh_from_db()
    assert answer.json() == {"revision": 1, "url": address("kept-cutout", photo)}
    assert photo.cutout_revision == 1
    assert (seen[0].cutout_key, seen[0].to_key) == (
        f"photos/{photo.tenant_id}/{photo.pk}/cutout-0.png",
        photo.cutout_key,
    )
    assert client.get(answer.json()["url"]).status_code == 200
    image = client.get(address("cutout-image", photo))
    assert b"".join(image.streaming_content) == b"a cutout"


def test_a_large_cutout_is_collected_when_it_is_done(ben, photo, redis_server, client, monkeypatch):
    monkeypatch.setattr(retouch_door, "WAIT_SECONDS", 0.2)
    client.force_login(ben.user)
    release = threading.Event()

    def slowly(request: Any) -> dict[str, Any]:
        release.wait(10)
        return writes(request)

    with serving(redis_server.url, slowly):
        begun = client.post(address("keep-cutout", photo), {"steps": STEPS}, **JSON)
        photo.refresh_from_db()
        early = photo.cutout_revision
        release.set()
        for _ in range(30):
            done = client.post(address("collect-cutout", photo), begun.json(), **JSON)
            if done.status_code != 202:
                break

    photo.refresh_from_db()
    assert begun.status_code == 202
    assert early == 0
    assert done.json()["revision"] == photo.cutout_revision == 1


def test_a_cutout_whose_answer_was_lost_is_there_all_the_same(ben, photo):
    from apps.catalog.services.cutouts import begin_cutout

    _, revision = begin_cutout(actor=ben.actor, photo_id=photo.pk)
    storage.put(storage.cutout_key(photo.tenant_id, photo.pk, revision), b"png")

    kept = retouching.collect_correction(
        actor=ben.actor, photo_id=photo.pk, revision=revision, call_id="a" * 32
    )

    assert kept.cutout_revision == revision


@pytest.mark.parametrize(
    "body",
    ["", "[]", "{", '{"steps": 7}', '{"steps": [{"tool": "erase"}]}', '{"start": 7}', "[" * 5000],
)
def test_strokes_of_another_form_are_refused_before_anybody_is_asked(ben, photo, client, body):
    client.force_login(ben.user)

    for name in ("correct-cutout", "keep-cutout"):
        answer = client.generic("POST", address(name, photo), body, **JSON)
        assert answer.status_code == 422
        assert answer.json()["code"] == "retouch.invalid"


def test_a_process_that_is_not_there_is_a_503_that_says_so(ben, photo, client, monkeypatch):
    monkeypatch.setattr(retouch_door, "WAIT_SECONDS", 0.2)
    client.force_login(ben.user)

    answer = client.post(address("correct-cutout", photo), {"steps": STEPS}, **JSON)

    assert answer.status_code == 503
    assert "not answering" in answer.json()["detail"]


def test_who_may_not_order_may_not_correct(rita, vera, photo):
    for person in (rita, vera):
        with pytest.raises(ForbiddenError):
            retouching.open_cutout(actor=person.actor, photo_id=photo.pk)
        with pytest.raises(ForbiddenError):
            retouching.keep_correction(
                actor=person.actor, photo_id=photo.pk, start="current", steps=()
            )
        with pytest.raises(ForbiddenError):
            render_again(actor=person.actor, photo_id=photo.pk, render_ids=["rnd_x"])


def test_the_page_needs_scripts_and_says_so(ben, photo, client):
    client.force_login(ben.user)

    page = client.get(address("cutout", photo)).content.decode()

    assert "Correcting a cutout needs JavaScript" in page
    assert "Made by the engine" in page


def test_pictures_are_made_again_in_their_place_with_the_new_cutout(ben, rita, photo, shoot):
    decide(actor=rita.actor, render_id=take(shoot, 2).pk, verdict="reject", reason="halo")
    keep(ben, photo)
    wanted = [take(shoot, 1).pk, take(shoot, 2).pk]
    available = CreditAccount.objects.get().available

    again = render_again(actor=ben.actor, photo_id=photo.pk, render_ids=wanted)

    assert [render.retry_of_id for render in again] == sorted(wanted)
    orders = WorkItem.objects.filter(subject__in=[render.pk for render in again])
    assert {item.order["cutout_key"] for item in orders} == {photo.cutout_key}
    assert {item.order["seed"] for item in orders} == {render.seed for render in again}
    assert CreditAccount.objects.get().available == available - 2
    shoot.refresh_from_db()
    assert (shoot.state, shoot.finished_at) == ("rendering", None)
    sheet = contact_sheet(shoot.pk)
    assert sheet.progress.total == 3
    assert {card.render.state for card in sheet.cards} == {"queued", "succeeded"}


def test_a_picture_that_is_made_again_waits_for_no_verdict_any_more(
    ben, rita, photo, shoot, report
):
    keep(ben, photo)
    old = take(shoot, 1)
    assert pending_count() == 3

    [new] = render_again(actor=ben.actor, photo_id=photo.pk, render_ids=[old.pk])

    assert pending_count() == 2
    assert old.pk not in [review.render_id for review in review_queue().reviews]
    assert old.pk not in confident_renders(limit=10)
    with pytest.raises(ConflictError, match="made again"):
        decide(actor=rita.actor, render_id=old.pk, verdict="approve")
    assert bulk_approve(actor=rita.actor, render_ids=[old.pk]) == 0
    report("succeeded", new)
    assert decide(actor=rita.actor, render_id=new.pk, verdict="approve").state == "approved"


def test_an_approved_picture_stays(ben, rita, photo, shoot):
    approved = take(shoot, 3)
    decide(actor=rita.actor, render_id=approved.pk, verdict="approve")
    keep(ben, photo)

    page = kept_page(photo.pk)
    with pytest.raises(ConflictError, match="Undo its approval"):
        render_again(
            actor=ben.actor, photo_id=photo.pk, render_ids=[take(shoot, 1).pk, approved.pk]
        )

    assert [old.render.pk for old in page.approved] == [approved.pk]
    assert len(page.renewable) == 2
    assert not Render.objects.filter(retry_of__isnull=False).exists()
    assert Review.objects.get(render=approved).state == "approved"


def test_what_was_ordered_with_the_new_cutout_is_not_offered(ben, photo, shoot, report):
    keep(ben, photo)
    later = order_shoot(
        actor=ben.actor,
        photo_ids=[photo.pk],
        scene_slug="packshot-white",
        sales_channels=["shopify"],
    )
    report("succeeded", later.renders.get())

    assert {old.render.shoot_id for old in kept_page(photo.pk).renders} == {shoot.pk}


def test_only_renders_of_the_photo_that_have_ended_are_made_again(ben, eve, photos, photo, shoot):
    keep(ben, photo)
    other = order_shoot(
        actor=ben.actor,
        photo_ids=[photos[1].pk],
        scene_slug="packshot-white",
        sales_channels=["shopify"],
    ).renders.get()

    def again(*ids: str) -> None:
        render_again(actor=ben.actor, photo_id=photo.pk, render_ids=ids)

    with pytest.raises(InvalidError, match="at least one"):
        again()
    with pytest.raises(NotFoundError):
        again(take(shoot, 1).pk, other.pk)
    with pytest.raises(NotFoundError):
        again("rnd_nothing")
    first = take(shoot, 1).pk
    again(first)
    with pytest.raises(ConflictError, match="again already"):
        again(first)
    with pytest.raises(ConflictError, match="queued"):
        again(take(shoot, 1).pk)


def test_a_render_in_which_no_product_was_found_is_outlined_and_made_again(
    ben, photo, report, client
):
    order = order_shoot(
        actor=ben.actor,
        photo_ids=[photo.pk],
        scene_slug="packshot-white",
        sales_channels=["shopify"],
    )
    failed = order.renders.get()
    report("failed", failed, failure_code="order.source_unusable", failure_detail="nothing")
    client.force_login(ben.user)

    sheet = client.get(reverse("studio:shoot", args=["ateliers", order.pk])).content.decode()
    keep(ben, photo)
    retried = retry_render(actor=ben.actor, render_id=failed.pk)

    assert f"{address('cutout', photo)}?render={failed.pk}" in sheet
    assert WorkItem.objects.get(subject=retried.pk).order["cutout_key"] == photo.cutout_key


def test_a_doubtful_edge_is_one_click_from_its_correction(ben, adam, photo, report, client):
    from tests.apps.studio.conftest import a_result

    order = order_shoot(
        actor=ben.actor,
        photo_ids=[photo.pk],
        scene_slug="packshot-white",
        sales_channels=["shopify"],
    )
    render = order.renders.get()
    report("succeeded", render, result=a_result(render, confidence=0.31))
    client.force_login(adam.user)

    pages = {
        "sheet": reverse("studio:shoot", args=["ateliers", order.pk]),
        "desk": reverse("review:item", args=["ateliers", render.pk]),
        "product": reverse("catalog:product", args=["ateliers", photo.product_id]),
    }
    shown = {name: client.get(url).content.decode() for name, url in pages.items()}

    assert all(f'href="{address("cutout", photo)}' in page for page in shown.values())
    assert "Check the edge" in shown["sheet"]
    assert "Please check the edge" in shown["desk"]
    assert "Check the edge" in shown["product"]


def test_who_may_only_look_is_not_led_to_a_closed_door(ben, vera, photo, shoot, client):
    client.force_login(vera.user)

    sheet = client.get(reverse("studio:shoot", args=["ateliers", shoot.pk])).content.decode()
    product = client.get(
        reverse("catalog:product", args=["ateliers", photo.product_id])
    ).content.decode()

    assert "/cutout/" not in sheet + product


def test_the_form_of_the_kept_page_orders_and_leads_to_the_shoot(ben, photo, shoot):
    keep(ben, photo)
    client = Client()
    client.force_login(ben.user)

    page = client.get(address("kept-cutout", photo)).content.decode()
    answer = client.post(address("render-again", photo), {"render": [take(shoot, 1).pk]})
    nothing = client.post(address("render-again", photo), {})

    assert page.count('name="render"') == 3
    assert answer["Location"] == reverse("studio:shoot", args=["ateliers", shoot.pk])
    assert nothing["Location"] == address("kept-cutout", photo)


def test_nobody_sees_a_kept_page_of_a_photo_nobody_corrected(ben, photo, client):
    client.force_login(ben.user)

    assert client.get(address("kept-cutout", photo)).status_code == 404
