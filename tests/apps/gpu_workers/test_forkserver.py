"""A fork server as an application meets it: asked through its door, watched through /proc."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gpu_workers.forkserver_door import NobodyServes, ask
from gpu_workers.protocol import RenderBatch
from gpu_workers.storage import FileStorage
from tests.apps.gpu_workers.conftest import ROOT, Wire, is_running, until
from tests.fakes.orders import batch, order

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/task").is_dir(), reason="reads /proc to watch processes"
)


@dataclass
class Server:
    """A running fork server and the folder it serves."""

    process: subprocess.Popen[bytes]
    folder: Path
    media: Path
    log_path: Path

    def ask(self, do: str, **request: Any) -> dict[str, Any]:
        answer = ask(self.folder, {"do": do, **request})
        assert answer["ok"], answer
        return answer

    def workers(self) -> dict[str, dict[str, Any]]:
        return {row["worker"]: row for row in self.ask("list")["workers"]}

    def launch(self, *names: str, worker_class: str = "cpu") -> list[str]:
        started: list[str] = self.ask(
            "launch", worker_class=worker_class, engine="classical", names=list(names)
        )["started"]
        return started

    def launch_online(self, *names: str) -> list[int]:
        """Launch, wait until all are online, and return their process ids."""
        assert self.launch(*names) == list(names)
        until(lambda: all(self.workers()[n]["state"] == "running" for n in names), "online")
        return [self.workers()[name]["pid"] for name in names]

    def engine_server(self) -> int:
        [pid] = [pid for pid in children(self.process.pid) if "engine_forkserver" in command(pid)]
        return pid

    def log(self) -> str:
        return self.log_path.read_text()


def children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in listed.split()]


def command(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")


@pytest.fixture
def serve(wire: Wire, tmp_path: Path) -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def start(*, folder: str = "fleet", answers: bool = True, **env: str) -> Server:
        log_path = tmp_path / f"server-{len(servers)}.log"
        with log_path.open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "gpu_workers", "serve", str(tmp_path / folder)],
                cwd=ROOT,
                stderr=log,
                start_new_session=True,
                env={
                    "PATH": os.environ["PATH"],
                    "PACKSHOT_REDIS_URL": wire.url,
                    "PACKSHOT_STORAGE_URL": f"file://{tmp_path / 'media'}",
                    "PACKSHOT_WORKER_RENDERER": "tests.fakes.renderers.render",
                    "PACKSHOT_WORKER_BEAT_SECONDS": "0.2",
                    "PACKSHOT_WORKER_GRACE_SECONDS": "0.5",
                    "PACKSHOT_CPU_SLOTS": "2",
                    "PACKSHOT_GPUS": "none",
                    **env,
                },
            )
        server = Server(process, tmp_path / folder, tmp_path / "media", log_path)
        servers.append(server)
        if answers:
            until(lambda: "serving" in server.log(), "the server to serve")
        return server

    yield start
    for server in servers:
        if server.process.poll() is None:
            server.process.terminate()
            server.process.wait(20)
        # A test that fails because something outlived its server must not leave it behind.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.process.pid, signal.SIGKILL)


def hanging(name: str = "a") -> RenderBatch:
    return batch(order(name, does="hang"), deadline_seconds=600)


def test_workers_are_launched_within_the_slots_and_once_for_each_name(serve) -> None:
    server = serve()

    assert server.launch("one") == ["one"]
    assert server.launch("one", "two", "three") == ["one", "two"]

    assert list(server.workers()) == ["one", "two"]
    assert server.ask("list")["capacity"] == {"cpu": 2}
    assert abs(server.workers()["one"]["launched_at"] - time.time()) < 60
    until(lambda: {w["state"] for w in server.workers().values()} == {"running"}, "both online")


def test_engine_children_are_forked_from_the_warm_server_and_render(wire: Wire, serve) -> None:
    server = serve()
    server.launch_online("one")

    wire.enqueue(batch(order("a"), order("b", does="environ-CUDA_VISIBLE_DEVICES")))

    assert wire.await_outcomes(2) == {"a": "succeeded", "b": "succeeded"}
    assert len(children(server.engine_server())) == 1
    # A CPU worker sees no GPU, whatever the machine has.
    assert FileStorage(server.media).read("t/ateliers/b/1/environ") == b""


def test_a_forked_child_that_dies_is_told_apart_and_its_order_fails_alone(
    wire: Wire, serve
) -> None:
    serve().launch_online("one")

    wire.enqueue(batch(order("a"), order("b", does="abort"), order("c")))

    assert wire.await_outcomes(3) == {"a": "succeeded", "b": "engine.crashed", "c": "succeeded"}
    assert "SIGABRT" in wire.await_report("order.failed").body["detail"]


def test_a_killed_worker_takes_its_hung_child_along_and_frees_its_slot(wire: Wire, serve) -> None:
    server = serve()
    [one, _] = server.launch_online("one", "two")
    wire.enqueue(hanging("a"))
    wire.enqueue(hanging("b"))
    until(lambda: len(wire.reports("order.started")) == 2, "both to begin")
    kids = children(server.engine_server())

    server.ask("terminate", worker="one")

    until(lambda: not is_running(one), "the worker to end")
    until(lambda: len([kid for kid in kids if is_running(kid)]) == 1, "its child to end")
    assert list(server.workers()) == ["two"]
    assert server.launch("three") == ["three"]


def test_ten_workers_drained_in_mid_render_finish_it_and_none_is_killed(wire: Wire, serve) -> None:
    server = serve(PACKSHOT_CPU_SLOTS="10", PACKSHOT_WORKER_GRACE_SECONDS="0")
    names = [f"w{number}" for number in range(10)]
    server.launch_online(*names)
    for name in names:
        wire.enqueue(batch(order(name, does="slow-2"), order(f"{name}-next")))
    until(lambda: len(wire.reports("order.started")) == 10, "all to begin")

    for name in names:
        server.ask("drain", worker=name)
    assert {row["state"] for row in server.workers().values()} == {"draining"}
    wire.enqueue(batch(order("later")))

    until(lambda: not server.workers(), "all to leave")
    assert set(wire.outcomes().values()) == {"succeeded"}
    assert len(wire.outcomes()) == 20
    assert [r.body["released"] for r in wire.reports("worker.offline")] == [[]] * 10
    assert server.log().count("code=0") == 10
    assert wire.queue.count == 1


def test_a_drain_of_a_worker_that_only_starts_is_kept_for_it(serve) -> None:
    server = serve(
        PACKSHOT_WORKER_RENDERER="gpu_workers.calibrated.render",
        PACKSHOT_CALIBRATED_START_SECONDS="30",
    )
    server.launch("one")

    server.ask("drain", worker="one")

    until(lambda: not server.workers(), "it to leave")
    assert "code=0" in server.log()


def test_a_killed_engine_server_costs_no_render(wire: Wire, serve) -> None:
    server = serve()
    server.launch_online("one")
    wire.enqueue(batch(order("a", does="slow-1")))
    wire.await_report("order.started")

    os.kill(server.engine_server(), signal.SIGKILL)
    wire.enqueue(batch(order("b", does="abort"), order("c")))

    assert wire.await_outcomes(3) == {"a": "succeeded", "b": "engine.crashed", "c": "succeeded"}
    assert len(FileStorage(server.media).list("t/ateliers/a/1/try-")) == 1
    assert "engine fork server is silent" in server.log()


def test_workers_of_a_killed_server_hand_back_and_leave_for_its_successor(
    wire: Wire, serve
) -> None:
    server = serve()
    pids = server.launch_online("one", "two")
    wire.enqueue(hanging())
    wire.await_report("order.started")
    pids += [server.engine_server(), *children(server.engine_server())]

    server.process.kill()
    server.process.wait()
    with pytest.raises(NobodyServes):
        server.ask("list")
    successor = serve()

    assert successor.workers() == {}
    assert successor.launch("three") == ["three"]
    until(lambda: not any(map(is_running, pids)), "all of the old tree to end")
    released = [r.body["released"] for r in wire.reports("worker.offline")]
    assert sorted(released) == [[], [["a", 1]]]


def test_sigterm_ends_the_tree_within_its_grace(wire: Wire, serve) -> None:
    server = serve()
    pids = server.launch_online("one", "two")
    wire.enqueue(hanging())
    wire.await_report("order.started")
    pids += [server.engine_server(), *children(server.engine_server())]

    server.process.terminate()

    assert server.process.wait(10) == 0
    assert not any(map(is_running, pids))
    assert [["a", 1]] in [r.body["released"] for r in wire.reports("worker.offline")]


def test_a_frozen_worker_is_killed_when_the_grace_is_over(serve) -> None:
    server = serve()
    [pid] = server.launch_online("one")
    os.kill(pid, signal.SIGSTOP)

    server.process.terminate()

    assert server.process.wait(10) == 0
    assert not is_running(pid)


def test_each_gpu_worker_has_one_gpu_and_a_child_that_starts_from_nothing(
    wire: Wire, serve
) -> None:
    server = serve(PACKSHOT_GPUS="0,7:gpu-large")
    assert server.ask("list")["capacity"] == {"cpu": 2, "gpu": 1, "gpu-large": 1}

    assert server.launch("small", "other", worker_class="gpu") == ["small"]
    assert server.launch("large", worker_class="gpu-large") == ["large"]

    until(lambda: server.workers()["large"]["state"] == "running", "online")
    [child] = children(server.workers()["large"]["pid"])
    environ = Path(f"/proc/{child}/environ").read_bytes().split(b"\0")
    assert b"CUDA_VISIBLE_DEVICES=7" in environ
    until(lambda: len(wire.reports("worker.online")) == 2, "both to report")
    lanes = {r.body["worker"]: r.body["lane"] for r in wire.reports("worker.online")}
    assert lanes["large"] == "render-gpu-large-classical"


def test_a_folder_is_served_once_however_long_its_name(serve) -> None:
    folder = "x" * 120
    server = serve(folder=folder)

    second = serve(folder=folder, answers=False)

    assert second.process.wait(20) == 2
    assert "another fork server serves" in second.log()
    assert server.workers() == {}


def test_a_wrong_setting_ends_the_start_and_names_the_cure(serve) -> None:
    server = serve(answers=False, PACKSHOT_CPU_SLOTS="many")

    assert server.process.wait(20) == 2
    assert "PACKSHOT_CPU_SLOTS='many' is not a whole number" in server.log()


def test_nonsense_at_the_door_is_refused_and_harms_nobody(serve) -> None:
    server = serve()

    assert ask(server.folder, {"do": "dance"})["ok"] is False
    refused = ask(
        server.folder,
        {"do": "launch", "worker_class": "tpu", "engine": "classical", "names": ["x"]},
    )

    assert refused == {"ok": False, "reason": "no worker class 'tpu' with engine 'classical'"}
    assert server.workers() == {}
    assert (server.folder / "forkserver.sock").stat().st_mode & 0o077 == 0
