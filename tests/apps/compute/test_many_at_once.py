"""Many moves at once: as few transactions as possible, each item as if it were alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.billing import credits as settling
from apps.billing.credits import capture, hold, release
from apps.billing.models import CreditAccount, LedgerEntry
from apps.compute import completion, wire
from apps.compute.models import Worker, WorkItem
from apps.compute.relay import Relay
from apps.compute.services import execution, intake
from apps.compute.services.execution import Said
from apps.core import clock, queue
from apps.events import live
from apps.tenants.models import Tenant
from apps.tenants.roles import system_actor
from apps.tenants.scope import tenant_scope
from gpu_workers.protocol import Report
from tests.apps.compute.conftest import (
    LANE,
    Listener,
    dispatch,
    fresh,
    states,
    submit,
    write_manifest,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server")]


@pytest.fixture
def flying(ateliers: Tenant, eve: Any, listener: Listener) -> list[WorkItem]:
    """Six items of two tenants in flight, their results in storage."""
    for number in range(3):
        Worker.objects.create(
            name=f"w-{number}",
            worker_class="cpu",
            engine="classical",
            lane=LANE,
            seen_at=clock.now(),
        )
    items = [*submit(ateliers, 3), *submit(eve.tenant, 3)]
    assert dispatch() == 6
    for item in items:
        write_manifest(fresh(item))
    return [fresh(item) for item in items]


def said(word: Any, items: Sequence[WorkItem]) -> list[Said]:
    return [Said(word, item.pk, item.attempt, "w-0") for item in items]


def test_what_is_said_of_an_item_is_heard_in_its_order(
    flying: list[WorkItem], listener: Listener
) -> None:
    both = [
        one
        for pair in zip(said("started", flying), said("succeeded", flying), strict=True)
        for one in pair
    ]

    assert execution.take_in(both) == 12

    assert set(states(*flying)) == {"succeeded"}
    for item in flying:
        heard = [word for word, told in listener.heard if told.subject == item.subject]
        assert heard == ["started", "succeeded"]


def test_a_success_said_twice_at_once_happens_once(
    flying: list[WorkItem], listener: Listener
) -> None:
    assert execution.take_in([*said("succeeded", flying), *said("succeeded", flying)]) == 6

    assert listener.words() == ["succeeded"] * 6


def test_a_receiver_hears_of_one_tenant_at_a_time(
    flying: list[WorkItem], listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[set[str]] = []
    monkeypatch.setattr(
        listener, "succeeded", lambda told: calls.append({one.tenant for one in told})
    )

    execution.take_in(said("succeeded", flying))

    assert sorted(len(tenants) for tenants in calls) == [1, 1]


def test_twice_the_reports_need_no_more_queries(ateliers: Tenant, flying: list[WorkItem]) -> None:
    mine = [item for item in flying if item.tenant_id == ateliers.pk]

    with CaptureQueriesContext(connection) as few:
        execution.take_in(said("started", mine[:1]))
    with CaptureQueriesContext(connection) as many:
        execution.take_in(said("started", mine[1:]))

    assert len(many) == len(few)


def test_a_stale_report_among_others_changes_nothing(
    flying: list[WorkItem], listener: Listener
) -> None:
    stale = Said("succeeded", flying[0].pk, 7, "w-0")

    execution.take_in([stale, *said("succeeded", flying[1:])])

    assert states(flying[0]) == ["dispatched"]
    assert len(listener.heard) == 5


def test_one_report_that_a_receiver_refuses_does_not_spoil_the_others(
    flying: list[WorkItem], listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = flying[2]
    hear = listener.succeeded

    def refuse(movements: Sequence[completion.Movement]) -> None:
        if any(movement.subject == bad.subject for movement in movements):
            raise KeyError("a bug above")
        hear(movements)

    monkeypatch.setattr(listener, "succeeded", refuse)
    relay = Relay()
    relay.prepare()
    with queue.connection() as client:
        for item in flying:
            body = {"work_item": item.pk, "attempt": item.attempt, "tenant": item.tenant_id}
            report = Report(kind="order.succeeded", worker="w-0", body=body)
            client.xadd(wire.REPORT_STREAM, report.to_fields())

    relay.step()

    assert states(bad) == ["dispatched"]
    assert states(*(item for item in flying if item is not bad)) == ["succeeded"] * 5
    with queue.connection() as client:
        assert client.xpending(wire.REPORT_STREAM, "relay")["pending"] == 0


def test_a_shoot_of_any_size_is_canceled_with_the_same_queries(
    ateliers: Tenant, listener: Listener
) -> None:
    counts = []
    for group, renders in (("sho_small", 2), ("sho_large", 40)):
        items = submit(ateliers, renders, group=group)
        with CaptureQueriesContext(connection) as queries:
            intake.cancel(actor=system_actor(ateliers.pk, "test"), group=group)
        counts.append(len(queries))
        assert set(states(*items)) == {"canceled"}

    assert counts[0] == counts[1]


def test_hints_of_one_reading_leave_together_and_in_order(
    flying: list[WorkItem], monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[list[str]] = []

    async def note(hints: Any) -> None:
        sent.append([message["id"] for _, message in hints])

    monkeypatch.setattr(live, "_group_send", note)
    line = live.StandingLine()

    with line.gathering():
        for name in ("a", "b", "c"):
            live.progress("t", subject=name, step=1, steps=2, label="", share=0.5)
        assert sent == []

    assert sent == [["a", "b", "c"]]


def test_jobs_enter_their_queues_together_and_in_order() -> None:
    jobs = [
        queue.NewJob(LANE, "apps.x.jobs.y", (number,), timeout_seconds=9, job_id=f"job-{number}")
        for number in range(3)
    ]

    queue.enqueue_many(jobs)

    with queue.connection() as client:
        assert client.lrange(f"rq:queue:{LANE}", 0, -1) == ["job-0", "job-1", "job-2"]


def test_settling_many_tells_which_were_not_settled_before(ateliers: Tenant) -> None:
    with tenant_scope(ateliers.pk):
        CreditAccount.objects.update(available=10, reserved=0)
        hold(tenant=ateliers.pk, subjects=["a", "b", "c"], credits_each=2)
        assert capture(tenant=ateliers.pk, subjects=["b"]) == {"b"}

        assert release(tenant=ateliers.pk, subjects=["a", "b", "c", "c", "unheld"]) == {"a", "c"}

        account = CreditAccount.objects.get()
        assert (account.available, account.reserved) == (8, 0)
        assert LedgerEntry.objects.filter(kind="release").count() == 2


def test_a_settlement_that_somebody_else_makes_at_the_same_moment_is_made_once(
    ateliers: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tenant_scope(ateliers.pk):
        CreditAccount.objects.update(available=10, reserved=0)
        hold(tenant=ateliers.pk, subjects=["a", "b"], credits_each=1)
        write = settling._write_settlement
        others = iter([True])

        def interfere(tenant: str, amounts: Any, kind: Any) -> None:
            if next(others, False):
                write(tenant, {"a": 1}, LedgerEntry.Kind.CAPTURE)
            write(tenant, amounts, kind)

        monkeypatch.setattr(settling, "_write_settlement", interfere)

        settled = release(tenant=ateliers.pk, subjects=["a", "b"])

        # What the other one wrote went back with the first try, so both are ours.
        assert settled == {"a", "b"}
        assert CreditAccount.objects.get().reserved == 0
