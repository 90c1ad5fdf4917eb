"""A stage for the autoscaler: time that stands still, a fleet with state, work played by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from django.db.models import F

from apps.compute.autoscaler import Autoscaler
from apps.compute.models import ScaleDecision, Worker, WorkerLife, WorkItem
from apps.compute.policy.fleet import ScalePolicy
from apps.compute.services import fleet as fleet_rows
from apps.core import clock
from apps.tenants.scope import across_tenants
from tests.fakes.fleet import LANE, FakeFleet
from tests.fakes.scalers import RequestCount

NOON = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)


@dataclass
class Clock:
    """The time of the test; it moves when told."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now

    def pass_seconds(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class Stage:
    """One autoscaler and its fleet."""

    clock: Clock
    fleet: FakeFleet = field(default_factory=FakeFleet)
    make_policy: Callable[[], ScalePolicy] = RequestCount
    scaler: Autoscaler = field(init=False)

    def __post_init__(self) -> None:
        self.scaler = self.another_leader()

    def another_leader(self) -> Autoscaler:
        one = Autoscaler(self.fleet, make_policy=self.make_policy)
        one.prepare()
        return one

    def look(self, *, after: float = 0.0, beating: bool = True) -> None:
        """Let time pass, have every worker beat, and look."""
        self.clock.pass_seconds(after)
        if beating:
            Worker.objects.exclude(state=Worker.State.GONE).update(seen_at=clock.now())
        self.scaler.look()

    def come_online(self, *names: str) -> None:
        """Let launched workers report; all of them if none is named."""
        for name in names or list(self.fleet.running):
            fleet_rows.record_online(
                worker=name,
                facts={"worker_class": "cpu", "engine": "classical", "lane": LANE, "pid": 1},
            )

    def workers(self, count: int) -> list[str]:
        """Have so many workers online, launched by the autoscaler's own hand some time ago."""
        from apps.compute.services import scaling

        scaling.launch(self.fleet, "cpu", "classical", count, now=clock.now())
        self.clock.pass_seconds(20)
        self.come_online()
        self.look()
        self.fleet.asked.clear()
        return sorted(self.fleet.running)

    def lose(self, name: str) -> None:
        self.fleet.running.pop(name)

    def lives(self) -> list[WorkerLife]:
        return list(WorkerLife.objects.order_by("id"))

    def decisions(self) -> list[ScaleDecision]:
        return list(ScaleDecision.objects.order_by("id"))

    def parts(self) -> list[str]:
        return [reason["part"] for reason in self.decisions()[-1].reasons]


def begin(item: WorkItem, worker: str) -> None:
    """Have a worker begin an item."""
    with across_tenants("test"):
        WorkItem.objects.filter(pk=item.pk).update(
            state=WorkItem.State.RUNNING,
            worker=worker,
            attempt=F("attempt") + 1,
            started_at=clock.now(),
            lease_expires_at=clock.now() + timedelta(seconds=30),
        )


def end(item: WorkItem, worker: str, seconds: float) -> None:
    """Have a worker end an item that it began so long ago."""
    with across_tenants("test"):
        WorkItem.objects.filter(pk=item.pk).update(
            state=WorkItem.State.SUCCEEDED,
            worker=worker,
            started_at=clock.now() - timedelta(seconds=seconds),
            finished_at=clock.now(),
            service_seconds=seconds,
        )
