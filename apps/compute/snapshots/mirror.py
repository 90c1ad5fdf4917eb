"""The dispatcher's mirror of the backlog: one desk for each worker class, kept between decisions.

Owns what of the backlog lies in memory and how it follows the database. The rows stay the truth: a
decision made here is checked again when it is applied, and whoever is in doubt calls `forget`, upon
which everything is read anew. Writes nothing. Instants are seconds since the epoch.

Each tenant's counter row carries the number of the last change of its line (`line_changes`), raised
under a lock by every transaction that puts work in or takes some out. Reading what changed is
therefore one look at the counters and one at the rows above the numbers known, however much waits.
Dispatch itself takes no numbers: only the leader dispatches, and it knows what it did.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

import structlog
from django.db import connection
from django.db.models import QuerySet

from apps.billing.plans import Plan
from apps.compute import wire
from apps.compute.models import FairShare, WorkItem
from apps.compute.policy.batching import deadline_seconds, limits_for
from apps.compute.policy.decisions import ClassMove, Decisions, PlannedBatch
from apps.compute.policy.desk import ClassDesk
from apps.compute.policy.dispatching import LEAD_BATCHES, help_out, planned
from apps.compute.policy.snapshot import LaneFleet, TenantShare, WaitingItem
from apps.compute.snapshots.estimates import Estimates
from apps.compute.snapshots.flights import Flight, Flights
from apps.compute.snapshots.helpers import Helpers
from apps.compute.snapshots.rows import (
    ITEM_FIELDS,
    lane_fleets,
    plans,
    tenant_share,
    waiting_item,
)
from apps.core import clock
from apps.tenants.scope import across_tenants

_log = structlog.get_logger(__name__)

MOST_BATCHES: Final = 100
"""In one decision: what a transaction of some 50 ms can write, and a look of 20 ms can read."""
_REFRESH_SECONDS: Final = 2.0
"""How old service times and plans may be: they change slowly and are many rows to read."""
_COUNT_SECONDS: Final = 60.0
_DOUBTS: Final = 5
"""Counts in a row that disagree; one alone may come from a commit between two queries."""

_Line: TypeAlias = tuple[str, str]
"""Tenant and worker class."""
_CounterRow: TypeAlias = tuple[str, str, float, bool, int]
"""Tenant, worker class, counter, whether it was in the race, number of its line's last change."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a planned batch."""

    batch: str
    """Its id."""
    planned: PlannedBatch
    taken: frozenset[str]
    """The items that went out; the others no longer waited, or somebody else held their rows."""


