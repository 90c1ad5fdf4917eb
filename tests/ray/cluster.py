"""A real Ray cluster on loopback: several machines, each an address and a session of processes."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from apps.core.embedded_redis import free_port
from tests.product import ROOT, until

SETTINGS = {
    "PYTHONPATH": str(ROOT),
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_BACKEND_LOG_LEVEL": "error",
    # A head misses a machine sooner than by default, about 30 s.
    "RAY_health_check_initial_delay_ms": "500",
    "RAY_health_check_period_ms": "500",
    "RAY_health_check_timeout_ms": "2000",
    "RAY_health_check_failure_threshold": "3",
}


@dataclass
class Machine:
    """One machine of a cluster, which can be switched off and on."""

    place: str
    settings: dict[str, Any]
    patience_seconds: int
    """How long it waits for a lost head; a minute by default."""
    process: subprocess.Popen[bytes] | None = None

    def switch_on(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).parent / "machine.py"), json.dumps(self.settings)],
            env={
                **_without_ours(),
                **SETTINGS,
                "RAY_gcs_rpc_server_reconnect_timeout_s": str(self.patience_seconds),
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert self.process.stdout is not None
        said = iter(self.process.stdout.readline, b"")
        assert b"UP\n" in said, f"machine {self.place} did not come up"

    def lose_power(self) -> None:
        """End every process at once, the workers' too."""
        for pid in self._pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._bury()

    def lose_raylet(self) -> None:
        """End only what ties the machine to its cluster."""
        for pid in self._pids():
            with contextlib.suppress(psutil.Error, ProcessLookupError):
                if psutil.Process(pid).name() == "raylet":
                    os.kill(pid, signal.SIGKILL)

    def switch_off(self) -> None:
        if self.process is None:
            return
        assert self.process.stdin is not None
        self.process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(5)
        self.lose_power()

    def _pids(self) -> list[int]:
        if self.process is None:
            return []
        pids = []
        for pid in psutil.pids():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                if os.getsid(pid) == self.process.pid:
                    pids.append(pid)
        return pids

    def _bury(self) -> None:
        if self.process is not None:
            self.process.wait()
            for pipe in (self.process.stdin, self.process.stdout):
                if pipe is not None:
                    with contextlib.suppress(BrokenPipeError):
                        pipe.close()
        self.process = None


@dataclass
class Cluster:
    """A head without slots, and machines that have some."""

    port: int
    folder: Path
    patience_seconds: int
    machines: list[Machine] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"127.0.0.2:{self.port}"

    @property
    def head(self) -> Machine:
        return self.machines[0]

    def add(self, **settings: Any) -> Machine:
        number = len(self.machines) + 2
        place = f"127.0.0.{number}"
        machine = Machine(
            place,
            {
                "is_head": not self.machines,
                "node_ip_address": place,
                "num_gpus": 0,
                "temp_dir": str(self.folder),
                **({"gcs_address": self.address} if self.machines else {}),
                **settings,
            },
            self.patience_seconds,
        )
        machine.switch_on()
        self.machines.append(machine)
        return machine


@contextlib.contextmanager
def cluster(
    *, slots: tuple[int, ...], redis_url: str = "", patience_seconds: int = 60
) -> Iterator[Cluster]:
    """Start a cluster with so many CPU slots on each machine; its head keeps notes in a Redis."""
    # Ray keeps sockets here, and their paths must stay below 108 characters.
    folder = Path(tempfile.mkdtemp(prefix="packshot-ray-", dir="/tmp"))
    here = Cluster(free_port(), folder, patience_seconds)
    try:
        kept = {}
        if redis_url:
            credentials, _, address = redis_url.removeprefix("redis://").rpartition("@")
            kept = {
                "external_addresses": [address.partition("/")[0]],
                "redis_password": credentials.rpartition(":")[2],
            }
        here.add(num_cpus=0, gcs_server_port=here.port, **kept)
        for count in slots:
            here.add(num_cpus=count)
        yield here
    finally:
        for machine in reversed(here.machines):
            machine.switch_off()
        shutil.rmtree(folder, ignore_errors=True)


def runs(pid: int) -> bool:
    """Whether a process still does something."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def environ_of(pid: int) -> dict[str, str]:
    return psutil.Process(pid).environ()


def children_of(pid: int) -> list[int]:
    return [child.pid for child in psutil.Process(pid).children(recursive=True)]


def await_end(*pids: int, seconds: float) -> None:
    until(lambda: not any(map(runs, pids)), seconds=seconds, what="the processes end")


def _without_ours() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith(("PACKSHOT_", "RAY_"))}
