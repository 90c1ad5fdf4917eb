"""The fork server: one machine's workers, each forked from a process that has all they import.

Owns the worker processes of this machine: their launch within the machine's slots, drain, end and
reaping, and the engine fork server beside it. Decides nothing about how many there should be, and
keeps no state that outlives it: it is asked through `forkserver_door` by whoever leads, so a
conductor that takes over finds every worker. Run as ``python -m gpu_workers serve FOLDER``.

Its workers die with it, by SIGTERM: they finish within their grace or hand back, and a successor
that knows none of them cannot overbook the machine for longer than that. It has a single thread
and opens no connection, so that its forks inherit neither locks nor sockets. Times are seconds.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import logging
import os
import selectors
import signal
import socket
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias, get_args

from gpu_workers import forkserver_door, launch
from gpu_workers.config import SettingInvalid, config_from_environ
from gpu_workers.engine_server import EngineServer
from gpu_workers.forking import Bell, count_threads, ended_children, fork
from gpu_workers.logs import log_to_stderr
from gpu_workers.protocol import Engine, WorkerClass
from gpu_workers.slots import Slots, slots_from_environ
from gpu_workers.storage import StorageUnusable, check_storage_url

State: TypeAlias = Literal["starting", "running", "draining"]

_READ_SECONDS: Final = 2.0
_END_MARGIN_SECONDS: Final = 2.0
"""Beyond a worker's grace, for its farewell."""

log = logging.getLogger("gpu_workers.forkserver")


@dataclass(slots=True)
class _Worker:
    """A worker process that has not been reaped."""

    worker: str
    worker_class: str
    engine: str
    device: str
    pid: int
    launched_at: float
    state: State = "starting"

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


class RequestInvalid(Exception):
    """A request cannot be understood; the message says what is wrong with it."""


