"""The rows of workers: who is online, who was last heard of when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from apps.compute import wire
from apps.compute.models import Worker, WorkItem
from apps.compute.services import ledger
from apps.core import clock, queue
from apps.tenants.scope import across_tenants

MISSED_BEATS = 3
_KEEP_GONE = timedelta(days=1)


def record_online(*, worker: str, facts: Mapping[str, Any]) -> None:
    """Enter a worker that has become ready, and wake the dispatcher for it.

    A name that is taken belongs to a predecessor of the same name: what that one held is lost.
    """
    now = clock.now()
    with transaction.atomic():
        pid = int(facts.get("pid", 0))
        known = Worker.objects.filter(pk=worker).first()
        if known is not None and known.pid != pid:
            _expire_leases(worker, now)
        Worker.objects.update_or_create(
            name=worker,
            defaults={
                "worker_class": str(facts["worker_class"])[:12],
                "engine": str(facts["engine"])[:20],
                "lane": str(facts["lane"])[:60],
                "host": str(facts.get("host", ""))[:80],
                "pid": pid,
                "state": Worker.State.IDLE,
                "versions": dict(facts.get("versions") or {}),
                "started_at": now,
                "seen_at": now,
            },
        )
        queue.wake_dispatcher()


def record_beat(*, worker: str, state: str, facts: Mapping[str, Any] | None = None) -> None:
    """Note that a worker lives; one whose announcement was lost is entered from its beat.

    A worker that we drain stays draining until it leaves: its own beats hear of it later.

    Parameters
    ----------
    facts
        ``lane``, ``worker_class``, ``engine``, ``host`` and ``pid``, and ``load_seconds``: how long
        it has been loading engines in its life, where it tells them.
    """
    facts = facts or {}
    if state not in (Worker.State.IDLE, Worker.State.BUSY, Worker.State.DRAINING):
        state = Worker.State.BUSY
    now = clock.now()
    _note_loading(worker, facts)
    before = Worker.objects.filter(pk=worker).values_list("state", flat=True).first()
    if before == Worker.State.DRAINING:
        state = before
    if before is not None:
        # On the condition that the state is still the one that was read: a drain may come between.
        Worker.objects.filter(pk=worker, state=before).update(state=state, seen_at=now)
        if before != Worker.State.GONE:
            return
    elif not _enter_unannounced(worker, state, facts, now):
        return
    with transaction.atomic():
        queue.wake_dispatcher()


def mark_draining(names: Sequence[str]) -> None:
    """Have the dispatcher count on these workers no longer."""
    Worker.objects.filter(pk__in=names).exclude(state=Worker.State.GONE).update(
        state=Worker.State.DRAINING
    )


def record_offline(*, worker: str) -> None:
    """Note that a worker has left; what it held and did not hand back is looked after at once."""
    now = clock.now()
    with transaction.atomic():
        Worker.objects.filter(pk=worker).update(state=Worker.State.GONE, seen_at=now)
        _expire_leases(worker, now)


def sweep_workers() -> int:
    """Give up workers that missed their beats, and forget those long gone. Return how many."""
    now = clock.now()
    silent = now - timedelta(seconds=MISSED_BEATS * settings.WORKER_BEAT_SECONDS)
    lost = list(
        Worker.objects.exclude(state=Worker.State.GONE)
        .filter(seen_at__lt=silent)
        .order_by("name")
        .values_list("name", flat=True)
    )
    gone = 0
    for name in lost:
        with transaction.atomic():
            # Again with the condition: a beat may have come in between.
            if Worker.objects.filter(pk=name, seen_at__lt=silent).update(state=Worker.State.GONE):
                _expire_leases(name, now)
                gone += 1
    Worker.objects.filter(state=Worker.State.GONE, seen_at__lt=now - _KEEP_GONE).delete()
    return gone


def _expire_leases(worker: str, now: datetime) -> None:
    with across_tenants("a lost worker held items of several tenants"):
        held = WorkItem.objects.filter(worker=worker, state__in=WorkItem.IN_FLIGHT)
        # What somebody holds at this moment expires by itself a little later.
        free = held.select_for_update(skip_locked=True).order_by("id").values_list("id", flat=True)
        held.filter(pk__in=list(free)).update(lease_expires_at=now)


def _note_loading(worker: str, facts: Mapping[str, Any]) -> None:
    seconds = facts.get("load_seconds")
    if isinstance(seconds, int | float) and 0 < seconds < float("inf"):
        ledger.note_loading(worker, seconds=float(seconds))


def _enter_unannounced(worker: str, state: str, facts: Mapping[str, Any], now: datetime) -> bool:
    """Enter a worker from its beat, or from RQ's own list if the beat does not say enough."""
    lane = str(facts.get("lane") or "") or queue.registered_lane(worker)
    parts = wire.parts_of_lane(lane)
    if parts is None or lane not in settings.RQ_QUEUES:
        return False
    Worker.objects.get_or_create(
        name=worker,
        defaults={
            "worker_class": parts[0],
            "engine": parts[1],
            "lane": lane,
            "host": str(facts.get("host", ""))[:80],
            "pid": int(facts.get("pid", 0)),
            "state": state,
            "seen_at": now,
        },
    )
    return True
