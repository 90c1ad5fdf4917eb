"""Workers come, beat, fall silent and leave."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from apps.compute import queries
from apps.compute.models import Worker
from apps.compute.relay import Hearing, Relay
from apps.compute.services import fleet, sweeping
from apps.compute.sweeper import Sweeper
from apps.core import clock, queue
from apps.tenants.models import Tenant
from tests.apps.compute.conftest import LANE, FakeWorker, dispatch, fresh, states, submit

pytestmark = pytest.mark.django_db(transaction=True)


def silence(name: str, seconds: float) -> None:
    Worker.objects.filter(pk=name).update(seen_at=clock.now() - timedelta(seconds=seconds))


def test_a_worker_is_known_from_its_first_word(worker: FakeWorker) -> None:
    row = Worker.objects.get()

    assert (row.name, row.lane, row.worker_class, row.state) == ("fake-1", LANE, "cpu", "idle")


def test_a_worker_silent_for_three_beats_is_gone_and_its_work_goes_back_at_once(
    worker: FakeWorker, ateliers: Tenant, settings: Any
) -> None:
    (item,) = submit(ateliers)
    dispatch()
    worker.starts(fresh(item))
    silence("fake-1", 3 * settings.WORKER_BEAT_SECONDS + 0.1)

    assert fleet.sweep_workers() == 1
    sweeping.sweep_leases()

    assert Worker.objects.get().state == "gone"
    assert states(item) == ["queued"]


def test_a_worker_that_beats_is_not_given_up(worker: FakeWorker, settings: Any) -> None:
    silence("fake-1", 2 * settings.WORKER_BEAT_SECONDS)

    assert fleet.sweep_workers() == 0


def test_a_gone_worker_that_beats_again_is_back(worker: FakeWorker) -> None:
    silence("fake-1", 1000)
    fleet.sweep_workers()

    worker.beat(state="idle")

    assert Worker.objects.get().state == "idle"


def test_what_a_predecessor_of_the_same_name_held_goes_back_at_once(
    worker: FakeWorker, ateliers: Tenant
) -> None:
    (item,) = submit(ateliers)
    dispatch()
    worker.starts(fresh(item))

    worker.online(pid=2)
    sweeping.sweep_leases()

    assert states(item) == ["queued"]


def test_a_beat_of_a_worker_whose_announcement_was_lost_enters_it(
    relay: Relay, redis_server: Any
) -> None:
    with queue.connection() as client:
        client.hset("rq:worker:stranger", "queues", LANE)

    FakeWorker("stranger", relay).beat(state="idle")

    assert Worker.objects.get(pk="stranger").lane == LANE


def test_a_beat_of_a_worker_nobody_knows_changes_nothing(relay: Relay) -> None:
    FakeWorker("stranger", relay).beat(state="idle")

    assert not Worker.objects.exists()


def test_the_long_gone_are_forgotten(worker: FakeWorker) -> None:
    worker.leaves()
    silence("fake-1", 25 * 3600)

    fleet.sweep_workers()

    assert not Worker.objects.exists()


def test_the_fleet_in_numbers(worker: FakeWorker, ateliers: Tenant) -> None:
    submit(ateliers, 3)
    dispatch()
    worker.beat()

    found = queries.fleet()

    assert [(c.worker_class, c.alive, c.busy) for c in found.classes] == [("cpu", 1, 1)]
    assert (found.queued, found.in_flight) == (1, 2)
    assert found.oldest_wait_seconds > 0


def test_silence_proves_nothing_while_nobody_listens(
    worker: FakeWorker, ateliers: Tenant, settings: Any
) -> None:
    (item,) = submit(ateliers)
    dispatch()
    worker.starts(fresh(item))
    silence("fake-1", 1000)
    settings.WORKER_BEAT_SECONDS = 0.1

    Sweeper(lambda: 0.0).step()
    assert states(item) == ["running"]

    Sweeper(lambda: 1.0).step()
    assert states(item) == ["queued"]


def test_hearing_begins_anew_after_every_gap() -> None:
    hearing = Hearing()
    assert hearing.seconds(freshness_seconds=5.0) == 0.0

    hearing.caught_up()
    assert hearing.seconds(freshness_seconds=5.0) > 0.0
    assert hearing.seconds(freshness_seconds=0.0) == 0.0

    hearing.lost()
    assert hearing.seconds(freshness_seconds=5.0) == 0.0
