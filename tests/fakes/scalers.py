"""A scaling policy that a test can reckon in its head, and one that remembers what it heard."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from apps.compute.policy.fleet import ClassView, Reason, ScaleDecision, ScalePolicy


@dataclass
class RequestCount:
    """One worker for two waiting or running items; those idle for 300 s may go."""

    tick_seconds: float = 5.0
    idle_seconds: float = 300.0
    heard: list[tuple[str, float, float]] = field(default_factory=list)

    def arrived(self, at: float, seconds: float, tenant: str) -> None:
        self.heard.append(("arrived", at, seconds))

    def started(self, at: float, wait: float) -> None:
        self.heard.append(("started", at, wait))

    def finished(self, at: float, seconds: float) -> None:
        self.heard.append(("finished", at, seconds))

    def decide(self, view: ClassView) -> ScaleDecision:
        standing = [one for one in view.workers if one.state != "draining"]
        busy = sum(one.state == "busy" for one in standing)
        wanted = min(math.ceil((len(view.queued) + busy) / 2), view.max_workers)
        idle = [
            one.worker
            for one in standing
            if one.state == "idle" and not one.is_held and view.now - one.since > self.idle_seconds
        ]
        surplus = max(0, len(standing) - wanted)
        return ScaleDecision(
            target=wanted,
            launch=max(0, wanted - len(standing)),
            drain=tuple(idle[:surplus]),
            reasons=(Reason("load", wanted, f"{len(view.queued)} wait."),),
        )


@dataclass
class Recorded:
    """Passes everything on to a policy and keeps it, to be played again."""

    policy: ScalePolicy
    calls: list[tuple[str, tuple[object, ...]]] = field(default_factory=list)
    tick_seconds: float = 5.0

    def arrived(self, at: float, seconds: float, tenant: str) -> None:
        self.calls.append(("arrived", (at, seconds, tenant)))
        self.policy.arrived(at, seconds, tenant)

    def started(self, at: float, wait: float) -> None:
        self.calls.append(("started", (at, wait)))
        self.policy.started(at, wait)

    def finished(self, at: float, seconds: float) -> None:
        self.calls.append(("finished", (at, seconds)))
        self.policy.finished(at, seconds)

    def decide(self, view: ClassView) -> ScaleDecision:
        self.calls.append(("decide", (view.now,)))
        return self.policy.decide(view)
