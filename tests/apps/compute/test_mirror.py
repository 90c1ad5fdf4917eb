"""The backlog in memory follows the backlog in the database, whoever changes it."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest

from apps.compute import dispatcher, wire
from apps.compute.models import FairShare, Worker, WorkItem
from apps.compute.services import attempts, dispatching, execution, intake
from apps.compute.services.execution import Said
from apps.compute.snapshots import Mirror
from apps.compute.snapshots import mirror as mirror_module
from apps.core import clock
from apps.tenants.models import Tenant
from apps.tenants.roles import system_actor
from apps.tenants.scope import across_tenants, tenant_scope
from gpu_workers.protocol import batch_from_json
from tests.apps.compute.conftest import LANE, fresh, submit, write_manifest

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server")]


@pytest.fixture
def mirror(ateliers: Tenant) -> Mirror:
    """A mirror that has been following one worker's lane for a while."""
    enter_worker("w-1")
    one = Mirror()
    one.refresh()
    return one


def enter_worker(name: str, engine: str = "classical", worker_class: str = "cpu") -> None:
    Worker.objects.create(
        name=name,
        worker_class=worker_class,
        engine=engine,
        lane=wire.lane(worker_class, engine),
        seen_at=clock.now(),
    )


def go(mirror: Mirror) -> list[str]:
    """Dispatch once and return the items that went out."""
    decisions = dispatcher.dispatch(mirror)
    return [order.item for batch in decisions.batches for order in batch.orders]


def waiting(mirror: Mirror) -> set[str]:
    return set(mirror._rows)


def test_an_order_is_found_by_its_number(mirror: Mirror, ateliers: Tenant) -> None:
    items = submit(ateliers, 3)

    assert go(mirror) == [item.pk for item in sorted(items, key=order)[:2]]
    assert mirror.waiting == 1


def test_nothing_new_costs_five_queries_however_much_waits(
    mirror: Mirror, ateliers: Tenant, django_assert_max_num_queries: Any
) -> None:
    submit(ateliers, 60)
    go(mirror)

    with django_assert_max_num_queries(5):
        mirror.refresh()


def test_what_is_canceled_leaves(mirror: Mirror, ateliers: Tenant) -> None:
    submit(ateliers, 4, group="sho_a")
    (other,) = submit(ateliers, 1, group="sho_b")
    mirror.refresh()
    intake.cancel(actor=system_actor(ateliers.pk, "test"), group="sho_a")

    assert go(mirror) == [other.pk]
    assert mirror.waiting == 0


