"""The dispatcher between database and queue."""

from __future__ import annotations

from typing import Any

import pytest
import redis

from apps.billing.models import CreditAccount
from apps.compute.dispatcher import Dispatcher
from apps.compute.models import FairShare, WorkItem
from apps.compute.services import dispatching
from apps.tenants.models import Tenant
from apps.tenants.scope import across_tenants, tenant_scope
from tests import cast
from tests.apps.compute.conftest import (
    FakeWorker,
    dispatch,
    fresh,
    queued_batches,
    states,
    submit,
)

pytestmark = pytest.mark.django_db(transaction=True)


def test_without_a_worker_nothing_goes_out(redis_server: Any, ateliers: Tenant) -> None:
    items = submit(ateliers, 2)

    assert dispatch() == 0
    assert states(*items) == ["queued"] * 2


def test_only_a_short_lead_goes_out(worker: FakeWorker, ateliers: Tenant) -> None:
    items = submit(ateliers, 5)

    assert dispatch() == 2
    assert dispatch() == 0

    assert states(*items).count("dispatched") == 2
    assert [batch["orders"][0]["work_item"] for batch in queued_batches()] == [
        item.pk for item in sorted(items, key=lambda item: (item.queued_at, item.pk))[:2]
    ]


def test_a_finished_render_makes_room_for_the_next(worker: FakeWorker, ateliers: Tenant) -> None:
    submit(ateliers, 3)
    dispatch()
    (first, _) = dispatched()
    worker.starts(first)
    worker.succeeds(first)

    assert dispatch() == 1


def test_a_draining_worker_gets_nothing_new(worker: FakeWorker, ateliers: Tenant) -> None:
    submit(ateliers, 1)
    worker.beat(state="draining")

    assert dispatch() == 0


def test_a_late_small_order_does_not_wait_behind_a_large_one(
    worker: FakeWorker, ateliers: Tenant, eve: Any
) -> None:
    submit(ateliers, 50)
    dispatch()
    (late,) = submit(eve.tenant)

    (first, _) = dispatched()
    worker.starts(first)
    worker.succeeds(first)
    dispatch()
    for _ in range(2):
        running = dispatched()[0]
        worker.starts(running)
        worker.succeeds(running)
        dispatch()

    assert fresh(late).state != "queued"


def test_a_plan_of_four_times_the_weight_gets_four_times_the_work(
    worker: FakeWorker, ateliers: Tenant
) -> None:
    big = cast.workspace("grande", "Grande", plan="pro")
    submit(ateliers, 60)
    submit(big, 60)

    for _ in range(50):
        dispatch()
        first = dispatched()[0]
        worker.starts(first)
        worker.succeeds(first)

    with across_tenants("test"):
        done = WorkItem.objects.filter(state="succeeded")
        assert done.filter(tenant=big).count() == pytest.approx(40, abs=2)
        assert CreditAccount.objects.get(tenant=big).plan.weight == 4.0


def test_a_batch_that_cannot_be_enqueued_waits_again_and_costs_nothing(
    worker: FakeWorker, ateliers: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    (item,) = submit(ateliers)

    def refuse(*args: Any) -> None:
        raise redis.ConnectionError("away")

    with monkeypatch.context() as patch:
        patch.setattr(dispatching.wire, "enqueue_batches", refuse)
        with pytest.raises(redis.ConnectionError):
            dispatch()

    assert states(item) == ["queued"]
    assert fresh(item).tries_counted == 0
    with tenant_scope(ateliers.pk):
        assert FairShare.objects.get().served == pytest.approx(0.0)
    assert dispatch() == 1
    assert fresh(item).attempt == 2


def test_nothing_is_dispatched_into_a_redis_that_is_away(
    worker: FakeWorker, ateliers: Tenant, settings: Any
) -> None:
    (item,) = submit(ateliers)
    settings.REDIS_URL = "redis://127.0.0.1:1/0"

    with pytest.raises(redis.ConnectionError):
        Dispatcher().prepare()

    assert fresh(item).attempt == 0


def dispatched() -> list[WorkItem]:
    with across_tenants("test"):
        return list(WorkItem.objects.filter(state="dispatched").order_by("dispatched_at", "id"))
