"""Learned service times: a decaying histogram over logarithmic buckets. Pure.

Seconds are for one cost unit. A prior stands in until `PRIOR_COMPLETIONS` completions: it begins
with that weight and gives way one by one, so that an estimate moves and never jumps. Old
completions fade with a half-life of `HALF_LIFE` further ones: engines, photos and machines change.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

PRIOR_COMPLETIONS: Final = 50
HALF_LIFE: Final = 200.0
BUCKETS: Final = 72
_FIRST_SECONDS: Final = 0.005
_RATIO: Final = 2**0.25
"""Buckets 19 % wide: 0.005 s to about 1,300 s; what lies outside counts in the outermost."""
_Z90: Final = 1.2815515655446004


@dataclass(frozen=True, slots=True)
class Prior:
    """What is believed before anything was measured, in seconds for one cost unit."""

    p50: float
    p90: float


@dataclass(frozen=True, slots=True)
class Learned:
    """What was measured."""

    completions: int = 0
    histogram: tuple[float, ...] = ()
    """Weight of each bucket, `BUCKETS` of them; empty before the first completion."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """Seconds that half, and nine in ten, of such work take at most."""

    p50: float
    p90: float

    def times(self, units: float) -> Estimate:
        """Return the estimate for so many cost units."""
        return Estimate(self.p50 * units, self.p90 * units)


PRIORS: Final[dict[tuple[str, str], Prior]] = {
    # Measured at one 2000 px output: 8 to 13 s a render with every core of the machine busy.
    ("classical", "cpu"): Prior(2.5, 4.0),
    ("diffusion", "gpu"): Prior(2.0, 6.0),
    ("diffusion", "gpu-large"): Prior(4.0, 12.0),
}
_UNKNOWN: Final = Prior(4.0, 16.0)


def prior_for(engine: str, worker_class: str) -> Prior:
    """Return the prior of an engine on a worker class; a cautious one where none is known."""
    return PRIORS.get((engine, worker_class), _UNKNOWN)


def learn(learned: Learned, seconds: float) -> Learned:
    """Return what is known after one more completion.

    Parameters
    ----------
    seconds
        For one cost unit; above 0.

    Raises
    ------
    ValueError
        If the time is not a number above 0.
    """
    if not (math.isfinite(seconds) and seconds > 0):
        raise ValueError(f"service time {seconds} s is not above 0")
    fade = 0.5 ** (1 / HALF_LIFE)
    weights = [weight * fade for weight in _weights(learned.histogram)]
    weights[_bucket(seconds)] += 1.0
    return Learned(learned.completions + 1, tuple(round(weight, 6) for weight in weights))


def estimate(learned: Learned, prior: Prior) -> Estimate:
    """Return the quantiles for one cost unit."""
    trust = max(0, PRIOR_COMPLETIONS - learned.completions)
    believed = _spread(prior) if trust else [0.0] * BUCKETS
    weights = [
        measured + trust * share
        for measured, share in zip(_weights(learned.histogram), believed, strict=True)
    ]
    return Estimate(_quantile(weights, 0.5), _quantile(weights, 0.9))


def _weights(histogram: Sequence[float]) -> list[float]:
    # A histogram of another shape was written by another version: begin again from the prior.
    return list(histogram) if len(histogram) == BUCKETS else [0.0] * BUCKETS


def _bucket(seconds: float) -> int:
    place = math.floor(math.log(seconds / _FIRST_SECONDS) / math.log(_RATIO))
    return min(max(place, 0), BUCKETS - 1)


def _lower_edge(bucket: int) -> float:
    return _FIRST_SECONDS * float(_RATIO**bucket)


def _spread(prior: Prior) -> list[float]:
    """Return the prior as a lognormal histogram of sum 1."""
    center = math.log(prior.p50)
    width = max(math.log(prior.p90 / prior.p50) / _Z90, 1e-3)

    def below(bucket: int) -> float:
        score = (math.log(_lower_edge(bucket)) - center) / width
        return 0.5 * (1.0 + math.erf(score / math.sqrt(2.0)))

    edges = [0.0, *(below(bucket) for bucket in range(1, BUCKETS)), 1.0]
    return [high - low for low, high in pairwise(edges)]


def _quantile(weights: Sequence[float], share: float) -> float:
    wanted = share * sum(weights)
    passed = 0.0
    for bucket, weight in enumerate(weights):
        if weight > 0 and passed + weight >= wanted:
            return _lower_edge(bucket) * float(_RATIO ** ((wanted - passed) / weight))
        passed += weight
    return _lower_edge(BUCKETS)
