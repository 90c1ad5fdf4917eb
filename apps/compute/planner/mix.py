"""Which workers would carry a demand at the least price: by arithmetic, in milliseconds.

Owns what `policy.capacity` is told: the classes that have made such images, how long one took
there, what a worker of each costs and how many there may be. Times are seconds, money is in minor
units.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from apps.compute import snapshots
from apps.compute.models import ServiceTime
from apps.compute.policy.capacity import ClassTerms, Demand, Mix, MixPromise, cheapest_mix
from apps.compute.policy.service_time import PRIOR_COMPLETIONS
from apps.compute.queries.foresight import UsualWork, cold_start_seconds

LATE_SHARE: Final = 0.05
"""Of the images, that may wait longer than the target."""
_Z90: Final = 1.2815515655446004
_HOUR_SECONDS: Final = 3600.0

Price = tuple[float, str] | None


@dataclass(frozen=True, slots=True)
class Part:
    """Workers of one class."""

    worker_class: str
    workers: int
    busy: float
    """How many of them would be busy at a time, on average."""
    seconds_each: float
    late_percent: float


@dataclass(frozen=True, slots=True)
class CheapestMix:
    """What carries a demand, ready to show."""

    parts: tuple[Part, ...]
    keeps_promise: bool
    cost_minor: float | None
    """From the first launch to the end; None where no price is known."""
    currency: str
    compared: int
    """Classes that could make such images."""


def mean_seconds(p50: float, p90: float) -> float:
    """Return the mean of a lognormal with these quantiles, both above 0."""
    width = math.log(max(p90 / p50, 1.0)) / _Z90
    return p50 * math.exp(width**2 / 2)


def mix_for(
    work: UsualWork,
    *,
    images: int,
    period_seconds: float,
    target_wait_seconds: float,
    price_of: Callable[[str], Price],
    most_of: Callable[[str], int],
) -> CheapestMix:
    """Return the cheapest workers for images that come evenly over a period.

    Parameters
    ----------
    work
        One image as it is usually ordered; its class is always among those compared.
    price_of, most_of
        What a worker of a class costs an hour, and how many there may be.
    """
    seconds = _seconds_by_class(work)
    prices = {name: price_of(name) for name in seconds}
    terms = [
        ClassTerms(
            worker_class=name,
            price_per_hour=price[0] if price else 0.0,
            cold_start_seconds=cold_start_seconds(name),
            most_workers=most_of(name),
        )
        for name, price in prices.items()
    ]
    mix = cheapest_mix(
        [Demand(work.kind, images / period_seconds, seconds)],
        terms,
        MixPromise(target_wait_seconds, LATE_SHARE, period_seconds / _HOUR_SECONDS),
    )
    return _shown(mix, seconds, prices)


def _seconds_by_class(work: UsualWork) -> dict[str, float]:
    """Return what one such image takes in every class that has learned it, and in its own."""
    estimates = snapshots.Estimates()
    seconds = {work.worker_class: mean_seconds(work.seconds.p50, work.seconds.p90)}
    learned = ServiceTime.objects.filter(kind=work.kind, completions__gte=PRIOR_COMPLETIONS)
    for row in learned.order_by("completions", "pk"):
        if row.worker_class != work.worker_class:
            there = estimates.of(
                kind=work.kind, engine=row.engine, worker_class=row.worker_class, units=work.units
            )
            seconds[row.worker_class] = mean_seconds(there.p50, there.p90)
    return seconds


def _shown(mix: Mix, seconds: dict[str, float], prices: dict[str, Price]) -> CheapestMix:
    used = [price for count in mix.counts if (price := prices[count.worker_class])]
    is_priced = len(used) == len(mix.counts) and len({currency for _, currency in used}) == 1
    return CheapestMix(
        parts=tuple(
            Part(
                worker_class=count.worker_class,
                workers=count.workers,
                busy=count.offered_load,
                seconds_each=seconds[count.worker_class],
                late_percent=100 * count.late,
            )
            for count in mix.counts
        ),
        keeps_promise=mix.keeps_promise,
        cost_minor=mix.price if is_priced else None,
        currency=used[0][1] if is_priced else "",
        compared=len(seconds),
    )
