"""Where things stand and what is promised."""

from __future__ import annotations

from typing import Any

import pytest

from apps.compute import queries
from apps.tenants.models import Tenant
from apps.tenants.scope import tenant_scope
from tests.apps.compute.conftest import FakeWorker, dispatch, fresh, submit

pytestmark = pytest.mark.django_db(transaction=True)


def test_standing_tells_state_place_and_start(worker: FakeWorker, in_ateliers: Tenant) -> None:
    items = submit(in_ateliers, 5)
    dispatch()

    found = queries.standing("sht_one")

    assert set(found) == {item.subject for item in items}
    assert sorted(one.position for one in found.values() if one.position) == [1, 2, 3]
    starts = [one.expected_start_seconds for one in found.values() if one.position]
    assert all(start > 0 for start in starts)
    assert [one.state for one in found.values()].count("dispatched") == 2


def test_another_tenants_shoot_stands_nowhere(
    worker: FakeWorker, ateliers: Tenant, eve: Any
) -> None:
    submit(ateliers, 2)

    with tenant_scope(eve.tenant.pk):
        assert queries.standing("sht_one") == {}


def test_without_a_worker_nothing_is_promised(redis_server: Any, in_ateliers: Tenant) -> None:
    submit(in_ateliers, 1)

    (found,) = queries.standing("sht_one").values()
    promise = queries.promise(in_ateliers.pk, [1.0])

    assert (found.position, found.expected_start_seconds) == (None, None)
    assert (promise.p50_seconds, promise.p90_seconds) == (None, None)


def test_a_promise_grows_with_the_order_and_the_line(
    worker: FakeWorker, in_ateliers: Tenant
) -> None:
    one = queries.promise(in_ateliers.pk, [1.0])
    ten = queries.promise(in_ateliers.pk, [1.0] * 10)
    submit(in_ateliers, 20)
    behind = queries.promise(in_ateliers.pk, [1.0] * 10)

    assert one.p50_seconds < one.p90_seconds
    assert one.p50_seconds < ten.p50_seconds < behind.p50_seconds


def test_an_order_of_nothing_has_no_promise(worker: FakeWorker, in_ateliers: Tenant) -> None:
    assert queries.promise(in_ateliers.pk, []) == queries.Promise(None, None)


def test_a_promise_to_a_new_tenant_does_not_wait_for_the_crowd(
    worker: FakeWorker, ateliers: Tenant, eve: Any
) -> None:
    submit(ateliers, 100)
    dispatch()

    with tenant_scope(eve.tenant.pk):
        new = queries.promise(eve.tenant.pk, [1.0])
    with tenant_scope(ateliers.pk):
        crowd = queries.promise(ateliers.pk, [1.0])

    assert new.p50_seconds < crowd.p50_seconds / 5


def test_waits_are_measured(worker: FakeWorker, in_ateliers: Tenant) -> None:
    assert queries.queue_wait() == queries.QueueWait(0, None, None)
    (item,) = submit(in_ateliers)
    dispatch()
    worker.starts(fresh(item))

    waited = queries.queue_wait()

    assert waited.started == 1
    assert 0 < waited.p50_seconds == waited.p95_seconds
