"""The review desk, its verdicts and its counts."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.review.models import Review
from apps.review.services import decide
from apps.tenants.scope import tenant_scope
from tests.apps.review.conftest import make_render, make_shoot
from tests.cast import Person

pytestmark = pytest.mark.usefixtures("redis_server")

SCRIPT = {"Accept": "application/json"}


def signed_in(person: Person) -> Client:
    client = Client()
    client.force_login(person.user)
    return client


def state_of(render: Any) -> str:
    with tenant_scope(render.tenant_id):
        return str(Review.objects.get(render=render).state)


def test_the_queue_opens_with_the_least_certain_render(rita, finished):
    finished(0.9)
    unsure = finished(0.3)

    page = signed_in(rita).get("/w/ateliers/review/")

    assert page.context["desk"].item.render.pk == unsure.pk
    assert "2 to review" in page.content.decode()


def test_an_empty_queue_says_so(rita):
    page = signed_in(rita).get("/w/ateliers/review/").content.decode()

    assert "Nothing waits" in page


def test_the_desk_shows_what_was_measured(rita, finished):
    render = finished(0.42)

    page = signed_in(rita).get(f"/w/ateliers/review/{render.pk}/").content.decode()

    for fact in ("Cutout confidence", "42 %", "Color ΔE", "0.5 mean", "classical/1", "85 %"):
        assert fact in page


def test_htmx_gets_the_item_alone(rita, finished):
    render = finished()

    answer = signed_in(rita).get(f"/w/ateliers/review/{render.pk}/", headers={"HX-Request": "true"})

    assert "<html" not in answer.content.decode()
    assert answer.content.decode().count("data-review-item") == 1
    assert "HX-Request" in answer["Vary"]


def test_a_verdict_without_script_goes_on_to_the_queue(rita, finished):
    render = finished()

    answer = signed_in(rita).post(
        f"/w/ateliers/review/{render.pk}/verdict",
        {"verdict": "approve", "shoot": render.shoot_id},
    )

    assert answer["Location"] == f"/w/ateliers/review/?shoot={render.shoot_id}"
    assert state_of(render) == "approved"


@pytest.mark.parametrize(
    "bent", ["//evil.example", "x&next=//evil.example", "sho_ ab", "é", "x&y=_"]
)
def test_the_way_on_cannot_be_bent(rita, finished, bent):
    render = finished()

    answer = signed_in(rita).post(
        f"/w/ateliers/review/{render.pk}/verdict", {"verdict": "approve", "shoot": bent}
    )

    assert answer["Location"] == "/w/ateliers/review/"


def test_a_verdict_by_script_answers_shortly(rita, finished):
    render = finished()

    answer = signed_in(rita).post(
        f"/w/ateliers/review/{render.pk}/verdict",
        {"verdict": "reject", "reason": "crop", "note": "too tight"},
        headers=SCRIPT,
    )

    assert (answer.status_code, answer.content) == (204, b"")
    assert state_of(render) == "rejected"


def test_the_script_is_told_why_a_verdict_was_not_saved(rita, alice, finished):
    render = finished()
    with tenant_scope(alice.tenant.pk):
        decide(actor=alice.actor, render_id=render.pk, verdict="approve")

    answer = signed_in(rita).post(
        f"/w/ateliers/review/{render.pk}/verdict", {"verdict": "approve"}, headers=SCRIPT
    )

    assert answer.status_code == 409
    assert json.loads(answer.content)["code"] == "review.already_decided"


def test_an_undo_brings_the_render_back_to_the_desk(rita, finished):
    render = finished()
    with tenant_scope(rita.tenant.pk):
        decide(actor=rita.actor, render_id=render.pk, verdict="approve")

    answer = signed_in(rita).post(f"/w/ateliers/review/{render.pk}/undo")

    assert answer["Location"] == f"/w/ateliers/review/{render.pk}/"
    assert state_of(render) == "pending"


def test_a_bulk_approval_tells_the_page(rita, finished):
    renders = [finished() for _ in range(3)]

    answer = signed_in(rita).post(
        "/w/ateliers/review/bulk-approve",
        {"render": [render.pk for render in renders]},
        headers={"HX-Request": "true"},
    )

    told = json.loads(answer["HX-Trigger"])
    assert answer.status_code == 204
    assert told["toast"]["text"] == "3 renders approved."
    assert told["reviews-changed"] is True
    assert {state_of(render) for render in renders} == {"approved"}


def test_only_what_the_engine_is_sure_of_is_approved_unseen(rita, finished):
    sure, unsure, unknown = finished(0.8), finished(0.59), finished(None)

    answer = signed_in(rita).post("/w/ateliers/review/bulk-approve", {"confident": "1"})

    assert answer["Location"] == "/w/ateliers/review/"
    assert state_of(sure) == "approved"
    assert state_of(unsure) == state_of(unknown) == "pending"


def test_approving_the_confident_of_one_shoot_leaves_the_others(rita, ateliers, finished):
    here = finished(0.8)
    elsewhere = make_render(make_shoot(ateliers, 2), 0.8)

    signed_in(rita).post(
        "/w/ateliers/review/bulk-approve", {"confident": "1", "shoot": here.shoot_id}
    )

    assert (state_of(here), state_of(elsewhere)) == ("approved", "pending")


def test_the_badge_counts_what_waits(vera, rita, finished):
    finished()
    done = finished()
    with tenant_scope(rita.tenant.pk):
        decide(actor=rita.actor, render_id=done.pk, verdict="approve")

    page = signed_in(vera).get("/w/ateliers/review/badge").content.decode()

    assert ">1<" in page


def test_vera_looks_and_cannot_judge(vera, finished):
    render = finished()

    page = signed_in(vera).get(f"/w/ateliers/review/{render.pk}/").content.decode()

    assert "/preview" in page
    assert "/verdict" not in page


def test_files_become_links_once_approved(rita, finished):
    render = finished()
    client = signed_in(rita)
    assert "?download=1" not in client.get(f"/w/ateliers/review/{render.pk}/").content.decode()

    with tenant_scope(rita.tenant.pk):
        decide(actor=rita.actor, render_id=render.pk, verdict="approve")

    assert "?download=1" in client.get(f"/w/ateliers/review/{render.pk}/").content.decode()


def test_twice_the_renders_need_no_more_queries(rita, finished):
    client = signed_in(rita)

    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get("/w/ateliers/review/").status_code == 200
        return len(queries)

    for _ in range(3):
        finished()
    count()
    before = count()
    for _ in range(3):
        finished()

    assert count() == before
