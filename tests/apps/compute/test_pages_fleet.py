"""The operator's page: the fleet, its load, its cost and its decisions."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.compute.models import DemandHour, ScaleDecision, Worker, WorkerLife
from apps.compute.queries.forecasting import forecast_errors
from apps.compute.queries.load import fleet_load
from apps.core import clock
from apps.tenants.models import Tenant
from tests.cast import Person
from tests.fakes.operations import furnish

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(alice: Person, client: Client) -> Client:
    alice.user.is_staff = True
    alice.user.save()
    client.force_login(alice.user)
    return client


def test_the_page_shows_workers_lanes_cost_and_why(operator: Client, in_ateliers: Tenant) -> None:
    furnish("ateliers", items=10)

    page = operator.get("/fleet/").content.decode()

    for words in ("gpu-box-3", "target 5", "1 busy", "1 starting", "EUR", "12.4 promises an hour"):
        assert words in page
    assert "decides" in page


def test_no_workspace_is_named_on_the_operators_page(operator: Client, in_ateliers: Tenant) -> None:
    furnish("ateliers", items=10)

    page = operator.get("/fleet/").content.decode()

    for name in ("Ateliers", "Autumn knitwear", "Spring launch"):
        assert name not in page


def test_decisions_are_filtered_by_class(operator: Client) -> None:
    for name in ("cpu", "gpu"):
        ScaleDecision.objects.create(
            decided_at=clock.now(),
            worker_class=name,
            workers=1,
            target=2,
            reasons=[{"part": "floor", "workers": 2, "words": f"for {name}.", "numbers": {}}],
        )

    part = operator.get("/fleet/?class=gpu", headers={"HX-Request": "true"}).content.decode()

    assert "<html" not in part
    assert "for gpu." in part
    assert "for cpu." not in part


def test_the_chart_carries_the_last_decision_on(in_ateliers: Tenant) -> None:
    furnish("ateliers", items=10)

    [load] = fleet_load(["gpu"])

    names = load.chart.names
    targets = [column.cells[names.index("Target")] for column in load.chart.columns]
    assert len(targets) == 72
    assert targets[-1] == "5"
    # Decisions come every nine minutes, columns every five: none after the first is empty.
    assert "–" not in targets[2:]


def test_the_forecast_is_judged_by_the_weeks_before_each_hour() -> None:
    hour = clock.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=2)
    # Two quiet weeks, then an hour that needs five: the forecast said two.
    for weeks, needed in ((2, 1.6), (1, 2.0), (0, 5.0)):
        DemandHour.objects.create(
            worker_class="gpu", starts_at=hour - timedelta(weeks=weeks), needed_workers=needed
        )

    [error] = forecast_errors(clock.now())

    assert (error.hours, error.mean_error, error.too_low_percent) == (1, 3.0, 100)


def test_an_installation_without_workers_is_told_what_to_do(operator: Client) -> None:
    page = operator.get("/fleet/").content.decode()

    assert "No worker is paid for now" in page
    assert "has decided nothing yet" in page


def test_more_workers_need_no_more_queries(operator: Client, in_ateliers: Tenant) -> None:
    furnish("ateliers", items=10)
    with CaptureQueriesContext(connection) as few:
        operator.get("/fleet/")
    for number in range(20, 30):
        Worker.objects.create(
            name=f"gpu-{number}",
            worker_class="gpu",
            engine="diffusion",
            lane="render-gpu-diffusion",
            seen_at=clock.now(),
        )
        WorkerLife.objects.create(
            worker=f"gpu-{number}",
            worker_class="gpu",
            engine="diffusion",
            provider="local",
            launched_at=clock.now(),
        )
    with CaptureQueriesContext(connection) as many:
        operator.get("/fleet/")

    assert len(many) == len(few)
