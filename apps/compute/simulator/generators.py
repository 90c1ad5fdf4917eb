"""Workloads of our own: days of shops that exist nowhere. Pure; the same seed, the same arrivals.

Rates are relative: a generator shapes the day, the number of renders is given. Work is lognormal
unless said otherwise. Tenants and engines are of unequal size, as in real services: the n-th
orders in proportion to 1/n. Renders with one engine may run together.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final

import numpy as np

from apps.compute.simulator.workload import (
    DAY_SECONDS,
    Floats,
    Ints,
    Workload,
    WorkloadError,
    workload_of,
)

HOUR_SECONDS: Final = 3600.0
MOST_RENDERS: Final = 10_000_000


@dataclass(frozen=True, slots=True)
class Shape:
    """What can be said about a workload besides its kind."""

    renders: int
    seconds: float = 12.0
    """Median work of a render."""
    spread: float = 0.5
    """Standard deviation of the work's logarithm."""
    tenants: int = 24
    engines: int = 4


@dataclass(frozen=True, slots=True)
class _Kind:
    words: str
    usual: Shape
    arrivals: Callable[[int, np.random.Generator], tuple[Floats, int]]
    """Arrivals in seconds, and how many of the last belong to one tenant that orders alone."""


def _steady(renders: int, random: np.random.Generator) -> tuple[Floats, int]:
    return _drawn(renders, 7 * DAY_SECONDS, random, _day_shape), 0


def _launch(renders: int, random: np.random.Generator) -> tuple[Floats, int]:
    launched = renders // 2
    rest = _drawn(renders - launched, DAY_SECONDS, random, _day_shape)
    launch = 10 * HOUR_SECONDS + 2 * HOUR_SECONDS * random.beta(2, 4, launched)
    return np.concatenate([rest, launch]), launched


def _black_friday(renders: int, random: np.random.Generator) -> tuple[Floats, int]:
    def shape(at: Floats) -> Floats:
        peak = np.exp(-(((at / DAY_SECONDS - 2.5) / 0.6) ** 2))
        return np.asarray(_day_shape(at) * (1 + 9 * peak))

    return _drawn(renders, 4 * DAY_SECONDS, random, shape), 0


def _noisy(renders: int, random: np.random.Generator) -> tuple[Floats, int]:
    noisy = renders // 5
    rest = _drawn(renders - noisy, 6 * HOUR_SECONDS, random, np.ones_like)
    return np.concatenate([rest, np.full(noisy, 2 * HOUR_SECONDS)]), noisy


def _bursts(renders: int, random: np.random.Generator) -> tuple[Floats, int]:
    hours = random.integers(0, 24, renders) * HOUR_SECONDS
    return hours + random.uniform(0, 5, renders), 0


def _flat(renders: int, random: np.random.Generator) -> tuple[Floats, int]:
    return random.uniform(0, 3 * DAY_SECONDS, renders), 0


def _step(renders: int, random: np.random.Generator) -> tuple[Floats, int]:
    def shape(at: Floats) -> Floats:
        return np.where(at < HOUR_SECONDS, 1.0, 6.0)

    return _drawn(renders, 2 * HOUR_SECONDS, random, shape), 0


_KINDS: Final[Mapping[str, _Kind]] = {
    "steady-shop": _Kind("a week that breathes with the day", Shape(40_000), _steady),
    "launch-day": _Kind(
        "a day, half of its work one tenant's launch at ten", Shape(8_000), _launch
    ),
    "black-friday": _Kind("four days, the third ten times as busy", Shape(60_000), _black_friday),
    "noisy-neighbor": _Kind(
        "six hours; a fifth comes from one tenant at once", Shape(3_000), _noisy
    ),
    "synchronized-bursts": _Kind("a day in which all order on the hour", Shape(6_000), _bursts),
    "heavy-tail": _Kind(
        "three days of jobs of which few take a hundred times as long as most",
        Shape(20_000, seconds=8.0, spread=1.4),
        _flat,
    ),
    "step": _Kind("an hour, then one six times as busy", Shape(7_000), _step),
}
GENERATORS: Final[Mapping[str, str]] = {
    name: f"{kind.words}; renders={kind.usual.renders}" for name, kind in _KINDS.items()
}
"""By name: what it makes, and of how many renders if nothing is said."""


