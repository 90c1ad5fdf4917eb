"""What a decision is made from: backlog, shares and fleet at one moment, frozen. Pure.

Times are float seconds; instants are seconds since the epoch, on the clock of whoever takes the
snapshot. The simulator and the database fill the same values.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WaitingItem:
    """A work item that waits to be dispatched."""

    item: str
    tenant: str
    lane: str
    worker_class: str
    batch_key: str
    """Items of one lane with equal keys may run together."""
    is_interactive: bool
    """Somebody waits before the screen; otherwise it is bulk work."""
    waits_since: float
    p50_seconds: float
    p90_seconds: float
    tries: int = 0
    """Attempts that failed or were lost; such an item is dispatched alone."""
    warm_key: str = ""
    """What a worker must have loaded to begin at once; empty if there is nothing to load."""
    pixel_steps: float = 0.0
    """Megapixels times denoising steps: what a batch's memory budget is counted in."""
    deadline: float | None = None
    """Instant promised for its end; without one, its target for the wait is its promise."""
    target_seconds: float | None = None
    """The wait it aims at; None takes that of its class and urgency."""


@dataclass(frozen=True, slots=True)
class TenantShare:
    """A tenant's virtual counter in one worker class."""

    tenant: str
    worker_class: str
    weight: float
    """Share of the fleet while tenants compete, relative to the others; above 0."""
    served: float
    """Worker-seconds charged so far, divided by the weight in force when they were charged."""
    was_active: bool
    """Had work left over at the last decision, so that its counter stood in the race."""
    reserved: int = 0
    """Workers its contract holds for it: below that many its work goes first."""
    last_at: float = 0.0
    """Instant when its work was last dispatched; 0 if never, or if that is not known."""
    last_seconds: float = 0.0
    """What that work was charged."""


@dataclass(frozen=True, slots=True)
class StartingWorker:
    """A worker that was launched and has taken nothing yet."""

    ready_p50: float
    """Seconds from now until it probably takes work, at least 0."""
    ready_p90: float


@dataclass(frozen=True, slots=True)
class LaneFleet:
    """The workers that take batches from one lane."""

    lane: str
    worker_class: str
    workers: int
    """Alive and not draining."""
    warm_keys: tuple[str, ...] = ()
    """What each worker that has room has loaded, the longest idle first; unknown ones left out."""
    starting: tuple[StartingWorker, ...] = ()
    """Not among `workers`; a forecast counts them from when they are ready."""
    launchable: StartingWorker | None = None
    """What a worker launched now would need; None if the fleet can launch none."""
    helps: tuple[str, ...] = ()
    """Lanes of smaller classes whose work these workers can do, the one to help first first."""
    arrivals_per_second: float = 0.0
    """How often work of this lane came lately; only asked where it may help."""


@dataclass(frozen=True, slots=True)
class FlyingBatch:
    """A batch that was dispatched and has not ended."""

    batch: str
    lane: str
    is_running: bool
    """A worker has begun it; otherwise it waits in the queue."""
    p50_seconds: float
    """Estimated work left in it, at least 0."""
    p90_seconds: float
    bulk_tenants: frozenset[str] = frozenset()
    """Tenants with bulk items in it."""
    holder: str = ""
    """Tenant whose item began it: it counts as the one that holds the worker."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that `decide_dispatch` and `forecast` know. The order of the tuples has no meaning."""

    waiting: tuple[WaitingItem, ...]
    shares: tuple[TenantShare, ...]
    """One for each tenant and worker class that appears in `waiting`, and those still active."""
    lanes: tuple[LaneFleet, ...]
    flying: tuple[FlyingBatch, ...]
