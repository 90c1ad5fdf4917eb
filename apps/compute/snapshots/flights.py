"""Which batches are in flight, as the desks count them.

Owns the comparison with the database: a batch has ended when none of its items is in flight. Writes
nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from apps.compute import wire
from apps.compute.models import WorkItem
from apps.compute.policy.desk import ClassDesk


@dataclass(frozen=True, slots=True)
class Flight:
    """A batch in flight."""

    worker_class: str
    lane: str
    holder: str
    """Tenant of its first order: it counts as the one that holds the worker."""
    bulk_tenants: frozenset[str]


class Flights:
    """The batches in flight, by id; the scope of their reader is open on all tenants."""

    def __init__(self) -> None:
        self._flights: dict[str, Flight] = {}

    def by_lane(self) -> Counter[str]:
        """Return how many there are of each lane."""
        return Counter(flight.lane for flight in self._flights.values())

    def took_off(self, batch: str, flight: Flight) -> None:
        """Enter a batch that its desk gave out."""
        self._flights[batch] = flight

    def follow(self, desks: Mapping[str, ClassDesk]) -> None:
        """Strike off what has ended, and enter what is in flight and unknown here."""
        rows = WorkItem.objects.filter(state__in=WorkItem.IN_FLIGHT)
        flying = set(rows.order_by().values_list("batch", flat=True).distinct())
        for batch in self._flights.keys() - flying:
            flight = self._flights.pop(batch)
            desks[flight.worker_class].freed(flight.lane, flight.holder, flight.bulk_tenants)
        unknown = flying - self._flights.keys()
        if unknown:
            self._meet(unknown, desks)

    def _meet(self, batches: set[str], desks: Mapping[str, ClassDesk]) -> None:
        members: dict[str, list[tuple[str, str, str, str]]] = {}
        rows = WorkItem.objects.filter(
            state__in=WorkItem.IN_FLIGHT, batch__in=batches, worker_class__in=list(desks)
        ).order_by("id")
        for batch, *values in rows.values_list(
            "batch", "worker_class", "engine", "tenant_id", "urgency"
        ):
            worker_class, engine, tenant, urgency = values
            members.setdefault(batch, []).append((worker_class, engine, tenant, urgency))
        for batch, found in members.items():
            worker_class, engine, holder, _ = found[0]
            bulk = (tenant for *_, tenant, urgency in found if urgency == WorkItem.Urgency.BULK)
            flight = Flight(worker_class, wire.lane(worker_class, engine), holder, frozenset(bulk))
            self._flights[batch] = flight
            desks[worker_class].flying(flight.lane, holder, flight.bulk_tenants)
