"""The Ray fleet on a real cluster of three machines, without the rest of the product."""

from __future__ import annotations

import os
import signal
import threading
import time

import psutil
import pytest

from apps.compute.providers.base import ProviderUnavailable
from apps.compute.providers.ray_fleet import RayFleet
from apps.core.embedded_redis import RedisServer
from tests.product import until
from tests.ray.cluster import Cluster, await_end, children_of, environ_of, runs
from tests.ray.conftest import MakeFleet, all_run, await_workers, has_reported, is_gone


def _driver_pid(fleet: RayFleet) -> int:
    return fleet._driver.pid  # type: ignore[attr-defined]


def _parent(pid: int) -> int:
    return psutil.Process(pid).ppid()


def test_a_worker_runs_under_its_name_with_the_settings_of_its_launch(
    machines: Cluster, make_fleet: MakeFleet
) -> None:
    fleet = make_fleet(machines)

    assert fleet.launch("cpu", "classical", names=["ada", "ben"]) == ["ada", "ben"]
    workers = await_workers(fleet, all_run("ada", "ben"), what="both run")

    assert {each.worker_class for each in workers.values()} == {"cpu"}
    assert {each.engine for each in workers.values()} == {"classical"}
    assert {each.place for each in workers.values()} <= {"127.0.0.3", "127.0.0.4"}
    environ = environ_of(workers["ada"].pid)
    assert environ["PACKSHOT_WORKER_NAME"] == "ada"
    assert environ["PACKSHOT_WORKER_CLASS"] == "cpu"
    assert abs(time.time() - workers["ada"].launched_at.timestamp()) < 60


def test_launching_a_name_twice_starts_one_worker(machines: Cluster, make_fleet: MakeFleet) -> None:
    fleet, other_leader = make_fleet(machines), make_fleet(machines)
    other_leader.workers()

    both = [
        threading.Thread(target=each.launch, args=("cpu", "classical"), kwargs={"names": ["ada"]})
        for each in (fleet, other_leader)
    ]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    first = await_workers(fleet, all_run("ada"), what="it runs")["ada"]
    assert fleet.launch("cpu", "classical", names=["ada"]) == ["ada"]

    assert [each.pid for each in fleet.workers()] == [first.pid]
    assert list(other_leader.workers()) == list(fleet.workers())


def test_workers_stay_when_a_conductor_leaves_and_the_next_one_finds_them(
    machines: Cluster, make_fleet: MakeFleet
) -> None:
    fleet = make_fleet(machines)
    fleet.launch("cpu", "classical", names=["ada"])
    before = await_workers(fleet, all_run("ada"), what="it runs")

    fleet.close()

    assert list(make_fleet(machines).workers()) == list(before.values())
    assert runs(before["ada"].pid)


def test_a_worker_without_a_slot_is_starting_until_a_machine_has_one(
    machines: Cluster, make_fleet: MakeFleet
) -> None:
    fleet = make_fleet(machines)
    assert fleet.capacity("cpu") == 4
    fleet.launch("cpu", "classical", names=[f"w-{number}" for number in range(5)])

    workers = await_workers(
        fleet,
        lambda workers: sum(each.state == "running" for each in workers.values()) == 4,
        what="four run",
    )
    waiting = next(each for each in workers.values() if each.state == "starting")
    assert (waiting.place, waiting.pid) == ("", 0)
    assert fleet.capacity("cpu") == 4

    fleet.drain(next(each.worker for each in workers.values() if each.state == "running"))
    await_workers(fleet, all_run(waiting.worker), what="the fifth runs")


def test_a_worker_that_waits_for_a_slot_can_be_given_up(
    machines: Cluster, make_fleet: MakeFleet
) -> None:
    fleet = make_fleet(machines)
    fleet.launch("gpu", "diffusion", names=["ada", "ben"])
    await_workers(fleet, lambda workers: len(workers) == 2, what="both are listed")
    assert fleet.capacity("gpu") == 0

    fleet.drain("ada")
    fleet.terminate("ben")

    await_workers(fleet, lambda workers: not workers, what="neither is listed")


def test_a_drained_worker_leaves_its_slot_and_the_list(
    machines: Cluster, make_fleet: MakeFleet
) -> None:
    fleet = make_fleet(machines)
    fleet.launch("cpu", "classical", names=["ada"])
    ada = await_workers(fleet, all_run("ada"), what="it runs")["ada"]
    children = until(lambda: children_of(ada.pid), seconds=10, what="its engine runs")

    fleet.drain("ada")
    fleet.drain("ada")

    await_workers(fleet, is_gone("ada"), what="it is gone")
    await_end(ada.pid, *children, seconds=5)
    fleet.drain("ada")


def test_a_terminated_worker_takes_its_engine_along(
    machines: Cluster, make_fleet: MakeFleet
) -> None:
    fleet = make_fleet(machines)
    fleet.launch("cpu", "classical", names=["ada"])
    ada = await_workers(fleet, all_run("ada"), what="it runs")["ada"]
    children = until(lambda: children_of(ada.pid), seconds=10, what="its engine runs")
    os.kill(ada.pid, signal.SIGSTOP)

    fleet.terminate("ada")
    fleet.terminate("ada")

    await_end(ada.pid, *children, seconds=5)
    await_workers(fleet, is_gone("ada"), what="it is gone")


