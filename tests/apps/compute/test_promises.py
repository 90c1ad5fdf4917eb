"""What is promised at the order, kept on the row, compared at the end and learned from."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from apps.compute import queries
from apps.compute.models import PromiseRecord, ServiceTime, Worker, WorkerLife, WorkItem
from apps.compute.queries import RenderPromise, backlog, line
from apps.compute.services import execution
from apps.compute.services.execution import Said
from apps.core import clock
from apps.tenants.models import Tenant
from apps.tenants.scope import tenant_scope
from tests import cast
from tests.apps.compute.conftest import LANE, dispatch, fresh, submit, write_manifest

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server")]


@pytest.fixture
def a_worker() -> None:
    Worker.objects.create(
        name="w-1", worker_class="cpu", engine="classical", lane=LANE, seen_at=clock.now()
    )


@pytest.fixture(autouse=True)
def _no_kept_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog, "_line", line.Line())


def render_one(tenant: Tenant, *, p90: float, ends_after: float, monkeypatch: Any) -> WorkItem:
    """Order a render with a promise and have it finished so many seconds later."""
    promise = RenderPromise(p50_seconds=p90 / 2, p90_seconds=p90, forecast_p90_seconds=p90)
    (item,) = submit(tenant, promise=promise)
    dispatch()
    write_manifest(fresh(item), seconds=1.0)
    later = fresh(item).queued_at + timedelta(seconds=ends_after)
    with monkeypatch.context() as patch:
        patch.setattr(clock, "now", lambda: later)
        execution.take_in([Said("succeeded", item.pk, 1, "w-1")])
    return fresh(item)


@pytest.mark.usefixtures("a_worker")
def test_a_promise_kept_lets_the_next_one_be_bolder(
    ateliers: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = render_one(ateliers, p90=60.0, ends_after=20.0, monkeypatch=monkeypatch)

    record = PromiseRecord.objects.get(lane=LANE, urgency="interactive")
    assert (record.promises, record.kept) == (1, 1)
    assert record.factor < 1.0
    assert item.promised_p90_at is not None
    assert (item.promised_p90_at - item.queued_at).total_seconds() == pytest.approx(60.0, abs=1.0)


@pytest.mark.usefixtures("a_worker")
def test_a_promise_broken_makes_the_next_one_careful(
    ateliers: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    render_one(ateliers, p90=10.0, ends_after=100.0, monkeypatch=monkeypatch)
    record = PromiseRecord.objects.get(lane=LANE, urgency="interactive")
    assert (record.promises, record.kept) == (1, 0)
    assert record.factor > 1.5

    quoted = queries.promise(ateliers.pk, [1.0], kind="packshot")

    (one,) = quoted.each
    assert one.p90_seconds == pytest.approx(one.forecast_p90_seconds * record.factor)
    assert quoted.p90_seconds == one.p90_seconds


@pytest.mark.usefixtures("a_worker")
def test_the_share_of_promises_kept_is_counted_for_the_open_tenant(
    ateliers: Tenant, eve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    render_one(ateliers, p90=60.0, ends_after=20.0, monkeypatch=monkeypatch)
    render_one(ateliers, p90=10.0, ends_after=100.0, monkeypatch=monkeypatch)
    render_one(eve.tenant, p90=60.0, ends_after=20.0, monkeypatch=monkeypatch)

    with tenant_scope(ateliers.pk):
        assert queries.promises_kept().share == 0.5
    with tenant_scope(eve.tenant.pk):
        assert queries.promises_kept().share == 1.0


@pytest.mark.usefixtures("a_worker")
def test_work_without_a_promise_teaches_none(
    ateliers: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    (item,) = submit(ateliers)
    dispatch()
    write_manifest(fresh(item))

    execution.take_in([Said("succeeded", item.pk, 1, "w-1")])

    assert not PromiseRecord.objects.exists()
    with tenant_scope(ateliers.pk):
        assert queries.promises_kept().share is None


@pytest.mark.usefixtures("a_worker")
def test_times_are_learned_from_the_lane_down_to_the_size(ateliers: Tenant) -> None:
    (item,) = submit(ateliers, cost_units=4.0)
    dispatch()
    write_manifest(fresh(item), seconds=8.0)

    execution.take_in([Said("succeeded", item.pk, 1, "w-1")])

    assert set(ServiceTime.objects.values_list("key", "kind")) == {
        ("classical/cpu", ""),
        ("classical/cpu/packshot", "packshot"),
        ("classical/cpu/packshot/p4/s0", "packshot"),
        ("classical/cpu/packshot/p4/s0/t1", "packshot"),
    }


def test_a_fleet_at_zero_promises_what_a_launch_would_take(ateliers: Tenant, settings: Any) -> None:
    assert queries.promise(ateliers.pk, [1.0], kind="packshot").p50_seconds is None
    settings.FLEET = "local"

    promise = queries.promise(ateliers.pk, [1.0], kind="packshot")

    assert promise.p50_seconds is not None
    assert 60.0 < promise.p50_seconds < 70.0


def test_a_worker_that_is_starting_counts_from_when_it_is_ready(ateliers: Tenant) -> None:
    WorkerLife.objects.create(
        worker="cpu-new",
        worker_class="cpu",
        engine="classical",
        provider="local",
        launched_at=clock.now() - timedelta(seconds=40),
    )

    promise = queries.promise(ateliers.pk, [1.0], kind="packshot")

    assert promise.p50_seconds is not None
    assert 20.0 < promise.p50_seconds < 30.0


@pytest.mark.usefixtures("a_worker")
def test_a_long_line_promises_what_a_short_one_does(
    ateliers: Tenant, eve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(eve.tenant, 30)
    submit(ateliers, 10)
    short = queries.promise(ateliers.pk, [1.0] * 20, kind="packshot")
    with tenant_scope(ateliers.pk):
        places = queries.standing("sht_one")

    monkeypatch.setattr(line, "LONG_LINE", 5)
    long = queries.promise(ateliers.pk, [1.0] * 20, kind="packshot")
    with tenant_scope(ateliers.pk):
        far_places = queries.standing("sht_one")

    assert short.p50_seconds is not None
    assert long.p50_seconds == pytest.approx(short.p50_seconds, rel=0.15)
    assert long.p90_seconds == pytest.approx(short.p90_seconds, rel=0.15)
    assert far_places.keys() == places.keys()
    for render, place in places.items():
        # A schedule may detour within the lag: 60 worker-seconds, 24 of these renders.
        assert far_places[render].position == pytest.approx(place.position, abs=24)


@pytest.mark.usefixtures("a_worker")
def test_a_long_line_tells_a_tenant_of_its_own_items_only(
    ateliers: Tenant, eve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = submit(eve.tenant, 6)
    mine = submit(ateliers, 6)
    monkeypatch.setattr(line, "LONG_LINE", 5)

    with tenant_scope(ateliers.pk):
        plan = queries.forecasts([item.pk for item in (*mine, *theirs)])

    assert set(plan) == {item.pk for item in mine}


@pytest.mark.usefixtures("a_worker")
def test_a_first_order_counts_with_the_weight_of_its_plan(
    ateliers: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(ateliers, 40)
    monkeypatch.setattr(line, "LONG_LINE", 5)
    tenants = [cast.workspace(plan, plan, plan=plan) for plan in ("trial", "studio")]

    light, heavy = (queries.promise(tenant.pk, [1.0] * 8, kind="packshot") for tenant in tenants)

    assert light.p50_seconds is not None
    assert heavy.p50_seconds is not None
    assert heavy.p50_seconds < 0.8 * light.p50_seconds
