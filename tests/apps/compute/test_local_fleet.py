"""The local fleet as the autoscaler meets it: real processes behind the provider's protocol."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from apps.compute.providers.base import FleetProvider, ProviderUnavailable
from apps.compute.providers.local import LocalFleet
from tests.product import ROOT, until


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "fleet"


@pytest.fixture
def fork_server(folder: Path, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "gpu_workers", "serve", str(folder)],
        cwd=ROOT,
        stderr=subprocess.DEVNULL,
        env={
            "PATH": os.environ["PATH"],
            # Nothing listens there: a worker waits for its Redis and lives meanwhile.
            "PACKSHOT_REDIS_URL": "redis://127.0.0.1:1/0",
            "PACKSHOT_STORAGE_URL": f"file://{tmp_path / 'media'}",
            "PACKSHOT_WORKER_RENDERER": "gpu_workers.calibrated.render",
            "PACKSHOT_CPU_SLOTS": "2",
            "PACKSHOT_GPUS": "none",
        },
    )
    until((folder / "forkserver.sock").exists, seconds=20, what="the fork server to serve")
    yield process
    process.kill()
    process.wait()


def test_workers_are_launched_listed_drained_and_ended(
    folder: Path, fork_server: subprocess.Popen[bytes]
) -> None:
    fleet: FleetProvider = LocalFleet(folder)
    assert fleet.worker_classes() == ["cpu"]
    assert (fleet.capacity("cpu"), fleet.capacity("gpu")) == (2, 0)

    assert fleet.launch("cpu", "classical", names=["a", "b", "c"]) == ["a", "b"]
    assert fleet.launch("cpu", "classical", names=["b"]) == ["b"]

    def states() -> dict[str, str]:
        # Another object than the one that launched: a conductor that takes over has no other.
        return {worker.worker: worker.state for worker in LocalFleet(folder).workers()}

    until(lambda: states() == {"a": "running", "b": "running"}, seconds=20, what="both online")
    [first, second] = fleet.workers()
    assert (first.worker_class, first.engine, first.pid > 0) == ("cpu", "classical", True)
    assert first.launched_at <= second.launched_at
    fleet.terminate("a")
    until(lambda: states() == {"b": "running"}, seconds=20, what="the terminated one gone")
    fleet.terminate("a")
    fleet.drain("b")
    fleet.drain("b")
    until(lambda: not states(), seconds=20, what="the drained one gone")


def test_without_a_fork_server_nothing_is_known_and_the_cure_is_named(folder: Path) -> None:
    fleet = LocalFleet(folder)

    for ask in (fleet.workers, fleet.worker_classes, lambda: fleet.capacity("cpu")):
        with pytest.raises(ProviderUnavailable, match=r"manage\.py up"):
            ask()


def test_a_launch_that_the_server_refuses_says_why(
    folder: Path, fork_server: subprocess.Popen[bytes]
) -> None:
    with pytest.raises(ProviderUnavailable, match="no worker class 'tpu'"):
        LocalFleet(folder).launch("tpu", "classical", names=["a"])
