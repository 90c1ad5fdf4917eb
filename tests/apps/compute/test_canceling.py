"""Cancel means cancel, in every state."""

from __future__ import annotations

from typing import Any

import pytest

from apps.compute.models import FairShare
from apps.compute.relay import Relay
from apps.compute.services import intake
from apps.core import clock
from apps.tenants.models import Tenant
from apps.tenants.roles import system_actor
from apps.tenants.scope import tenant_scope
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


def cancel(tenant: Tenant, **named: Any) -> int:
    return intake.cancel(actor=system_actor(tenant.pk, "test"), **named)


def test_queued_work_is_canceled(
    redis_server: Any, listener: Listener, ateliers: Tenant, worker: FakeWorker
) -> None:
    items = submit(ateliers, 3)

    assert cancel(ateliers, group="sht_one") == 3

    assert states(*items) == ["canceled"] * 3
    assert listener.words() == ["canceled"] * 3
    assert dispatch() == 0


def test_dispatched_work_is_canceled_and_taken_out_of_the_queue(
    worker: FakeWorker, listener: Listener, ateliers: Tenant
) -> None:
    first, second = submit(ateliers, 2)
    dispatch()

    cancel(ateliers, subject=first.subject)

    assert states(first, second) == ["canceled", "dispatched"]
    assert [b["orders"][0]["work_item"] for b in queued_batches()] == [second.pk]


def test_running_work_is_canceled_and_its_report_refused(
    worker: FakeWorker, listener: Listener, ateliers: Tenant
) -> None:
    (item,) = submit(ateliers)
    dispatch()
    item = fresh(item)
    worker.starts(item)

    cancel(ateliers, group="sht_one")
    worker.beat(item)
    worker.succeeds(item)
    worker.fails(item, retryable=True)

    assert states(item) == ["canceled"]
    assert listener.words() == ["started", "canceled"]


def test_a_finished_render_stays_finished(
    worker: FakeWorker, listener: Listener, ateliers: Tenant
) -> None:
    (item,) = submit(ateliers)
    dispatch()
    worker.starts(fresh(item))
    worker.succeeds(fresh(item))

    assert cancel(ateliers, group="sht_one") == 0

    assert states(item) == ["succeeded"]
    assert listener.words() == ["started", "succeeded"]


def test_cancel_again_cancels_nothing(
    worker: FakeWorker, listener: Listener, ateliers: Tenant
) -> None:
    submit(ateliers, 2)
    cancel(ateliers, group="sht_one")

    assert cancel(ateliers, group="sht_one") == 0
    assert listener.words() == ["canceled"] * 2


def test_work_canceled_between_decision_and_dispatch_does_not_go_out(
    worker: FakeWorker, ateliers: Tenant
) -> None:
    from apps.compute.services import dispatching
    from apps.compute.snapshots import Mirror

    submit(ateliers, 1)
    mirror = Mirror()
    mirror.refresh()
    decisions = mirror.decide(clock.now().timestamp())
    cancel(ateliers, group="sht_one")

    mirror.went(decisions, dispatching.apply(decisions))

    mirror.refresh()
    assert mirror.waiting == 0

    assert queued_batches() == []
    with tenant_scope(ateliers.pk):
        assert not FairShare.objects.filter(served__gt=0).exists()


def test_another_tenants_shoot_is_not_touched(
    worker: FakeWorker, ateliers: Tenant, eve: Any
) -> None:
    (item,) = submit(ateliers)

    assert cancel(eve.tenant, group=item.group) == 0
    assert cancel(eve.tenant, subject=item.subject) == 0

    assert states(item) == ["queued"]


def test_a_canceled_item_is_not_completed_from_storage(
    worker: FakeWorker, ateliers: Tenant
) -> None:
    from apps.compute.services import execution

    (item,) = submit(ateliers)
    dispatch()
    before = fresh(item)
    write_manifest(before)
    cancel(ateliers, group="sht_one")

    assert not execution.complete_from_storage(before)
    assert states(item) == ["canceled"]


def test_canceled_work_gives_its_share_back(worker: FakeWorker, ateliers: Tenant) -> None:
    submit(ateliers)
    dispatch()

    cancel(ateliers, group="sht_one")

    with tenant_scope(ateliers.pk):
        assert FairShare.objects.get().served == pytest.approx(0.0)


@pytest.mark.parametrize("named", [{}, {"group": "g", "subject": "s"}])
def test_cancel_wants_one_name(named: dict[str, str], ateliers: Tenant) -> None:
    with pytest.raises(ValueError, match="group or a subject"):
        cancel(ateliers, **named)


def test_a_cancellation_that_is_rolled_back_leaves_the_work(
    worker: FakeWorker, ateliers: Tenant
) -> None:
    from django.db import transaction

    (item,) = submit(ateliers)
    dispatch()

    with transaction.atomic():
        cancel(ateliers, group="sht_one")
        transaction.set_rollback(True)

    assert states(item) == ["dispatched"]
    assert len(queued_batches()) == 1


def test_a_batch_stays_in_the_queue_for_what_is_still_wanted_of_it(
    relay: Relay, ateliers: Tenant
) -> None:
    lane = "render-gpu-diffusion"
    FakeWorker("gpu-1", relay).online(lane)
    first, second = submit(ateliers, 2, engine="diffusion", worker_class="gpu")
    dispatch()
    assert [len(batch["orders"]) for batch in queued_batches(lane)] == [2]

    cancel(ateliers, subject=first.subject)
    assert len(queued_batches(lane)) == 1

    cancel(ateliers, subject=second.subject)
    assert queued_batches(lane) == []
