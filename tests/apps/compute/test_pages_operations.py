"""A workspace's own lane: what it says, to whom, and what it costs to say it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.billing.models import CreditAccount
from apps.compute.models import Worker, WorkerLife, WorkItem
from apps.compute.queries.lane import lane, promises
from apps.compute.queries.waiting import Situation, why_waiting
from apps.core import clock
from apps.studio.models import Shoot
from apps.tenants.models import Tenant
from apps.tenants.scope import tenant_scope
from tests.cast import Person
from tests.fakes.operations import furnish

pytestmark = pytest.mark.django_db

IDLE = Situation(queued=0, in_flight=0, workers=2, starting=0, others=0, weight=4, others_weight=0)


def item(number: int, group: str = "sho_x", state: str = "queued") -> WorkItem:
    made: WorkItem = WorkItem.objects.create(
        subject=f"rnd_{number}", group=group, kind="packshot", batch_key="b", order={}, state=state
    )
    return made


def worker(name: str = "w1") -> Worker:
    made: Worker = Worker.objects.create(
        name=name,
        worker_class="cpu",
        engine="classical",
        lane="render-cpu-classical",
        seen_at=clock.now(),
    )
    return made


def done_shoot(number: int, *, took: float, promised: float | None) -> Shoot:
    now = clock.now()
    made: Shoot = Shoot.objects.create(
        number=number,
        scene_slug="packshot-white",
        scene={},
        credits=1,
        ordered_by="alice",
        quote={"finish_p50_seconds": 10.0, "finish_p90_seconds": promised},
        state=Shoot.State.FINISHED,
        finished_at=now,
    )
    Shoot.objects.filter(pk=made.pk).update(ordered_at=now - timedelta(seconds=took))
    return made


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "nothing open"),
        ({"workers": 0}, "No worker is up"),
        ({"in_flight": 3}, "3 open renders are with workers"),
        ({"queued": 5, "workers": 0}, "no worker for it is running. Nothing is lost"),
        ({"queued": 5, "workers": 0, "starting": 2}, "2 workers that are starting"),
        ({"queued": 5, "others": 2, "others_weight": 7.0}, "you get 4 of every 11 parts"),
        ({"queued": 5}, "all 2 workers are yours alone"),
        ({"queued": 5, "starting": 1}, "yours alone. One more worker is starting."),
    ],
)
def test_one_sentence_says_why_work_waits(changes: dict[str, Any], words: str) -> None:
    from dataclasses import replace

    assert words in why_waiting(replace(IDLE, **changes))


def test_the_share_counts_only_who_wants_the_fleet_now(in_ateliers: Tenant, eve: Person) -> None:
    worker()
    item(1)
    assert lane().parts[0].share == 1.0

    with tenant_scope(eve.tenant.pk):
        CreditAccount.objects.update(plan_slug="studio")
        item(2)
    [part] = lane().parts

    assert (part.weight, part.others, part.others_weight) == (1.0, 1, 8.0)
    assert part.percent == 11


def test_a_promise_is_kept_up_to_the_second_it_names(in_ateliers: Tenant) -> None:
    done_shoot(1, took=60, promised=60.0)
    done_shoot(2, took=61, promised=60.0)
    done_shoot(3, took=5, promised=None)

    found = promises(clock.now() + timedelta(seconds=1))

    assert (found.kept, found.judged, found.percent) == (1, 2, 50)


def test_a_promise_older_than_a_month_is_forgotten(in_ateliers: Tenant) -> None:
    shoot = done_shoot(1, took=60, promised=60.0)
    Shoot.objects.filter(pk=shoot.pk).update(finished_at=clock.now() - timedelta(days=31))

    assert promises(clock.now()).judged == 0


def test_an_open_shoot_has_a_place_a_promise_and_an_expectation(in_ateliers: Tenant) -> None:
    worker()
    shoot = Shoot.objects.create(
        number=1,
        scene_slug="packshot-white",
        scene={},
        credits=1,
        ordered_by="alice",
        quote={"finish_p90_seconds": 0.5},
    )
    Shoot.objects.filter(pk=shoot.pk).update(ordered_at=clock.now() - timedelta(seconds=10))
    item(1, group=shoot.pk)
    item(2, group=shoot.pk)

    [row] = lane().orders

    assert (row.queued, row.position) == (2, 1)
    assert row.finish_p50_seconds > 0
    assert row.is_late


def test_workers_on_their_way_are_told(in_ateliers: Tenant, as_alice: Client) -> None:
    item(1)
    WorkerLife.objects.create(
        worker="w9",
        worker_class="cpu",
        engine="classical",
        provider="local",
        launched_at=clock.now(),
    )

    page = as_alice.get("/w/ateliers/operations/").content.decode()

    assert "a worker that is starting" in page
    assert "Nothing is lost" not in page


def test_nothing_of_another_workspace_is_on_the_page(
    in_ateliers: Tenant, as_alice: Client, eve: Person
) -> None:
    furnish("elsewhere", items=20)

    page = as_alice.get("/w/ateliers/operations/").content.decode()

    for secret in ("Autumn knitwear", "Lookbook", "Spring launch", "elsewhere"):
        assert secret not in page


def test_an_empty_workspace_is_told_what_will_be_here(as_alice: Client) -> None:
    page = as_alice.get("/w/ateliers/operations/").content.decode()

    assert "No shoot is open" in page
    assert "Each finished render is one credit" in page


def test_the_fragment_is_the_page_without_its_frame(in_ateliers: Tenant, as_alice: Client) -> None:
    furnish("ateliers", items=20)

    part = as_alice.get("/w/ateliers/operations/lane/").content.decode()

    assert "<html" not in part
    assert "Autumn knitwear" in part
    assert "5 of 6 shoots in 30 days" in part


def test_more_work_needs_no_more_queries(in_ateliers: Tenant, eve: Person) -> None:
    worker()
    furnish("ateliers", items=20)
    lane()
    with CaptureQueriesContext(connection) as few:
        lane()
    for number in range(5):
        shoot = Shoot.objects.create(
            number=number, scene_slug="s", scene={}, credits=1, ordered_by="alice"
        )
        for place in range(4):
            item(1000 + number * 10 + place, group=shoot.pk)
    with tenant_scope(eve.tenant.pk):
        item(1)
    with CaptureQueriesContext(connection) as many:
        lane()

    # A line that was read a moment ago is kept for a while: asking may cost less, never more.
    assert len(many) <= len(few) + 9
    assert len(many) < 30
