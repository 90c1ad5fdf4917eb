"""The fleet page's numbers: who is there, what it cost, what was decided."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.compute import queries
from apps.compute.models import WorkerLife
from apps.compute.providers.registry import build_provider
from apps.compute.services import scaling
from apps.core import clock
from apps.tenants.models import Tenant
from tests.apps.compute.conftest import submit
from tests.apps.compute.scaling_stage import NOON, Clock, Stage, begin, end

pytestmark = pytest.mark.django_db


@pytest.fixture
def time_of_test(monkeypatch: pytest.MonkeyPatch) -> Clock:
    one = Clock()
    monkeypatch.setattr(timezone, "now", one)
    return one


@pytest.fixture
def stage(time_of_test: Clock, settings: Any) -> Stage:
    settings.MIN_WORKERS = {}
    settings.MAX_WORKERS = {"cpu": 8}
    return Stage(time_of_test)


def test_the_fleet_page_tells_every_worker_and_class(stage: Stage, ateliers: Tenant) -> None:
    idle, busy, leaving = stage.workers(3)
    begin(submit(ateliers)[0], busy)
    scaling.drain(stage.fleet, [leaving], now=clock.now())
    submit(ateliers, 7)
    stage.look(after=10)

    page = queries.fleet_page()

    states = {worker.name: worker.state for worker in page.workers}
    assert (states[idle], states[busy], states[leaving]) == ("idle", "busy", "draining")
    (cpu,) = (one for one in page.classes if one.worker_class == "cpu")
    assert (cpu.idle, cpu.busy, cpu.alive, cpu.draining, cpu.starting) == (1, 1, 2, 1, 2)
    assert (cpu.target, cpu.max_workers) == (4, 8)
    (lane,) = cpu.lanes
    assert (lane.queued, lane.in_flight, lane.oldest_wait_seconds) == (7, 1, 10.0)
    decision = page.decisions[0]
    assert [reason.part for reason in decision.reasons if reason.is_decisive] == ["load"]


def test_the_fleet_page_asks_as_often_for_many_workers_as_for_one(
    stage: Stage, ateliers: Tenant
) -> None:
    def questions() -> int:
        with CaptureQueriesContext(
            connection,
        ) as asked:
            queries.fleet_page()
        return len(asked)

    stage.workers(1)
    few = questions()
    submit(ateliers, 12)
    stage.workers(5)
    assert questions() == few <= 20


def test_the_ledger_of_a_time_cuts_lives_to_it(stage: Stage, ateliers: Tenant) -> None:
    (name,) = stage.workers(1)
    stage.clock.pass_seconds(100)
    end(submit(ateliers)[0], name, 30.0)
    stage.clock.pass_seconds(80)

    whole = queries.ledger_between(NOON, clock.now())
    second = queries.ledger_between(NOON + timedelta(seconds=100), clock.now())

    assert (whole.start_seconds, whole.active_seconds, whole.idle_seconds) == (20.0, 30.0, 150.0)
    assert (whole.paid_seconds, whole.renders) == (200.0, 1)
    assert whole.utilization == pytest.approx(0.15)
    assert whole.cost_minor == whole.cost_per_render_minor == pytest.approx(20.0)
    assert (second.start_seconds, second.paid_seconds) == (0.0, 100.0)
    assert queries.ledger_between(NOON, clock.now(), worker_class="gpu").paid_seconds == 0.0


def test_a_life_over_midnight_is_paid_on_both_days(stage: Stage) -> None:
    WorkerLife.objects.create(
        worker="night",
        worker_class="cpu",
        engine="classical",
        provider="fake",
        price_minor_per_hour=60.0,
        launched_at=NOON - timedelta(hours=14),
        online_at=NOON - timedelta(hours=13),
        released_at=NOON - timedelta(hours=2),
    )

    yesterday, today = (day.ledger for day in queries.ledger_by_day(2))

    assert (yesterday.paid_seconds, today.paid_seconds) == (2 * 3600.0, 10 * 3600.0)
    assert (yesterday.start_seconds, today.start_seconds) == (3600.0, 0.0)
    assert yesterday.cost_minor + today.cost_minor == pytest.approx(720.0)


def test_the_target_of_a_class_is_that_of_its_last_decision(stage: Stage, ateliers: Tenant) -> None:
    submit(ateliers, 2)
    stage.look()
    submit(ateliers, 2)
    stage.look(after=5)

    assert queries.latest_decisions()["cpu"].target == 2
    assert [one.target for one in queries.decision_log("cpu")] == [2, 1]
    assert queries.decision_log("gpu") == ()


def test_a_static_fleet_is_listed_from_its_reports_and_can_be_neither_grown_nor_drained(
    stage: Stage, ateliers: Tenant
) -> None:
    from apps.compute.autoscaler import Autoscaler

    stage.come_online("by-hand")
    submit(ateliers, 40)
    scaler = Autoscaler(build_provider("static"))
    scaler.prepare()

    scaler.look()

    (life,) = stage.lives()
    assert (life.worker, life.provider, life.online_at) == ("by-hand", "static", NOON)
    decision = queries.latest_decisions()["cpu"]
    assert (decision.is_shadow, decision.launched) == (True, 0)
    assert decision.target > 1