class Forkserver:
    """Serves one machine until it is told to end and its last worker has left."""

    def __init__(self, folder: Path, *, slots: Slots, renderer: str, grace_seconds: float) -> None:
        self._slots = slots
        self._grace_seconds = grace_seconds
        self._selector = selectors.DefaultSelector()
        self._bell = Bell(self._selector, (signal.SIGTERM, signal.SIGINT))
        self._door = forkserver_door.Door(folder)
        self._selector.register(self._door.listener, selectors.EVENT_READ, self._door)
        self._workers: dict[int, _Worker] = {}
        self._engine_server = EngineServer(renderer)
        self._ends_at: float | None = None

    def serve(self) -> None:
        """Serve; returns after SIGTERM or SIGINT, when every worker has ended."""
        log.info("serving", extra={"facts": {"pid": os.getpid(), **self._slots.capacity()}})
        while self._ends_at is None or self._workers:
            for key, _ in self._selector.select(self._patience()):
                if key.data is self._bell:
                    self._take_signals()
                elif key.data is self._door:
                    self._let_in()
                else:
                    self._note_online(key.data, key.fd)
            if self._ends_at is not None and time.monotonic() >= self._ends_at:
                for pid in self._workers:
                    os.kill(pid, signal.SIGKILL)
        self._engine_server.close()
        self._door.close()

    def _patience(self) -> float | None:
        if self._ends_at is None:
            return None
        return max(0.05, self._ends_at - time.monotonic())

    def _take_signals(self) -> None:
        if self._bell.rung() & {signal.SIGTERM, signal.SIGINT} and self._ends_at is None:
            self._ends_at = time.monotonic() + self._grace_seconds + _END_MARGIN_SECONDS
            for pid in self._workers:
                os.kill(pid, signal.SIGTERM)
        for pid, code in ended_children():
            worker = self._workers.pop(pid, None)
            if worker is not None:
                facts = {"worker": worker.worker, "pid": pid, "code": code}
                log.log(
                    logging.WARNING if code else logging.INFO,
                    "worker ended",
                    extra={"facts": facts},
                )
            else:
                self._engine_server.note_end(pid, code)

    def _let_in(self) -> None:
        """Answer one client; one that dawdles or talks nonsense costs two seconds at most."""
        connection, _ = self._door.listener.accept()
        with connection:
            connection.settimeout(_READ_SECONDS)
            try:
                request = forkserver_door.receive(connection)
                forkserver_door.send(connection, self._answer(request))
            except (OSError, ValueError) as error:
                log.warning("client lost", extra={"facts": {"reason": error}})

    def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        try:
            return {"ok": True, **self._do(request)}
        except (RequestInvalid, OSError) as error:
            return {"ok": False, "reason": str(error)}

    def _do(self, request: dict[str, Any]) -> dict[str, Any]:
        match request:
            case {"do": "list"}:
                workers = sorted(self._workers.values(), key=lambda worker: worker.launched_at)
                return {
                    "workers": [worker.to_json() for worker in workers],
                    "capacity": self._slots.capacity(),
                }
            case {"do": "launch", "worker_class": cls, "engine": engine, "names": list(names)}:
                if cls not in get_args(WorkerClass) or engine not in get_args(Engine):
                    raise RequestInvalid(f"no worker class {cls!r} with engine {engine!r}")
                if self._ends_at is not None:
                    raise RequestInvalid("this fork server is ending")
                return {"started": self._launch(cls, engine, [str(name) for name in names])}
            case {"do": "drain", "worker": str(name)}:
                self._signal(name, signal.SIGUSR2, becomes="draining")
                return {}
            case {"do": "terminate", "worker": str(name)}:
                self._signal(name, signal.SIGKILL)
                return {}
        raise RequestInvalid(f"unknown request {request!r}")

    def _launch(self, worker_class: str, engine: str, names: list[str]) -> list[str]:
        started = []
        for name in names:
            if self._of_name(name) is None:
                taken = [w.device for w in self._workers.values() if w.worker_class == worker_class]
                device = self._slots.free_device(worker_class, taken)
                if device is None:
                    break
                self._start(name, worker_class, engine, device)
            started.append(name)
        return started

    def _start(self, name: str, worker_class: str, engine: str, device: str) -> None:
        environ = {
            "PACKSHOT_WORKER_NAME": name,
            "PACKSHOT_WORKER_CLASS": worker_class,
            "PACKSHOT_WORKER_ENGINE": engine,
            "PACKSHOT_DIE_WITH_PARENT": "1",
            "CUDA_VISIBLE_DEVICES": device,
        }
        # A device may only be touched by a process that starts from nothing.
        requests = self._engine_server.requests if worker_class == "cpu" else None
        ours, theirs = os.pipe()
        try:
            pid = fork(
                functools.partial(_be_worker, environ, os.getpid(), requests, theirs),
                keep=(theirs, requests.fileno()) if requests is not None else (theirs,),
            )
        except OSError:
            os.close(ours)
            raise
        finally:
            os.close(theirs)
        worker = _Worker(name, worker_class, engine, device, pid, launched_at=time.time())
        self._workers[pid] = worker
        self._selector.register(ours, selectors.EVENT_READ, worker)

    def _note_online(self, worker: _Worker, descriptor: int) -> None:
        """Take the one word of a worker's pipe: it is online, or it ended before that."""
        self._selector.unregister(descriptor)
        is_online = bool(os.read(descriptor, 1))
        os.close(descriptor)
        if is_online and worker.state == "starting":
            worker.state = "running"
            seconds = round(time.time() - worker.launched_at, 3)
            log.info("worker up", extra={"facts": {"worker": worker.worker, "seconds": seconds}})

    def _of_name(self, name: str) -> _Worker | None:
        return next((w for w in self._workers.values() if w.worker == name), None)

    def _signal(self, name: str, number: signal.Signals, *, becomes: State | None = None) -> None:
        worker = self._of_name(name)
        if worker is not None:
            worker.state = becomes or worker.state
            # It has not been reaped, so its number cannot belong to a stranger.
            os.kill(worker.pid, number)


def serve(folder: Path) -> int:
    """Run a fork server for a folder; return the process's exit code."""
    log_to_stderr(server="workers")
    try:
        config = config_from_environ()
        check_storage_url(config.storage_url)
        slots = slots_from_environ()
        if count_threads() > 1:
            raise RuntimeError("a library started threads on import; forking is not safe")
        server = Forkserver(
            folder, slots=slots, renderer=config.renderer, grace_seconds=config.grace_seconds
        )
    except (SettingInvalid, StorageUnusable, forkserver_door.AlreadyServed) as error:
        sys.stderr.write(f"gpu_workers: {error}\n")
        return launch.EXIT_MISCONFIGURED
    # Collected once, then left alone: a collection in a worker would copy every shared page.
    gc.collect()
    gc.freeze()
    server.serve()
    return 0


def _be_worker(
    environ: dict[str, str], parent_pid: int, requests: socket.socket | None, pipe: int
) -> int:
    os.environ.update(environ)
    with contextlib.suppress(OSError):  # for people who look at the list of processes
        Path("/proc/self/comm").write_text(environ["PACKSHOT_WORKER_NAME"], encoding="ascii")

    def tell_online() -> None:
        os.write(pipe, b"1")
        os.close(pipe)

    return launch.run_worker(
        os.environ, parent_pid=parent_pid, requests=requests, on_online=tell_online
    )
