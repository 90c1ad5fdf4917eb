"""What the autoscaler sees of one worker class, and what it says. Pure.

Production fills these values from the database and the fleet provider, the simulator from its
virtual fleet; every scaling policy, ours and the baselines, reads and answers them. Times are
float seconds; instants are on the clock of whoever takes the view.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Protocol

WorkerState = Literal["starting", "idle", "busy", "draining"]


@dataclass(frozen=True, slots=True)
class WorkerView:
    """One worker that is paid for."""

    worker: str
    state: WorkerState
    since: float
    """When it entered this state: its launch, its last order's end, its present order's start."""
    free_at: float
    """When it can probably take new work: the ETA while starting, the p50 end while busy."""
    is_held: bool = False
    """Keeps a proof's engine warm for its review window: not a victim."""


@dataclass(frozen=True, slots=True)
class QueuedView:
    """One accepted work item that no worker has begun."""

    waits_since: float
    p50_seconds: float


@dataclass(frozen=True, slots=True)
class ClassView:
    """One worker class at one instant."""

    worker_class: str
    now: float
    queued: tuple[QueuedView, ...]
    """In the order of dispatch."""
    workers: tuple[WorkerView, ...]
    """All that are paid for, in the order of their launch."""
    cold_start_p50: float
    """Seconds from launch to the first order, learned."""
    cold_start_p95: float
    max_workers: int
    """The smallest of the caps in force."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One part's answer to how many workers there should be."""

    part: str
    """replay, load, backlog, keep-alive, calendar, forecast, floor, cap, budget, hold, stale."""
    workers: int
    words: str
    """One sentence a person understands."""
    numbers: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ScaleDecision:
    """How many workers there should be, and the steps towards it."""

    target: int
    launch: int = 0
    drain: tuple[str, ...] = ()
    """Workers to drain, in this order; never one that is starting."""
    reasons: tuple[Reason, ...] = ()
    look_again_at: float = 0.0
    """If nothing happens before this instant, the answer would not change; 0 means every tick."""


class ScalePolicy(Protocol):
    """A scaling policy: told what happens to one worker class, asked how many workers to have.

    Deterministic: the same calls give the same answers. Calls come in the order of time.
    """

    tick_seconds: float
    """How often `decide` is called."""

    def arrived(self, at: float, seconds: float, tenant: str) -> None:
        """Note an accepted work item and its estimated p50 service time."""

    def started(self, at: float, wait: float) -> None:
        """Note that a worker began an item which had waited so long."""

    def finished(self, at: float, seconds: float) -> None:
        """Note a completion and its true service time."""

    def decide(self, view: ClassView) -> ScaleDecision:
        """Say how many workers there should be."""
