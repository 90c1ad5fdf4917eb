from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts import services
from apps.catalog.models import Product, SourcePhoto
from apps.compute.models import Worker, WorkItem
from apps.core import clock
from apps.events.kinds import Kind
from apps.events.services import record
from apps.insights import queries
from apps.review.models import Review
from apps.studio.models import Render, Shoot, Shot
from apps.tenants.models import Tenant
from apps.tenants.scope import tenant_scope
from tests.cast import Person

pytestmark = pytest.mark.django_db


def photo(number: int) -> SourcePhoto:
    product = Product.objects.create(sku=f"SKU-{number}")
    made: SourcePhoto = SourcePhoto.objects.create(
        product=product,
        file_name=f"{number}.jpg",
        sha256=hashlib.sha256(str(number).encode()).hexdigest(),
        width_px=10,
        height_px=10,
        size_bytes=10,
        photo_key="p",
        preview_key="p",
        thumb_key="p",
        original_key="p",
    )
    return made


def shoot(number: int, *states: str) -> Shoot:
    """A running shoot with one render in each of the states."""
    made: Shoot = Shoot.objects.create(
        number=number, scene_slug="packshot-white", scene={}, credits=1, ordered_by="alice"
    )
    for position, state in enumerate(states):
        shot = Shot.objects.create(
            shoot=made, photo=photo(number * 100 + position), position=position
        )
        ended = state in Render.ENDED
        Render.objects.create(
            shoot=made, shot=shot, seed=1, state=state, finished_at=clock.now() if ended else None
        )
    return made


def test_the_guide_follows_what_has_been_done(alice: Person, in_ateliers: Tenant) -> None:
    assert queries.guide().current == "photos"

    photo(1)
    assert (queries.guide().done, queries.guide().current) == (1, "shoot")

    shoot(1, "succeeded")
    assert queries.guide().current == "review"

    record(actor=alice.actor, kind=Kind.EXPORT_REQUESTED, subject="exp_x")
    assert (queries.guide().delivery, queries.guide().current) == (True, "review")


def test_the_numbers_are_those_of_today_and_of_this_workspace(
    in_ateliers: Tenant, eve: Person
) -> None:
    made = shoot(1, "succeeded", "succeeded", "failed", "queued")
    done = Render.objects.filter(state="succeeded")
    Review.objects.create(render=done[0])
    Render.objects.filter(pk=done[1].pk).update(finished_at=clock.now() - timedelta(days=2))
    with tenant_scope(eve.tenant.pk):
        shoot(1, "succeeded")

    now = queries.standing_now()

    assert (now.finished_today, now.failed_today, now.waiting_for_review) == (1, 1, 1)
    assert (now.credits_left, now.plan_name) == (200, "Trial")
    assert [running.shoot for running in now.running] == [made]
    assert now.running[0].progress.total == 4


def test_waiting_work_without_a_worker_is_told(in_ateliers: Tenant, as_alice: Client) -> None:
    WorkItem.objects.create(
        subject="rnd_1", group="sho_1", kind="packshot", batch_key="b", order={}
    )

    assert "no worker is running" in as_alice.get("/w/ateliers/").content.decode()

    Worker.objects.create(
        name="w1", worker_class="cpu", engine="classical", lane="l", seen_at=clock.now()
    )
    assert "no worker is running" not in as_alice.get("/w/ateliers/").content.decode()


def test_activity_says_who_did_what(alice: Person, in_ateliers: Tenant) -> None:
    services.rename_person(user=alice.user, name="Alice Martin")
    record(actor=alice.actor, kind=Kind.SHOOT_ORDERED, subject="sho_1", number=7)

    [line] = queries.recent_lines()

    assert f"{line.who} {line.text}" == "Alice Martin ordered shoot 7"


def test_more_work_needs_no_more_queries(alice: Person, in_ateliers: Tenant) -> None:
    shoot(1, "succeeded")
    record(actor=alice.actor, kind=Kind.PHOTO_UPLOADED)
    with CaptureQueriesContext(connection) as few:
        queries.home_page()
    for number in range(2, 6):
        shoot(number, "succeeded", "queued", "failed")
        record(actor=alice.actor, kind=Kind.PHOTO_UPLOADED)
    with CaptureQueriesContext(connection) as many:
        queries.home_page()

    assert len(many) == len(few)


def test_a_viewer_sees_the_page_without_buttons_to_order(vera: Person, client: Client) -> None:
    client.force_login(vera.user)

    page = client.get("/w/ateliers/").content.decode()

    assert "From photos to your shop" in page
    assert "shoots/new" not in page
    assert "API keys" not in page
