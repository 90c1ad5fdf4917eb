"""Whether promises hold, learned from those given before. Pure.

A forecast knows neither who orders next nor how wrong its estimates are. So the p90 it finds is
multiplied by a factor that follows the quantile of achieved over forecast turnaround: after each
promise kept the factor falls a little, after each one broken it rises ten times as much, and where
`KEPT_SHARE` are kept both balance. Old promises fade with the step.

Source: stochastic approximation of a quantile (Robbins and Monro, 1951), in the logarithm.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

KEPT_SHARE: Final = 0.91
"""The middle of 88 to 94 %: a promise kept always was too cautious to be of use."""
LEAST_FACTOR: Final = 0.25
MOST_FACTOR: Final = 8.0
_FIRST_STEP: Final = 1.0
_LAST_STEP: Final = 0.08
_CALMING: Final = 0.25


@dataclass(frozen=True, slots=True)
class Calibration:
    """What the p90 of one lane is multiplied by."""

    factor: float = 1.0
    promises: int = 0
    """Promises whose end was seen."""

    def learned(self, forecast_seconds: float, achieved_seconds: float) -> Calibration:
        """Return the calibration after the end of a promise was seen.

        Parameters
        ----------
        forecast_seconds
            The p90 of the turnaround as forecast at order, before any correction; above 0.
        achieved_seconds
            From order to finished; at least 0.

        Raises
        ------
        ValueError
            If a time is out of range.
        """
        if not (math.isfinite(forecast_seconds) and forecast_seconds > 0):
            raise ValueError(f"forecast of {forecast_seconds} s is not above 0")
        if not (math.isfinite(achieved_seconds) and achieved_seconds >= 0):
            raise ValueError(f"turnaround of {achieved_seconds} s is below 0")
        step = max(_LAST_STEP, _FIRST_STEP / (1 + _CALMING * self.promises))
        kept = achieved_seconds <= forecast_seconds * self.factor
        move = step * (KEPT_SHARE - 1 if kept else KEPT_SHARE)
        factor = self.factor * math.exp(move)
        return Calibration(min(max(factor, LEAST_FACTOR), MOST_FACTOR), self.promises + 1)

    def shown(self, p50_seconds: float, p90_seconds: float) -> float:
        """Return the p90 to show for a forecast: corrected, never below its p50."""
        return max(p50_seconds, p90_seconds * self.factor)
