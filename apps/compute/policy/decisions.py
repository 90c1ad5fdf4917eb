"""What a decision says: which batches to dispatch and how the counters move. Pure values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PlannedOrder:
    """One work item of a batch and what it costs its tenant."""

    item: str
    tenant: str
    charge_seconds: float
    """Estimated worker-seconds, trued up when the item ends."""
    charge_share: float
    """What its counter rises by: the same, and its part of a swap, divided by its weight."""


@dataclass(frozen=True, slots=True)
class PlannedBatch:
    """Work items to hand to one lane together, in this order."""

    lane: str
    worker_class: str
    deadline_seconds: float
    orders: tuple[PlannedOrder, ...]


@dataclass(frozen=True, slots=True)
class ShareChange:
    """How a counter stands after the decision, charges apart."""

    tenant: str
    worker_class: str
    lift: float
    """Added before any charge: up to the floor on return from idle, down to the cap of debt."""
    is_active: bool


@dataclass(frozen=True, slots=True)
class ClassMove:
    """A waiting work item that goes over to a larger class, whose idle worker helps."""

    item: str
    tenant: str
    from_class: str
    to_class: str


@dataclass(frozen=True, slots=True)
class Decisions:
    """One step of the dispatcher."""

    batches: tuple[PlannedBatch, ...] = ()
    shares: tuple[ShareChange, ...] = ()
    look_again_at: float | None = None
    """When work that is held for a fuller batch is due; None if nothing is held."""
    moves: tuple[ClassMove, ...] = ()
    """Items that wait in another class's line from now on, and go out at the next step."""