def test_a_worker_whose_actor_is_ended_takes_its_leave(
    machines: Cluster, make_fleet: MakeFleet, redis_process: RedisServer
) -> None:
    fleet = make_fleet(machines)
    fleet.launch("cpu", "classical", names=["left-alone"])
    worker = await_workers(fleet, all_run("left-alone"), what="it runs")["left-alone"]
    until(
        lambda: has_reported(redis_process, "worker.online", "left-alone"),
        seconds=20,
        what="it is online",
    )

    # So "ray start --block" ends the actors of a node that has lost its raylet.
    os.kill(_parent(worker.pid), signal.SIGTERM)

    await_end(worker.pid, seconds=10)
    assert has_reported(redis_process, "worker.offline", "left-alone")


def test_a_worker_whose_actor_is_ended_while_it_loads_ends_too(
    machines: Cluster, make_fleet: MakeFleet
) -> None:
    fleet = make_fleet(machines)
    fleet.launch("cpu", "classical", names=["ada"])
    ada = await_workers(fleet, all_run("ada"), what="it runs")["ada"]

    os.kill(_parent(ada.pid), signal.SIGKILL)

    await_end(ada.pid, seconds=10)


def test_a_worker_that_cannot_run_does_not_stay_listed(
    machines: Cluster, make_fleet: MakeFleet
) -> None:
    fleet = make_fleet(machines, PACKSHOT_STORAGE_URL="nowhere://")
    fleet.launch("cpu", "classical", names=["ada"])

    await_workers(fleet, is_gone("ada"), what="it is gone")


def test_each_gpu_worker_sees_its_own_device(machines: Cluster, make_fleet: MakeFleet) -> None:
    fleet = make_fleet(machines)
    machine = machines.add(num_cpus=2, num_gpus=2)
    try:
        until(lambda: fleet.capacity("gpu") == 2, seconds=10, what="the machine is there")
        fleet.launch("gpu", "diffusion", names=["ada", "ben"])
        workers = await_workers(fleet, all_run("ada", "ben"), what="both run")

        devices = [environ_of(each.pid)["CUDA_VISIBLE_DEVICES"] for each in workers.values()]
        assert sorted(devices) == ["0", "1"]
    finally:
        machine.switch_off()
        machines.machines.remove(machine)


def test_a_spot_worker_waits_for_a_spot_machine(machines: Cluster, make_fleet: MakeFleet) -> None:
    fleet = make_fleet(machines)
    fleet.launch("cpu", "classical", names=["ada"], is_spot=True)
    machine = machines.add(num_cpus=1, labels={"ray.io/market-type": "spot"})
    try:
        ada = await_workers(fleet, all_run("ada"), what="it runs")["ada"]

        assert (ada.place, ada.is_spot) == (machine.place, True)
        fleet.launch("cpu", "classical", names=[f"w-{number}" for number in range(5)])
        workers = await_workers(
            fleet,
            lambda workers: sum(each.state == "running" for each in workers.values()) == 5,
            what="the other machines are full",
        )
        assert [each.worker for each in workers.values() if each.place == machine.place] == ["ada"]
    finally:
        machine.switch_off()
        machines.machines.remove(machine)


def test_a_killed_driver_is_started_again(machines: Cluster, make_fleet: MakeFleet) -> None:
    fleet = make_fleet(machines)
    fleet.launch("cpu", "classical", names=["ada"])
    before = await_workers(fleet, all_run("ada"), what="it runs")

    os.kill(_driver_pid(fleet), signal.SIGKILL)

    assert until(lambda: _listed(fleet), seconds=20, what="it answers") == list(before)


def test_a_silent_driver_means_that_nothing_is_known(
    machines: Cluster, make_fleet: MakeFleet
) -> None:
    fleet = make_fleet(machines)
    fleet.launch("cpu", "classical", names=["ada"])
    before = await_workers(fleet, all_run("ada"), what="it runs")
    silent = _driver_pid(fleet)
    os.kill(silent, signal.SIGSTOP)

    with pytest.raises(ProviderUnavailable, match="did not answer within 5 s"):
        fleet.workers()
    with pytest.raises(ProviderUnavailable, match="started again in"):
        fleet.workers()

    assert not runs(silent)
    assert until(lambda: _listed(fleet), seconds=20, what="it answers") == list(before)


def test_a_driver_leaves_with_its_conductor(machines: Cluster, make_fleet: MakeFleet) -> None:
    fleet = make_fleet(machines)
    fleet.workers()
    driver = fleet._driver._process  # type: ignore[attr-defined]

    driver.stdin.close()

    assert driver.wait(timeout=10) == 0


def _listed(fleet: RayFleet) -> list[str]:
    try:
        return [each.worker for each in fleet.workers()]
    except ProviderUnavailable:
        return []
