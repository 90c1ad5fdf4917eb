"""The autoscaler on a real database: what it launches, drains, believes and records."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.billing.plans import PLANS
from apps.compute import holds, scale_views
from apps.compute.autoscaler import packshot_policy
from apps.compute.models import DemandHour, FairShare, Worker, WorkerLife, WorkItem
from apps.compute.policy.scale_log import reasons_of, view_of
from apps.compute.services import demand, scaling
from apps.compute.services import fleet as fleet_rows
from apps.compute.services.leadership import Leadership
from apps.core import clock, queue
from apps.tenants.models import Tenant
from apps.tenants.scope import tenant_scope
from tests.apps.compute.conftest import fresh, submit
from tests.apps.compute.scaling_stage import NOON, Clock, Stage, begin, end
from tests.cast import Person, workspace
from tests.fakes.fleet import FakeFleet
from tests.fakes.scalers import Recorded

pytestmark = pytest.mark.django_db


@pytest.fixture
def time_of_test(monkeypatch: pytest.MonkeyPatch) -> Clock:
    one = Clock()
    monkeypatch.setattr(timezone, "now", one)
    return one


@pytest.fixture
def stage(time_of_test: Clock, settings: Any) -> Stage:
    settings.MIN_WORKERS = {}
    settings.MAX_WORKERS = {}
    return Stage(time_of_test)


def test_work_starts_as_many_workers_as_it_asks_for(stage: Stage, ateliers: Tenant) -> None:
    submit(ateliers, 5)

    stage.look()

    assert len(stage.fleet.running) == 3
    assert {life.worker for life in stage.lives()} == set(stage.fleet.running)
    life = stage.lives()[0]
    assert (life.provider, life.launched_at, life.price_minor_per_hour) == ("fake", NOON, 360.0)


def test_workers_that_are_starting_count_so_nothing_is_launched_twice(
    stage: Stage, ateliers: Tenant
) -> None:
    submit(ateliers, 5)

    stage.look()
    stage.look(after=5)

    assert stage.fleet.asked == [("launch", 3)]


def test_a_cold_start_is_learned_from_the_first_five_workers_on(
    stage: Stage, ateliers: Tenant
) -> None:
    submit(ateliers, 10)
    stage.look()
    assert stage.decisions()[-1].view["cold_start_p50"] == 20.0

    stage.clock.pass_seconds(7)
    stage.come_online()
    stage.look()
    stage.scaler = stage.another_leader()
    stage.look(after=300)

    assert stage.decisions()[-1].view["cold_start_p50"] == 7.0


def test_an_idle_worker_is_drained_marked_and_then_released(stage: Stage, ateliers: Tenant) -> None:
    (name,) = stage.workers(1)

    stage.look(after=301)

    assert stage.fleet.asked == [("drain", name)]
    assert Worker.objects.get().state == "draining"
    fleet_rows.record_beat(worker=name, state="idle")
    assert Worker.objects.get().state == "draining", "its own beats hear of it later"

    stage.lose(name)
    stage.look(after=10)

    (life,) = stage.lives()
    assert life.end == "drained"
    assert life.released_at == clock.now()


def test_a_worker_that_was_not_told_to_drain_is_told_again(stage: Stage) -> None:
    (name,) = stage.workers(1)
    scaling.drain(stage.fleet, [name], now=clock.now())
    stage.fleet.running[name] = stage.fleet.running[name].__class__(
        name, "cpu", "classical", "running", NOON
    )
    stage.fleet.asked.clear()

    stage.look(after=5)
    assert stage.fleet.asked == []
    stage.look(after=6)
    assert stage.fleet.asked == [("drain", name)]


def test_a_busy_worker_is_not_drained(stage: Stage, ateliers: Tenant) -> None:
    (name,) = stage.workers(1)
    (item,) = submit(ateliers)
    begin(item, name)

    stage.look(after=1000)

    assert stage.fleet.asked == []


def test_a_worker_that_waited_for_a_machine_is_entered_with_its_place(stage: Stage) -> None:
    (name,) = stage.workers(1)

    stage.fleet.running[name] = replace(stage.fleet.running[name], place="10.0.0.7")
    stage.look(after=5)

    assert [life.place for life in stage.lives()] == ["10.0.0.7"]


def test_a_crash_between_row_and_launch_leaves_a_row_that_costs_nothing(
    stage: Stage, ateliers: Tenant
) -> None:
    submit(ateliers, 2)
    stage.fleet.dies_at_launch = True
    with pytest.raises(KeyboardInterrupt):
        stage.look()
    stage.fleet.dies_at_launch = False

    stage.scaler = stage.another_leader()
    stage.look(after=5)
    assert stage.fleet.asked == [], "it may still appear"
    stage.look(after=16)

    first, second = stage.lives()
    assert (first.end, first.price_minor(clock.now())) == ("never_came", 0.0)
    assert second.worker in stage.fleet.running


def test_a_fleet_whose_hand_is_slow_gets_its_own_time_to_show_a_launch(
    stage: Stage, ateliers: Tenant
) -> None:
    submit(ateliers, 2)
    stage.fleet.refuses, stage.fleet.listed_within_seconds = 6, 120.0

    for _ in range(20):
        stage.look(after=5)
    assert {life.end for life in stage.lives()} == {""}, "100 s later they may still appear"

    for _ in range(6):
        stage.look(after=5)
    assert "never_came" in {life.end for life in stage.lives()}


def test_a_launch_that_is_refused_is_tried_again_after_a_growing_pause(
    stage: Stage, ateliers: Tenant
) -> None:
    submit(ateliers, 4)
    stage.fleet.refuses = 6

    for _ in range(14):
        stage.look(after=5)
        assert sum(life.released_at is None for life in stage.lives()) <= 2

    assert len(stage.fleet.running) == 0
    assert {life.end for life in stage.lives()} == {"never_came", ""}
    for _ in range(60):
        stage.look(after=5)
        stage.come_online()
    assert len(stage.fleet.running) == 2


def test_a_worker_that_never_becomes_ready_is_ended_and_launching_pauses(
    stage: Stage, ateliers: Tenant
) -> None:
    submit(ateliers, 2)
    stage.look()
    (name,) = stage.fleet.running

    stage.look(after=121)

    assert ("terminate", name) in stage.fleet.asked
    assert stage.lives()[0].end == "never_came"
    assert stage.lives()[0].paid_seconds(clock.now()) == 121
    assert "hold" in stage.parts()
    assert len(stage.lives()) == 1
    stage.look(after=6)
    assert len(stage.lives()) == 2


def test_a_worker_that_was_ended_and_is_still_listed_is_ended_again_and_not_met_anew(
    stage: Stage, ateliers: Tenant
) -> None:
    submit(ateliers, 2)
    stage.look()
    ((name, lingering),) = stage.fleet.running.items()
    stage.look(after=121)
    stage.fleet.running[name] = lingering

    stage.look(after=2)

    assert stage.fleet.asked.count(("terminate", name)) == 2
    assert len(stage.lives()) == 1


def test_a_worker_that_vanishes_gives_its_work_back_at_once(stage: Stage, ateliers: Tenant) -> None:
    (name,) = stage.workers(1)
    (item,) = submit(ateliers)
    begin(item, name)
    stage.look()

    stage.lose(name)
    stage.look(after=1)

    assert stage.lives()[0].end == "lost"
    assert Worker.objects.get(pk=name).state == "gone"
    lease = fresh(item).lease_expires_at
    assert lease is not None
    assert lease <= clock.now()


def test_a_worker_that_fell_silent_but_is_listed_is_ended_and_not_counted_on(
    stage: Stage, ateliers: Tenant
) -> None:
    (name,) = stage.workers(1)
    Worker.objects.update(state="gone")
    submit(ateliers, 2)

    stage.look(after=5, beating=False)
    assert stage.fleet.asked == [("launch", 1)]
    stage.look(after=130, beating=False)

    assert ("terminate", name) in stage.fleet.asked
    assert stage.lives()[0].end == "terminated"


def test_a_fleet_that_does_not_answer_is_left_as_it_is_and_then_found_again(
    stage: Stage, ateliers: Tenant
) -> None:
    stage.workers(2)
    stage.fleet.is_away = True
    submit(ateliers, 20)

    stage.look(after=5)
    stage.look(after=61)

    assert stage.parts() == ["stale"]
    assert stage.decisions()[-1].target == 2
    assert [life.end for life in stage.lives() if life.released_at] == []

    stage.fleet.is_away = False
    stage.look(after=5)
    assert len(stage.fleet.running) == 10


def test_nothing_is_decided_before_the_fleet_has_ever_answered(
    time_of_test: Clock, settings: Any, ateliers: Tenant
) -> None:
    stage = Stage(time_of_test, FakeFleet(is_away=True))
    submit(ateliers, 20)

    stage.look()
    assert stage.lives() == []

    stage.fleet.is_away = False
    stage.look(after=5)
    assert len(stage.lives()) == 10


def test_workers_that_nobody_hears_are_neither_drained_nor_joined_by_others(
    stage: Stage, ateliers: Tenant
) -> None:
    stage.workers(2)
    submit(ateliers, 20)

    stage.look(after=61, beating=False)

    assert stage.fleet.asked == []
    assert stage.parts() == ["stale"]
    stage.look(after=1)
    assert stage.fleet.asked == [("launch", 8)]


def test_a_second_leader_takes_over_without_launching_or_draining_anything(
    stage: Stage, ateliers: Tenant
) -> None:
    items = submit(ateliers, 6)
    stage.look()
    names = sorted(stage.fleet.running)
    stage.clock.pass_seconds(20)
    stage.come_online()
    begin(items[0], names[0])

    second = stage.another_leader()
    second.look()
    stage.scaler.look()
    second.look()

    assert stage.fleet.asked == [("launch", 3)]
    assert len(stage.lives()) == 3


def test_a_fleet_that_names_its_workers_itself_is_matched_with_its_launches(
    stage: Stage, ateliers: Tenant
) -> None:
    stage.fleet.names_its_own = True
    submit(ateliers, 4)

    stage.look()
    stage.look(after=5)
    stage.look(after=30)

    assert stage.fleet.asked == [("launch", 2)]
    assert sorted((life.worker, life.launched_at) for life in stage.lives()) == [
        ("pod-0", NOON),
        ("pod-1", NOON),
    ]


def test_a_worker_that_others_launched_is_entered_and_one_the_fleet_does_not_know_is_spared(
    stage: Stage,
) -> None:
    stage.fleet.add("by-hand", NOON - timedelta(hours=1))
    stage.come_online("by-hand", "stranger")
    stage.look()

    assert [(life.worker, life.launched_at) for life in stage.lives()] == [
        ("by-hand", NOON - timedelta(hours=1))
    ]
    stage.look(after=400)

    assert stage.fleet.asked == [("drain", "by-hand")]


def test_a_worker_that_a_spot_notice_drains_is_marked_at_once(stage: Stage) -> None:
    (name,) = stage.workers(1)
    stage.fleet.drain(name)

    stage.look(after=5)

    assert Worker.objects.get().state == "draining"
    assert stage.lives()[0].drain_asked_at == clock.now()


def test_the_least_number_is_kept_even_without_work(stage: Stage, settings: Any) -> None:
    settings.MIN_WORKERS = {"cpu": 2}

    stage.look()

    assert len(stage.fleet.running) == 2
    assert stage.parts() == ["load", "floor"]


def test_workers_that_a_plan_reserves_are_kept_warm_in_the_classes_its_tenants_use(
    stage: Stage, ateliers: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    contract = replace(PLANS["studio"], slug="contract", reserved_workers=3)
    monkeypatch.setitem(PLANS, "contract", contract)
    tenant = workspace("contract", "Contract", plan="contract")
    stage.look()
    assert len(stage.fleet.running) == 0

    with tenant_scope(tenant.pk):
        FairShare.objects.create(worker_class="cpu")
    stage.look(after=5)

    assert len(stage.fleet.running) == 3


def test_no_more_are_launched_than_configured_or_carried(
    stage: Stage, ateliers: Tenant, settings: Any
) -> None:
    settings.MAX_WORKERS = {"cpu": 4}
    submit(ateliers, 50)
    stage.look()
    assert len(stage.fleet.running) == 4

    settings.MAX_WORKERS = {"cpu": 40}
    stage.look(after=5)
    assert len(stage.fleet.running) == stage.fleet.most


def test_one_tenants_flood_starts_no_more_than_its_cap(
    stage: Stage, ateliers: Tenant, settings: Any
) -> None:
    settings.MAX_WORKERS_PER_TENANT = 2
    submit(ateliers, 50)

    stage.look()
    assert len(stage.fleet.running) == 2

    submit(workspace("elsewhere", "Elsewhere"), 50)
    stage.look(after=5)
    assert len(stage.fleet.running) == 4


def test_a_budget_that_is_used_up_starts_nobody_and_lets_workers_go(
    stage: Stage, ateliers: Tenant, settings: Any
) -> None:
    settings.MIN_WORKERS = {"cpu": 1}
    names = stage.workers(2)
    settings.WORKER_BUDGET_SECONDS_PER_HOUR = 600.0
    submit(ateliers, 10)

    stage.look(after=300)

    assert [what for what, _ in stage.fleet.asked] == ["drain", "drain"]
    assert {name for _, name in stage.fleet.asked} == set(names)
    assert stage.parts()[-1] == "budget"


def test_a_low_budget_asks_trial_and_bulk_work_for_patience(
    stage: Stage, settings: Any, ateliers: Tenant
) -> None:
    settings.TARGET_WAIT_SECONDS = 30.0
    pro = workspace("pro", "Pro", plan="pro")
    stage.workers(1)
    settings.WORKER_BUDGET_SECONDS_PER_HOUR = 250.0
    for tenant, urgency in ((ateliers, "interactive"), (pro, "bulk"), (pro, "interactive")):
        submit(tenant, 1, urgency=urgency)

    stage.clock.pass_seconds(100)
    stage.look(after=90)

    waited = [clock.now().timestamp() - since for since, _ in stage.decisions()[-1].view["queued"]]
    assert sorted(waited) == [130.0, 130.0, 190.0]


def test_planned_demand_has_its_workers_ready_and_then_lets_them_go(
    stage: Stage, alice: Person
) -> None:
    begins = NOON + timedelta(hours=2)
    demand.plan_demand(
        actor=alice.actor,
        name="Launch",
        starts_at=begins,
        ends_at=begins + timedelta(hours=1),
        renders=900,
        kind="packshot",
    )

    stage.look()
    assert len(stage.fleet.running) == 0
    stage.look(after=7200 - 75)
    assert len(stage.fleet.running) == 0

    stage.look(after=10)

    assert stage.parts()[-1] == "calendar"
    assert len(stage.fleet.running) == stage.decisions()[-1].target > 2


def test_canceled_demand_starts_nobody(stage: Stage, alice: Person) -> None:
    period = demand.plan_demand(
        actor=alice.actor,
        name="Launch",
        starts_at=NOON,
        ends_at=NOON + timedelta(hours=1),
        renders=900,
        kind="packshot",
    )
    demand.cancel_demand(actor=alice.actor, period_id=period.pk)

    stage.look()

    assert stage.fleet.asked == []


@pytest.mark.parametrize(("mode", "workers"), [("shadow", 0), ("on", 4), ("off", 0)])
def test_a_forecast_acts_only_when_it_is_trusted(
    stage: Stage, settings: Any, mode: str, workers: int
) -> None:
    settings.FORECAST = mode
    for week in (1, 2):
        DemandHour.objects.create(
            worker_class="cpu", starts_at=NOON - timedelta(weeks=week), needed_workers=4.0
        )

    stage.look()

    assert len(stage.fleet.running) == workers
    recorded = {"shadow": "forecast, on trial", "on": "forecast", "off": "load"}
    assert stage.parts()[-1] == recorded[mode]


def test_a_worker_whose_pictures_are_being_looked_at_stays_warm(
    stage: Stage, ateliers: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = {"sht_proof"}
    monkeypatch.setattr(holds, "_sources", [lambda groups: frozenset(waiting & set(groups))])
    first, second = stage.workers(2)
    for name, group in ((first, "sht_proof"), (second, "sht_other")):
        stage.clock.pass_seconds(1)
        end(submit(ateliers, group=group)[0], name, 1.0)
    stage.look()
    stage.make_policy = lambda: None  # type: ignore[assignment,return-value]
    for policy in stage.scaler._policies.values():
        policy.idle_seconds = 10.0  # type: ignore[attr-defined]

    stage.look(after=60)
    assert stage.fleet.asked == [("drain", second)]

    waiting.clear()
    stage.look(after=60)
    assert stage.fleet.asked == [("drain", second), ("drain", first)]


def test_a_life_ends_with_the_farewell_not_when_somebody_looked(stage: Stage) -> None:
    name = stage.workers(1)[0]
    stage.clock.pass_seconds(10)
    fleet_rows.record_offline(worker=name)
    left_at = clock.now()
    stage.lose(name)

    stage.look(after=4)

    (life,) = stage.lives()
    assert life.released_at == left_at


def test_of_many_proofs_under_review_one_worker_of_the_lane_stays_warm(
    stage: Stage, ateliers: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holds, "_sources", [frozenset])
    names = stage.workers(3)
    for number, name in enumerate(names):
        stage.clock.pass_seconds(1)
        end(submit(ateliers, group=f"sht_{number}")[0], name, 1.0)

    assert scale_views.held_workers(clock.now()) == {names[2]}
    stage.clock.pass_seconds(scale_views.HOLD_SECONDS + 1)
    assert scale_views.held_workers(clock.now()) == set()


def test_decisions_about_a_static_fleet_are_only_recorded(
    time_of_test: Clock, settings: Any, ateliers: Tenant
) -> None:
    settings.MIN_WORKERS = {}
    stage = Stage(time_of_test, FakeFleet(name="static"))
    stage.fleet.add("by-hand", NOON)
    stage.come_online("by-hand")
    submit(ateliers, 9)

    stage.look()

    (decision,) = stage.decisions()
    assert (decision.is_shadow, decision.target, decision.launched) == (True, 5, 0)
    assert stage.fleet.asked == []
    assert [life.worker for life in stage.lives()] == ["by-hand"]


def test_a_decision_is_logged_when_it_changes_and_every_five_minutes(
    stage: Stage, ateliers: Tenant
) -> None:
    for _ in range(13):
        stage.look(after=5)
    assert len(stage.decisions()) == 1

    submit(ateliers, 2)
    stage.look(after=5)
    assert len(stage.decisions()) == 2

    for _ in range(61):
        stage.come_online()
        stage.look(after=5)
    assert len(stage.decisions()) == 3


def test_a_policy_hears_everything_once_in_the_order_of_time(
    stage: Stage, ateliers: Tenant
) -> None:
    (name,) = stage.workers(1)
    (item,) = submit(ateliers)
    stage.look(after=1)
    begin(item, name)
    stage.look(after=2)
    end(item, name, 3.0)
    for _ in range(10):
        stage.look(after=4)

    (policy,) = stage.scaler._policies.values()
    heard = policy.heard  # type: ignore[attr-defined]

    assert [what for what, _, _ in heard] == ["arrived", "started", "finished"]
    assert [at for _, at, _ in heard] == sorted(at for _, at, _ in heard)


def test_what_is_committed_late_is_still_told(stage: Stage, ateliers: Tenant) -> None:
    stage.look()
    stage.look(after=10)
    (item,) = submit(ateliers)
    WorkItem._base_manager.filter(pk=item.pk).update(queued_at=clock.now() - timedelta(seconds=12))

    stage.look(after=1)
    stage.look(after=1)

    (policy,) = stage.scaler._policies.values()
    assert [what for what, _, _ in policy.heard] == ["arrived"]  # type: ignore[attr-defined]


def test_a_new_leader_tells_its_policies_of_the_last_day(stage: Stage, ateliers: Tenant) -> None:
    (name,) = stage.workers(1)
    for _ in range(3):
        (item,) = submit(ateliers)
        end(item, name, 2.0)
        stage.clock.pass_seconds(3600)

    second = stage.another_leader()
    second.look()

    (policy,) = second._policies.values()
    heard = [what for what, _, _ in policy.heard]  # type: ignore[attr-defined]
    assert heard.count("finished") == 3


def test_a_new_policy_is_shown_its_largest_fleet_before_it_hears_of_the_last_day(
    stage: Stage, ateliers: Tenant
) -> None:
    submit(ateliers, 3)
    stage.clock.pass_seconds(3600)
    recorded = Recorded(packshot_policy())
    stage.make_policy = lambda: recorded

    stage.another_leader()

    day_before = (clock.now() - timedelta(days=1)).timestamp()
    assert [what for what, _ in recorded.calls] == ["decide", "arrived", "arrived", "arrived"]
    assert recorded.calls[0][1] == (day_before,)


def test_the_ledger_splits_a_life_into_start_active_and_idle(
    stage: Stage, ateliers: Tenant
) -> None:
    (name,) = stage.workers(1)
    for seconds in (5.0, 7.0):
        (item,) = submit(ateliers)
        stage.clock.pass_seconds(30)
        end(item, name, seconds)
        stage.look()
    fleet_rows.record_beat(worker=name, state="idle", facts={"load_seconds": 4.0})

    stage.scaler = stage.another_leader()
    stage.look(after=20)

    (life,) = stage.lives()
    now = clock.now()
    assert (life.start_seconds(now), life.active_seconds, life.load_seconds) == (20.0, 12.0, 4.0)
    assert life.paid_seconds(now) == 100.0
    assert life.idle_seconds(now) == 64.0
    assert life.price_minor(now) == pytest.approx(10.0)


def test_the_decision_log_decided_again_gives_the_same_answers(
    time_of_test: Clock, settings: Any, ateliers: Tenant
) -> None:
    settings.MIN_WORKERS = {}
    recorded = Recorded(packshot_policy())
    stage = Stage(time_of_test, make_policy=lambda: recorded)
    names: list[str] = []
    for minute in range(40):
        if minute % 9 in (0, 1, 2):
            submit(ateliers, 3 + minute % 4)
        stage.come_online()
        names = sorted(stage.fleet.running)
        waiting = WorkItem._base_manager.filter(state="queued").order_by("queued_at", "id")
        for name, item in zip(names, waiting, strict=False):
            end(item, name, 4.0)
        stage.look(after=60)
        for name, worker in list(stage.fleet.running.items()):
            if worker.state == "draining":
                stage.lose(name)

    log = {row.view["now"]: row for row in stage.decisions()}
    again = packshot_policy()
    # A leader makes room for its largest fleet before it hears anything.
    first = view_of(next(iter(log.values())).view)
    began = recorded.calls[0][1][0]
    again.decide(replace(first, now=began, queued=(), workers=()))
    compared = 0
    for what, arguments in recorded.calls:
        if what != "decide":
            getattr(again, what)(*arguments)
        elif arguments[0] in log:
            row = log[arguments[0]]
            decided = again.decide(view_of(json.loads(json.dumps(row.view))))
            reasons = reasons_of(row.reasons)
            assert decided.reasons == reasons[: len(decided.reasons)]
            assert (decided.launch, list(decided.drain)) == (row.launched, row.drained)
            compared += 1
    assert compared == len(log) > 5
    assert any(row.launched for row in log.values())
    assert any(row.drained for row in log.values())


def test_every_worker_can_be_seen_in_the_view_with_its_state(
    stage: Stage, ateliers: Tenant
) -> None:
    idle, busy, leaving = stage.workers(3)
    (item,) = submit(ateliers)
    begin(item, busy)
    scaling.drain(stage.fleet, [leaving], now=clock.now())
    submit(ateliers, 8)

    stage.look(after=5)

    view = view_of(stage.decisions()[-1].view)
    states = {one.worker: one.state for one in view.workers}
    assert (states[idle], states[busy], states[leaving]) == ("idle", "busy", "draining")
    stage.look(after=5)
    starting = [one for one in view_of(stage.decisions()[-1].view).workers if one.free_at]
    assert len(starting) >= 3


def test_work_that_arrives_rings_and_is_looked_at_before_the_next_tick(
    stage: Stage, ateliers: Tenant, redis_server: Any, django_capture_on_commit_callbacks: Any
) -> None:
    scaler = stage.another_leader()
    scaler.step()
    scaler._looked_at -= 1.0
    with django_capture_on_commit_callbacks(execute=True):
        submit(ateliers, 2)

    scaler.step()

    assert len(stage.fleet.running) == 1
    with queue.connection() as client:
        assert not client.exists(queue.ARRIVAL_KEY)


def test_a_conductor_of_one_part_and_one_of_all_never_lead_together(db: None) -> None:
    part = Leadership("conductor.relay", rivals=["conductor"])
    other = Leadership("conductor.dispatcher", rivals=["conductor"])
    everything = Leadership(rivals=["conductor.relay", "conductor.dispatcher"])

    assert part.renew()
    assert other.renew()
    assert not everything.renew()
    part.give_up()
    other.give_up()
    assert everything.renew()
    assert not part.renew()


def test_lives_of_a_fleet_that_is_not_ours_any_more_end_with_their_workers(stage: Stage) -> None:
    WorkerLife.objects.create(
        worker="old",
        worker_class="cpu",
        engine="classical",
        provider="ray",
        launched_at=NOON,
        online_at=NOON,
    )

    stage.look(after=5)

    assert stage.lives()[0].end == "lost"


def test_a_worker_that_another_fleet_had_launched_is_taken_over_with_its_life(
    stage: Stage,
) -> None:
    (worker,) = stage.workers(1)
    life = stage.lives()[0]
    stage.fleet.name = "other"

    stage.look(after=5)

    (taken,) = stage.lives()
    assert (taken.pk, taken.worker, taken.provider) == (life.pk, worker, "other")
    assert taken.launched_at == life.launched_at
    assert taken.released_at is None
