from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from prometheus_client.parser import text_string_to_metric_families

from apps.compute.models import LoopLease, ScaleDecision, Worker, WorkerLife, WorkItem
from apps.core import clock
from apps.studio.models import Shoot
from apps.tenants.scope import tenant_scope
from tests.cast import Person

pytestmark = pytest.mark.django_db
NOON = datetime.fromisoformat("2026-11-27T12:00:00+00:00")
FROM_AFAR = {"REMOTE_ADDR": "203.0.113.7"}


@pytest.fixture(autouse=True)
def noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOON)


def ago(**parts: float) -> datetime:
    return NOON - timedelta(**parts)


def item(number: int, state: str, wait: float, **changes: Any) -> WorkItem:
    made = WorkItem.objects.create(
        subject=f"rnd_{number}", group="sho", kind="packshot", batch_key="k", order={}, state=state
    )
    ended = state in ("succeeded", "failed")
    WorkItem.objects.filter(pk=made.pk).update(
        **{
            "queued_at": ago(seconds=600),
            "started_at": ago(seconds=600 - wait) if ended else None,
            "finished_at": ago(seconds=30) if ended else None,
            **changes,
        }
    )
    return made


def life(worker: str, **changes: Any) -> WorkerLife:
    values = {
        "worker_class": "cpu",
        "engine": "classical",
        "provider": "local",
        "price_minor_per_hour": 60.0,
        "launched_at": ago(hours=2),
        "online_at": ago(hours=2) + timedelta(seconds=30),
    }
    return WorkerLife.objects.create(worker=worker, **(values | changes))


def decision(target: int, worker_class: str = "cpu", **changes: Any) -> ScaleDecision:
    values = {"decided_at": ago(seconds=5), "workers": 1, "reasons": []} | changes
    return ScaleDecision.objects.create(worker_class=worker_class, target=target, **values)


def conduct() -> None:
    # Leases are told by the database's clock.
    LoopLease.objects.create(
        loop="conductor", holder="test", expires_at=datetime.fromisoformat("2999-01-01T00:00+00:00")
    )


class Told(dict[tuple[str, frozenset[str]], float]):
    """What a scrape said: by the metric's name and the values of its labels."""

    def __call__(self, name: str, *labels: str) -> float:
        return self[name, frozenset(labels)]


def scrape() -> Told:
    answer = Client().get("/metrics")
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain")
    return Told(
        ((sample.name, frozenset(sample.labels.values())), sample.value)
        for family in text_string_to_metric_families(answer.content.decode())
        for sample in family.samples
    )


def test_a_scrape_tells_the_fleet_and_its_backlog(alice: Person) -> None:
    conduct()
    decision(4)
    life("one")
    life("two", online_at=None, launched_at=ago(minutes=2))
    life("old", released_at=ago(minutes=20), end="lost")
    Worker.objects.create(
        name="one", worker_class="cpu", engine="classical", lane="render-cpu-classical",
        seen_at=NOON,
    )  # fmt: skip
    with tenant_scope(alice.tenant.pk):
        item(1, "queued", 0)
        item(2, "queued", 0)
        item(3, "running", 0)

    told = scrape()

    assert told("packshot_conductor_leads") == 1
    assert told("packshot_workers_desired", "cpu") == 4
    assert told("packshot_workers", "cpu", "idle") == 1
    assert told("packshot_workers", "cpu", "starting") == 1
    assert told("packshot_workers_launched_hour", "cpu") == 1
    assert told("packshot_workers_lost_hour", "cpu") == 1
    assert told("packshot_backlog_items", "render-cpu-classical", "queued") == 2
    assert told("packshot_backlog_items", "render-cpu-classical", "in_flight") == 1
    assert told("packshot_oldest_wait_seconds", "render-cpu-classical") == 600


def test_a_scrape_tells_waits_outcomes_and_what_time_was_paid_for(alice: Person) -> None:
    life("one", released_at=ago(hours=1), end="drained")
    with tenant_scope(alice.tenant.pk):
        item(1, "succeeded", 4, service_seconds=120.0)
        item(2, "succeeded", 25, service_seconds=60.0)
        item(3, "failed", 90)
        item(4, "succeeded", 3, finished_at=ago(hours=2), service_seconds=10.0)

    told = scrape()

    assert told("packshot_renders_hour", "succeeded") == 2
    assert told("packshot_renders_hour", "failed") == 1
    assert told("packshot_renders_hour", "canceled") == 0
    buckets = {
        step: told("packshot_wait_seconds_bucket", step)
        for step in ("2.0", "5.0", "30.0", "60.0", "120.0", "+Inf")
    }
    assert buckets == {"2.0": 0, "5.0": 1, "30.0": 2, "60.0": 2, "120.0": 3, "+Inf": 3}
    assert told("packshot_wait_seconds_gsum") == pytest.approx(119, abs=0.01)
    parts = {
        part: told("packshot_worker_seconds_today", "cpu", part)
        for part in ("start", "load", "active", "idle")
    }
    assert parts == {"start": 30, "load": 0, "active": 190, "idle": 3380}
    assert told("packshot_worker_cost_minor_today", "cpu", "EUR") == pytest.approx(60)


