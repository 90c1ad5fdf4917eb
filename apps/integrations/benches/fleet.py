"""The real fleet beside the simulator's answer for the same input.

Conductor and local fleet run as in production; renders take a stated time and no CPU, so that two
cores carry dozens of workers. Arrivals go through the public order service. What the simulator is
given: the instants at which the orders were accepted, the stated times, and nothing of how it went.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from django.conf import settings
from django.db.models import Count, F, Max, Q

from apps.compute.models import ScaleDecision, WorkerLife, WorkItem
from apps.compute.services.learning import Completion, learn
from apps.compute.simulator.experiment import Conditions, replay
from apps.compute.simulator.fleet import Machines, paid_seconds
from apps.compute.simulator.generators import workload_from_text
from apps.compute.simulator.outcome import waits_of
from apps.compute.simulator.policies import policy_from_text
from apps.compute.simulator.trace import read_trace
from apps.compute.simulator.workload import Floats, Workload, WorkloadError, workload_of
from apps.core import clock
from apps.integrations.benches import seeding
from apps.integrations.benches.figures import Figure, Table
from apps.integrations.benches.stack import NotMeasurable
from apps.studio.services.ordering import cancel_shoot, order_shoot
from apps.tenants.models import Membership
from apps.tenants.scope import across_tenants, tenant_scope
from config.env import ROOT

_READY_SECONDS = 60.0
_LONGEST_TAIL_SECONDS = 300.0
_SELLERS = 8
_PHOTOS = 20
_KNOWN_STARTS = 10
_KNOWN_RENDERS = 60
_CLASS, _ENGINE = "cpu", "classical"


@dataclass(frozen=True, slots=True)
class Drill:
    """What is replayed, and on which workers."""

    source: str
    """A generator as in `simulator.generators`, or the path of a trace file."""
    span_seconds: float
    """Into which the arrivals are compressed."""
    most_renders: int
    """Of a longer workload every so many-th arrival is taken."""
    render_seconds: float
    start_seconds: float
    """From a worker's launch until it takes work."""
    max_workers: int

    def environ(self) -> dict[str, str]:
        """Return what makes a local fleet of calibrated renderers."""
        return {
            "PACKSHOT_FLEET": "local",
            "PACKSHOT_GPUS": "none",
            "PACKSHOT_CPU_SLOTS": str(self.max_workers),
            "PACKSHOT_MAX_WORKERS": f"{_CLASS}={self.max_workers}",
            "PACKSHOT_MIN_WORKERS": "",
            "PACKSHOT_WORKER_RENDERER": "gpu_workers.calibrated.render",
            "PACKSHOT_CALIBRATED_SECONDS": f"{self.render_seconds:g}",
            "PACKSHOT_CALIBRATED_START_SECONDS": f"{self.start_seconds:g}",
        }

    def workload(self) -> Workload:
        """Return the compressed arrivals.

        Raises
        ------
        NotMeasurable
            If the source cannot be read; the message says what to write.
        """
        try:
            path = Path(self.source)
            whole = read_trace(path) if path.is_file() else workload_from_text(self.source, seed=1)
        except WorkloadError as error:
            raise NotMeasurable(str(error)) from error
        step = -(-len(whole) // self.most_renders)
        arrival = whole.arrival[::step]
        return workload_of(
            whole.name,
            arrival * (self.span_seconds / max(float(arrival[-1]), 1e-9)),
            np.full(len(arrival), self.render_seconds),
            tenant=whole.tenant[::step] % _SELLERS,
            tenants=[f"seller-{number + 1}" for number in range(_SELLERS)],
        )


def measure(drill: Drill) -> Table:
    """Return the waits and the worker-seconds of both, side by side."""
    planned = drill.workload()
    sellers = [seeding.open_seller() for _ in range(_SELLERS)]
    photos = [seeding.enter_photos(seller.tenant_id, _PHOTOS) for seller in sellers]
    _make_experienced(sellers[0], photos[0], drill)
    with _running(drill):
        began = clock.now()
        lateness = _order(planned, sellers, photos)
        _await_end(began, len(planned))
    accepted, waits, service, retried = _what_happened(began)
    real = _real_figure(waits, began)
    simulated = _simulated_figure(accepted, planned, drill)
    table = Table(
        f"{len(planned):,} renders of {drill.render_seconds:g} s over {drill.span_seconds:g} s "
        f"({planned.name}), up to {drill.max_workers} workers that start in "
        f"{drill.start_seconds:g} s"
    )
    real_note = (
        f"service {float(np.median(service)):.2f} s, orders at most {lateness:.1f} s late, "
        f"{retried} renders begun twice, {_kept_percent(began):.0f} % done by the p90 shown"
    )
    table.rows.append(Figure("the real fleet", real, real_note))
    table.rows.append(Figure("the simulator", simulated))
    ratios = {name: real[name] / simulated[name] for name in real if simulated[name]}
    table.rows.append(Figure("real / simulated", ratios))
    return table


def _make_experienced(seller: Membership, photos: Sequence[str], drill: Drill) -> None:
    """Let the installation know what a render and a start take, as one that has run a day does."""
    with tenant_scope(seller.tenant_id):
        shoot = _order_one(seller, photos[0])
        item = WorkItem.objects.get(group=shoot)
        now = clock.now()
        learn([Completion(item, drill.render_seconds, now)] * _KNOWN_RENDERS)
        cancel_shoot(actor=seller.actor, shoot_id=shoot)
    before = now - timedelta(hours=1)
    WorkerLife.objects.bulk_create(
        WorkerLife(
            worker=f"known-{number}",
            worker_class=_CLASS,
            engine=_ENGINE,
            provider="local",
            launched_at=before,
            listed_at=before,
            online_at=before + timedelta(seconds=drill.start_seconds),
            released_at=before + timedelta(seconds=drill.start_seconds),
            end=WorkerLife.End.DRAINED,
        )
        for number in range(_KNOWN_STARTS)
    )


def _order(
    planned: Workload, sellers: Sequence[Membership], photos: Sequence[Sequence[str]]
) -> float:
    """Order each render when its time has come. Return the largest lateness in seconds."""
    latest = 0.0
    began = time.monotonic()
    for number, (at, tenant) in enumerate(
        zip(planned.arrival.tolist(), planned.tenant.tolist(), strict=True)
    ):
        ahead = began + at - time.monotonic()
        if ahead > 0:
            time.sleep(ahead)
        latest = max(latest, -ahead)
        seller = sellers[tenant]
        with tenant_scope(seller.tenant_id):
            _order_one(seller, photos[tenant][number % _PHOTOS])
    return latest


def _order_one(seller: Membership, photo: str) -> str:
    shoot = order_shoot(
        actor=seller.actor,
        photo_ids=[photo],
        scene_slug="packshot-white",
        sales_channels=["shopify"],
        # Nobody looks at these: a worker kept warm for a reviewer is none that demand asked for.
        urgency="bulk",
    )
    return str(shoot.pk)


def _await_end(began: datetime, renders: int) -> None:
    ends_at = time.monotonic() + _LONGEST_TAIL_SECONDS
    while True:
        with across_tenants("a measurement of the whole installation"):
            done = WorkItem.objects.filter(
                queued_at__gte=began, state=WorkItem.State.SUCCEEDED
            ).count()
        if done >= renders:
            return
        if time.monotonic() > ends_at:
            raise NotMeasurable(
                f"{renders - done} of {renders} renders were not done "
                f"{_LONGEST_TAIL_SECONDS:.0f} s after the last order."
            )
        time.sleep(0.5)


def _what_happened(began: datetime) -> tuple[list[datetime], Floats, list[float], int]:
    """Return when each was accepted, its wait and its service time, and how many began again."""
    with across_tenants("a measurement of the whole installation"):
        items = WorkItem.objects.filter(queued_at__gte=began).order_by("queued_at", "id")
        rows = list(items.values_list("queued_at", "started_at", "service_seconds"))
        again = items.aggregate(again=Count("id", filter=Q(attempt__gt=1)))["again"]
    accepted = [row[0] for row in rows]
    waits = np.asarray([(row[1] - row[0]).total_seconds() for row in rows if row[1] is not None])
    service = [row[2] for row in rows if row[2] is not None]
    return accepted, waits, service, again


def _kept_percent(began: datetime) -> float:
    with across_tenants("a measurement of the whole installation"):
        items = WorkItem.objects.filter(queued_at__gte=began, promised_p90_at__isnull=False)
        kept = items.filter(finished_at__lte=F("promised_p90_at")).count()
        return 100 * kept / max(1, items.count())


def _real_figure(waits: Floats, began: datetime) -> dict[str, float]:
    with across_tenants("a measurement of the whole installation"):
        items = WorkItem.objects.filter(queued_at__gte=began)
        end = items.aggregate(end=Max("finished_at"))["end"]
    lives = WorkerLife.objects.filter(launched_at__gte=began).values_list(
        "launched_at", "released_at"
    )
    paid = sum(
        (min(released or end, end) - launched).total_seconds()
        for launched, released in lives
        if launched < end
    )
    return _figures(waits, paid, len(lives))


def _simulated_figure(
    accepted: list[datetime], planned: Workload, drill: Drill
) -> dict[str, float]:
    arrival = [(each - accepted[0]).total_seconds() for each in accepted]
    workload = workload_of(
        planned.name,
        arrival,
        planned.work,
        tenant=planned.tenant,
        tenants=planned.tenants,
    )
    record = replay(
        workload,
        policy_from_text(
            "packshot",
            workload,
            max_workers=drill.max_workers,
            target_wait_seconds=settings.TARGET_WAIT_SECONDS,
        ),
        Conditions(
            machines=Machines(cold_start_p50=drill.start_seconds),
            max_workers=drill.max_workers,
            # On CPUs nothing is preferred and nothing is batched.
            dispatch="counters",
            knows_sizes=True,
        ),
    )
    return _figures(
        waits_of(workload, record),
        paid_seconds(record.lives, max(record.done)),
        record.cold_starts,
    )


def _figures(waits: Floats, paid: float, launches: int) -> dict[str, float]:
    p50, p95 = (float(value) for value in np.percentile(waits, [50, 95]))
    within = float((waits <= settings.TARGET_WAIT_SECONDS).mean())
    return {
        "wait mean s": float(waits.mean()),
        "p50 s": p50,
        "p95 s": p95,
        "% in time": 100 * within,
        "worker-seconds": paid,
        "launches": float(launches),
    }


@contextmanager
def _running(drill: Drill) -> Iterator[None]:
    """Run conductor and fork server."""
    environ = {**os.environ, **drill.environ()}
    commands = {
        "fleet": ["-m", "gpu_workers", "serve", str(settings.VAR_DIR / "fleet")],
        "conductor": [str(ROOT / "manage.py"), "conduct"],
    }
    processes = []
    try:
        for name, command in commands.items():
            with (settings.VAR_DIR / f"{name}.log").open("wb") as log:
                processes.append(
                    subprocess.Popen(  # noqa: S603 - our own commands
                        [sys.executable, *command], cwd=ROOT, env=environ, stdout=log, stderr=log
                    )
                )
        _await_ready()
        yield
    finally:
        for process in reversed(processes):
            process.terminate()
        for process in processes:
            process.wait()


def _await_ready() -> None:
    """Wait until the fork server answers and the autoscaler has looked at it once."""
    ends_at = time.monotonic() + _READY_SECONDS
    while not ScaleDecision.objects.filter(worker_class=_CLASS).exists():
        if time.monotonic() > ends_at:
            raise NotMeasurable(
                f"The fleet did not come up; see {settings.VAR_DIR}/fleet.log and conductor.log."
            )
        time.sleep(0.2)
