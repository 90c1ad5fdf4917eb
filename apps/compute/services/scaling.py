"""Carrying out scaling decisions: launching, draining, and making rows agree with the provider.

Owns the order of writing: a life is entered before its worker is launched, and a worker is marked
as draining before it is told, so that a crash between the two leaves something to look after and
never a worker that nobody counts. Decides nothing: see `policy`. Times are seconds.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence, Set
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.conf import settings
from django.db import transaction

from apps.compute.models import ScaleDecision, Worker, WorkerLife
from apps.compute.policy.fleet import ClassView, Reason
from apps.compute.policy.fleet import ScaleDecision as Decided
from apps.compute.policy.limits import BudgetUse, launch_pause_seconds
from apps.compute.policy.scale_log import reason_values, view_values
from apps.compute.providers.base import ColdStart, FleetProvider, ProvidedWorker
from apps.compute.queries.ledger import paid_seconds
from apps.compute.services import fleet, ledger

_log = structlog.get_logger(__name__)

_PATIENCE: Final = 3.0
_LEAST_PATIENCE_SECONDS: Final = 30.0
"""A worker that is not ready after so many p95 of a cold start, and at least so long, never is."""
_ASK_AGAIN_SECONDS: Final = 10.0
_ENDING: Final = timedelta(minutes=10)
"""How long a worker may stay in its provider's list after it was told to end."""
_FAILURES_READ: Final = 12
_NAME_LENGTH: Final = 10
_ALPHABET: Final = "0123456789abcdefghijkmnpqrstuvwxyz"
_End = WorkerLife.End


def launch(
    provider: FleetProvider, worker_class: str, engine: str, count: int, *, now: datetime
) -> int:
    """Launch workers. Return how many the provider has started; the others may still appear.

    Raises
    ------
    ProviderUnavailable
        If it is not known what happened; `reconcile` finds out.
    """
    names = [_new_name(worker_class) for _ in range(count)]
    ledger.enter(
        names,
        worker_class=worker_class,
        engine=engine,
        provider=provider.name,
        price=provider.price(worker_class),
        is_spot=False,
        now=now,
    )
    started = list(provider.launch(worker_class, engine, names=names))
    _log.info("workers_launched", worker_class=worker_class, asked=count, started=len(started))
    return len(started)


def drain(provider: FleetProvider, names: Sequence[str], *, now: datetime) -> None:
    """Let workers finish what they do and leave; nothing more is given to them from now on.

    Raises
    ------
    ProviderUnavailable
        If one could not be told; it is told again by `reconcile`.
    """
    with transaction.atomic():
        fleet.mark_draining(names)
        ledger.note_drain(names, now=now)
    for name in names:
        provider.drain(name)
    _log.info("workers_drained", workers=list(names))


def reconcile(
    provider: FleetProvider,
    listed: Sequence[ProvidedWorker],
    colds: Mapping[str, ColdStart],
    *,
    now: datetime,
) -> frozenset[str]:
    """Make the ledger agree with what the provider lists.

    Parameters
    ----------
    listed
        All its workers, read after the last `launch`.
    colds
        How long a start takes, by worker class.

    Returns
    -------
    Names that are listed and should not be any more: they were told to end.

    Raises
    ------
    ProviderUnavailable
        If a worker that has to end or to be told again could not be reached.
    """
    lives = {life.worker: life for life in WorkerLife.objects.filter(released_at__isnull=True)}
    present = {worker.worker: worker for worker in listed}
    _adopt(provider, present, lives)
    mine = {name: life for name, life in lives.items() if life.provider == provider.name}
    ended = _end_again(provider, present.keys() - mine.keys(), now)
    for name in ended:
        del present[name]
    _meet_new(provider, present, mine, now)
    rows = {row.name: row for row in Worker.objects.exclude(state=Worker.State.GONE)}
    for name, life in sorted(mine.items()):
        if name not in present:
            _look_for(provider, life, now)
            continue
        if life.listed_at is None:
            ledger.claim(life, present[name], now=now)
        elif present[name].place[:120] not in ("", life.place):
            ledger.note_place(life, present[name].place)
        cold = colds.get(life.worker_class) or provider.eta(life.worker_class)
        if _is_silent(life, rows.get(name), cold, now):
            _give_up(provider, life, now)
            ended.add(name)
        else:
            _look_after(provider, life, present[name], rows.get(name), now=now)
    for name, life in sorted(lives.items()):
        if life.provider != provider.name and name not in rows:
            _end(life, now)
    return frozenset(ended)


