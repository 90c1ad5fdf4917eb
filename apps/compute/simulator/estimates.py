"""What is believed of a job before it is done: a decaying median by its size hints. Pure.

A job's class of size hints answers once it has seen `TRUSTED` completions, before that its tenant,
then everybody, at last the prior. A median follows in the logarithm by steps that shrink from 1/n
to `SLOWEST_STEP`: old completions fade, one outlier moves little, and a completion costs a
microsecond. Seconds throughout.

Source: stochastic approximation of a quantile (Robbins and Monro, 1951).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from apps.compute.simulator.desks.base import Estimates
from apps.compute.simulator.workload import Workload

TRUSTED: Final = 3
SLOWEST_STEP: Final = 0.02
PRIOR_SECONDS: Final = 20.0
_Z90_IN_MEAN_DEVIATIONS: Final = 1.606
"""How far the p90 lies above the median of a lognormal, in mean deviations of the logarithm."""


@dataclass(frozen=True, slots=True)
class EstimateError:
    """How wrong the estimates are on top of what was not yet learned."""

    factor: float = 1.0
    """Every estimate is multiplied by it."""
    sigma: float = 0.0
    """Standard deviation of the logarithm of a further random factor of median 1."""


class SizeTable:
    """Estimates learned from the completions so far.

    Parameters
    ----------
    knows_sizes
        The true work is known at order, as by an oracle.
    """

    def __init__(
        self,
        workload: Workload,
        *,
        knows_sizes: bool = False,
        error: EstimateError | None = None,
        seed: int = 1,
    ) -> None:
        self._size: list[int] = workload.size.tolist()
        self._tenant: list[int] = workload.tenant.tolist()
        self._true: list[float] | None = workload.work.tolist() if knows_sizes else None
        self._error = error or EstimateError()
        self._random = np.random.default_rng([seed, 2])
        self._sizes: dict[int, list[float]] = {}
        self._tenants: dict[int, list[float]] = {}
        self._all = [0.0, 0.0, 0.5]

    def of(self, job: int) -> Estimates:
        """Return the seconds that half, and nine in ten, of such jobs take at most."""
        if self._true:
            p50 = p90 = self._true[job]
        else:
            p50, p90 = self._learned(job)
        error = self._error.factor
        if self._error.sigma:
            error *= math.exp(self._random.normal(0.0, self._error.sigma))
        return Estimates(p50 * error, p90 * error)

    def learn(self, job: int, seconds: float) -> None:
        """Note what a job took."""
        height = math.log(seconds)
        _follow(self._sizes.setdefault(self._size[job], [0.0, 0.0, 0.5]), height)
        _follow(self._tenants.setdefault(self._tenant[job], [0.0, 0.0, 0.5]), height)
        _follow(self._all, height)

    def _learned(self, job: int) -> tuple[float, float]:
        for known in (
            self._sizes.get(self._size[job]),
            self._tenants.get(self._tenant[job]),
            self._all,
        ):
            if known is not None and known[0] >= TRUSTED:
                return math.exp(known[1]), math.exp(known[1] + _Z90_IN_MEAN_DEVIATIONS * known[2])
        return PRIOR_SECONDS, 4 * PRIOR_SECONDS


def _follow(median: list[float], height: float) -> None:
    """Move a running median, as count, logarithm and spread, towards one more value."""
    count, center, spread = median
    median[0] = count + 1.0
    if not count:
        median[1] = height
        return
    gap = height - center
    step = max(1.0 / (count + 1.0), SLOWEST_STEP)
    median[2] = spread = spread + step * (abs(gap) - spread)
    # 1.6 mean deviations: the step that settles fastest for a lognormal, and no overshoot for one
    # constant value.
    median[1] = center + math.copysign(min(abs(gap), 1.6 * spread * step), gap)
