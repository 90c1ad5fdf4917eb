"""The bounds of the present moment: caps, floors, budget and what cannot be believed.

Owns which numbers go into `policy.limits`; the rules themselves stand there. Times are seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from apps.compute import scale_views, wire
from apps.compute.policy.autoscaling import Floor
from apps.compute.policy.fleet import Reason
from apps.compute.policy.limits import STALE_SECONDS, BudgetStep, smallest_cap
from apps.compute.providers.base import ColdStart
from apps.compute.services import history


@dataclass(frozen=True, slots=True)
class Floors:
    """What the calendar and past weeks ask for."""

    acted_on: tuple[Floor, ...] = ()
    only_recorded: tuple[Floor, ...] = ()
    """Forecasts on trial."""


def floors(worker_class: str, cold: ColdStart, budget: BudgetStep, now: datetime) -> Floors:
    """Return the floors of the next hours; a budget that runs low starts none."""
    forecasts: tuple[Floor, ...] = ()
    if settings.FORECAST != "off":
        forecasts = history.forecast_floors(worker_class, cold, now)
    is_trial = settings.FORECAST == "shadow"
    if budget.level >= 2:
        return Floors((), forecasts if is_trial else ())
    planned = history.planned_floors(worker_class, cold, now)
    return Floors(planned, forecasts) if is_trial else Floors((*planned, *forecasts))


def least(worker_class: str, floors: Iterable[Floor], now: float) -> Reason:
    """Return the least number of workers: configured, reserved by plans, or of these floors now."""
    configured = settings.MIN_WORKERS.get(worker_class, 0)
    reserved = scale_views.reserved_workers(worker_class)
    reasons = [
        Reason("floor", configured, f"PACKSHOT_MIN_WORKERS asks for {configured}."),
        Reason("floor", reserved, f"Plans keep {reserved} workers warm."),
    ]
    reasons += [
        Reason(floor.part, floor.workers, floor.words)
        for floor in floors
        if floor.starts_at <= now < floor.ends_at
    ]
    return max(reasons, key=lambda reason: reason.workers)


def dreamt(floors: Iterable[Floor], now: float) -> tuple[Reason, ...]:
    """Return what floors on trial would ask for now, as reasons that move nothing."""
    return tuple(
        Reason(f"{floor.part}, on trial", floor.workers, floor.words)
        for floor in floors
        if floor.starts_at <= now < floor.ends_at
    )


def class_cap(worker_class: str, capacity: int) -> Reason:
    """Return the cap of a class: as configured, or what the fleet can carry."""
    configured = settings.MAX_WORKERS.get(worker_class)
    if configured is not None and configured <= capacity:
        return Reason("cap", configured, f"PACKSHOT_MAX_WORKERS allows {configured}.")
    return Reason("cap", capacity, f"The fleet can carry {capacity}.")


def cap(worker_class: str, capacity: int, budget: BudgetStep) -> Reason:
    """Return the smallest of the caps in force."""
    caps = [class_cap(worker_class, capacity)]
    per_tenant = settings.MAX_WORKERS_PER_TENANT
    if per_tenant:
        items = scale_views.open_items_by_tenant(worker_class)
        workers = max(1, sum(min(per_tenant, each) for each in items))
        words = f"One tenant's work may start at most {per_tenant} workers."
        caps.append(Reason("cap", workers, words, {"tenants": float(len(items))}))
    if budget.workers is not None:
        caps.append(Reason("budget", budget.workers, budget.words))
    return smallest_cap(caps)


def doubt(ages: dict[str, float]) -> Reason | None:
    """Return why nothing certain is known, if so.

    Parameters
    ----------
    ages
        For how long what was silent, in the words of a sentence's subject: "Nothing of Redis".
    """
    what, age = max(ages.items(), key=lambda item: item[1])
    if age <= STALE_SECONDS:
        return None
    words = f"{what} has been heard for {age:.0f} s: the fleet is left as it is."
    return Reason("stale", 0, words, {"age_seconds": age})


def engines(worker_class: str) -> Sequence[str]:
    """Return the engines that have a lane in a class, in the order of lanes.

    Raises
    ------
    LookupError
        If the class has no lane.
    """
    parts = [wire.parts_of_lane(name) for name in settings.RQ_QUEUES]
    found = [part[1] for part in parts if part is not None and part[0] == worker_class]
    if not found:
        raise LookupError(f"worker class {worker_class} has no lane in RQ_QUEUES")
    return found
