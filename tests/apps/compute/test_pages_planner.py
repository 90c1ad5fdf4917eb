"""The planner and the operator's what-if: questions to the simulator."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.test import Client

from apps.compute.models import WorkerLife, WorkItem
from apps.compute.planner import child
from apps.compute.planner.child import simulate_apart
from apps.compute.planner.scenario import Demand, Variant, run_scenario
from apps.compute.services.learning import Completion, learn
from apps.core import clock
from apps.core.errors import UnavailableError
from apps.tenants.models import Tenant
from tests.cast import Person
from tests.fakes.operations import furnish

ASKED = {
    "images": "400",
    "starts_at": "2027-01-08T09:00",
    "spread": "14400",
    "kind": "packshot",
    "target_wait": "30",
}
DEMAND = Demand(images=300, spread_seconds=3600.0, p50_seconds=10.0, p90_seconds=16.0)
NOW = Variant("as_now", max_workers=6, target_wait_seconds=30.0, cold_start_seconds=120.0)
PLANNED = replace(NOW, name="planned", warm_workers=3, floor_workers=3, floor_seconds=3600.0)


def test_warm_workers_keep_more_promises_and_cost_no_less() -> None:
    as_now, planned = run_scenario(DEMAND, (NOW, PLANNED)).variants

    assert planned.within_target > as_now.within_target
    assert planned.wait_p95 < as_now.wait_p95
    assert planned.worker_hours > 0.9 * 3


def test_the_fleet_never_outgrows_its_limit() -> None:
    at_once = replace(DEMAND, spread_seconds=0.0)

    [found] = run_scenario(at_once, (replace(NOW, max_workers=2),)).variants

    assert found.peak_workers == 2
    assert max(found.timeline) <= 2
    # 300 renders of 10 to 11 s on two workers, after one cold start.
    assert 1_500 < found.finish_p50 < 2_100


def test_groups_keep_the_work_of_their_members() -> None:
    many = replace(DEMAND, images=9_000, spread_seconds=0.0)

    answer = run_scenario(many, (replace(NOW, max_workers=30),))

    assert answer.group == 9
    # Lognormal with these quantiles: the mean is 1.069 × the median of 10 s.
    assert answer.variants[0].finish_p50 == pytest.approx(9_000 * 10.69 / 30, rel=0.12)


def test_the_same_question_has_the_same_answer_in_another_process() -> None:
    assert simulate_apart(DEMAND, (NOW, PLANNED)) == run_scenario(DEMAND, (NOW, PLANNED))


def test_only_one_question_is_computed_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "QUEUE_SECONDS", 0.01)

    with child._one_at_a_time, pytest.raises(UnavailableError, match="Ask again"):
        simulate_apart(DEMAND, (NOW,))


@pytest.mark.django_db
def test_the_planner_answers_and_offers_to_plan_it(
    in_ateliers: Tenant, as_alice: Client, settings: Any
) -> None:
    settings.MAX_WORKERS = {"cpu": 3}

    page = as_alice.get("/w/ateliers/planner/", ASKED).content.decode()

    assert "400 images are probably done by" in page
    assert "Workers over time" in page
    assert "demand/new/?renders=400&amp;kind=packshot&amp;starts_at=2027-01-08T09:00" in page
    assert "200 credits are left today: 200 are lacking" in page


def learned_and_priced(worker_class: str, engine: str, seconds: float, minor: float) -> None:
    """Let a class have made many packshots of 4 megapixels, with workers at a price."""
    item = WorkItem(
        kind="packshot", engine=engine, worker_class=worker_class, cost_units=4.0, takes=1
    )
    learn([Completion(item, seconds, clock.now())] * 60)
    WorkerLife.objects.create(
        worker=f"{worker_class}-1",
        worker_class=worker_class,
        engine=engine,
        provider="static",
        price_minor_per_hour=minor,
        launched_at=clock.now(),
        online_at=clock.now(),
    )


@pytest.mark.django_db
@pytest.mark.parametrize(("gpu_minor", "chosen"), [(300.0, "gpu"), (4000.0, "cpu")])
def test_the_planner_names_the_cheapest_workers_for_the_promise(
    in_ateliers: Tenant, as_alice: Client, settings: Any, gpu_minor: float, chosen: str
) -> None:
    settings.MAX_WORKERS = {"cpu": 30, "gpu": 30}
    learned_and_priced("cpu", "classical", 40.0, 60.0)
    learned_and_priced("gpu", "diffusion", 4.0, gpu_minor)

    page = as_alice.get("/w/ateliers/planner/", ASKED | {"images": "3000"}).content.decode()

    assert "The cheapest workers for it" in page
    assert f"Workers of class {chosen}" in page
    assert "Compared were 2 classes" in page
    assert "They cost" in page


@pytest.mark.django_db
def test_the_planner_says_when_no_number_of_workers_keeps_the_promise(
    in_ateliers: Tenant, as_alice: Client, settings: Any
) -> None:
    settings.MAX_WORKERS = {"cpu": 1}

    page = as_alice.get("/w/ateliers/planner/", ASKED | {"images": "6000"}).content.decode()

    assert "No number of workers within this fleet's limits keeps 19 of 20" in page


@pytest.mark.django_db
def test_the_offered_plan_fills_the_form(as_alice: Client) -> None:
    page = as_alice.get(
        "/w/ateliers/demand/new/?renders=400&kind=scene&starts_at=2027-01-08T09:00"
    ).content.decode()

    assert 'value="2027-01-08T09:00"' in page
    assert 'value="400"' in page
    assert '<option value="scene" selected>' in page


@pytest.mark.django_db
def test_before_a_question_the_planner_says_what_the_fleet_can_make(
    as_alice: Client, settings: Any
) -> None:
    settings.MAX_WORKERS = {"cpu": 1}

    page = as_alice.get("/w/ateliers/planner/").content.decode()

    assert "What this fleet can make" in page
    assert "after 200 images they are used up" in page


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"images": "0"}, "greater than or equal to 1"),
        ({"images": "900000"}, "days of work for the 1 workers this fleet may have"),
        ({"spread": "7"}, "Select a valid choice"),
        ({"starts_at": "friday"}, "Write date and time like"),
    ],
)
def test_what_cannot_be_simulated_is_said_in_the_form(
    as_alice: Client, settings: Any, changes: dict[str, str], words: str
) -> None:
    settings.MAX_WORKERS = {"cpu": 1}

    answer = as_alice.get("/w/ateliers/planner/", ASKED | changes)

    assert answer.status_code == 422
    assert words in answer.content.decode()


@pytest.mark.django_db
def test_the_operator_replays_the_last_day_on_a_smaller_fleet(
    alice: Person, in_ateliers: Tenant, as_alice: Client, settings: Any
) -> None:
    settings.MAX_WORKERS = {"cpu": 4}
    furnish("ateliers", items=20)
    alice.user.is_staff = True
    alice.user.save()

    asked = {"worker_class": "cpu", "max_workers": 1}
    asked |= {"target_wait_seconds": 30, "cold_start_seconds": 5}
    page = as_alice.get("/fleet/what-if/", asked).content.decode()

    assert "renders, replayed" in page
    assert "Workers over the day" in page


@pytest.mark.django_db
def test_a_quiet_class_has_nothing_to_replay(alice: Person, as_alice: Client) -> None:
    alice.user.is_staff = True
    alice.user.save()

    asked = {"worker_class": "cpu", "max_workers": 1}
    asked |= {"target_wait_seconds": 30, "cold_start_seconds": 5}

    assert "Nothing to replay" in as_alice.get("/fleet/what-if/", asked).content.decode()
