"""A real conductor and real workers: every accepted item succeeds exactly once."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import redis

from apps.core.embedded_redis import RedisServer
from tests.apps.compute.processes import House, wait_until

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def migrated(redis_process: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with its tables and nothing in them."""
    one = House(tmp_path_factory.mktemp("migrated"), redis_process.url)
    one.migrate()
    return one.database


@pytest.fixture
def house(redis_process: RedisServer, tmp_path: Path, migrated: Path) -> Iterator[House]:
    with redis.Redis.from_url(redis_process.url) as client:
        client.flushall()
    one = House(tmp_path, redis_process.url)
    shutil.copy(migrated, one.database)
    yield one
    one.stop()


def test_three_tenants_get_every_render_exactly_once(house: House) -> None:
    house.conductor()
    house.worker("worker-a")
    house.worker("worker-b")

    house.order(alba=10, bruno=6, clara=4)
    items = house.await_all({"succeeded"})

    assert len(items) == 20
    assert {item["attempt"] for item in items} == {1}
    assert {item["worker"] for item in items} == {"worker-a", "worker-b"}
    assert len(manifests(house)) == 20


def test_a_killed_worker_loses_nothing(house: House) -> None:
    house.conductor()
    doomed = house.worker("worker-a")
    house.await_log("worker-a", "worker online")
    house.order(alba=12)
    house.await_log("worker-a", "batch taken")
    doomed.kill()
    doomed.wait()
    house.worker("worker-b")

    items = house.await_all({"succeeded"})

    assert len(items) == 12
    assert {item["tries_counted"] for item in items} <= {0, 1}


def test_a_killed_conductor_is_replaced_and_an_emptied_redis_survived(
    house: House, redis_process: RedisServer
) -> None:
    first = house.conductor("first")
    house.await_log("first", "conducting")
    house.conductor("second")
    house.await_log("second", "standing by")
    house.worker("worker-a")
    house.await_log("worker-a", "worker online")
    house.order(alba=20)
    house.await_log("worker-a", "batch taken")

    first.kill()
    first.wait()
    with redis.Redis.from_url(redis_process.url) as client:
        client.flushall()
    house.await_log("second", "conducting", seconds=10)
    items = house.await_all({"succeeded"})

    assert len(items) == 20


def test_a_conductor_leaves_cleanly_and_hands_over(house: House) -> None:
    first = house.conductor("first")
    house.await_log("first", "conducting")
    house.conductor("second")
    house.await_log("second", "standing by")

    first.terminate()

    assert first.wait(timeout=10) == 0
    house.await_log("second", "conducting", seconds=10)
    assert "Traceback" not in house.log("first")


def test_a_frozen_worker_changes_nothing_when_it_wakes(house: House) -> None:
    house.environ["PACKSHOT_CALIBRATED_SECONDS"] = "2.0"
    house.conductor()
    frozen = house.worker("worker-a")
    house.await_log("worker-a", "worker online")
    house.order(alba=1)
    wait_until(lambda: house.items()[0]["state"] == "running", 20, lambda: house.log("conductor"))
    tree = [frozen.pid, *(child.pid for child in psutil.Process(frozen.pid).children())]
    for pid in tree:
        os.kill(pid, signal.SIGSTOP)
    house.worker("worker-b")

    (item,) = house.await_all({"succeeded"})
    for pid in tree:
        os.kill(pid, signal.SIGCONT)
    house.await_log("worker-a", "batch left")
    (after,) = house.items()

    assert item["attempt"] == 2
    assert item["worker"] == "worker-b"
    assert after == item


def manifests(house: House) -> list[Path]:
    return list((house.folder / "media").rglob("manifest.json"))
