"""What happens to workers when a machine, a raylet or the head of their cluster is lost."""

from __future__ import annotations

import pytest

from apps.compute.providers.base import ProviderUnavailable
from apps.compute.providers.ray_fleet import RayFleet
from apps.core.embedded_redis import RedisServer
from tests.product import until
from tests.ray.cluster import await_end, children_of, cluster, runs
from tests.ray.conftest import MakeFleet, all_run, await_workers, is_gone


def _answers(fleet: RayFleet) -> bool:
    try:
        fleet.workers()
    except ProviderUnavailable:
        return False
    return True


def test_a_lost_machines_workers_leave_the_list_and_others_take_their_names(
    make_fleet: MakeFleet,
) -> None:
    with cluster(slots=(1, 1)) as here:
        fleet = make_fleet(here)
        fleet.launch("cpu", "classical", names=["ada", "ben"])
        workers = await_workers(fleet, all_run("ada", "ben"), what="both run")
        lost = next(each for each in here.machines if each.place == workers["ada"].place)

        lost.lose_power()

        await_workers(fleet, is_gone("ada"), what="the loss is noticed")
        assert runs(workers["ben"].pid)
        assert fleet.capacity("cpu") == 1
        lost.switch_on()
        fleet.launch("cpu", "classical", names=["ada"])
        again = await_workers(fleet, all_run("ada", "ben"), what="both run again")
        assert again["ada"].pid != workers["ada"].pid


def test_a_worker_does_not_outlive_its_raylet_by_more_than_its_grace(
    make_fleet: MakeFleet,
) -> None:
    with cluster(slots=(1,)) as here:
        fleet = make_fleet(here)
        fleet.launch("cpu", "classical", names=["ada"])
        ada = await_workers(fleet, all_run("ada"), what="it runs")["ada"]
        engine = until(lambda: children_of(ada.pid), seconds=10, what="its engine runs")

        here.machines[1].lose_raylet()

        await_end(ada.pid, *engine, seconds=10)
        await_workers(fleet, is_gone("ada"), what="it is gone")


def test_workers_of_a_lost_head_work_on_until_their_raylets_give_up(
    make_fleet: MakeFleet,
) -> None:
    with cluster(slots=(1,)) as here:
        fleet = make_fleet(here)
        fleet.launch("cpu", "classical", names=["ada"])
        ada = await_workers(fleet, all_run("ada"), what="it runs")["ada"]
        engine = children_of(ada.pid)

        here.head.lose_power()

        with pytest.raises(ProviderUnavailable, match="head does not answer"):
            fleet.workers()
        assert runs(ada.pid)
        await_end(ada.pid, *engine, seconds=60)


def test_a_new_head_without_memory_is_found_and_its_fleet_filled_again(
    make_fleet: MakeFleet,
) -> None:
    with cluster(slots=(1,)) as here:
        fleet = make_fleet(here)
        fleet.launch("cpu", "classical", names=["ada"])
        ada = await_workers(fleet, all_run("ada"), what="it runs")["ada"]

        here.head.lose_power()
        here.head.switch_on()
        until(lambda: _answers(fleet), seconds=40, what="the fleet answers")
        assert list(fleet.workers()) == []
        here.machines[1].switch_off()
        await_end(ada.pid, seconds=10)
        here.machines[1].switch_on()

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
