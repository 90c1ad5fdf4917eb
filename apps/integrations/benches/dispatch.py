"""How fast work goes from the backlog to the queue, and how long a decision takes.

A stand-in plays the workers between two decisions: it ends what went out, empties the queue and
orders as much anew, so that the backlog keeps its length. Its time is not counted.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import cycle

from apps.compute import wire
from apps.compute.models import WorkItem
from apps.compute.services import dispatching
from apps.compute.snapshots import Mirror
from apps.core import clock, queue
from apps.integrations.benches import rivals, seeding
from apps.integrations.benches.figures import Figure, Table, quantile
from apps.integrations.benches.stack import NotMeasurable
from apps.tenants.scope import across_tenants

_WORKERS = 250


@dataclass(frozen=True, slots=True)
class _Tick:
    """Seconds of one step of the dispatcher."""

    decision: float
    """From looking at the database to knowing what goes out."""
    decision_cpu: float
    """Of this thread: what of it a busy machine cannot have caused."""
    apply: float
    renders: int

    @property
    def whole(self) -> float:
        """Until it lies in the queue."""
        return self.decision + self.apply


def measure(*, rows: int, tenants: int, ticks: int) -> Table:
    """Return dispatch beside RQ and Celery that enqueue the same payload."""
    names = seeding.open_tenants(tenants)
    for name in names:
        seeding.submit(name, max(1, rows // tenants))
    seeding.enter_workers(_WORKERS)
    mirror = Mirror()
    began = time.perf_counter()
    mirror.refresh()
    loading = time.perf_counter() - began
    again = cycle(names)
    done = []
    for _ in range(ticks):
        done.append(_tick(mirror))
        _play_workers()
        for _, name in zip(range(done[-1].renders), again, strict=False):
            seeding.submit(name, 1)
    table = Table(f"Dispatch with {rows:,} renders queued by {tenants:,} workspaces")
    table.rows.append(_figure(done, loading))
    table.rows.extend(rivals.enqueue_figures(wire.batch_json(_sample())))
    return table


def _tick(mirror: Mirror) -> _Tick:
    began, began_cpu = time.perf_counter(), time.thread_time()
    mirror.refresh()
    decisions = mirror.decide(clock.now().timestamp())
    decided, decided_cpu = time.perf_counter(), time.thread_time()
    sent = dispatching.apply(decisions)
    mirror.went(decisions, sent)
    return _Tick(
        decision=decided - began,
        decision_cpu=decided_cpu - began_cpu,
        apply=time.perf_counter() - decided,
        renders=sum(len(each.taken) for each in sent),
    )


def _play_workers() -> None:
    with across_tenants("workers of a measurement"):
        WorkItem.objects.filter(state=WorkItem.State.DISPATCHED).update(
            state=WorkItem.State.SUCCEEDED, lease_expires_at=None
        )
    with queue.connection() as client:
        client.flushall()


def _figure(ticks: list[_Tick], loading: float) -> Figure:
    return Figure(
        "Packshot: read, decide, commit, enqueue",
        {
            "renders/s": sum(tick.renders for tick in ticks) / sum(tick.whole for tick in ticks),
            "decision p50 ms": quantile([tick.decision for tick in ticks], 0.5) * 1000,
            "decision p99 ms": quantile([tick.decision for tick in ticks], 0.99) * 1000,
            "its CPU p99 ms": quantile([tick.decision_cpu for tick in ticks], 0.99) * 1000,
            "commit p50 ms": quantile([tick.apply for tick in ticks], 0.5) * 1000,
        },
        f"{len(ticks)} decisions; the backlog was read once, in {loading:.1f} s",
    )


def _sample() -> wire.OutgoingBatch:
    with across_tenants("any order will do"):
        item = WorkItem.objects.first()
    if item is None:
        raise NotMeasurable("nothing was ordered")
    row = wire.OrderRow(item.pk, 1, item.tenant_id, item.order)
    return wire.OutgoingBatch("bat_sample", "render-cpu-classical", 60.0, [row])
