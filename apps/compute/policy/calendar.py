"""Floors from the calendar: what is planned, and what this hour of the week has asked for. Pure.

A floor may only raise the number of workers. It begins a cold start and a margin before its time,
so that the workers are ready when the first order comes. Times are seconds, instants on one clock.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from apps.compute.policy.autoscaling import Floor
from apps.compute.policy.queueing import workers_for

MARGIN_SECONDS: Final = 30.0
"""Beyond the p95 of a cold start."""
FORECAST_SHARE: Final = 0.9
FORECAST_WEEKS: Final = 4
LEAST_WEEKS: Final = 2
"""Fewer weeks say nothing about this hour of the week."""


@dataclass(frozen=True, slots=True)
class PlannedDemand:
    """Renders that somebody expects, evenly spread over a time."""

    starts_at: float
    ends_at: float
    renders: int
    seconds_each: float
    """p50 service time."""


def calendar_floors(
    planned: Iterable[PlannedDemand],
    *,
    lead_seconds: float,
    target_wait_seconds: float,
    late_share: float = 0.05,
) -> tuple[Floor, ...]:
    """Return floors for planned demand, one for each stretch in which the same is planned.

    Periods that overlap add their load before it is sized: two launches at once need fewer workers
    than each alone, added up.
    """
    periods = [each for each in planned if each.ends_at > each.starts_at and each.renders > 0]
    edges = sorted({edge for each in periods for edge in (each.starts_at, each.ends_at)})
    floors = []
    for begin, end in pairwise(edges):
        here = [each for each in periods if each.starts_at <= begin and each.ends_at >= end]
        if not here:
            continue
        rates = [each.renders / (each.ends_at - each.starts_at) for each in here]
        load = sum(rate * each.seconds_each for rate, each in zip(rates, here, strict=True))
        workers = workers_for(
            load,
            service_seconds=load / sum(rates),
            target_seconds=target_wait_seconds,
            late=late_share,
        )
        words = f"{sum(each.renders for each in here):,} renders are planned for this time."
        floors.append(Floor(begin - lead_seconds, end, workers, words))
    return tuple(floors)


def forecast_floor(
    needed: Sequence[float], *, starts_at: float, lead_seconds: float
) -> Floor | None:
    """Return the floor of one coming hour from what it needed in past weeks.

    Parameters
    ----------
    needed
        Workers needed in the same hour of the last weeks, one number for each week that is known;
        at most the last `FORECAST_WEEKS` count.

    Returns
    -------
    Their 90th percentile (nearest rank), or None if fewer than `LEAST_WEEKS` are known or nothing
    was needed.
    """
    known = sorted(needed[-FORECAST_WEEKS:])
    if len(known) < LEAST_WEEKS:
        return None
    workers = math.ceil(known[min(len(known) - 1, int(FORECAST_SHARE * len(known)))])
    if workers < 1:
        return None
    words = f"This hour of the week needed {workers} workers in {len(known)} past weeks."
    return Floor(starts_at - lead_seconds, starts_at + 3600.0, workers, words, part="forecast")
