"""Real processes around a database of their own: a conductor, workers, and somebody who orders."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]

_ORDER = """
import json, sys, django
django.setup()
from django.db import transaction
from apps.tenants.models import Tenant
from apps.tenants.scope import tenant_scope
from apps.tenants.roles import system_actor
from apps.billing.credits import open_account
from apps.compute import wire
from apps.compute.services import intake
ask = json.loads(sys.argv[1])
scene = wire.builtin_scenes()["packshot-white"].to_json()
output = {"name": "shop", "width_px": 1000, "height_px": 1000}
for slug, count in ask.items():
    tenant, new = Tenant.objects.get_or_create(slug=slug, defaults={"name": slug})
    with tenant_scope(tenant.pk), transaction.atomic():
        if new:
            open_account(tenant=tenant.pk, plan_slug="pro")
        intake.submit(actor=system_actor(tenant.pk, "test"), work=[
            intake.NewWork(subject=f"rnd_{slug}_{n}", group=f"sht_{slug}", kind="packshot",
                           source_key="photos/x/y/photo.png", scene=scene, outputs=[output])
            for n in range(count)])
"""

_LOOK = """
SELECT item.id, tenant.slug AS tenant, item.subject, item.state, item.attempt, item.tries_counted,
       item.worker, item.queued_at, item.dispatched_at, item.started_at, item.finished_at
FROM compute_workitem AS item JOIN tenants_tenant AS tenant ON tenant.id = item.tenant_id
ORDER BY item.started_at
"""


class House:
    """One installation on its own folder."""

    def __init__(self, folder: Path, redis_url: str, **environ: str) -> None:
        self.folder = folder
        self.environ = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "config.settings.test",
            "DATABASE_URL": f"sqlite:///{folder / 'db.sqlite3'}",
            "PACKSHOT_VAR_DIR": str(folder),
            "PACKSHOT_STORAGE_URL": f"file://{folder / 'media'}",
            "PACKSHOT_REDIS_URL": redis_url,
            "PACKSHOT_WORKER_RENDERER": "gpu_workers.calibrated.render",
            "PACKSHOT_CALIBRATED_SECONDS": "0.05",
            "PACKSHOT_WORKER_BEAT_SECONDS": "0.3",
            "PACKSHOT_LEASE_SECONDS": "1.5",
            "PYTHONUNBUFFERED": "1",
            **environ,
        }
        self.processes: list[subprocess.Popen[bytes]] = []

    @property
    def database(self) -> Path:
        return self.folder / "db.sqlite3"

    def migrate(self) -> None:
        self.run("manage.py", "migrate", "--verbosity", "0")

    def run(self, *arguments: str) -> str:
        """Run Python to its end and return what it printed."""
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=self.environ,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self, name: str, *arguments: str, **environ: str) -> subprocess.Popen[bytes]:
        log = (self.folder / f"{name}.log").open("ab")
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env={**self.environ, **environ},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        log.close()
        self.processes.append(process)
        return process

    def conductor(self, name: str = "conductor") -> subprocess.Popen[bytes]:
        return self.start(name, "manage.py", "conduct")

    def worker(self, name: str) -> subprocess.Popen[bytes]:
        return self.start(name, "-m", "gpu_workers", PACKSHOT_WORKER_NAME=name)

    def order(self, **counts: int) -> None:
        """Have tenants order so many renders each."""
        self.run("-c", _ORDER, json.dumps(counts))

    def items(self) -> list[dict[str, Any]]:
        """Read the work items past Django, which would take a second to start."""
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as database:
            database.row_factory = sqlite3.Row
            return [dict(row) for row in database.execute(_LOOK)]

    def log(self, name: str) -> str:
        path = self.folder / f"{name}.log"
        return path.read_text() if path.exists() else ""

    def await_log(self, name: str, words: str, *, seconds: float = 30.0) -> None:
        wait_until(lambda: words in self.log(name), seconds, lambda: self.log(name))

    def await_all(self, states: set[str], *, seconds: float = 60.0) -> list[dict[str, Any]]:
        """Wait until every item is in one of the states."""
        wait_until(
            lambda: all(row["state"] in states for row in self.items()),
            seconds,
            lambda: json.dumps(self.items(), indent=1)[-3000:] + self.log("conductor")[-3000:],
        )
        return self.items()

    def stop(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.terminate()
        for process in self.processes:
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def wait_until(is_true: Callable[[], bool], seconds: float, tell: Callable[[], str]) -> None:
    ends_at = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < ends_at, tell()
        time.sleep(0.05)
