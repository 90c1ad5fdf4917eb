"""A fleet that a `ClassDesk` serves event by event, keeping the books for fairness."""

from __future__ import annotations

import heapq
from collections import defaultdict
from dataclasses import dataclass, field

from apps.compute.policy.batching import BatchLimits
from apps.compute.policy.desk import ClassDesk, Taken
from apps.compute.policy.snapshot import TenantShare, WaitingItem
from tests.unit.compute.worlds import CLASS, LANE, waiting

STRICT = BatchLimits(max_orders=1, budget_seconds=0.0, lag_seconds=0.0)


def desk(
    *tenants: str,
    limits: BatchLimits = STRICT,
    workers: int = 1,
    guards: bool = True,
    weights: dict[str, float] | None = None,
) -> ClassDesk:
    shares = [TenantShare(t, CLASS, (weights or {}).get(t, 1.0), 0.0, False) for t in tenants]
    made = ClassDesk(CLASS, limits, shares, guards=guards)
    made.staff(LANE, workers)
    return made


def taken_ids(taken: Taken) -> list[str]:
    return [item.item for item in taken.members]


@dataclass
class Job:
    at: float
    tenant: str
    seconds: float
    warm_key: str = ""
    batch_key: str = ""
    is_interactive: bool = True


@dataclass
class DeskRun:
    """Serves jobs until all are done; estimates are `error` times the truth."""

    jobs: list[Job]
    workers: int
    limits: BatchLimits = STRICT
    weights: dict[str, float] = field(default_factory=dict)
    guards: bool = True
    error: float = 1.0
    swap_seconds: float = 0.0
    knows_engines: bool = True
    """The desk is told what the idle workers have loaded."""
    waits: dict[int, float] = field(default_factory=dict)
    served: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    peaks: dict[tuple[str, str], float] = field(default_factory=lambda: defaultdict(float))
    """Greatest lead in weighted service of one over another, both backlogged from the start."""
    counter_leads: dict[tuple[str, str], float] = field(default_factory=lambda: defaultdict(float))
    """Greatest lead of a backlogged tenant's counter over another's."""
    most_held: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    swaps: int = 0
    idle_while_waiting: float = 0.0
    order: list[str] = field(default_factory=list)

    def run(self) -> DeskRun:
        tenants = sorted({job.tenant for job in self.jobs})
        self.desk = desk(
            *tenants,
            limits=self.limits,
            workers=self.workers,
            guards=self.guards,
            weights=self.weights,
        )
        self._idle = [(0.0, number, "") for number in range(self.workers)]
        self._busy: list[tuple[float, int, int, Taken]] = []
        self._held: dict[str, int] = defaultdict(int)
        self._serial = 0
        arrivals = sorted(range(len(self.jobs)), key=lambda n: (self.jobs[n].at, n))
        place, now = 0, 0.0
        while place < len(arrivals) or self._busy:
            ends = self._busy[0][0] if self._busy else float("inf")
            comes = self.jobs[arrivals[place]].at if place < len(arrivals) else float("inf")
            now = min(ends, comes)
            while place < len(arrivals) and self.jobs[arrivals[place]].at <= now:
                self.desk.add(self._item(arrivals[place]))
                place += 1
            while self._busy and self._busy[0][0] <= now:
                self._end(now)
            self._dispatch(now)
            self._compare()
        return self

    def _item(self, number: int) -> WaitingItem:
        job = self.jobs[number]
        return waiting(
            f"{number:05d}",
            job.tenant,
            waits_since=job.at,
            p50_seconds=job.seconds * self.error,
            p90_seconds=job.seconds * self.error * 1.5,
            warm_key=job.warm_key,
            batch_key=job.batch_key or f"alone-{number}",
            is_interactive=job.is_interactive,
        )

    def _dispatch(self, now: float) -> None:
        while self._idle and self.desk.queued(LANE):
            self._idle.sort()
            keys = [key for _, _, key in self._idle]
            told = keys if self.knows_engines else []
            taken = self.desk.take(LANE, now=now, warm_keys=told, idle_workers=len(keys))
            if not taken.members:
                self.idle_while_waiting += 1
                return
            _, worker, key = self._idle.pop(taken.place)
            wanted = taken.members[0].warm_key
            swap = self.swap_seconds if wanted and wanted != key else 0.0
            self.swaps += bool(wanted and wanted != key)
            fixed = min([self.limits.fixed_seconds, *(self._truth(i) for i in taken.members)])
            seconds = fixed + sum(self._truth(item) - fixed for item in taken.members)
            self._serial += 1
            heapq.heappush(self._busy, (now + swap + seconds, self._serial, worker, taken))
            self._held[taken.holder] += 1
            if self.desk.queued_of(taken.holder) and self._others_wait(taken.holder):
                held = self._held[taken.holder]
                self.most_held[taken.holder] = max(self.most_held[taken.holder], held)
            for item in taken.members:
                self.waits[int(item.item)] = now - item.waits_since
                self.order.append(item.item)

    def _others_wait(self, tenant: str) -> bool:
        return self.desk.queued(LANE) > self.desk.queued_of(tenant)

    def _truth(self, item: WaitingItem) -> float:
        return self.jobs[int(item.item)].seconds

    def _end(self, now: float) -> None:
        _, _, worker, taken = heapq.heappop(self._busy)
        self._held[taken.holder] -= 1
        self.desk.freed(LANE, taken.holder, taken.bulk_tenants)
        members = list(zip(taken.members, taken.charged_seconds, strict=True))
        for item, charged in members:
            used = self._truth(item) if len(members) == 1 else charged
            self.desk.ended(tenant=item.tenant, charged_seconds=charged, used_seconds=used)
            self.served[item.tenant] += used
        self._idle.append((now, worker, taken.members[0].warm_key))

    def _compare(self) -> None:
        backlogged = [t for t in sorted(self.desk.counters()) if self.desk.queued_of(t)]
        counters = self.desk.counters()
        for one in backlogged:
            for other in backlogged:
                weights = (self.weights.get(one, 1.0), self.weights.get(other, 1.0))
                lead = self.served[one] / weights[0] - self.served[other] / weights[1]
                self.peaks[one, other] = max(self.peaks[one, other], lead)
                ahead = counters[one] - counters[other]
                self.counter_leads[one, other] = max(self.counter_leads[one, other], ahead)