def workload_from_text(text: str, *, seed: int) -> Workload:
    """Return a generated workload.

    Parameters
    ----------
    text
        ``NAME``, and after it any of `Shape` as ``:renders=4000:seconds=30``.

    Raises
    ------
    WorkloadError
        If there is no such generator or a value that it cannot use.
    """
    name, *words = text.split(":")
    kind = _KINDS.get(name)
    if kind is None:
        known = ", ".join(sorted(_KINDS))
        raise WorkloadError(f"There is no workload {name!r}: write one of {known}.")
    return generate(name, _shaped(text, kind.usual, words), seed=seed)


def _shaped(text: str, shape: Shape, words: Sequence[str]) -> Shape:
    fields: dict[str, float] = {**asdict(shape)}
    for word in words:
        key, _, value = word.partition("=")
        try:
            number = float(value) if key in fields else math.nan
        except ValueError:
            number = math.nan
        least = {"spread": 0.0, "seconds": 0.001}.get(key, 1.0)
        is_whole = key in {"seconds", "spread"} or number == round(number, 0)
        if not (least <= number <= MOST_RENDERS and is_whole):
            raise WorkloadError(
                f"{text!r} cannot be read: after the name write {', '.join(fields)} with numbers, "
                f"as in renders=4000; at most {MOST_RENDERS:,}."
            )
        fields[key] = number
    return Shape(
        renders=int(fields["renders"]),
        seconds=fields["seconds"],
        spread=fields["spread"],
        tenants=int(fields["tenants"]),
        engines=int(fields["engines"]),
    )


def generate(name: str, shape: Shape, *, seed: int) -> Workload:
    """Return the workload of a generator in `GENERATORS`."""
    random = np.random.default_rng([seed, len(name)])
    kind = _KINDS[name]
    arrival, alone = kind.arrivals(shape.renders, random)
    jobs = len(arrival)
    tenant = _unequal(shape.tenants, jobs, random)
    engine = _unequal(shape.engines, jobs, random)
    tenants = [f"shop-{number + 1}" for number in range(shape.tenants)]
    if alone:
        tenant[-alone:] = len(tenants)
        tenants.append("crowd")
        engine[-alone:] = 0
    return workload_of(
        name,
        arrival,
        shape.seconds * np.exp(random.normal(0.0, shape.spread, jobs)),
        tenant=tenant,
        tenants=tenants,
        size=engine,
        engine=engine,
        batch=engine,
    )


def _unequal(count: int, jobs: int, random: np.random.Generator) -> Ints:
    """Draw who or what each job is of: the n-th in proportion to 1/n."""
    parts = 1.0 / np.arange(1, count + 1)
    edges = np.cumsum(parts) / parts.sum()
    return np.minimum(np.searchsorted(edges, random.uniform(size=jobs)), count - 1).astype(np.int32)


def _day_shape(at: Floats) -> Floats:
    """Three times as busy at noon as at midnight."""
    return np.asarray(1.0 + 0.5 * np.sin(2 * math.pi * (at / DAY_SECONDS - 0.25)))


def _drawn(
    renders: int, span: float, random: np.random.Generator, shape: Callable[[Floats], Floats]
) -> Floats:
    """Draw arrivals whose rate has a shape, by inverting its integral."""
    grid = np.linspace(0.0, span, 4096)
    grown = np.concatenate([[0.0], np.cumsum(shape(grid)[:-1])])
    return np.interp(np.sort(random.uniform(0, grown[-1], renders)), grown, grid)
