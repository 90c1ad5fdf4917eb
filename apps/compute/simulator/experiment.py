"""Run one policy on one workload: the simulator's front door. Pure.

Owns the conditions of a run and how they become an engine. The same arguments give the same
outcome. Times are seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from apps.compute.policy.batching import BatchLimits
from apps.compute.simulator.desks.base import Desk
from apps.compute.simulator.desks.fair import FairDesk
from apps.compute.simulator.desks.lines import LOOKAHEAD, OneLine, Rotation
from apps.compute.simulator.engine import Costs, Engine, Record
from apps.compute.simulator.estimates import EstimateError, SizeTable
from apps.compute.simulator.fleet import Machines
from apps.compute.simulator.policies import Bound, Policy
from apps.compute.simulator.scalers import PolicyScaler, Scaler
from apps.compute.simulator.workload import Workload

LAG_SECONDS: Final = 60.0
"""How far a warm or batched tenant may be ahead of the fairest."""
BATCH_ORDERS: Final = 8
BATCH_SECONDS: Final = 60.0
BATCH_PIXEL_STEPS: Final = 8 * 30.0
"""Eight images of a megapixel in thirty steps."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """Everything about a run but its workload and its policy. As it is: the plain mode."""

    machines: Machines = field(default_factory=Machines)
    max_workers: int = 12
    target_wait_seconds: float = 30.0
    initial_workers: int = 0
    """Ready at the first arrival."""
    dispatch: str = "fifo"
    """A name in `DISPATCH`: who is next."""
    swap_seconds: float = 0.0
    batches: bool = False
    batch_fixed_seconds: float = 18.0
    """What a batch pays once, where batches are made."""
    knows_sizes: bool = False
    """The true work is known at order; otherwise it is learned by size hints."""
    estimate_error: EstimateError = field(default_factory=EstimateError)
    seed: int = 1

    @property
    def costs(self) -> Costs:
        """What a batch costs."""
        return Costs(self.swap_seconds, self.batch_fixed_seconds if self.batches else 0.0)

    @property
    def limits(self) -> BatchLimits:
        """What the product's desk is told."""
        return BatchLimits(
            max_orders=BATCH_ORDERS if self.batches else 1,
            budget_seconds=BATCH_SECONDS if self.batches else 0.0,
            lag_seconds=LAG_SECONDS,
            budget_pixel_steps=BATCH_PIXEL_STEPS,
            fixed_seconds=self.costs.fixed_seconds,
            swap_seconds=self.swap_seconds,
            target_wait_seconds=self.target_wait_seconds,
        )


def _fair(workload: Workload, conditions: Conditions) -> Desk:
    return FairDesk(workload, conditions.limits, knows_warmth=conditions.swap_seconds > 0)


def _counters(workload: Workload, conditions: Conditions) -> Desk:
    limits = BatchLimits(max_orders=1, budget_seconds=0.0, lag_seconds=0.0)
    return FairDesk(workload, limits, knows_warmth=False)


DISPATCH: Final[dict[str, Callable[[Workload, Conditions], Desk]]] = {
    "fifo": lambda workload, _: OneLine(workload),
    "fifo-warm": lambda workload, _: OneLine(workload, prefers_warm=True),
    "round-robin": lambda workload, _: Rotation(workload),
    "invoke": lambda workload, _: Rotation(workload, lookahead=LOOKAHEAD),
    "counters": _counters,
    "packshot": _fair,
}
"""Orders of dispatch: ``counters`` is the product's without affinity and batches."""


def replay(workload: Workload, policy: Policy | Bound, conditions: Conditions) -> Record:
    """Replay a workload under the conditions and return what happened.

    Parameters
    ----------
    policy
        Fresh: a policy remembers what it has seen.
    """
    return simulate(
        workload,
        policy,
        machines=conditions.machines,
        max_workers=conditions.max_workers,
        desk=DISPATCH[conditions.dispatch](workload, conditions),
        costs=conditions.costs,
        initial_workers=conditions.initial_workers,
        seed=conditions.seed,
        knows_sizes=conditions.knows_sizes,
        estimate_error=conditions.estimate_error,
    )


def simulate(
    workload: Workload,
    policy: Policy | Bound,
    *,
    machines: Machines,
    max_workers: int,
    desk: Desk | None = None,
    costs: Costs | None = None,
    initial_workers: int = 0,
    seed: int = 1,
    knows_sizes: bool = False,
    estimate_error: EstimateError | None = None,
) -> Record:
    """Replay a workload and return what happened; as it is: in the plain mode."""
    scaler: Scaler
    if isinstance(policy, Scaler):
        scaler = policy
    elif callable(policy):
        return policy(workload, cold_start_seconds=machines.cold_start_p50)
    else:
        scaler = PolicyScaler(policy)
    engine = Engine(
        workload,
        scaler,
        desk if desk is not None else OneLine(workload),
        SizeTable(workload, knows_sizes=knows_sizes, error=estimate_error, seed=seed),
        max_workers=max_workers,
        machines=machines,
        costs=costs or Costs(),
        initial_workers=initial_workers,
        seed=seed,
    )
    return engine.run()
