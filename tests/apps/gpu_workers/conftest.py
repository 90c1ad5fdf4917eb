"""Real worker processes on a real Redis that a test may kill and bring back empty."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import redis
from rq import Queue
from rq.job import Job
from rq.serializers import JSONSerializer

from apps.core import embedded_redis
from gpu_workers.protocol import (
    JOB_NAME,
    REPORT_STREAM,
    RenderBatch,
    Report,
    report_from_fields,
)
from gpu_workers.storage import FileStorage
from tests.fakes.orders import LANE

ROOT = Path(__file__).resolve().parents[3]
PATIENCE_SECONDS = 20.0


_STARTERS = {
    "": (),
    # A parent that can be killed: `:` keeps the shell from replacing itself by the worker.
    "shell": ("/bin/sh", "-c", '"$@"; :', "sh"),
}


def until(fact: Callable[[], Any], what: str = "") -> Any:
    """Wait for something to become true and return it."""
    gives_up_at = time.monotonic() + PATIENCE_SECONDS
    while True:
        value = fact()
        if value:
            return value
        if time.monotonic() > gives_up_at:
            raise AssertionError(f"waited {PATIENCE_SECONDS} s for {what or fact}")
        time.sleep(0.02)


class Wire:
    """A private Redis on one address, with what a dispatcher and a relay do on it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = embedded_redis.free_port()
        self.url = f"redis://:secret@127.0.0.1:{self._port}/0"
        self.client = redis.Redis.from_url(self.url, socket_timeout=30)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            embedded_redis.command(
                embedded_redis.find_binary(),
                port=self._port,
                folder=self._folder,
                password="secret",
                durable=False,
            ),
            stdout=subprocess.DEVNULL,
        )
        assert embedded_redis.answers(self.url, within_seconds=10, process=self._process)

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self.client.close()

    @property
    def queue(self) -> Queue:
        return Queue(LANE, connection=self.client, serializer=JSONSerializer)

    def enqueue(self, batch: RenderBatch) -> Job:
        return self.queue.enqueue(JOB_NAME, batch.to_json())

    def reports(self, kind: str = "") -> list[Report]:
        entries = self.client.xrange(REPORT_STREAM)
        fields = ({k.decode(): v.decode() for k, v in entry.items()} for _, entry in entries)
        return [r for r in map(report_from_fields, fields) if r.kind.startswith(kind)]

    def states(self) -> list[str]:
        """What the heartbeats said, in order."""
        return [r.body["state"] for r in self.reports("worker.beat")]

    def outcomes(self) -> dict[str, str]:
        """Work item to ``succeeded`` or the code of its failure."""
        ends = [r for r in self.reports("order.") if r.kind in ("order.succeeded", "order.failed")]
        return {r.body["work_item"]: r.body.get("code", "succeeded") for r in ends}

    def await_outcomes(self, count: int) -> dict[str, str]:
        until(lambda: len(self.outcomes()) >= count, f"{count} outcomes")
        return self.outcomes()

    def await_report(self, kind: str) -> Report:
        found: list[Report] = until(lambda: self.reports(kind), kind)
        return found[0]


@dataclass
class WorkerProcess:
    """A started worker and its log."""

    name: str
    process: subprocess.Popen[bytes]
    log_path: Path
    seen: set[int] = field(default_factory=set)

    @property
    def pid(self) -> int:
        return self.process.pid

    def log(self) -> str:
        return self.log_path.read_text()

    def children(self) -> list[int]:
        listed = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        pids = [int(pid) for pid in listed.split()]
        self.seen.update(pids)
        return pids

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def leave(self) -> int:
        """Ask to leave and return the exit code."""
        self.signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_SECONDS)


@dataclass
class Fleet:
    """Starts workers and ends those a test leaves behind."""

    wire: Wire
    folder: Path
    workers: list[WorkerProcess] = field(default_factory=list)

    def start(
        self,
        renderer: str = "tests.fakes.renderers.render",
        *,
        online: bool = True,
        started_by: str = "",
        **env: str,
    ) -> WorkerProcess:
        name = f"w{len(self.workers) + 1}"
        log_path = self.folder / f"{name}.log"
        with log_path.open("wb") as log:
            process = subprocess.Popen(
                [*_STARTERS[started_by], sys.executable, "-m", "gpu_workers"],
                cwd=ROOT,
                stderr=log,
                env={
                    "PATH": os.environ["PATH"],
                    "PACKSHOT_REDIS_URL": self.wire.url,
                    "PACKSHOT_STORAGE_URL": f"file://{self.folder / 'media'}",
                    "PACKSHOT_WORKER_NAME": name,
                    "PACKSHOT_WORKER_RENDERER": renderer,
                    "PACKSHOT_WORKER_BEAT_SECONDS": "0.2",
                    "PACKSHOT_WORKER_GRACE_SECONDS": "20",
                    **env,
                },
            )
        worker = WorkerProcess(name, process, log_path)
        self.workers.append(worker)
        if online:
            until(lambda: "worker online" in worker.log(), "worker online")
        return worker

    def storage(self) -> FileStorage:
        return FileStorage(self.folder / "media")

    def tries(self, work_item: str, attempt: int = 1) -> int:
        """How often an order was begun."""
        return len(self.storage().list(f"t/ateliers/{work_item}/{attempt}/try-"))


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[Wire]:
    wire = Wire(tmp_path)
    wire.start()
    yield wire
    wire.kill()


@pytest.fixture
def fleet(wire: Wire, tmp_path: Path) -> Iterator[Fleet]:
    fleet = Fleet(wire, tmp_path)
    yield fleet
    for worker in fleet.workers:
        worker.process.kill()
        worker.process.wait()
        # A test that fails because a child outlived its worker must not leave it behind.
        for pid in filter(is_running, worker.seen):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def is_running(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def manifest(fleet: Fleet, key: str) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(fleet.storage().read(key))
    return body
