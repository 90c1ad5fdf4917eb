"""The product's own order of dispatch, the very code that runs in production. Pure.

Owns the translation between jobs of a workload and items of a `ClassDesk`, nothing of the order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from apps.compute.policy.batching import BatchLimits
from apps.compute.policy.desk import ClassDesk, Taken
from apps.compute.policy.snapshot import TenantShare, WaitingItem
from apps.compute.simulator.desks.base import Estimates
from apps.compute.simulator.fleet import NEVER, Worker
from apps.compute.simulator.workload import Workload

_CLASS: Final = "simulated"
_LANE: Final = "simulated"


class FairDesk:
    """A `ClassDesk` for the jobs of a workload; every tenant has the weight 1.

    Parameters
    ----------
    knows_warmth
        Whether it is told what the idle workers have loaded.
    """

    def __init__(self, workload: Workload, limits: BatchLimits, *, knows_warmth: bool) -> None:
        self._desk = ClassDesk(_CLASS, limits)
        self._knows_warmth = knows_warmth
        self._tenant: list[int] = workload.tenant.tolist()
        self._names = workload.tenants
        self._engine: list[int] = workload.engine.tolist()
        self._batch: list[int] = workload.batch.tolist()
        self._pixel_steps: list[float] = workload.pixel_steps.tolist()
        self._known: set[int] = set()
        self._flying: dict[int, Taken] = {}
        """By a batch's first job."""
        self._workers = 0
        self._held_until = NEVER

    def add(self, job: int, estimates: Estimates, now: float) -> None:
        """Take in a job that arrived."""
        tenant = self._tenant[job]
        name = self._names[tenant]
        if tenant not in self._known:
            self._known.add(tenant)
            self._desk.know(TenantShare(name, _CLASS, weight=1.0, served=0.0, was_active=False))
        batch = self._batch[job]
        item = WaitingItem(
            item=f"{job:09}",
            tenant=name,
            lane=_LANE,
            worker_class=_CLASS,
            batch_key=f"b{batch}" if batch >= 0 else f"j{job}",
            is_interactive=True,
            waits_since=now,
            p50_seconds=estimates.p50,
            p90_seconds=estimates.p90,
            warm_key=f"e{self._engine[job]}",
            pixel_steps=self._pixel_steps[job],
        )
        self._desk.add(item)

    def take(
        self, idle: Sequence[Worker], now: float, *, workers: int
    ) -> tuple[int, Sequence[int]]:
        """Take out what the desk chooses."""
        if workers != self._workers:
            self._workers = workers
            self._desk.staff(_LANE, workers)
        warm: tuple[str, ...] = ()
        if self._knows_warmth:
            warm = tuple(f"e{worker.engine}" if worker.engine >= 0 else "" for worker in idle)
        taken = self._desk.take(_LANE, now=now, warm_keys=warm, idle_workers=len(idle))
        if not taken.members:
            self._held_until = NEVER if taken.hold_until is None else taken.hold_until
            return 0, ()
        jobs = [int(item.item) for item in taken.members]
        self._flying[jobs[0]] = taken
        # Without warmth any worker is as good: the one that was busy last, as in the other desks.
        return taken.place if warm else len(idle) - 1, jobs

    def looks_again_at(self) -> float:
        """When what is held back goes out."""
        return self._held_until

    def ended(self, jobs: Sequence[int], seconds: float) -> None:
        """True up what the members were charged, each in proportion."""
        taken = self._flying.pop(jobs[0])
        charged = sum(taken.charged_seconds)
        for item, paid in zip(taken.members, taken.charged_seconds, strict=True):
            self._desk.ended(
                tenant=item.tenant, charged_seconds=paid, used_seconds=seconds * paid / charged
            )
        self._desk.freed(_LANE, taken.holder, taken.bulk_tenants)

    def lost(self, jobs: Sequence[int], now: float) -> None:
        """Let lost jobs wait again, uncharged and alone."""
        taken = self._flying.pop(jobs[0])
        self._desk.freed(_LANE, taken.holder, taken.bulk_tenants)
        for item, paid in zip(taken.members, taken.charged_seconds, strict=True):
            self._desk.ended(tenant=item.tenant, charged_seconds=paid, used_seconds=0.0)
            self._desk.add(replace(item, tries=item.tries + 1))

    def charged(self) -> dict[str, float]:
        """Return every tenant's counter, in seconds of share."""
        return self._desk.counters()

    def waiting(self) -> Iterable[int]:
        """Yield the waiting jobs, in the order they came."""
        return (int(item.item) for item in self._desk.waiting())

    def __len__(self) -> int:
        return self._desk.queued(_LANE)