def launch_pause(worker_class: str, provider: str, now: datetime) -> Reason | None:
    """Return why nothing of a class should be launched now; None if it may be."""
    lives = WorkerLife.objects.filter(worker_class=worker_class, provider=provider)
    failures, last_at = 0, now
    for life in lives.order_by("-launched_at", "-id")[:_FAILURES_READ]:
        if life.released_at is None and life.online_at is None:
            continue
        if life.end != _End.NEVER_CAME:
            break
        last_at = last_at if failures else life.released_at or now
        failures += 1
    left = launch_pause_seconds(failures) - (now - last_at).total_seconds()
    if failures == 0 or left <= 0:
        return None
    words = f"{failures} launches in a row never came; the next one waits {left:.0f} s."
    return Reason("hold", 0, words, {"failures": float(failures), "seconds": left})


def budget_use(now: datetime) -> BudgetUse:
    """Return what of the budgets is used; nothing is read where there is none."""
    hour, month = settings.WORKER_BUDGET_SECONDS_PER_HOUR, settings.WORKER_BUDGET_SECONDS_PER_MONTH
    begun = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    following = (begun + timedelta(days=32)).replace(day=1)
    return BudgetUse(
        hour_used=paid_seconds(now - timedelta(hours=1), now) if hour else 0.0,
        hour_limit=hour,
        month_used=paid_seconds(begun, now) if month else 0.0,
        month_limit=month,
        month_passed=(now - begun) / (following - begun),
    )


def record(
    view: ClassView, decided: Decided, *, launched: int, is_shadow: bool, now: datetime
) -> None:
    """Enter a decision into the log, with what it was made on."""
    ScaleDecision.objects.create(
        decided_at=now,
        worker_class=view.worker_class,
        workers=sum(one.state != "draining" for one in view.workers),
        target=decided.target,
        launched=launched,
        drained=list(decided.drain),
        reasons=reason_values(decided.reasons),
        view=view_values(view),
        is_shadow=is_shadow,
    )


def _end_again(provider: FleetProvider, strangers: Set[str], now: datetime) -> set[str]:
    """End workers once more that were told to end and are still listed. Return their names."""
    told = WorkerLife.objects.filter(
        worker__in=strangers,
        provider=provider.name,
        released_at__gte=now - _ENDING,
        end__in=(_End.NEVER_CAME, _End.TERMINATED),
        listed_at__isnull=False,
    )
    names = set(told.values_list("worker", flat=True))
    for name in sorted(names):
        provider.terminate(name)
    return names


def _adopt(
    provider: FleetProvider,
    present: Mapping[str, ProvidedWorker],
    lives: Mapping[str, WorkerLife],
) -> None:
    """Take over the lives of workers that outlived the fleet which launched them."""
    for name in sorted(present.keys() & lives.keys()):
        if lives[name].provider != provider.name:
            worker = present[name]
            price = provider.price(worker.worker_class, is_spot=worker.is_spot)
            ledger.adopt(lives[name], provider=provider.name, price=price)
            _log.info("worker_adopted", worker=name, fleet=provider.name)


def _meet_new(
    provider: FleetProvider,
    present: Mapping[str, ProvidedWorker],
    mine: dict[str, WorkerLife],
    now: datetime,
) -> None:
    """Match listed workers with launched ones; a system that names its workers lists others."""
    strangers = [worker for worker in present.values() if worker.worker not in mine]
    for worker in sorted(strangers, key=lambda each: (each.launched_at, each.worker)):
        waiting = sorted(
            (life.launched_at, name)
            for name, life in mine.items()
            if life.worker_class == worker.worker_class
            and name not in present
            and life.listed_at is None
            and life.online_at is None
        )
        if waiting:
            life = mine.pop(waiting[0][1])
            ledger.claim(life, worker, now=now)
        else:
            price = provider.price(worker.worker_class, is_spot=worker.is_spot)
            ledger.meet(worker, provider=provider.name, price=price, now=now)
        mine[worker.worker] = WorkerLife.objects.get(worker=worker.worker, released_at__isnull=True)