def test_a_failed_try_rests_and_comes_back(
    mirror: Mirror, ateliers: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    (item,) = submit(ateliers)
    go(mirror)
    fail(fresh(item))
    assert go(mirror) == []
    assert mirror.waiting == 1

    later = clock.now() + timedelta(seconds=attempts.RETRY_PAUSE_SECONDS[0] + 1)
    monkeypatch.setattr(clock, "now", lambda: later)

    assert go(mirror) == [item.pk]
    assert fresh(item).attempt == 2


def test_resting_work_that_is_canceled_never_comes_back(
    mirror: Mirror, ateliers: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    (item,) = submit(ateliers)
    go(mirror)
    fail(fresh(item))
    go(mirror)
    intake.cancel(actor=system_actor(ateliers.pk, "test"), subject=item.subject)

    later = clock.now() + timedelta(minutes=1)
    monkeypatch.setattr(clock, "now", lambda: later)

    assert go(mirror) == []


def test_work_whose_row_was_held_at_the_decision_is_looked_at_again(
    mirror: Mirror, ateliers: Tenant
) -> None:
    (item,) = submit(ateliers)
    mirror.refresh()
    decisions = mirror.decide(clock.now().timestamp())
    with across_tenants("somebody holds the row"):
        WorkItem.objects.filter(pk=item.pk).update(state="canceled")
    mirror.went(decisions, dispatching.apply(decisions))
    with across_tenants("and lets it go"):
        WorkItem.objects.filter(pk=item.pk).update(state="queued")

    assert go(mirror) == [item.pk]
    with tenant_scope(ateliers.pk):
        counter = mirror._desks["cpu"].counters()[ateliers.pk]
        assert FairShare.objects.get().served == pytest.approx(counter)


def test_a_counter_that_a_report_has_moved_is_followed(mirror: Mirror, ateliers: Tenant) -> None:
    (item,) = submit(ateliers)
    go(mirror)
    write_manifest(fresh(item), seconds=30.0)
    execution.take_in([Said("succeeded", item.pk, 1, "w-1")])

    mirror.refresh()

    assert mirror._desks["cpu"].counters()[ateliers.pk] == pytest.approx(30.0)


def test_the_lane_of_the_first_worker_of_an_engine_is_read(
    mirror: Mirror, ateliers: Tenant
) -> None:
    Worker.objects.all().delete()
    (item,) = submit(ateliers)
    assert go(mirror) == []

    enter_worker("w-2")

    assert go(mirror) == [item.pk]


def test_a_row_that_nobody_numbered_is_found_by_counting(
    mirror: Mirror, ateliers: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    (item,) = submit(ateliers)
    with across_tenants("by hand, past the services"):
        WorkItem.objects.filter(pk=item.pk).update(line_change=0)
        FairShare.objects.update(line_changes=0)
    monkeypatch.setattr(mirror_module, "_COUNT_SECONDS", 0.0)

    for _ in range(mirror_module._DOUBTS):
        assert go(mirror) == []

    assert go(mirror) == [item.pk]


def test_work_in_flight_keeps_its_place_when_everything_is_read_anew(
    mirror: Mirror, ateliers: Tenant
) -> None:
    submit(ateliers, 6)
    assert len(go(mirror)) == 2

    mirror.forget()

    assert go(mirror) == []


def test_a_new_plan_changes_the_weight(
    mirror: Mirror, ateliers: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    from apps.billing.models import CreditAccount

    submit(ateliers)
    mirror.refresh()
    with tenant_scope(ateliers.pk):
        CreditAccount.objects.update(plan_slug="studio")
    monkeypatch.setattr(mirror_module, "_REFRESH_SECONDS", 0.0)

    mirror.refresh()

    assert mirror._desks["cpu"]._accounts[ateliers.pk].weight == 8.0


def test_one_decision_sends_out_no_more_than_a_transaction_can_write(
    mirror: Mirror, ateliers: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror_module, "MOST_BATCHES", 3)
    for number in range(2, 6):
        enter_worker(f"w-{number}")
    submit(ateliers, 20)

    assert len(go(mirror)) == 3
    assert len(go(mirror)) == 3


@pytest.mark.parametrize("seed", range(3))
def test_a_mirror_that_followed_equals_one_that_reads_anew(
    mirror: Mirror, ateliers: Tenant, eve: Any, seed: int
) -> None:
    chance = random.Random(seed)
    enter_worker("w-2")
    tenants = [ateliers, eve.tenant]

    for _ in range(40):
        happen(chance, tenants, mirror)
        mirror.refresh()
        anew = Mirror()
        anew.refresh()
        assert waiting(mirror) == waiting(anew)
        assert mirror._flights.by_lane() == anew._flights.by_lane()
        assert mirror._served == pytest.approx(anew._served)
        ours, theirs = (one._desks["cpu"].counters() for one in (mirror, anew))
        assert all(ours[tenant] >= theirs[tenant] - 1e-6 for tenant in theirs)


def happen(chance: random.Random, tenants: list[Tenant], mirror: Mirror) -> None:
    """Let one of the things happen that change the backlog."""
    tenant = chance.choice(tenants)
    with across_tenants("test"):
        flying = list(WorkItem.objects.filter(state="dispatched").order_by("id"))
    what = chance.choice(["order", "dispatch", "succeed", "fail", "release", "cancel"])
    if what == "order":
        submit(tenant, chance.randint(1, 4), group=f"sho_{chance.randint(1, 3)}")
    elif what == "dispatch":
        go(mirror)
    elif what == "cancel":
        group = f"sho_{chance.randint(1, 3)}"
        intake.cancel(actor=system_actor(tenant.pk, "test"), group=group)
    elif flying and what == "succeed":
        item = chance.choice(flying)
        write_manifest(item, seconds=chance.uniform(0.5, 9.0))
        execution.take_in([Said("succeeded", item.pk, item.attempt, "w-1")])
    elif flying and what == "fail":
        fail(chance.choice(flying))
    elif flying:
        item = chance.choice(flying)
        execution.take_in([Said("released", item.pk, item.attempt, "w-1")])


def fail(item: WorkItem) -> None:
    execution.take_in(
        [Said("failed", item.pk, item.attempt, "w-1", code="engine.crashed", retryable=True)]
    )


def order(item: WorkItem) -> tuple[Any, str]:
    return item.queued_at, item.pk


def test_a_batch_is_written_as_the_worker_reads_it(ateliers: Tenant) -> None:
    (item,) = submit(ateliers)
    row = wire.OrderRow(item.pk, 3, ateliers.pk, fresh(item).order)

    text = wire.batch_json(wire.OutgoingBatch("bat_1", LANE, 90.0, [row]))

    batch = batch_from_json(text)
    assert (batch.batch, batch.lane, batch.deadline_seconds) == ("bat_1", LANE, 90.0)
    (read,) = batch.orders
    assert (read.work_item, read.attempt, read.tenant) == (item.pk, 3, ateliers.pk)
    assert read.scene.to_json() == item.order["scene"]
    assert read.result_prefix == f"renders/{ateliers.pk}/{item.pk}/3/"


LARGE = {"engine": "diffusion", "worker_class": "gpu-large"}
SMALL = {"engine": "diffusion", "worker_class": "gpu"}


@pytest.fixture
def two_classes(ateliers: Tenant) -> Mirror:
    """A mirror of one small and one large worker that run the same engine."""
    enter_worker("small", **SMALL)
    enter_worker("large", **LARGE)
    one = Mirror()
    one.refresh()
    return one


def sent(mirror: Mirror) -> list[tuple[str, str]]:
    """Dispatch once and return lanes and items that went out."""
    decisions = dispatcher.dispatch(mirror)
    return [(batch.lane, order.item) for batch in decisions.batches for order in batch.orders]


def submit_singly(tenant: Tenant, count: int, **changes: Any) -> list[WorkItem]:
    """Submit work of which no two may run together."""
    sides = (2 ** (number + 6) for number in range(count))
    canvases = ([{"name": "shop", "width_px": side, "height_px": side}] for side in sides)
    return [submit(tenant, outputs=canvas, **changes)[0] for canvas in canvases]


def test_an_idle_larger_worker_takes_over_what_the_smaller_cannot_begin(
    two_classes: Mirror, ateliers: Tenant
) -> None:
    first, second, third, fourth = submit_singly(ateliers, 4, **SMALL)
    small, large = "render-gpu-diffusion", "render-gpu-large-diffusion"

    assert sent(two_classes) == [(small, first.pk), (small, second.pk)]
    assert fresh(third).worker_class == "gpu-large"
    assert sent(two_classes) == [(large, third.pk)]

    # One is running there; the large worker's lead is for work of its own.
    assert sent(two_classes) == []
    assert fresh(fourth).worker_class == "gpu"
    with across_tenants("test"):
        served = dict(FairShare.objects.values_list("worker_class", "served"))
    assert served["gpu-large"] > 0


def test_a_larger_worker_that_expects_work_of_its_own_keeps_free(
    two_classes: Mirror, ateliers: Tenant
) -> None:
    submit(ateliers, 9, group="sho_own", **LARGE)
    two_classes.refresh()
    intake.cancel(actor=system_actor(ateliers.pk, "test"), group="sho_own")
    items = submit_singly(ateliers, 4, **SMALL)

    sent(two_classes)

    assert {fresh(item).worker_class for item in items} == {"gpu"}


def test_work_that_is_canceled_while_it_goes_over_is_left_alone(
    two_classes: Mirror, ateliers: Tenant
) -> None:
    *_, last = submit_singly(ateliers, 3, **SMALL)
    two_classes.refresh()
    decisions = two_classes.decide(clock.now().timestamp())
    assert [move.item for move in decisions.moves] == [last.pk]
    intake.cancel(actor=system_actor(ateliers.pk, "test"), subject=last.subject)

    two_classes.went(decisions, dispatching.apply(decisions))

    assert fresh(last).worker_class == "gpu"
    assert sent(two_classes) == []
    assert two_classes.waiting == 0
