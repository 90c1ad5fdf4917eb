"""Which classes of workers, and how many of each, meet a promise at the least price. Pure.

The vertical choice (a faster worker) and the horizontal one (more workers) are one decision: every
way to send the kinds of work to the classes is staffed by Erlang's formula and priced, and the
cheapest wins. Pooling comes out by itself, since the square root of the load is paid per class.
Rates are per second, prices per hour of one worker in any one currency.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from apps.compute.policy.fleet import Reason
from apps.compute.policy.queueing import late_share, workers_for
from apps.compute.policy.routing import rank

MOST_WAYS: Final = 20_000
"""Three classes for nine kinds of work; beyond that, merge kinds of like size."""


@dataclass(frozen=True, slots=True)
class Demand:
    """One kind of work."""

    name: str
    arrivals_per_second: float
    seconds: Mapping[str, float]
    """Mean service time by worker class; a class that is left out cannot do it."""


@dataclass(frozen=True, slots=True)
class ClassTerms:
    """What a class costs and can."""

    worker_class: str
    price_per_hour: float
    cold_start_seconds: float
    most_workers: int


@dataclass(frozen=True, slots=True)
class MixPromise:
    """What is to be kept."""

    target_wait_seconds: float = 30.0
    late: float = 0.05
    """Share of the work that may wait longer, above 0 and below 1."""
    hours: float = 1.0
    """How long the demand lasts: a cold start is paid once in that time; above 0."""


@dataclass(frozen=True, slots=True)
class ClassCount:
    """How many workers of a class, and for what."""

    worker_class: str
    workers: int
    offered_load: float
    """Workers that would be busy all the time, in erlangs."""
    late: float
    """Share of the work that will wait beyond the target."""
    demands: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Mix:
    """The cheapest mix, or the one that comes closest within the caps."""

    counts: tuple[ClassCount, ...]
    """Of the classes that are used, the smallest class first."""
    price: float
    """For the whole time, cold starts included."""
    keeps_promise: bool
    unserved: tuple[str, ...] = ()
    """Kinds of work that no class can do."""
    reasons: tuple[Reason, ...] = field(default=())


def cheapest_mix(
    demands: Sequence[Demand], terms: Sequence[ClassTerms], promise: MixPromise
) -> Mix:
    """Return how many workers of which class meet a promise at the least price.

    Parameters
    ----------
    demands
        At most about nine kinds of work, see `MOST_WAYS`.

    Notes
    -----
    Where the caps are too small for the promise, the mix with the least late work is returned and
    says so. If prices are equal, the smaller classes win.

    Raises
    ------
    ValueError
        If there are too many ways to send the work, or a number is out of range.
    """
    _check(demands, terms, promise)
    known = {each.worker_class: each for each in terms if each.most_workers > 0}
    served = [demand for demand in demands if set(demand.seconds) & set(known)]
    unserved = tuple(demand.name for demand in demands if demand not in served)
    choices = [
        sorted(set(demand.seconds) & set(known), key=lambda name: (rank(name), name))
        for demand in served
    ]
    if math.prod(len(choice) for choice in choices) > MOST_WAYS:
        raise ValueError(
            f"{len(served)} kinds of work can be sent in more than {MOST_WAYS} ways: "
            "merge kinds of like size."
        )
    ways = [_staffed(served, way, known, promise) for way in itertools.product(*choices)]
    best = min(ways, key=_preference)
    alternatives = [way for way in ways if way.counts != best.counts and way.keeps_promise]
    keeps = best.keeps_promise and not unserved
    reasons = _reasons(best, min(alternatives, key=_preference, default=None), promise, unserved)
    return Mix(best.counts, best.price, keeps, unserved, reasons)


def _staffed(
    demands: Sequence[Demand],
    way: Sequence[str],
    terms: Mapping[str, ClassTerms],
    promise: MixPromise,
) -> Mix:
    """Return what one way to send the work needs."""
    counts = []
    price = 0.0
    for worker_class in sorted(set(way), key=rank):
        mine = [demand for demand, name in zip(demands, way, strict=True) if name == worker_class]
        count = _count(worker_class, mine, terms[worker_class], promise)
        counts.append(count)
        paid_hours = promise.hours + terms[worker_class].cold_start_seconds / 3600
        price += count.workers * terms[worker_class].price_per_hour * paid_hours
    keeps = all(count.late <= promise.late for count in counts)
    return Mix(tuple(counts), price, keeps)


def _count(
    worker_class: str, demands: Sequence[Demand], terms: ClassTerms, promise: MixPromise
) -> ClassCount:
    load = sum(demand.arrivals_per_second * demand.seconds[worker_class] for demand in demands)
    names = tuple(demand.name for demand in demands)
    if not load:
        return ClassCount(worker_class, 0, 0.0, 0.0, names)
    # What waits behind long work waits longer: the mean seen by who arrives is weighted by load.
    seen = sum(demand.arrivals_per_second * demand.seconds[worker_class] ** 2 for demand in demands)
    mean = seen / load
    wanted = workers_for(
        load,
        service_seconds=mean,
        target_seconds=promise.target_wait_seconds,
        late=promise.late,
        limit=terms.most_workers,
    )
    workers = min(wanted, terms.most_workers)
    late = late_share(
        workers, load, service_seconds=mean, target_seconds=promise.target_wait_seconds
    )
    return ClassCount(worker_class, workers, load, late, names)


def _preference(mix: Mix) -> tuple[float, float, int, tuple[int, ...]]:
    late = sum(max(0.0, count.offered_load - count.workers) for count in mix.counts)
    ranks = tuple(rank(count.worker_class) for count in mix.counts)
    return (0.0 if mix.keeps_promise else 1.0 + late, mix.price, len(ranks), ranks)


def _reasons(
    best: Mix, second: Mix | None, promise: MixPromise, unserved: Sequence[str]
) -> tuple[Reason, ...]:
    reasons = [
        Reason(
            "mix",
            count.workers,
            f"{', '.join(count.demands)} on {count.worker_class}: {count.offered_load:.1f} would "
            f"be busy all the time, with {count.workers} of them {count.late:.1%} wait longer "
            f"than {promise.target_wait_seconds:.0f} s.",
            {"load": count.offered_load, "late": count.late},
        )
        for count in best.counts
    ]
    if second is not None:
        reasons.append(
            Reason(
                "mix",
                sum(count.workers for count in best.counts),
                f"{best.price:.2f} for {promise.hours:g} h; the next best, "
                f"{_in_words(second)}, costs {second.price:.2f}.",
                {"price": best.price, "next_price": second.price},
            )
        )
    if not best.keeps_promise:
        reasons.append(
            Reason("cap", 0, "The caps allow too few workers for the promise: raise them.")
        )
    if unserved:
        reasons.append(Reason("cap", 0, f"No class can do {', '.join(unserved)}."))
    return tuple(reasons)


def _in_words(mix: Mix) -> str:
    return " and ".join(f"{count.workers} {count.worker_class}" for count in mix.counts)


def _check(demands: Sequence[Demand], terms: Sequence[ClassTerms], promise: MixPromise) -> None:
    if not (0 < promise.late < 1 and promise.hours > 0 and promise.target_wait_seconds >= 0):
        raise ValueError(f"no promise: {promise}")
    for demand in demands:
        if demand.arrivals_per_second < 0 or any(not s > 0 for s in demand.seconds.values()):
            raise ValueError(f"{demand.name} has a rate below 0 or work of no seconds")
    for each in terms:
        if each.price_per_hour < 0 or each.cold_start_seconds < 0:
            raise ValueError(f"{each.worker_class} has a price or cold start below 0")
