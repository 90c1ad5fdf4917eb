"""The ledger of workers' lives: launched, ready, at work, drained, released.

Owns every write to `WorkerLife`. A life is entered before its worker is launched, so that a crash
between the two leaves a row to look after and never a worker that nobody knows. What a worker did
is set as a sum, not added, so that saying it twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import QuerySet

from apps.compute.models import WorkerLife, WorkItem
from apps.compute.providers.base import Price, ProvidedWorker
from apps.tenants.scope import across_tenants


@dataclass(frozen=True, slots=True)
class WorkDone:
    """What one worker has rendered in its life so far."""

    active_seconds: float = 0.0
    first_order_at: datetime | None = None
    last_order_at: datetime | None = None

    def plus(self, started_at: datetime | None, ended_at: datetime, seconds: float) -> WorkDone:
        """Return the sum with one more order."""
        begun = started_at or ended_at
        return WorkDone(
            self.active_seconds + seconds,
            min(self.first_order_at or begun, begun),
            max(self.last_order_at or ended_at, ended_at),
        )


NOTHING_DONE: Final = WorkDone()


def enter(
    names: Sequence[str],
    *,
    worker_class: str,
    engine: str,
    provider: str,
    price: Price,
    is_spot: bool,
    now: datetime,
) -> None:
    """Enter workers that are about to be launched."""
    WorkerLife.objects.bulk_create(
        WorkerLife(
            worker=name,
            worker_class=worker_class,
            engine=engine,
            provider=provider,
            is_spot=is_spot,
            price_minor_per_hour=price.minor_per_hour,
            currency=price.currency,
            launched_at=now,
        )
        for name in names
    )


def meet(worker: ProvidedWorker, *, provider: str, price: Price, now: datetime) -> None:
    """Enter a worker that its provider runs and nobody entered: launched by hand, or long ago."""
    WorkerLife.objects.create(
        worker=worker.worker,
        worker_class=worker.worker_class,
        engine=worker.engine,
        provider=provider,
        place=worker.place[:120],
        is_spot=worker.is_spot,
        price_minor_per_hour=price.minor_per_hour,
        currency=price.currency,
        launched_at=worker.launched_at,
        listed_at=now,
    )


def adopt(life: WorkerLife, *, provider: str, price: Price) -> None:
    """Note that another fleet looks after a worker now; its life goes on, at that one's price."""
    _open(life).update(
        provider=provider, price_minor_per_hour=price.minor_per_hour, currency=price.currency
    )
    life.provider = provider


def claim(life: WorkerLife, worker: ProvidedWorker, *, now: datetime) -> None:
    """Note that a launched worker has appeared, under the name its provider gave it."""
    _open(life).update(
        worker=worker.worker, place=worker.place[:120], is_spot=worker.is_spot, listed_at=now
    )


def note_place(life: WorkerLife, place: str) -> None:
    """Note where a worker runs, which many a provider knows only a while after the launch."""
    _open(life).update(place=place[:120])


def note_online(life: WorkerLife, *, at: datetime) -> None:
    """Note that a worker has become ready; only the first time counts."""
    _open(life).filter(online_at__isnull=True).update(online_at=max(life.launched_at, at))


def note_drain(names: Sequence[str], *, now: datetime) -> None:
    """Note that workers are to finish what they do and leave."""
    WorkerLife.objects.filter(
        worker__in=names, released_at__isnull=True, drain_asked_at__isnull=True
    ).update(drain_asked_at=now)


def note_loading(worker: str, *, seconds: float) -> None:
    """Note how long a worker has been loading engines in its life so far; it never shrinks."""
    WorkerLife.objects.filter(
        worker=worker, released_at__isnull=True, load_seconds__lt=seconds
    ).update(load_seconds=seconds)


def note_work(done: Mapping[str, WorkDone]) -> None:
    """Set what workers have done in their lives, also of those that have just ended."""
    lives = WorkerLife.objects.filter(worker__in=list(done)).order_by("id")
    newest = dict(lives.values_list("worker", "id"))
    for worker in sorted(newest):
        work = done[worker]
        # Sums only grow: one that was begun anew by mistake may not take anything away.
        WorkerLife.objects.filter(
            pk=newest[worker], active_seconds__lte=work.active_seconds
        ).update(
            active_seconds=work.active_seconds,
            first_order_at=work.first_order_at,
            last_order_at=work.last_order_at,
        )


def release(life: WorkerLife, *, end: WorkerLife.End, at: datetime) -> bool:
    """End a life. Return whether that was news.

    Parameters
    ----------
    at
        Until when it is paid for; its launch if its provider never had it.
    """
    ends_at = max(life.launched_at, at)
    return bool(_open(life).update(released_at=ends_at, end=end.value))


def work_of(lives: Sequence[WorkerLife], *, until: datetime) -> dict[str, WorkDone]:
    """Return what workers have done from their launch to an instant, summed from the work."""
    launched = {life.worker: life.launched_at for life in lives}
    done = dict.fromkeys(launched, NOTHING_DONE)
    if not launched:
        return {}
    with across_tenants("how long each worker has been rendering, not for whom"):
        rows = WorkItem.objects.filter(
            worker__in=list(launched),
            finished_at__gte=min(launched.values()),
            finished_at__lte=until,
        ).values_list("worker", "started_at", "finished_at", "service_seconds")
        for worker, started_at, finished_at, seconds in rows.iterator():
            # A predecessor of the same name is another life.
            if finished_at is not None and finished_at >= launched[worker]:
                done[worker] = done[worker].plus(started_at, finished_at, seconds or 0.0)
    return done


def _open(life: WorkerLife) -> QuerySet[WorkerLife]:
    return WorkerLife.objects.filter(pk=life.pk, released_at__isnull=True)