class Mirror:
    """The backlog. For one thread."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Drop everything: the next `refresh` reads the database anew."""
        self._lanes: tuple[LaneFleet, ...] | None = None
        self._served_lanes: set[str] = set()
        self._desks: dict[str, ClassDesk] = {}
        self._rows: dict[str, dict[str, Any]] = {}
        """Of every item that waits in a desk, rests or has nobody to serve it."""
        self._resting: list[tuple[float, str]] = []
        """Heap of items that may not go out before an instant, after a failed try."""
        self._in_doubt: set[str] = set()
        self._flights = Flights()
        self._helpers = Helpers()
        self._served: dict[_Line, float] = {}
        """Counters as they stand in the database, as far as is known here."""
        self._changes: dict[_Line, int] = {}
        self._plans: dict[str, Plan] = {}
        self._estimates = Estimates(())
        self._read_at = self._counted_at = 0.0
        self._doubts = 0

    @property
    def waiting(self) -> int:
        """How many items are mirrored."""
        return len(self._rows)

    def refresh(self) -> None:
        """Follow the database."""
        with across_tenants("the dispatcher shares the fleet between all tenants"):
            lanes = lane_fleets()
            if self._lanes is None or _names(lanes) != _names(self._lanes):
                self.forget()
                self._build(lanes)
            else:
                self._lanes = lanes
                self._read_tables()
                self._follow()
            for fleet in lanes:
                self._desk(fleet.worker_class).staff(fleet.lane, fleet.workers, LEAD_BATCHES)
            self._flights.follow(self._desks)
            self._count()

    def decide(self, now: float) -> Decisions:
        """Choose what goes out now, at most `MOST_BATCHES`; `went` must follow, or `forget`."""
        self._wake(now)
        flying = self._flights.by_lane()
        batches: list[PlannedBatch] = []
        dues: list[float] = []
        free: dict[str, int] = {}
        for fleet in self._lanes or ():
            slots = LEAD_BATCHES * fleet.workers - flying[fleet.lane]
            before = len(batches)
            due = self._fill(fleet, min(slots, MOST_BATCHES - before), now, batches)
            dues += [due] if due is not None else []
            free[fleet.lane] = slots - (len(batches) - before)
        moves: list[ClassMove] = []
        if len(batches) < MOST_BATCHES:
            lanes = self._helpers.told(self._lanes or (), now)
            for fleet in lanes:
                moves += help_out(self._desks, lanes, fleet, free[fleet.lane], now)
        changes = [change for name in sorted(self._desks) for change in self._desks[name].changes()]
        return Decisions(tuple(batches), tuple(changes), min(dues, default=None), tuple(moves))

    def went(self, decisions: Decisions, sent: Sequence[Sent]) -> None:
        """Note what became of a decision in the database."""
        for change in decisions.shares:
            self._served[change.tenant, change.worker_class] += change.lift
        for each in sent:
            self._depart(each)
        for move in decisions.moves:
            # Read anew, wherever it waits now.
            del self._rows[move.item]
            self._in_doubt.add(move.item)

    def _build(self, lanes: tuple[LaneFleet, ...]) -> None:
        self._lanes = lanes
        self._served_lanes = {fleet.lane for fleet in lanes}
        self._read_tables()
        # Counters before rows: what changes in between is then read once more, not never.
        for row in _counter_rows():
            self._enter(row)
        now = clock.now().timestamp()
        items = _queued().values(*ITEM_FIELDS, "not_before")
        ready = [item for row in items if (item := self._keep(row, now)) is not None]
        for name, desk in self._desks.items():
            desk.load(item for item in ready if item.worker_class == name)

    def _follow(self) -> None:
        """Take in what the counters say has changed."""
        changed: list[tuple[_Line, int]] = []
        for row in _counter_rows():
            line, served, number = (row[0], row[1]), row[2], row[4]
            known = self._changes.get(line)
            if known is None:
                self._enter(row)
                known = 0
            elif served != self._served[line]:
                self._true_up(line, served)
            if number > known:
                changed.append((line, known))
                self._changes[line] = number
        found = {*_changed_items(changed), *self._in_doubt}
        self._in_doubt = set()
        if found:
            self._take_over(found)

    def _take_over(self, items: Iterable[str]) -> None:
        """Read rows anew: some wait now, others do not wait any more."""
        now = clock.now().timestamp()
        rows = WorkItem.objects.filter(pk__in=list(items)).order_by("queued_at", "id")
        for row in rows.values(*ITEM_FIELDS, "not_before", "state"):
            self._drop(row)
            if row["state"] == WorkItem.State.QUEUED:
                item = self._keep(row, now)
                if item is not None:
                    self._desk(item.worker_class).add(item)

    def _keep(self, row: dict[str, Any], now: float) -> WaitingItem | None:
        """Remember a waiting row; return it as an item if it may go out now."""
        self._rows[row["id"]] = row
        lane = wire.lane(row["worker_class"], row["engine"])
        self._helpers.arrived(lane, row["queued_at"].timestamp())
        if lane not in self._served_lanes:
            # Nobody serves it: it stands in no race and holds nobody's counter down.
            return None
        not_before = row["not_before"]
        if not_before is not None and not_before.timestamp() > now:
            heapq.heappush(self._resting, (not_before.timestamp(), row["id"]))
            return None
        return waiting_item(row, self._estimates)

    def _drop(self, row: dict[str, Any]) -> None:
        before = self._rows.pop(row["id"], None)
        if before is not None:
            # From where it waited: it may have gone over to another class meanwhile.
            self._desk(before["worker_class"]).withdraw(row["id"])

    def _wake(self, now: float) -> None:
        while self._resting and self._resting[0][0] <= now:
            due, name = heapq.heappop(self._resting)
            row = self._rows.get(name)
            # Another row of the same item, or none, if it changed while it rested.
            if row is not None and row["not_before"] and row["not_before"].timestamp() == due:
                self._desks[row["worker_class"]].add(waiting_item(row, self._estimates))

    def _fill(
        self, fleet: LaneFleet, slots: int, now: float, batches: list[PlannedBatch]
    ) -> float | None:
        """Fill free slots of a lane. Return when to look again if work was held back."""
        desk = self._desks[fleet.worker_class]
        idle = slots - (LEAD_BATCHES - 1) * fleet.workers
        for number in range(slots):
            taken = desk.take(fleet.lane, now=now, idle_workers=max(1, idle - number))
            if not taken.members:
                return taken.hold_until
            # Estimates of the moment: work may have waited for hours while its kind was learned.
            fresh = [waiting_item(self._rows[item.item], self._estimates) for item in taken.members]
            batch = planned(taken, fleet.worker_class)
            batches.append(replace(batch, deadline_seconds=deadline_seconds(fresh)))
        return None

    def _depart(self, sent: Sent) -> None:
        batch, worker_class = sent.planned, sent.planned.worker_class
        desk = self._desks[worker_class]
        bulk = (
            order.tenant
            for order in batch.orders
            if self._rows[order.item]["urgency"] == WorkItem.Urgency.BULK
        )
        flight = Flight(worker_class, batch.lane, batch.orders[0].tenant, frozenset(bulk))
        for order in batch.orders:
            del self._rows[order.item]
            if order.item in sent.taken:
                self._served[order.tenant, worker_class] += order.charge_share
                continue
            self._in_doubt.add(order.item)
            desk.ended(tenant=order.tenant, charged_seconds=order.charge_seconds, used_seconds=0.0)
        if sent.taken:
            self._flights.took_off(sent.batch, flight)
        else:
            desk.freed(flight.lane, flight.holder, flight.bulk_tenants)

    def _true_up(self, line: _Line, served: float) -> None:
        """Follow a counter that others have moved."""
        tenant, worker_class = line
        share = self._share(line, served)
        self._desk(worker_class).ended(
            tenant=tenant,
            charged_seconds=0.0,
            used_seconds=(served - self._served[line]) * share.weight,
        )
        self._served[line] = served

    def _enter(self, row: _CounterRow) -> None:
        tenant, worker_class, served, is_active, number = row
        if tenant not in self._plans:
            self._plans = plans()
        line = (tenant, worker_class)
        self._served[line] = served
        self._changes[line] = number
        self._desk(worker_class).know(self._share(line, served, was_active=is_active))

    def _share(self, line: _Line, served: float, *, was_active: bool = False) -> TenantShare:
        plan = self._plans.get(line[0])
        return tenant_share(*line, plan, served=served, was_active=was_active)

    def _read_tables(self) -> None:
        """Read service times and plans again if they are old."""
        if self._read_at and time.monotonic() - self._read_at < _REFRESH_SECONDS:
            return
        self._read_at = time.monotonic()
        self._helpers.forget_starts()
        self._estimates = Estimates()
        before, self._plans = self._plans, plans()
        for line, served in self._served.items():
            if self._plans.get(line[0]) != before.get(line[0]):
                self._desk(line[1]).know(self._share(line, served))

    def _desk(self, worker_class: str) -> ClassDesk:
        if worker_class not in self._desks:
            self._desks[worker_class] = ClassDesk(worker_class, limits_for(worker_class))
        return self._desks[worker_class]

    def _count(self) -> None:
        """Compare how much waits with the database now and then; if it differs, forget it all.

        A row that nobody gave a number would otherwise wait for ever. Until the next look nothing
        goes out.
        """
        if not self._doubts and time.monotonic() - self._counted_at < _COUNT_SECONDS:
            return
        self._counted_at = time.monotonic()
        queued = _queued().count()
        if queued == len(self._rows) + len(self._in_doubt):
            self._doubts = 0
            return
        self._doubts += 1
        if self._doubts >= _DOUBTS:
            _log.warning("mirror_differs", queued=queued, mirrored=len(self._rows))
            self.forget()


def _changed_items(changed: Sequence[tuple[_Line, int]]) -> list[str]:
    """Return the items whose number is above the one known of their line."""
    if not changed:
        return []
    # One condition for each of a few hundred lines: an ORM takes longer to write that down than
    # the database to answer it. Only placeholders are put together.
    places = ", ".join(["(%s, %s, %s)"] * len(changed))
    statement = (
        f"WITH seen (tenant, class, number) AS (VALUES {places}) "  # noqa: S608
        "SELECT item.id FROM seen JOIN compute_workitem AS item ON item.tenant_id = seen.tenant "
        "AND item.worker_class = seen.class AND item.line_change > seen.number"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [value for line, number in changed for value in (*line, number)])
        return [item for (item,) in cursor.fetchall()]


def _counter_rows() -> Iterable[_CounterRow]:
    return FairShare.objects.values_list(
        "tenant_id", "worker_class", "served", "active", "line_changes"
    )


def _queued() -> QuerySet[WorkItem]:
    rows: QuerySet[WorkItem] = WorkItem.objects.filter(state=WorkItem.State.QUEUED)
    return rows


def _names(lanes: Iterable[LaneFleet]) -> list[tuple[str, str]]:
    return [(fleet.lane, fleet.worker_class) for fleet in lanes]
