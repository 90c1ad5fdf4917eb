"""How a scaler takes part in a simulation, and how a production policy becomes one. Pure.

A scaler reads the virtual fleet and acts on it. The baselines do so directly; a `ScalePolicy` sees
only the `ClassView` that production would show it, and its decision is applied here.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from apps.compute.policy.fleet import ScalePolicy
from apps.compute.simulator.fleet import Fleet


@runtime_checkable
class Scaler(Protocol):
    """Decides how many workers there are."""

    tick_seconds: float
    on_arrival: bool
    """Also asked when an arrival finds no idle worker."""

    def arrived(self, at: float, seconds: float, tenant: str) -> None:
        """Note a job and its estimated p50 service time."""

    def started(self, at: float, wait: float) -> None:
        """Note that a worker began a job which had waited so long."""

    def finished(self, at: float, seconds: float) -> None:
        """Note a completion and its true service time."""

    def act(self, fleet: Fleet) -> float:
        """Launch and drain; return before when, if nothing happens, it need not be asked again."""


class PolicyScaler:
    """A production policy on the virtual fleet."""

    def __init__(self, policy: ScalePolicy) -> None:
        self._policy = policy
        self.tick_seconds = policy.tick_seconds
        self.on_arrival = bool(getattr(policy, "on_arrival", False))
        self.arrived = policy.arrived
        self.started = policy.started
        self.finished = policy.finished

    def act(self, fleet: Fleet) -> float:
        """Ask the policy and do what it says.

        Raises
        ------
        ValueError
            If it names a worker that is not there or is still starting: such a decision would
            go wrong in production as well.
        """
        decision = self._policy.decide(fleet.view())
        for name in decision.drain:
            worker = fleet.workers.get(name)
            if worker is None or worker.state == "starting":
                raise ValueError(f"the policy drains {name}, which is not there or starting")
            fleet.drain(worker)
        if decision.launch:
            fleet.launch(decision.launch)
        return decision.look_again_at
