"""The demand calendar: planning, changing, canceling, and what past demand looks like."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.compute.models import DemandPeriod, WorkItem
from apps.compute.queries.foresight import effect_of
from apps.compute.queries.planning import demand_page, readable_day
from apps.core import clock
from apps.tenants.models import Tenant
from apps.tenants.scope import tenant_scope
from tests.cast import Person

pytestmark = pytest.mark.django_db

NEW = "/w/ateliers/demand/new/"


def at(days: float, hour: int = 9) -> datetime:
    moment = clock.now() + timedelta(days=days)
    return moment.replace(hour=hour, minute=0, second=0, microsecond=0)


def form(**changes: Any) -> dict[str, Any]:
    values = {
        "name": "Launch",
        "starts_at": f"{at(3):%Y-%m-%dT%H:%M}",
        "ends_at": f"{at(3, 13):%Y-%m-%dT%H:%M}",
        "renders": "4000",
        "kind": "packshot",
        "note": "",
    }
    return values | changes


def period(**changes: Any) -> DemandPeriod:
    values = {
        "name": "Launch",
        "starts_at": at(3),
        "ends_at": at(3, 13),
        "renders": 100,
        "kind": "packshot",
    }
    made: DemandPeriod = DemandPeriod.objects.create(**(values | changes))
    return made


def test_a_plan_is_kept_and_stands_in_the_calendar(in_ateliers: Tenant, as_alice: Client) -> None:
    answer = as_alice.post(NEW, form(), follow=True)

    planned = DemandPeriod.objects.get()
    assert (planned.name, planned.renders, planned.starts_at) == ("Launch", 4000, at(3))
    assert answer.redirect_chain[-1][0].endswith(f"?on={at(3):%Y-%m-%d}")
    page = answer.content.decode()
    assert "calendar__period" in page
    assert "4,000" in page


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ends_at": f"{at(2):%Y-%m-%dT%H:%M}"}, "Choose an end after the start."),
        (
            {
                "starts_at": f"{at(-2):%Y-%m-%dT%H:%M}",
                "ends_at": f"{at(-1):%Y-%m-%dT%H:%M}",
            },
            "Choose times that are still to come.",
        ),
        (
            {
                "starts_at": f"{at(120):%Y-%m-%dT%H:%M}",
                "ends_at": f"{at(121):%Y-%m-%dT%H:%M}",
            },
            "Plan at most 90 days ahead",
        ),
        ({"renders": "1000001"}, "less than or equal to 1000000"),
        ({"renders": "0"}, "greater than or equal to 1"),
        ({"starts_at": "soon"}, "Write date and time like"),
        ({"name": ""}, "This field is required."),
        ({"kind": "statue"}, "Select a valid choice."),
    ],
)
def test_what_cannot_be_planned_is_said_beside_its_field(
    as_alice: Client, in_ateliers: Tenant, changes: dict[str, str], words: str
) -> None:
    answer = as_alice.post(NEW, form(**changes))

    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert 'aria-invalid="true"' in answer.content.decode()
    assert not DemandPeriod.objects.exists()


def test_a_changed_period_replaces_the_old_one(in_ateliers: Tenant, as_alice: Client) -> None:
    old = period()

    answer = as_alice.post(f"/w/ateliers/demand/{old.pk}/", form(renders="50"))

    assert answer.status_code == 302
    [new] = DemandPeriod.objects.filter(canceled_at__isnull=True)
    assert (new.renders, new.pk == old.pk) == (50, False)


def test_a_refused_change_leaves_the_old_period_standing(
    in_ateliers: Tenant, as_alice: Client
) -> None:
    old = period()

    answer = as_alice.post(
        f"/w/ateliers/demand/{old.pk}/", form(ends_at=f"{at(110):%Y-%m-%dT%H:%M}")
    )

    assert answer.status_code == 422
    assert DemandPeriod.objects.get(canceled_at__isnull=True).pk == old.pk


def test_a_canceled_period_leaves_the_calendar(in_ateliers: Tenant, as_alice: Client) -> None:
    old = period(name="Flash sale")

    answer = as_alice.post(f"/w/ateliers/demand/{old.pk}/cancel/", follow=True)

    page = answer.content.decode()
    assert "Flash sale is no longer planned." in page
    assert "calendar__period" not in page
    assert as_alice.get(f"/w/ateliers/demand/{old.pk}/").status_code == 404


def test_a_viewer_sees_plans_and_cannot_make_any(
    in_ateliers: Tenant, vera: Person, client: Client
) -> None:
    period(name="Flash sale")
    client.force_login(vera.user)

    page = client.get("/w/ateliers/demand/").content.decode()

    assert "Flash sale" in page
    assert "demand/new/" not in page
    assert "/cancel/" not in page


def test_eves_plans_are_not_in_the_calendar(
    in_ateliers: Tenant, as_alice: Client, eve: Person
) -> None:
    with tenant_scope(eve.tenant.pk):
        period(name="Secret sale")

    assert "Secret sale" not in as_alice.get("/w/ateliers/demand/").content.decode()


def test_a_month_is_whole_weeks_from_monday(in_ateliers: Tenant) -> None:
    shown = demand_page(view="month", on=date(2026, 2, 14)).calendar

    days = [day.date for week in shown.weeks for day in week]
    assert (days[0], days[-1]) == (date(2026, 1, 26), date(2026, 3, 1))
    assert all(len(week) == 7 for week in shown.weeks)
    assert (shown.previous, shown.next) == (date(2026, 1, 1), date(2026, 3, 1))


def test_a_period_that_ends_at_midnight_does_not_reach_into_the_next_day(
    in_ateliers: Tenant,
) -> None:
    starts_at = datetime(2026, 2, 10, 9, tzinfo=UTC)
    period(starts_at=starts_at, ends_at=datetime(2026, 2, 12, 0, tzinfo=UTC))

    shown = demand_page(view="month", on=date(2026, 2, 14)).calendar

    covered = [day.date.day for week in shown.weeks for day in week if day.periods]
    assert covered == [10, 11]


@pytest.mark.parametrize("text", ["", "yesterday", "2026-02-30", "9999-01-01", "0001-01-01"])
def test_a_day_that_is_none_shows_today(text: str, in_ateliers: Tenant, as_alice: Client) -> None:
    assert readable_day(text) is None
    assert as_alice.get("/w/ateliers/demand/", {"on": text}).status_code == 200


def test_the_heat_map_counts_own_orders_by_hour_of_the_week(
    in_ateliers: Tenant, eve: Person
) -> None:
    def ordered(when: datetime, number: int) -> None:
        made = WorkItem.objects.create(
            subject=f"rnd_{number}", group="g", kind="packshot", batch_key="b", order={}
        )
        WorkItem.objects.filter(pk=made.pk).update(queued_at=when)

    monday = at(-7) - timedelta(days=at(-7).weekday())
    ordered(monday, 1)
    ordered(monday + timedelta(minutes=30), 2)
    ordered(monday - timedelta(weeks=8), 3)
    with tenant_scope(eve.tenant.pk):
        ordered(monday, 4)

    heat = demand_page(view="month", on=None).heat

    assert (heat.renders, heat.busiest) == (2, "Monday, 09:00–10:00")
    assert heat.rows[0][1][9].level == 5
    assert sum(cell.level for _name, cells in heat.rows for cell in cells) == 5


def test_the_effect_says_workers_lead_and_credits(in_ateliers: Tenant, settings: Any) -> None:
    settings.FLEET = "local"
    settings.MAX_WORKERS = {"cpu": 2}

    found = effect_of(kind="packshot", renders=4000, starts_at=at(3), ends_at=at(3, 13))

    # 4,000 × 10 s in 4 h are 2.8 erlangs: three workers are too few for one wait in twenty.
    assert found.workers == 4
    assert (found.warm_workers, found.is_capped) == (2, True)
    assert found.finish_late_seconds == pytest.approx(4000 * found.work.seconds.p50 / 2 - 14_400)
    assert found.launch_at == at(3) - timedelta(seconds=found.lead_seconds)
    assert (found.credits, found.credits_missing) == (4000, 3800)


def test_the_effect_is_shown_while_the_form_is_filled(as_alice: Client, settings: Any) -> None:
    settings.FLEET = "local"

    shown = as_alice.post("/w/ateliers/demand/effect/", form(name="")).content.decode()
    unknown = as_alice.post("/w/ateliers/demand/effect/", form(renders="")).content.decode()

    assert "warm, started" in shown
    assert "Give start, end and renders" in unknown
    # Only the first one asks by itself, or an incomplete form would ask for ever.
    assert "load," not in unknown


def test_more_plans_need_no_more_queries(in_ateliers: Tenant) -> None:
    period()
    with CaptureQueriesContext(connection) as few:
        demand_page(view="month", on=None)
    for number in range(6):
        period(name=f"Sale {number}", starts_at=at(number + 1), ends_at=at(number + 2))
    with CaptureQueriesContext(connection) as many:
        demand_page(view="month", on=None)

    assert len(many) == len(few) == 3
