"""Ordering work by hand, and a worker that is played by the test."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from apps.compute import completion, dispatcher, wire
from apps.compute.models import WorkItem
from apps.compute.relay import Relay
from apps.compute.services import intake
from apps.compute.services.intake import NewWork
from apps.compute.snapshots import Mirror
from apps.core import queue, storage
from apps.tenants.models import Tenant
from apps.tenants.roles import system_actor
from apps.tenants.scope import across_tenants
from gpu_workers.protocol import RenderResult, Report, ResultFile

LANE = "render-cpu-classical"
_numbers = itertools.count(1)


def new_work(group: str = "sht_one", **changes: Any) -> NewWork:
    number = next(_numbers)
    values: dict[str, Any] = {
        "subject": f"rnd_{number:06d}",
        "group": group,
        "kind": "packshot",
        "source_key": "photos/t/p/photo.png",
        "scene": wire.builtin_scenes()["packshot-white"].to_json(),
        "outputs": [{"name": "shop", "width_px": 1000, "height_px": 1000}],
    }
    return NewWork(**(values | changes))


def submit(tenant: Tenant, count: int = 1, **changes: Any) -> list[WorkItem]:
    actor = system_actor(tenant.pk, "test")
    return intake.submit(actor=actor, work=[new_work(**changes) for _ in range(count)])


def dispatch() -> int:
    """Dispatch once, as a conductor does that has just begun to lead. Return how many batches."""
    return len(dispatcher.dispatch(Mirror()).batches)


def fresh(item: WorkItem) -> WorkItem:
    with across_tenants("test"):
        return WorkItem.objects.get(pk=item.pk)


def states(*items: WorkItem) -> list[str]:
    return [fresh(item).state for item in items]


@dataclass
class Listener:
    """A receiver that remembers what it was told."""

    heard: list[tuple[str, completion.Movement]] = field(default_factory=list)

    def started(self, movements: Sequence[completion.Movement]) -> None:
        self.heard += [("started", movement) for movement in movements]

    def requeued(self, movements: Sequence[completion.Movement]) -> None:
        self.heard += [("requeued", movement) for movement in movements]

    def succeeded(self, movements: Sequence[completion.Movement]) -> None:
        self.heard += [("succeeded", movement) for movement in movements]

    def failed(self, movements: Sequence[completion.Movement]) -> None:
        self.heard += [("failed", movement) for movement in movements]

    def canceled(self, movements: Sequence[completion.Movement]) -> None:
        self.heard += [("canceled", movement) for movement in movements]

    def words(self) -> list[str]:
        return [word for word, _ in self.heard]


@pytest.fixture
def listener(monkeypatch: pytest.MonkeyPatch) -> Listener:
    """The only receiver, so that these tests need no renders."""
    one = Listener()
    monkeypatch.setattr(completion, "_receivers", [one])
    return one


@dataclass
class FakeWorker:
    """Says on the stream what a worker would say, when the test wants it."""

    name: str
    relay: Relay

    def say(self, kind: str, **body: Any) -> None:
        report = Report(kind=kind, worker=self.name, body={"worker": self.name, **body})
        with queue.connection() as client:
            client.xadd(wire.REPORT_STREAM, report.to_fields())
        self.relay.step()

    def online(self, lane: str = LANE, pid: int = 1) -> None:
        worker_class, engine = wire.parts_of_lane(lane) or ("", "")
        facts = {"lane": lane, "pid": pid, "host": "test", "versions": {}}
        self.say("worker.online", worker_class=worker_class, engine=engine, **facts)

    def beat(self, *items: WorkItem, state: str = "busy") -> None:
        running = [[item.pk, item.attempt] for item in items]
        self.say("worker.beat", state=state, running=running)

    def starts(self, item: WorkItem) -> None:
        self.say("order.started", **_about(item))

    def succeeds(self, item: WorkItem) -> None:
        write_manifest(item)
        key = wire.manifest_key(item.tenant_id, item.pk, item.attempt)
        self.say("order.succeeded", **_about(item), manifest_key=key)

    def fails(self, item: WorkItem, *, retryable: bool, code: str = "engine.crashed") -> None:
        self.say("order.failed", **_about(item), code=code, detail="it broke", retryable=retryable)

    def leaves(self, *items: WorkItem) -> None:
        self.say("worker.offline", released=[[item.pk, item.attempt] for item in items])


def _about(item: WorkItem) -> dict[str, Any]:
    return {"work_item": item.pk, "attempt": item.attempt, "tenant": item.tenant_id}


def write_manifest(item: WorkItem, *, seconds: float = 0.5) -> None:
    """Write what a finished attempt leaves in storage."""
    prefix = storage.render_prefix(item.tenant_id, item.pk, item.attempt)
    file = ResultFile(
        name="preview",
        object_key=f"{prefix}preview.webp",
        width_px=8,
        height_px=8,
        file_format="WEBP",
        size_bytes=1,
        sha256=hashlib.sha256(b"x").hexdigest(),
    )
    storage.put(file.object_key, b"x")
    result = RenderResult(
        work_item=item.pk,
        attempt=item.attempt,
        files=(file,),
        engine="test/1",
        seed=0,
        versions={},
        step_seconds={},
        seconds=seconds,
        confidence=1.0,
        fidelity={},
    )
    storage.put(f"{prefix}{wire.MANIFEST_NAME}", result.to_json().encode())


@pytest.fixture
def relay(redis_server: Any) -> Iterator[Relay]:
    one = Relay()
    one.prepare()
    yield one
    one._reader._client.close()


@pytest.fixture
def worker(relay: Relay) -> FakeWorker:
    """A worker of the one lane that is online."""
    one = FakeWorker("fake-1", relay)
    one.online()
    return one


def queued_batches(lane: str = LANE) -> list[dict[str, Any]]:
    """Return the batches that wait in a lane's queue, as the worker would read them."""
    with queue.connection() as client:
        ids = client.lrange(f"rq:queue:{lane}", 0, -1)
    import django_rq

    jobs = [django_rq.get_queue(lane).fetch_job(job_id) for job_id in ids]
    return [json.loads(job.args[0]) for job in jobs]
