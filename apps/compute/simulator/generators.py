"""Workloads of our own: days of shops that exist nowhere. Pure; the same seed, the same arrivals.

Rates are jobs per second, times seconds. Sizes are lognormal with a median of `MEDIAN_SECONDS`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from apps.compute.simulator.workload import (
    DAY_SECONDS,
    Floats,
    Workload,
    WorkloadError,
    joined_workload,
    workload_of,
)

MEDIAN_SECONDS: Final = 12.0
_SPREAD: Final = 0.5
_TENANTS: Final = 24


def steady_shop(renders: int, seed: int) -> Workload:
    """Return a working week that breathes with the day: three times as busy at noon as at night."""
    return _by_rate("steady-shop", renders, 7 * DAY_SECONDS, seed, _day_shape)


def launch_day(renders: int, seed: int) -> Workload:
    """Return a day of a steady shop in which half of the work is one launch of two hours."""
    random = np.random.default_rng([seed, 11])
    launch = 10 * 3600 + 7200 * random.beta(2, 4, renders // 2)
    return joined_workload(
        "launch-day",
        [
            _by_rate("rest", renders - renders // 2, DAY_SECONDS, seed, _day_shape, at=0.0),
            _jobs("launch", launch, random, tenants=("launch",)),
        ],
    )


def black_friday(renders: int, seed: int) -> Workload:
    """Return four days that rise tenfold to the third and fall."""
    return _by_rate(
        "black-friday",
        renders,
        4 * DAY_SECONDS,
        seed,
        lambda at: _day_shape(at) * (1 + 9 * np.exp(-(((at / DAY_SECONDS - 2.5) / 0.6) ** 2))),
    )


def noisy_neighbor(renders: int, seed: int) -> Workload:
    """Return six quiet hours of many tenants; after two, one of them orders a fifth at once."""
    random = np.random.default_rng([seed, 12])
    noisy = renders // 5
    return joined_workload(
        "noisy-neighbor",
        [
            _by_rate("rest", renders - noisy, 6 * 3600.0, seed, np.ones_like),
            _jobs("noisy", np.full(noisy, 7200.0), random, tenants=("noisy",)),
        ],
    )


def synchronized_bursts(renders: int, seed: int) -> Workload:
    """Return a day in which all tenants order on the hour."""
    random = np.random.default_rng([seed, 13])
    hours = random.integers(0, 24, renders) * 3600.0
    return _jobs("synchronized-bursts", hours + random.uniform(0, 5, renders), random)


def heavy_tail(renders: int, seed: int) -> Workload:
    """Return three days of jobs of which few take a hundred times as long as most."""
    random = np.random.default_rng([seed, 14])
    at = np.sort(random.uniform(0, 3 * DAY_SECONDS, renders))
    work = np.clip(8.0 * np.exp(random.normal(0.0, 1.4, renders)), 1.0, 1500.0)
    return _jobs("heavy-tail", at, random, work=work)


GENERATORS: Final[Mapping[str, tuple[Callable[[int, int], Workload], int]]] = {
    "steady-shop": (steady_shop, 40_000),
    "launch-day": (launch_day, 8_000),
    "black-friday": (black_friday, 60_000),
    "noisy-neighbor": (noisy_neighbor, 3_000),
    "synchronized-bursts": (synchronized_bursts, 6_000),
    "heavy-tail": (heavy_tail, 20_000),
}
"""By name: the generator and how many renders it makes if nothing is said."""


def workload_from_text(text: str, *, seed: int) -> Workload:
    """Return a generated workload, as ``NAME`` or ``NAME:renders``.

    Raises
    ------
    WorkloadError
        If there is no such generator or the number is none from 10 to 10 million.
    """
    name, _, number = text.partition(":")
    if name not in GENERATORS:
        raise WorkloadError(
            f"There is no workload {name!r}. Known are {', '.join(sorted(GENERATORS))}."
        )
    make, usual = GENERATORS[name]
    if number and not (number.isdecimal() and 10 <= int(number) <= 10_000_000):
        raise WorkloadError(f"Write {text!r} as {name}:renders, from 10 to 10,000,000.")
    return make(int(number) if number else usual, seed)


def _day_shape(at: Floats) -> Floats:
    return np.asarray(1.0 + 0.5 * np.sin(2 * math.pi * (at / DAY_SECONDS - 0.25)))


def _by_rate(
    name: str,
    renders: int,
    span: float,
    seed: int,
    shape: Callable[[Floats], Floats],
    *,
    at: float | None = None,
) -> Workload:
    """Draw arrivals whose rate has a shape, by inverting its integral."""
    random = np.random.default_rng([seed, 10])
    grid = np.linspace(0.0, span, 4096)
    grown = np.concatenate([[0.0], np.cumsum(shape(grid)[:-1])])
    when = np.interp(np.sort(random.uniform(0, grown[-1], renders)), grown, grid)
    if at is not None and len(when):
        when[0] = at
    return _jobs(name, when, random)


def _jobs(
    name: str,
    arrival: Floats,
    random: np.random.Generator,
    *,
    tenants: tuple[str, ...] = (),
    work: Floats | None = None,
) -> Workload:
    jobs = len(arrival)
    names = tenants or tuple(f"shop-{number:02d}" for number in range(_TENANTS))
    seconds = MEDIAN_SECONDS * np.exp(random.normal(0.0, _SPREAD, jobs)) if work is None else work
    rank = random.zipf(1.6, jobs) % len(names)
    return workload_of(name, arrival, seconds, tenant=rank.astype(np.int32), tenants=names)
