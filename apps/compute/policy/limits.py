"""What stands around a scaling policy: floors, caps, budget, freeze and launch pauses. Pure.

A policy says how many workers demand asks for. These rules say what the operator allows, what the
provider can carry and what is to be believed when nothing can be seen. Caps win over floors: a
budget that a floor could break would be none. Times are seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from apps.compute.policy.fleet import ClassView, Reason, ScaleDecision, WorkerView

STALE_SECONDS: Final = 60.0
"""A fleet that nobody heard of for so long is left as it is."""
BUDGET_STEPS: Final = (0.8, 0.9, 1.0)
"""Shares of a budget at which work may wait longer, forecasts are dropped, launching ends."""
_PAUSE_FIRST_SECONDS: Final = 5.0
_PAUSE_LONGEST_SECONDS: Final = 300.0


@dataclass(frozen=True, slots=True)
class BudgetUse:
    """Worker-seconds used and allowed; a limit of 0 is none."""

    hour_used: float
    hour_limit: float
    month_used: float
    month_limit: float
    month_passed: float
    """Share of the month that is over, 0 to 1."""


@dataclass(frozen=True, slots=True)
class BudgetStep:
    """How far a budget is used up, and what follows."""

    level: int
    """0 plenty, 1 work that can wait waits longer, 2 forecasts are dropped too, 3 no launches."""
    workers: int | None
    """At level 3: how many workers the budget still carries. None: no bound."""
    words: str = ""


def budget_step(use: BudgetUse) -> BudgetStep:
    """Return what the budget still allows.

    The month's budget counts only where it runs ahead of the calendar: who has used half of it in
    the middle of the month has plenty.
    """
    hour = use.hour_used / use.hour_limit if use.hour_limit else 0.0
    month = use.month_used / use.month_limit if use.month_limit else 0.0
    if month <= use.month_passed and month < 1.0:
        month = 0.0
    share, name = max((hour, "hour"), (month, "month"))
    level = sum(share >= step for step in BUDGET_STEPS)
    if level == 0:
        return BudgetStep(0, None)
    used = f"{share:.0%} of the {name}'s budget of worker-seconds is used"
    if level == 1:
        return BudgetStep(1, None, f"{used}: trial and bulk work may wait longer.")
    if level == 2:
        return BudgetStep(2, None, f"{used}: forecasts and the calendar start no workers.")
    # An hour's budget is a stream: what drips in carries so many workers. A month's is spent.
    carried = int(use.hour_limit // 3600) if name == "hour" else 0
    return BudgetStep(3, carried, f"{used}: no worker is started, work waits.")


def smallest_cap(caps: Sequence[Reason]) -> Reason:
    """Return the cap in force: the smallest, the first of equals.

    Raises
    ------
    ValueError
        If there is none.
    """
    return min(caps, key=lambda cap: cap.workers)


def launch_pause_seconds(failures: int) -> float:
    """Return how long launching rests after so many launches in a row that never came.

    5, 10, 20 … at most 300 seconds; 0 after none.
    """
    if failures < 1:
        return 0.0
    return min(_PAUSE_LONGEST_SECONDS, _PAUSE_FIRST_SECONDS * 2.0 ** min(failures - 1, 10))


def frozen(view: ClassView, words: str, numbers: dict[str, float]) -> ScaleDecision:
    """Return the decision to leave everything as it is, because nothing certain is known."""
    alive = len(_standing(view))
    return ScaleDecision(target=alive, reasons=(Reason("stale", alive, words, numbers),))


def bounded(
    decision: ScaleDecision,
    view: ClassView,
    *,
    floor: Reason,
    cap: Reason,
    pause: Reason | None = None,
) -> ScaleDecision:
    """Return a policy's decision inside its bounds, with the bounds that moved it as reasons.

    Parameters
    ----------
    floor
        The least number of workers that the operator and the plans ask for.
    cap
        The cap in force; it wins over the floor.
    pause
        Why nothing is launched now, if so.
    """
    least = min(floor.workers, cap.workers)
    target = min(max(decision.target, least), cap.workers)
    reasons = decision.reasons
    if floor.workers > decision.target:
        reasons = (*reasons, floor)
    if cap.workers < max(decision.target, floor.workers):
        reasons = (*reasons, cap)
    standing = _standing(view)
    alive = len(standing)
    drain = tuple(name for name in decision.drain if name in {one.worker for one in standing})
    # Fewer victims rather than a launch: a worker that is warm costs no cold start.
    drain = drain[: max(0, alive - least)]
    launch = max(0, min(decision.launch, cap.workers - alive + len(drain)))
    launch = max(launch, least - (alive - len(drain)))
    drain = (*drain, *_surplus(standing, drain, alive - len(drain) - cap.workers))
    if drain:
        # Workers of one class are alike: to drain one and launch another only costs.
        both = min(launch, len(drain))
        launch, drain = launch - both, drain[: len(drain) - both]
    if pause is not None and launch:
        launch, reasons = 0, (*reasons, pause)
    return replace(decision, target=target, launch=launch, drain=drain, reasons=reasons)


def _standing(view: ClassView) -> tuple[WorkerView, ...]:
    return tuple(one for one in view.workers if one.state != "draining")


def _surplus(standing: Sequence[WorkerView], chosen: Sequence[str], count: int) -> tuple[str, ...]:
    """Return who has to go beyond those chosen: the longest idle first, then who ends first."""
    if count <= 0:
        return ()
    rest = [
        one
        for one in standing
        if one.state in ("idle", "busy") and not one.is_held and one.worker not in set(chosen)
    ]
    rest.sort(
        key=lambda one: (
            one.state != "idle",
            one.since if one.state == "idle" else one.free_at,
            one.worker,
        )
    )
    return tuple(one.worker for one in rest[:count])
