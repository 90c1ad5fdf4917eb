"""Run one scaler on one workload: the simulator's front door. Pure.

The same arguments give the same outcome. Times are seconds.
"""

from __future__ import annotations

from apps.compute.policy.fleet import ScalePolicy
from apps.compute.simulator.dispatch import Desk, FirstComeFirstServed
from apps.compute.simulator.engine import Costs, Engine, Record
from apps.compute.simulator.estimates import EstimateError, SizeTable
from apps.compute.simulator.fleet import Machines
from apps.compute.simulator.outcome import Outcome, outcome_of
from apps.compute.simulator.scalers import Scaler, as_scaler
from apps.compute.simulator.workload import Workload


def run(
    workload: Workload,
    policy: ScalePolicy | Scaler,
    *,
    name: str = "",
    cold_start_seconds: float = 90.0,
    max_workers: int = 12,
    target_wait_seconds: float = 30.0,
    seed: int = 1,
    initial_workers: int = 0,
) -> Outcome:
    """Replay a workload in the plain mode: first come, first served, one job to a worker."""
    record = simulate(
        workload,
        policy,
        machines=Machines(cold_start_p50=cold_start_seconds),
        max_workers=max_workers,
        initial_workers=initial_workers,
        seed=seed,
    )
    return outcome_of(name, workload, record, target_wait_seconds=target_wait_seconds)


def simulate(
    workload: Workload,
    policy: ScalePolicy | Scaler,
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
    """Replay a workload and return what happened.

    Parameters
    ----------
    policy
        Fresh: a policy remembers what it has seen.
    knows_sizes
        The true work is known at order; otherwise it is learned by size hints.
    """
    engine = Engine(
        workload,
        as_scaler(policy),
        desk if desk is not None else FirstComeFirstServed(),
        SizeTable(workload, knows_sizes=knows_sizes, error=estimate_error, seed=seed),
        max_workers=max_workers,
        machines=machines,
        costs=costs or Costs(),
        initial_workers=initial_workers,
        seed=seed,
    )
    return engine.run()