def test_a_scrape_tells_how_promises_turned_out(alice: Person) -> None:
    with tenant_scope(alice.tenant.pk):
        for number, took in enumerate((10, 20, 50, 90), start=1):
            shoot = Shoot.objects.create(
                number=number, scene_slug="s", scene={}, credits=1, ordered_by="a",
                state="finished", quote={"finish_p50_seconds": 15, "finish_p90_seconds": 60},
            )  # fmt: skip
            Shoot.objects.filter(pk=shoot.pk).update(
                ordered_at=ago(seconds=600), finished_at=ago(seconds=600 - took)
            )

    told = scrape()

    assert told("packshot_promise_kept_share", "0.9") == 0.75
    assert told("packshot_promise_kept_share", "0.5") == 0.25
    assert told("packshot_promised_orders_day") == 4


def test_without_orders_no_share_is_told() -> None:
    names = {name for name, _ in scrape()}

    assert "packshot_promise_kept_share" not in names
    assert "packshot_promised_orders_day" in names


def test_more_of_everything_takes_no_more_queries(alice: Person) -> None:
    def grow(first: int, last: int) -> int:
        with tenant_scope(alice.tenant.pk):
            for number in range(first, last):
                item(number, ("queued", "succeeded", "failed")[number % 3], 4)
                life(f"worker-{number}")
                decision(number)
        with CaptureQueriesContext(connection) as queries:
            scrape()
        return len(queries)

    few = grow(0, 3)

    assert grow(3, 24) == few
    assert few <= 16


def test_another_exposition_format_is_spoken_on_request() -> None:
    answer = Client().get("/metrics", headers={"Accept": "application/openmetrics-text"})

    assert answer["Content-Type"].startswith("application/openmetrics-text")
    assert answer.content.endswith(b"# EOF\n")


@pytest.mark.parametrize("path", ["/metrics", "/metrics/desired/cpu"])
def test_without_a_token_only_this_machine_may_read(path: str, settings: Any) -> None:
    conduct()
    decision(2)
    client = Client()

    assert client.get(path).status_code == 200
    assert client.get(path, REMOTE_ADDR="::1").status_code == 200
    assert client.get(path, REMOTE_ADDR="").status_code == 403
    refused = client.get(path, **FROM_AFAR)
    assert refused.status_code == 403
    assert b"PACKSHOT_METRICS_TOKEN" in refused.content
    # A proxy on this machine is no reason to show them to the world.
    assert client.get(path, headers={"X-Forwarded-For": "127.0.0.1"}).status_code == 403


@pytest.mark.parametrize("path", ["/metrics", "/metrics/desired/cpu"])
def test_with_a_token_it_is_the_only_key(path: str, settings: Any) -> None:
    conduct()
    decision(2)
    settings.METRICS_TOKEN = "the-token"
    client = Client()

    assert client.get(path).status_code == 401
    assert client.get(path, headers={"Authorization": "Bearer another"}).status_code == 401
    assert (
        client.get(path, headers={"Authorization": "Bearer the-token"}, **FROM_AFAR).status_code
        == 200
    )


def test_keda_reads_the_last_decision() -> None:
    conduct()
    decision(9, decided_at=ago(seconds=60))
    decision(3, decided_at=ago(seconds=5))
    decision(7, "gpu")

    assert Client().get("/metrics/desired/cpu").json() == {"desired": 3}
    assert Client().get("/metrics/desired/gpu").json() == {"desired": 7}


def test_keda_hears_no_number_while_nobody_decides() -> None:
    decision(3)
    assert Client().get("/metrics/desired/cpu").status_code == 503

    conduct()
    assert Client().get("/metrics/desired/cpu").status_code == 200
    assert Client().get("/metrics/desired/gpu").status_code == 503

    ScaleDecision.objects.update(decided_at=ago(minutes=11))
    assert Client().get("/metrics/desired/cpu").status_code == 503


def test_a_class_that_does_not_exist_is_not_found() -> None:
    answer = Client().get("/metrics/desired/tpu")

    assert answer.status_code == 404
    assert b"cpu, gpu, gpu-large" in answer.content
