"""What the Ray suite shares: a cluster of three machines and a fleet on it."""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from apps.compute.providers.base import ProvidedWorker, ProviderUnavailable
from apps.compute.providers.ray_fleet import RayFleet
from apps.compute.providers.ray_fleet.driver_process import DriverProcess, driver_command
from apps.compute.wire import REPORT_STREAM
from apps.core.embedded_redis import RedisServer
from tests.product import until
from tests.ray.cluster import Cluster, cluster

SLOTS = {"cpu": {"CPU": 1.0}, "gpu": {"CPU": 1.0, "GPU": 1.0}}

MakeFleet = Callable[..., RayFleet]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = [item for item in items if Path(__file__).parent in item.path.parents]
    for item in here:
        item.add_marker(pytest.mark.ray)
        item.add_marker(pytest.mark.timeout(480))
        if importlib.util.find_spec("ray") is None:
            item.add_marker(pytest.mark.skip(reason="Ray is not installed: deploy/setup.sh ray"))


@pytest.fixture(scope="session")
def machines() -> Iterator[Cluster]:
    """A cluster whose tests leave it whole."""
    with cluster(slots=(2, 2)) as here:
        yield here


@pytest.fixture
def make_fleet(redis_process: RedisServer, tmp_path: Path) -> Iterator[MakeFleet]:
    """Make the fleet of a cluster; at the end none of its workers are left."""
    fleets = []

    def make(here: Cluster, **environ: str) -> RayFleet:
        fleet = RayFleet(
            DriverProcess(here.address, driver_command(here.address), answer_seconds=5),
            slots=SLOTS,
            prices={"cpu": 4},
            environ={
                "PACKSHOT_REDIS_URL": redis_process.url,
                "PACKSHOT_STORAGE_URL": f"file://{tmp_path}/media",
                "PACKSHOT_WORKER_RENDERER": "gpu_workers.calibrated.render",
                "PACKSHOT_WORKER_GRACE_SECONDS": "2",
                **environ,
            },
        )
        fleets.append(fleet)
        return fleet

    yield make
    for fleet in fleets:
        with contextlib.suppress(ProviderUnavailable):
            for worker in fleet.workers():
                fleet.terminate(worker.worker)
        fleet.close()


def await_workers(
    fleet: RayFleet, holds: Callable[[dict[str, ProvidedWorker]], Any], *, what: str
) -> dict[str, ProvidedWorker]:
    """Wait until the list of workers is as it should be, and return it by name."""

    def listed() -> dict[str, ProvidedWorker] | None:
        workers = {each.worker: each for each in fleet.workers()}
        return workers or {"": None} if holds(workers) else None  # type: ignore[dict-item]

    found: dict[str, ProvidedWorker] = until(listed, seconds=30, what=what)
    found.pop("", None)
    return found


def all_run(*names: str) -> Callable[[dict[str, ProvidedWorker]], bool]:
    return lambda workers: all(
        name in workers and workers[name].state == "running" for name in names
    )


def is_gone(name: str) -> Callable[[dict[str, ProvidedWorker]], bool]:
    return lambda workers: name not in workers


def has_reported(server: RedisServer, kind: str, worker: str) -> bool:
    """Whether a worker has told the application something of this kind."""
    with redis.Redis.from_url(server.url, decode_responses=True) as client:
        reports = client.xrange(REPORT_STREAM)
    return any((each["kind"], each["worker"]) == (kind, worker) for _, each in reports)