def _look_for(provider: FleetProvider, life: WorkerLife, now: datetime) -> None:
    """Look after a life whose worker is not listed: ended, or not yet there."""
    if life.listed_at is not None or life.online_at is not None:
        _end(life, now)
    elif (now - life.launched_at).total_seconds() > provider.listed_within_seconds:
        # The provider never had it, so it cost nothing.
        ledger.release(life, end=_End.NEVER_CAME, at=life.launched_at)
        _log.warning("launch_never_arrived", worker=life.worker)


def _look_after(
    provider: FleetProvider,
    life: WorkerLife,
    worker: ProvidedWorker,
    row: Worker | None,
    *,
    now: datetime,
) -> None:
    """Look after a life whose worker is listed."""
    if row is None:
        return
    if life.online_at is None and row.seen_at >= life.launched_at:
        ledger.note_online(life, at=row.started_at)
    # Also one that somebody else drains: a spot notice, an operator.
    is_leaving = worker.state == "draining" or life.drain_asked_at is not None
    if is_leaving and row.state != Worker.State.DRAINING:
        fleet.mark_draining([life.worker])
    if life.drain_asked_at is None:
        if is_leaving:
            ledger.note_drain([life.worker], now=now)
    elif (
        worker.state != "draining"
        and (now - life.drain_asked_at).total_seconds() > _ASK_AGAIN_SECONDS
    ):
        provider.drain(life.worker)


def _is_silent(life: WorkerLife, row: Worker | None, cold: ColdStart, now: datetime) -> bool:
    """Return whether a listed worker has been neither ready nor heard for too long."""
    patience = max(_LEAST_PATIENCE_SECONDS, _PATIENCE * cold.p95_seconds)
    if row is not None or (now - life.launched_at).total_seconds() <= patience:
        return False
    return (now - _last_heard(life)).total_seconds() > patience


def _give_up(provider: FleetProvider, life: WorkerLife, now: datetime) -> None:
    provider.terminate(life.worker)
    end = _End.TERMINATED if life.online_at else _End.NEVER_CAME
    if ledger.release(life, end=end, at=now):
        _log.warning("silent_worker_ended", worker=life.worker, end=end.value)


def _last_heard(life: WorkerLife) -> datetime:
    if life.online_at is None:
        return life.launched_at
    seen_at = Worker.objects.filter(pk=life.worker).values_list("seen_at", flat=True).first()
    return max(life.online_at, seen_at or life.online_at)


def _end(life: WorkerLife, now: datetime) -> None:
    """End a life whose worker is no more; what it held goes back at once."""
    end = _End.DRAINED if life.drain_asked_at else _End.LOST
    if life.online_at is None:
        came = Worker.objects.filter(pk=life.worker, seen_at__gte=life.launched_at).exists()
        end = end if came or life.drain_asked_at else _End.NEVER_CAME
    if not ledger.release(life, end=end, at=_left_at(life, now)):
        return
    _log.info("worker_released", worker=life.worker, end=end.value)
    if Worker.objects.filter(pk=life.worker).exclude(state=Worker.State.GONE).exists():
        fleet.record_offline(worker=life.worker)


def _left_at(life: WorkerLife, now: datetime) -> datetime:
    """Return when a worker said farewell, or was last heard; now if it never was."""
    gone = Worker.objects.filter(
        pk=life.worker, state=Worker.State.GONE, seen_at__gte=life.launched_at
    )
    return min(now, gone.values_list("seen_at", flat=True).first() or now)


def _new_name(worker_class: str) -> str:
    """Return a name that is also one for hosts: lower case, digits and hyphens."""
    return f"{worker_class}-" + "".join(secrets.choice(_ALPHABET) for _ in range(_NAME_LENGTH))
