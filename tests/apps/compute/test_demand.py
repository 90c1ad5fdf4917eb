"""Planned demand, past demand by the hour, and the floors that follow."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.compute.models import DemandHour, DemandPeriod, ScaleDecision, WorkerLife, WorkItem
from apps.compute.providers.base import ColdStart
from apps.compute.services import history
from apps.compute.services.demand import MAX_OPEN_PERIODS, cancel_demand, plan_demand
from apps.core import clock
from apps.core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from apps.events.models import Event
from apps.tenants.models import Tenant
from apps.tenants.scope import across_tenants, tenant_scope
from tests.apps.compute.conftest import submit
from tests.apps.compute.scaling_stage import NOON, Clock
from tests.cast import Person

pytestmark = pytest.mark.django_db
COLD = ColdStart(20.0, 40.0)


@pytest.fixture
def time_of_test(monkeypatch: pytest.MonkeyPatch) -> Clock:
    one = Clock()
    monkeypatch.setattr(timezone, "now", one)
    return one


def plan(person: Person, **changes: Any) -> DemandPeriod:
    values: dict[str, Any] = {
        "name": "Spring launch",
        "starts_at": NOON + timedelta(days=1),
        "ends_at": NOON + timedelta(days=1, hours=2),
        "renders": 400,
        "kind": "packshot",
    }
    return plan_demand(actor=person.actor, **(values | changes))


def test_alice_plans_a_launch_and_the_log_says_so(alice: Person, time_of_test: Clock) -> None:
    period = plan(alice, name="  Spring launch ", note="new mugs")

    assert (period.name, period.created_by) == ("Spring launch", str(alice.user.pk))
    with tenant_scope(alice.tenant.pk):
        event = Event.objects.get()
    assert (event.kind, event.subject, event.data) == (
        "demand.planned",
        period.pk,
        {"renders": 400},
    )


def test_ben_may_not_plan_demand_and_adam_may(
    ben: Person, adam: Person, time_of_test: Clock
) -> None:
    with pytest.raises(ForbiddenError):
        plan(ben)
    assert plan(adam).renders == 400


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"name": "  "}, "demand.name_unusable", "name"),
        ({"name": "x" * 81}, "demand.name_unusable", "name"),
        ({"note": "x" * 501}, "demand.note_too_long", "note"),
        ({"kind": "video"}, "demand.kind_unknown", "kind"),
        ({"renders": 0}, "demand.renders_out_of_range", "renders"),
        ({"renders": 1_000_001}, "demand.renders_out_of_range", "renders"),
        ({"ends_at": NOON + timedelta(days=1)}, "demand.ends_before_start", "ends_at"),
        ({"starts_at": datetime(2026, 11, 20)}, "demand.time_without_zone", "starts_at"),  # noqa: DTZ001
        (
            {"starts_at": NOON - timedelta(hours=2), "ends_at": NOON - timedelta(hours=1)},
            "demand.over_already",
            "ends_at",
        ),
        (
            {"starts_at": NOON + timedelta(days=91), "ends_at": NOON + timedelta(days=92)},
            "demand.too_far_ahead",
            "starts_at",
        ),
        ({"ends_at": NOON + timedelta(days=92)}, "demand.too_long", "ends_at"),
    ],
)
def test_what_cannot_be_planned_is_refused_with_the_field_it_is_about(
    alice: Person, time_of_test: Clock, changes: dict[str, Any], code: str, field: str
) -> None:
    with pytest.raises(InvalidError) as refused:
        plan(alice, **changes)

    assert (refused.value.code, refused.value.data["field"]) == (code, field)


def test_a_plan_may_be_canceled_once_and_not_by_others(
    alice: Person, eve: Person, time_of_test: Clock
) -> None:
    period = plan(alice)
    with pytest.raises(NotFoundError):
        cancel_demand(actor=eve.actor, period_id=period.pk)

    first = cancel_demand(actor=alice.actor, period_id=period.pk)
    time_of_test.pass_seconds(60)
    again = cancel_demand(actor=alice.actor, period_id=period.pk)

    assert first.canceled_at == again.canceled_at == NOON
    with tenant_scope(alice.tenant.pk):
        assert Event.objects.filter(kind="demand.canceled").count() == 1


def test_a_period_that_is_over_cannot_be_canceled(alice: Person, time_of_test: Clock) -> None:
    period = plan(alice)
    time_of_test.pass_seconds(3 * 86400)

    with pytest.raises(ConflictError):
        cancel_demand(actor=alice.actor, period_id=period.pk)


def test_nobody_plans_without_end(alice: Person, time_of_test: Clock) -> None:
    with tenant_scope(alice.tenant.pk):
        DemandPeriod.objects.bulk_create(
            DemandPeriod(
                tenant=alice.tenant,
                name="many",
                starts_at=NOON,
                ends_at=NOON + timedelta(hours=1),
                renders=1,
                kind="scene",
            )
            for _ in range(MAX_OPEN_PERIODS)
        )

    with pytest.raises(ConflictError):
        plan(alice)


def test_a_planned_period_becomes_a_floor_that_begins_a_cold_start_earlier(
    alice: Person, time_of_test: Clock
) -> None:
    plan(alice, starts_at=NOON + timedelta(hours=1), ends_at=NOON + timedelta(hours=2))

    (floor,) = history.planned_floors("cpu", COLD, clock.now())

    start = (NOON + timedelta(hours=1)).timestamp()
    assert (floor.starts_at, floor.ends_at) == (start - 70.0, start + 3600.0)
    assert floor.workers >= 2
    assert "400" in floor.words
    assert history.planned_floors("gpu", COLD, clock.now()) == ()


def arrive(tenant: Tenant, at: datetime, count: int, seconds: float) -> None:
    for item in submit(tenant, count):
        with across_tenants("test"):
            WorkItem.objects.filter(pk=item.pk).update(queued_at=at, service_seconds=seconds)


def test_an_hour_is_counted_with_the_workers_it_needed(
    ateliers: Tenant, time_of_test: Clock
) -> None:
    # What came shortly before is still at work when the hour begins, and counted in its own hour.
    DemandHour.objects.create(worker_class="cpu", starts_at=NOON - timedelta(hours=1))
    arrive(ateliers, NOON - timedelta(minutes=1), 3, 1.0)
    arrive(ateliers, NOON + timedelta(minutes=5), 10, 30.0)
    time_of_test.pass_seconds(3600 + 60)
    assert history.count_hours(clock.now()) == 0, "its last orders may not be committed yet"
    time_of_test.pass_seconds(120)

    assert history.count_hours(clock.now()) == 1
    assert history.count_hours(clock.now()) == 0

    hour = DemandHour.objects.get(starts_at=NOON)
    assert (hour.starts_at, hour.arrivals, hour.work_seconds) == (NOON, 10, 300.0)
    # Ten orders of 30 s at once: five workers begin the last of them after 30 s.
    assert hour.needed_workers == 5.0


def test_hours_without_work_are_counted_as_zero(ateliers: Tenant, time_of_test: Clock) -> None:
    arrive(ateliers, NOON, 1, 1.0)
    time_of_test.pass_seconds(4 * 3600)

    assert history.count_hours(clock.now()) == 3

    counted = DemandHour.objects.order_by("starts_at").values_list("arrivals", "needed_workers")
    assert list(counted) == [(1, 1.0), (0, 0.0), (0, 0.0)]


def test_old_rows_are_forgotten_and_young_ones_kept(ateliers: Tenant, time_of_test: Clock) -> None:
    for days in (13, 15):
        ScaleDecision.objects.create(
            decided_at=NOON - timedelta(days=days), worker_class="cpu", workers=0, target=0
        )
    for days in (1, 500):
        WorkerLife.objects.create(
            worker=f"w{days}",
            worker_class="cpu",
            engine="classical",
            provider="fake",
            launched_at=NOON - timedelta(days=days + 1),
            released_at=NOON - timedelta(days=days),
        )
    WorkerLife.objects.create(
        worker="alive",
        worker_class="cpu",
        engine="classical",
        provider="fake",
        launched_at=NOON - timedelta(days=900),
    )

    assert history.forget_old(clock.now()) == 2

    assert ScaleDecision.objects.count() == 1
    assert {life.worker for life in WorkerLife.objects.all()} == {"w1", "alive"}
