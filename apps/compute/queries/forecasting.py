"""How good the forecast by hour of the week would have been, told on the fleet page.

Every hour of the last seven days is forecast from the weeks before it, as the autoscaler does, and
compared with what the hour then needed. Workers, not seconds.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from apps.compute.models import DemandHour
from apps.compute.policy.calendar import FORECAST_WEEKS, forecast_floor

_DAYS_JUDGED: Final = 7


@dataclass(frozen=True, slots=True)
class ForecastError:
    """One worker class over the last seven days."""

    worker_class: str
    hours: int
    """Hours that could be forecast."""
    mean_error: float
    """Mean distance between forecast and need, in workers."""
    too_low: int
    """Hours that needed more than was forecast."""

    @property
    def too_low_percent(self) -> int:
        """Share of the hours that needed more, in percent; about ten are meant to."""
        return round(100 * self.too_low / self.hours)


def forecast_errors(now: datetime) -> tuple[ForecastError, ...]:
    """Return the error of each class for which an hour could be forecast. One query."""
    first = now - timedelta(days=_DAYS_JUDGED)
    rows = DemandHour.objects.filter(
        starts_at__gte=first - timedelta(weeks=FORECAST_WEEKS, hours=1)
    ).values_list("worker_class", "starts_at", "needed_workers")
    needed: dict[str, dict[datetime, float]] = defaultdict(dict)
    for worker_class, starts_at, workers in rows:
        needed[worker_class][starts_at] = workers
    judged = (_judged(name, hours, first) for name, hours in sorted(needed.items()))
    return tuple(error for error in judged if error is not None)


def _judged(
    worker_class: str, needed: dict[datetime, float], first: datetime
) -> ForecastError | None:
    errors: list[float] = []
    for starts_at, workers in needed.items():
        before = [starts_at - timedelta(weeks=weeks) for weeks in range(FORECAST_WEEKS, 0, -1)]
        known = [needed[hour] for hour in before if hour in needed]
        floor = forecast_floor(known, starts_at=0.0, lead_seconds=0.0)
        if starts_at >= first and floor is not None:
            errors.append(floor.workers - workers)
    if not errors:
        return None
    return ForecastError(
        worker_class=worker_class,
        hours=len(errors),
        mean_error=sum(abs(error) for error in errors) / len(errors),
        too_low=sum(error < 0 for error in errors),
    )
