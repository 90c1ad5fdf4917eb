"""What happens to workers when the raylet of their machine or the head of their cluster is lost."""

from __future__ import annotations

import pytest

from apps.compute.providers.base import ProviderUnavailable
from apps.compute.providers.ray_fleet import RayFleet
from apps.core.embedded_redis import RedisServer
from tests.product import until
from tests.ray.cluster import await_end, children_of, cluster, runs
from tests.ray.conftest import MakeFleet, all_run, await_workers, has_reported, is_gone


def _answers(fleet: RayFleet) -> bool:
    try:
        fleet.workers()
    except ProviderUnavailable:
        return False
    return True


def test_a_worker_that_lost_its_raylet_takes_its_leave_and_does_not_outlive_its_grace(
    make_fleet: MakeFleet, redis_process: RedisServer
) -> None:
    with cluster(slots=(1,)) as here:
        fleet = make_fleet(here)
        fleet.launch("cpu", "classical", names=["orphan"])
        worker = await_workers(fleet, all_run("orphan"), what="it runs")["orphan"]
        engine = until(lambda: children_of(worker.pid), seconds=10, what="its engine runs")
        until(
            lambda: has_reported(redis_process, "worker.online", "orphan"),
            seconds=20,
            what="it is online",
        )

        here.machines[1].lose_raylet()

        await_end(worker.pid, *engine, seconds=10)
        assert has_reported(redis_process, "worker.offline", "orphan")
        await_workers(fleet, is_gone("orphan"), what="it is gone")


def test_workers_of_a_lost_head_work_on_until_their_raylet_gives_up_and_a_new_head_has_none(
    make_fleet: MakeFleet,
) -> None:
    with cluster(slots=(1,), patience_seconds=8) as here:
        fleet = make_fleet(here)
        fleet.launch("cpu", "classical", names=["ada"])
        ada = await_workers(fleet, all_run("ada"), what="it runs")["ada"]
        engine = children_of(ada.pid)

        here.head.lose_power()

        with pytest.raises(ProviderUnavailable, match=r"d(oes|id) not answer"):
            fleet.workers()
        assert runs(ada.pid)
        await_end(ada.pid, *engine, seconds=60)
        here.machines[1].lose_power()
        for machine in here.machines:
            machine.switch_on()
        until(lambda: _answers(fleet), seconds=40, what="the fleet answers")
        assert list(fleet.workers()) == []
        fleet.launch("cpu", "classical", names=["ada"])
        await_workers(fleet, all_run("ada"), what="it runs again")


def test_a_head_that_keeps_its_notes_in_redis_comes_back_to_the_same_workers(
    make_fleet: MakeFleet, redis_process: RedisServer
) -> None:
    with cluster(slots=(1,), redis_url=redis_process.url) as here:
        fleet = make_fleet(here)
        fleet.launch("cpu", "classical", names=["ada"])
        before = await_workers(fleet, all_run("ada"), what="it runs")

        here.head.lose_power()
        with pytest.raises(ProviderUnavailable):
            fleet.workers()
        here.head.switch_on()

        until(lambda: _answers(fleet), seconds=40, what="the fleet answers")
        assert {each.worker: each for each in fleet.workers()} == before
        assert runs(before["ada"].pid)
        fleet.drain("ada")
        await_workers(fleet, is_gone("ada"), what="it still hears its drain")
