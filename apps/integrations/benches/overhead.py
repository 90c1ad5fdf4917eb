"""What a render costs beside the render: CPU of all processes from the order to the open review.

Starts web, conductor and two workers whose renderer takes no time. What the renderer itself does
(two small pictures and a manifest) stays in the figure.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import httpx
import psutil
from django.conf import settings
from django.db import connection

from apps.compute.models import Worker
from apps.core import embedded_redis, queue
from apps.integrations.benches import rivals, seeding
from apps.integrations.benches.cpu import tree_seconds
from apps.integrations.benches.figures import Figure, Table
from apps.integrations.benches.stack import NotMeasurable
from apps.integrations.scopes import Scope
from apps.integrations.services.api_keys import create_api_key
from apps.review.models import Review
from apps.tenants.scope import across_tenants, tenant_scope
from config.env import ROOT

_WORKERS = 2
_READY_SECONDS = 60.0
_LONGEST_SECONDS = 300.0
_WARM_RENDERS = 20


def measure(*, renders: int) -> Table:
    """Return the CPU of one large order and of as many small ones, beside RQ and Celery."""
    owner = seeding.open_seller()
    photos = seeding.enter_photos(owner.tenant_id, renders)
    with tenant_scope(owner.tenant_id):
        _, secret = create_api_key(actor=owner.actor, name="bench", scopes=list(Scope))
    table = Table(f"Framework overhead of {renders:,} renders, order to review, render of 0 s")
    with _running() as (url, pids):
        headers = {"Authorization": f"Bearer {secret}"}
        with httpx.Client(base_url=url, headers=headers, timeout=60, trust_env=False) as api:
            warming = photos[:_WARM_RENDERS]
            _order(api, warming)
            _await_reviews(len(warming))
            done = len(warming)
            for what, orders in (
                (f"Packshot: one order of {renders:,}", [photos]),
                (f"Packshot: {renders:,} orders of one", [[photo] for photo in photos]),
            ):
                done += renders
                table.rows.append(_figure(what, api, orders, pids, done))
    table.rows.extend(rivals.work_figures('{"batch": "bat_bench"}', renders))
    return table


def _figure(
    what: str, api: httpx.Client, orders: Sequence[list[str]], pids: dict[str, int], done: int
) -> Figure:
    renders = sum(len(order) for order in orders)
    before = {name: tree_seconds(pid) for name, pid in pids.items()}
    began = time.perf_counter()
    for order in orders:
        _order(api, order)
    _await_reviews(done)
    wall = time.perf_counter() - began
    used = {name: tree_seconds(pid) - before[name] for name, pid in pids.items()}
    ours = sum(seconds for name, seconds in used.items() if name != "database")
    parts = ", ".join(
        f"{name} {seconds / renders * 1000:.1f}" for name, seconds in sorted(used.items())
    )
    return Figure(
        what, {"CPU ms/render": ours / renders * 1000, "renders/s": renders / wall}, f"({parts})"
    )


def _order(api: httpx.Client, photos: list[str]) -> None:
    order = {"photos": photos, "sales_channels": ["shopify"]}
    api.post("/v1/shoots", json=order).raise_for_status()


def _await_reviews(wanted: int) -> None:
    ends_at = time.monotonic() + _LONGEST_SECONDS
    while True:
        with across_tenants("a measurement of the whole installation"):
            if Review.objects.count() >= wanted:
                return
        if time.monotonic() > ends_at:
            raise NotMeasurable(f"{wanted} renders were not done within {_LONGEST_SECONDS:.0f} s")
        time.sleep(0.1)


@contextmanager
def _running() -> Iterator[tuple[str, dict[str, int]]]:
    """Run the product; yield its address and a process id for each part."""
    port = embedded_redis.free_port()
    url = f"http://127.0.0.1:{port}"
    python, manage = sys.executable, str(ROOT / "manage.py")
    web = ["-m", "uvicorn", "config.asgi:application", "--port", str(port), "--lifespan", "off"]
    commands = {
        "web": [python, *web, "--no-access-log", "--log-level", "warning"],
        "conductor": [python, manage, "conduct"],
        **{f"worker {number + 1}": [python, "-m", "gpu_workers"] for number in range(_WORKERS)},
    }
    environ = {
        **os.environ,
        "PACKSHOT_BASE_URL": url,
        "PACKSHOT_WORKER_RENDERER": "gpu_workers.calibrated.render",
        "PACKSHOT_CALIBRATED_SECONDS": "0",
    }
    processes: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name, command in commands.items():
            log = (settings.VAR_DIR / f"{name.replace(' ', '-')}.log").open("wb")
            with log:
                processes[name] = subprocess.Popen(  # noqa: S603 - our own commands
                    command, cwd=ROOT, env=environ, stdout=log, stderr=log
                )
        _await_ready(url)
        yield url, {name: process.pid for name, process in processes.items()} | _servers()
    finally:
        for process in processes.values():
            process.terminate()
        for process in processes.values():
            process.wait()


def _await_ready(url: str) -> None:
    ends_at = time.monotonic() + _READY_SECONDS
    while time.monotonic() < ends_at:
        try:
            web_answers = httpx.get(f"{url}/healthz", trust_env=False).status_code == 200
        except httpx.TransportError:
            web_answers = False
        if web_answers and Worker.objects.filter(state=Worker.State.IDLE).count() >= _WORKERS:
            return
        time.sleep(0.1)
    raise NotMeasurable(f"The product did not come up; see the logs in {settings.VAR_DIR}.")


def _servers() -> dict[str, int]:
    """Return the process ids of Redis and, where it is a server of this machine, the database."""
    with queue.connection() as client:
        servers = {"redis": int(client.info("server")["process_id"])}
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            backend = int(cursor.fetchone()[0])
        if psutil.pid_exists(backend):
            servers["database"] = int(psutil.Process(backend).ppid())
    return servers
