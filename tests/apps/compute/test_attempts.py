"""The life of an attempt: what reports change, and what they may not change."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from apps.compute import completion, wire
from apps.compute.models import FairShare, ServiceTime, WorkItem
from apps.compute.services import attempts, execution, sweeping
from apps.core import clock, storage
from apps.events import live
from apps.tenants.models import Tenant
from apps.tenants.scope import across_tenants, tenant_scope
from tests.apps.compute.conftest import (
    FakeWorker,
    Listener,
    dispatch,
    fresh,
    queued_batches,
    states,
    submit,
    write_manifest,
)

pytestmark = pytest.mark.django_db(transaction=True)


def dispatched(tenant: Tenant) -> WorkItem:
    (item,) = submit(tenant)
    dispatch()
    return fresh(item)


def expire(*items: WorkItem) -> None:
    with across_tenants("test"):
        WorkItem.objects.filter(pk__in=[item.pk for item in items]).update(
            lease_expires_at=clock.now() - timedelta(seconds=1)
        )


def forget_queue() -> None:
    from apps.core import queue

    with queue.connection() as client:
        client.flushall()


def test_a_render_goes_from_order_to_success(
    worker: FakeWorker, listener: Listener, ateliers: Tenant
) -> None:
    item = dispatched(ateliers)
    assert item.state == "dispatched"
    assert item.attempt == 1

    worker.starts(item)
    assert states(item) == ["running"]
    worker.succeeds(item)

    done = fresh(item)
    assert done.state == "succeeded"
    assert done.service_seconds == 0.5
    assert listener.words() == ["started", "succeeded"]
    assert listener.heard[1][1].result["work_item"] == item.pk


def test_a_batch_names_attempt_and_prefix(worker: FakeWorker, ateliers: Tenant) -> None:
    item = dispatched(ateliers)

    (batch,) = queued_batches()

    (order,) = batch["orders"]
    assert order["work_item"] == item.pk
    assert order["attempt"] == 1
    assert order["result_prefix"] == f"renders/{ateliers.pk}/{item.pk}/1/"
    assert batch["batch"] == item.batch


def test_every_report_told_twice_changes_nothing_more(
    worker: FakeWorker, listener: Listener, ateliers: Tenant
) -> None:
    item = dispatched(ateliers)

    for _ in range(2):
        worker.online()
        worker.beat(item)
        worker.starts(item)
    for _ in range(2):
        worker.succeeds(item)
        worker.fails(item, retryable=True)
        worker.leaves(item)

    assert states(item) == ["succeeded"]
    assert listener.words() == ["started", "succeeded"]
    assert {row.completions for row in ServiceTime.objects.all()} == {1}


def test_a_stale_attempt_is_refused(
    worker: FakeWorker, listener: Listener, ateliers: Tenant
) -> None:
    stale = dispatched(ateliers)
    worker.starts(stale)
    expire(stale)
    sweeping.sweep_leases()
    dispatch()
    current = fresh(stale)
    assert current.attempt == 2

    worker.starts(stale)
    worker.succeeds(stale)
    worker.fails(stale, retryable=False)
    worker.leaves(stale)

    assert fresh(stale).state == "dispatched"
    assert fresh(stale).attempt == 2
    assert listener.words() == ["started", "requeued"]


def test_a_beat_with_a_stale_attempt_extends_nothing(worker: FakeWorker, ateliers: Tenant) -> None:
    stale = dispatched(ateliers)
    worker.starts(stale)
    expire(stale)
    sweeping.sweep_leases()
    dispatch()
    before = fresh(stale).lease_expires_at

    worker.beat(stale)

    assert fresh(stale).lease_expires_at == before


def test_a_beat_extends_the_lease(worker: FakeWorker, ateliers: Tenant) -> None:
    item = dispatched(ateliers)
    worker.starts(item)
    expire(item)

    worker.beat(item)

    assert fresh(item).lease_expires_at > clock.now()
    assert sweeping.sweep_leases() == 0


def test_an_expired_lease_puts_the_item_back(
    worker: FakeWorker, listener: Listener, ateliers: Tenant
) -> None:
    item = dispatched(ateliers)
    worker.starts(item)
    expire(item)

    assert sweeping.sweep_leases() == 1

    assert states(item) == ["queued"]
    assert fresh(item).tries_counted == 1
    assert listener.words() == ["started", "requeued"]


def test_a_manifest_in_storage_completes_without_another_render(
    worker: FakeWorker, listener: Listener, ateliers: Tenant
) -> None:
    item = dispatched(ateliers)
    worker.starts(item)
    write_manifest(item)
    expire(item)

    assert sweeping.sweep_leases() == 1

    assert states(item) == ["succeeded"]
    assert fresh(item).attempt == 1
    assert listener.words() == ["started", "succeeded"]


def test_a_manifest_of_an_older_attempt_completes_nothing(
    worker: FakeWorker, ateliers: Tenant
) -> None:
    first = dispatched(ateliers)
    worker.starts(first)
    expire(first)
    sweeping.sweep_leases()
    dispatch()
    second = fresh(first)
    worker.starts(second)
    write_manifest(first)
    expire(second)

    sweeping.sweep_leases()

    assert states(first) == ["queued"]


def test_a_success_without_its_manifest_is_a_failed_try(
    worker: FakeWorker, ateliers: Tenant
) -> None:
    item = dispatched(ateliers)
    worker.starts(item)

    execution.take_in([execution.Said("succeeded", item.pk, 1, "fake-1")])

    assert states(item) == ["queued"]
    assert fresh(item).failure_code == "compute.manifest_unreadable"


def test_a_failed_try_rests_before_the_next(worker: FakeWorker, ateliers: Tenant) -> None:
    item = dispatched(ateliers)
    worker.starts(item)

    worker.fails(item, retryable=True)

    assert dispatch() == 0
    with across_tenants("test"):
        WorkItem.objects.update(not_before=clock.now())
    assert dispatch() == 1


def test_the_third_failure_is_the_last(
    worker: FakeWorker, listener: Listener, ateliers: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "RETRY_PAUSE_SECONDS", (0.0,))
    (item,) = submit(ateliers)
    for _ in range(3):
        dispatch()
        worker.starts(fresh(item))
        worker.fails(fresh(item), retryable=True)

    assert states(item) == ["failed"]
    assert fresh(item).failure_code == "engine.crashed"
    assert listener.words() == ["started", "requeued", "started", "requeued", "started", "failed"]
    assert dispatch() == 0


def test_an_order_that_cannot_be_done_fails_at_once(
    worker: FakeWorker, listener: Listener, ateliers: Tenant
) -> None:
    item = dispatched(ateliers)

    worker.fails(item, retryable=False, code="order.source_unusable")

    assert states(item) == ["failed"]
    assert listener.heard[-1][1].failure_code == "order.source_unusable"


def test_work_handed_back_counts_as_no_try(
    worker: FakeWorker, listener: Listener, ateliers: Tenant
) -> None:
    (item,) = submit(ateliers)
    for _ in range(4):
        dispatch()
        worker.starts(fresh(item))
        worker.leaves(fresh(item))
        worker.online()

    assert states(item) == ["queued"]
    assert fresh(item).tries_counted == 0
    assert fresh(item).attempt == 4


def test_a_batch_lost_by_the_queue_is_sent_again_and_counts_as_no_try(
    worker: FakeWorker, ateliers: Tenant
) -> None:
    item = dispatched(ateliers)
    forget_queue()
    expire(item)

    sweeping.sweep_leases()
    dispatch()

    assert fresh(item).attempt == 2
    assert fresh(item).tries_counted == 0
    assert [batch["orders"][0]["attempt"] for batch in queued_batches()] == [2]


def test_a_batch_that_waits_in_the_queue_keeps_its_attempt(
    worker: FakeWorker, ateliers: Tenant
) -> None:
    item = dispatched(ateliers)
    expire(item)

    assert sweeping.sweep_leases() == 0

    assert fresh(item).attempt == 1
    assert fresh(item).lease_expires_at > clock.now()


def test_an_order_that_loses_every_worker_fails_after_six(
    worker: FakeWorker, listener: Listener, ateliers: Tenant
) -> None:
    (item,) = submit(ateliers)
    for pid in range(2, 8):
        assert states(item) == ["queued"]
        dispatch()
        worker.starts(fresh(item))
        worker.online(pid=pid)
        sweeping.sweep_leases()

    assert states(item) == ["failed"]
    assert fresh(item).failure_code == "compute.worker_lost"


def test_an_emptied_redis_loses_nothing(
    worker: FakeWorker, listener: Listener, ateliers: Tenant
) -> None:
    running, waiting = submit(ateliers, 2)
    dispatch()
    running, waiting = fresh(running), fresh(waiting)
    worker.starts(running)
    forget_queue()

    worker.succeeds(running)  # the stream's group is gone: this step finds out
    worker.relay.step()
    expire(waiting)
    sweeping.sweep_leases()
    dispatch()
    worker.succeeds(fresh(waiting))

    assert states(running, waiting) == ["succeeded", "succeeded"]
    assert listener.words().count("succeeded") == 2


def test_the_share_ends_at_what_the_work_took(worker: FakeWorker, ateliers: Tenant) -> None:
    item = dispatched(ateliers)
    with tenant_scope(ateliers.pk):
        assert FairShare.objects.get().served == pytest.approx(item.charged_seconds)

    worker.starts(item)
    worker.succeeds(item)

    with tenant_scope(ateliers.pk):
        assert FairShare.objects.get().served == pytest.approx(0.5)


def test_lost_work_costs_no_share(worker: FakeWorker, ateliers: Tenant) -> None:
    item = dispatched(ateliers)
    worker.starts(item)
    worker.leaves(item)

    with tenant_scope(ateliers.pk):
        assert FairShare.objects.get().served == pytest.approx(0.0)


def test_a_report_nobody_can_read_stops_nothing(
    worker: FakeWorker, ateliers: Tenant, caplog: Any
) -> None:
    item = dispatched(ateliers)

    worker.say("worker.beat", running=[["only-one"]])
    worker.say("order.started", attempt="x")
    worker.say("order.sneezed")
    worker.starts(item)

    assert states(item) == ["running"]
    pending = worker.relay._reader._client.xpending("packshot:reports", "relay")
    assert pending["pending"] == 0


def test_what_a_dead_relay_left_is_taken_over(
    worker: FakeWorker, ateliers: Tenant, redis_server: Any
) -> None:
    from apps.compute.relay import Relay
    from apps.core import queue
    from gpu_workers.protocol import Report

    item = dispatched(ateliers)
    body = {"work_item": item.pk, "attempt": 1, "tenant": ateliers.pk}
    with queue.connection() as client:
        client.xadd("packshot:reports", Report("order.started", "fake-1", body).to_fields())
    worker.relay._reader.read(block_seconds=0.1)  # read, then killed

    Relay().prepare()

    assert states(item) == ["running"]


def test_a_manifest_nobody_can_read_completes_nothing(worker: FakeWorker, ateliers: Tenant) -> None:
    item = dispatched(ateliers)
    worker.starts(item)
    storage.put(wire.manifest_key(ateliers.pk, item.pk, 1), b"{half a")
    expire(item)

    sweeping.sweep_leases()

    assert states(item) == ["queued"]


def test_while_storage_is_silent_nothing_is_given_up(
    worker: FakeWorker, ateliers: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = dispatched(ateliers)
    worker.starts(item)
    expire(item)

    def refuse(key: str) -> bytes:
        raise PermissionError(key)

    monkeypatch.setattr(storage, "read", refuse)
    assert sweeping.sweep_leases() == 0
    worker.say("order.succeeded", work_item=item.pk, attempt=1, tenant="", manifest_key="")

    assert states(item) == ["running"]
    assert fresh(item).lease_expires_at > clock.now()


def test_a_result_that_a_receiver_refuses_three_times_fails_visibly(
    worker: FakeWorker, listener: Listener, ateliers: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(movement: Any) -> None:
        raise KeyError("a bug above")

    monkeypatch.setattr(listener, "succeeded", refuse)
    (item,) = submit(ateliers)
    for _ in range(3):
        dispatch()
        worker.starts(fresh(item))
        worker.succeeds(fresh(item))
        assert states(item) == ["running"]
        expire(item)
        sweeping.sweep_leases()

    assert states(item) == ["failed"]
    assert fresh(item).failure_code == "compute.result_refused"
    assert listener.words()[-1] == "failed"


def test_a_receiver_that_locks_is_asked_before_the_work_item_ends(
    worker: FakeWorker, ateliers: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    class Locker(Listener):
        def lock(self, movements: Sequence[completion.Movement]) -> None:
            with across_tenants("test"):
                subjects = [movement.subject for movement in movements]
                seen.extend(item.state for item in WorkItem.objects.filter(subject__in=subjects))

    monkeypatch.setattr(completion, "_receivers", [Locker()])
    item = dispatched(ateliers)
    worker.starts(item)
    worker.succeeds(item)

    assert seen == ["running"]


def test_progress_moves_the_bar_of_the_render_and_reads_the_row_once(
    worker: FakeWorker,
    ateliers: Tenant,
    monkeypatch: pytest.MonkeyPatch,
    django_assert_num_queries: Any,
) -> None:
    shown = []
    monkeypatch.setattr(live, "progress", lambda tenant, **facts: shown.append((tenant, facts)))
    item = dispatched(ateliers)
    worker.starts(item)
    body = {"work_item": item.pk, "attempt": 1, "tenant": "not-asked", "steps": 4, "label": "mask"}

    with django_assert_num_queries(1):
        for step in (1, 2, 3):
            worker.say("order.progress", **body, step=step, share=step / 4, preview=step - 1)
    worker.say("order.progress", **{**body, "attempt": 2}, step=4, share=1.0)

    assert [(facts["step"], facts["preview"]) for _, facts in shown] == [(1, 0), (2, 1), (3, 2)]
    assert {tenant for tenant, _ in shown} == {ateliers.pk}
    assert {facts["subject"] for _, facts in shown} == {item.subject}
