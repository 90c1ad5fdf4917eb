"""Which class of workers takes a work item, by what it was measured to cost there. Pure.

Classes have lines of their own, so that a background swap never waits behind a 4K scene. Work goes
to the cheapest class it is not too long for; an idle larger worker may help a smaller class, never
the other way round. Money is per hour of a worker, in any one currency.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

CLASSES: Final = ("cpu", "gpu", "gpu-large")
"""From the smallest to the largest."""
LONGEST_SECONDS: Final = {"cpu": 60.0, "gpu": 60.0, "gpu-large": math.inf}
"""Longest p50 of one item that a class takes: twice the wait its line aims at, so that what waits
behind one item can still be late by no more than that."""
_CALM: Final = 0.5


@dataclass(frozen=True, slots=True)
class ClassOffer:
    """What one class could do for a work item."""

    worker_class: str
    p50_seconds: float
    """Learned for such work on this class; above 0."""
    price_per_hour: float
    """Of one worker; 0 where it costs nothing."""
    workers: int
    """Live, starting, or that could be launched."""
    can_run: bool = True
    """It has the engine and the memory."""


@dataclass(frozen=True, slots=True)
class Route:
    """Where work goes and why; no class if nobody can ever take it."""

    worker_class: str | None
    words: str


def route(offers: Sequence[ClassOffer]) -> Route:
    """Return the class for a work item.

    Notes
    -----
    Of the classes that can run it and have or can get a worker, those whose items may be so long;
    of these the cheapest by price times seconds, the smaller one if equal. Work that is too long
    for each goes to the largest.

    Examples
    --------
    >>> offers = [ClassOffer("cpu", 300.0, 0.1, 4), ClassOffer("gpu", 12.0, 1.2, 2)]
    >>> route(offers).worker_class
    'gpu'
    """
    able = sorted(
        (offer for offer in offers if offer.can_run), key=lambda offer: rank(offer.worker_class)
    )
    if not able:
        return Route(None, "No class of workers has the engine and the memory for this work.")
    served = [offer for offer in able if offer.workers > 0]
    if not served:
        names = ", ".join(offer.worker_class for offer in able)
        return Route(
            None,
            f"Only workers of class {names} can do this work, none is live and none can be "
            "launched. Start one, or raise its cap.",
        )
    fitting = [
        offer for offer in served if offer.p50_seconds <= LONGEST_SECONDS[offer.worker_class]
    ]
    if not fitting:
        chosen = served[-1]
        return Route(
            chosen.worker_class,
            f"At {chosen.p50_seconds:.0f} s it is long for every class: the largest takes it.",
        )
    chosen = min(fitting, key=_cost)
    return Route(
        chosen.worker_class,
        f"About {chosen.p50_seconds:.1f} s on {chosen.worker_class}, "
        f"{_cost(chosen)[0]:.4f} of money: the cheapest of {len(fitting)} that are fast enough.",
    )


def rank(worker_class: str) -> int:
    """Return a class's place among `CLASSES`.

    Raises
    ------
    ValueError
        If there is no such class.
    """
    if worker_class not in CLASSES:
        raise ValueError(f"{worker_class!r} is no worker class; there are {', '.join(CLASSES)}")
    return CLASSES.index(worker_class)


def may_help(
    helper: str,
    other: str,
    *,
    own_queued: int,
    own_arrivals_per_second: float,
    item_seconds: float,
    cold_start_seconds: float,
) -> bool:
    """Return whether an idle worker may take an item of another class.

    Parameters
    ----------
    helper, other
        Classes of the worker and of the work.
    own_queued
        Items that wait for the worker's own class.
    own_arrivals_per_second
        How often work of its own class came lately.
    item_seconds
        What the other item takes on this worker, at p90.
    cold_start_seconds
        What a new worker of the helper's class needs at p50: so much later own work could be
        served without it.

    Notes
    -----
    Downwards only, and only if less than half an item of its own is expected while it is away,
    or until a new worker could stand in for it, whichever is longer.
    """
    if rank(helper) <= rank(other) or own_queued:
        return False
    away = max(item_seconds, cold_start_seconds)
    return own_arrivals_per_second * away < _CALM


def _cost(offer: ClassOffer) -> tuple[float, int]:
    return (offer.p50_seconds * offer.price_per_hour / 3600, rank(offer.worker_class))
