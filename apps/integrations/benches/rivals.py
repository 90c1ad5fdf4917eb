"""Bare RQ and Celery on the same Redis, with the same payload and the same no-op work.

They keep work in Redis alone: no fairness, no credits, no events, no lease, and what Redis loses is
lost. The figures say what a queue costs by itself.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import redis
import rq
from django.conf import settings

from apps.integrations.benches.cpu import tree_seconds
from apps.integrations.benches.figures import Figure
from apps.integrations.benches.stack import NotMeasurable
from config.env import ROOT

_WORK = "apps.integrations.benches.noop.work"
_ENQUEUED = 2_000
_WORKERS = 2
_LONGEST_SECONDS = 120.0
_NO_CELERY = "Celery is not installed: pip install 'packshot[bench]'"


def enqueue_figures(payload: str) -> list[Figure]:
    """Return how fast each puts the payload into Redis."""
    client = redis.Redis.from_url(settings.REDIS_URL)
    queue = rq.Queue("bench", connection=client)
    figures = []

    def single() -> None:
        for _ in range(_ENQUEUED):
            queue.enqueue_call(_WORK, args=(payload, ""))

    def together() -> None:
        data = [queue.prepare_data(_WORK, args=(payload, "")) for _ in range(_ENQUEUED)]
        queue.enqueue_many(data)

    figures.append(_rate("bare RQ: one enqueue each", single))
    figures.append(_rate("bare RQ: one pipeline", together))
    client.flushall()
    if not _has_celery():
        return [*figures, Figure("Celery", {}, _NO_CELERY)]
    send = _celery_sender()

    def celery() -> None:
        for _ in range(_ENQUEUED):
            send(payload, "")

    figures.append(_rate("Celery: one send each", celery))
    client.flushall()
    client.close()
    return figures


def work_figures(payload: str, jobs: int) -> list[Figure]:
    """Return the CPU that each takes for a job, from enqueuing to the end of its work."""
    client = redis.Redis.from_url(settings.REDIS_URL)
    queue = rq.Queue("bench", connection=client)

    def enqueue(folder: str) -> None:
        for _ in range(jobs):
            queue.enqueue_call(_WORK, args=(payload, folder), result_ttl=0)

    rq_worker = ["-m", "rq.cli", "worker", "--url", settings.REDIS_URL, "--quiet", "bench"]
    figures = [
        _worked("bare RQ: forks for each job", [rq_worker] * _WORKERS, enqueue, jobs),
        _worked(
            "bare RQ: works in the worker's own process",
            [[*rq_worker, "--worker-class", "rq.worker.SimpleWorker"]] * _WORKERS,
            enqueue,
            jobs,
        ),
    ]
    client.flushall()
    if not _has_celery():
        return [*figures, Figure("Celery", {}, _NO_CELERY)]
    send = _celery_sender()

    def send_all(folder: str) -> None:
        for _ in range(jobs):
            send(payload, folder)

    app = "apps.integrations.benches.celery_app"
    command = ["-m", "celery", "-A", app, "worker", "-c", str(_WORKERS), "--loglevel", "ERROR"]
    figures.append(_worked("Celery: prefork", [command], send_all, jobs))
    client.flushall()
    client.close()
    return figures


def _worked(
    what: str, workers: list[list[str]], enqueue: Callable[[str], None], jobs: int
) -> Figure:
    client = redis.Redis.from_url(settings.REDIS_URL)
    server = psutil.Process(int(client.info("server")["process_id"]))
    with tempfile.TemporaryDirectory(prefix="packshot-bench-") as folder:
        processes = [
            subprocess.Popen(  # noqa: S603 - commands of our own
                [sys.executable, *command],
                cwd=ROOT,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            for command in workers
        ]
        try:
            enqueue_warm = Path(folder) / "warm"
            enqueue(str(enqueue_warm))
            _await(enqueue_warm, jobs)
            before = _cpu(processes, server)
            began = time.perf_counter()
            enqueue(str(Path(folder) / "measured"))
            _await(Path(folder) / "measured", jobs)
            wall = time.perf_counter() - began
            used = _cpu(processes, server) - before
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait()
            client.close()
    return Figure(what, {"CPU ms/render": used / jobs * 1000, "renders/s": jobs / wall})


def _await(folder: Path, jobs: int) -> None:
    ends_at = time.monotonic() + _LONGEST_SECONDS
    while not folder.is_dir() or sum(1 for _ in folder.glob("*/manifest.json")) < jobs:
        if time.monotonic() > ends_at:
            raise NotMeasurable(f"{jobs} jobs were not done within {_LONGEST_SECONDS:.0f} s")
        time.sleep(0.05)


def _cpu(processes: list[subprocess.Popen[bytes]], server: psutil.Process) -> float:
    """Return the CPU seconds of workers, Redis and this process, which enqueues."""
    own = psutil.Process().cpu_times()
    trees = sum(tree_seconds(process.pid) for process in processes)
    return trees + tree_seconds(server.pid) + float(own.user + own.system)


def _rate(what: str, act: Callable[[], None]) -> Figure:
    began = time.perf_counter()
    act()
    return Figure(what, {"renders/s": _ENQUEUED / (time.perf_counter() - began)})


def _has_celery() -> bool:
    return importlib.util.find_spec("celery") is not None


def _celery_sender() -> Callable[[str, str], Any]:
    # An optional package: the module that needs it is imported only where it is installed.
    from apps.integrations.benches.celery_app import work  # noqa: PLC0415

    sender: Callable[[str, str], Any] = work.delay
    return sender
