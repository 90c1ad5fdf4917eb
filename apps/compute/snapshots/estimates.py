"""Learned service times, as one decision or forecast sees them.

Owns their reading. What is learned is `policy.service_time`, the writing `services.shares`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from apps.compute.models import ServiceTime
from apps.compute.policy.service_time import Estimate, Learned, estimate, prior_for


class Estimates:
    """Learned service times of one moment.

    Parameters
    ----------
    rows
        What was learned; everything that is in the database unless given.
    """

    def __init__(self, rows: Iterable[ServiceTime] | None = None) -> None:
        # By kind, engine and worker class; an empty kind stands for the lane's commonest.
        self._per_unit: dict[tuple[str, str, str], Estimate] = {}
        self._by_lane: dict[tuple[str, str], tuple[int, Estimate]] = {}
        for row in ServiceTime.objects.all() if rows is None else rows:
            learned = Learned(row.completions, tuple(row.histogram))
            found = estimate(learned, prior_for(row.engine, row.worker_class))
            self._per_unit[row.kind, row.engine, row.worker_class] = found
            lane = (row.engine, row.worker_class)
            if row.completions > self._by_lane.get(lane, (-1, found))[0]:
                self._by_lane[lane] = (row.completions, found)

    def of(self, *, kind: str, engine: str, worker_class: str, units: float) -> Estimate:
        """Return the estimate for work of a size; an empty kind asks for the lane's commonest."""
        key = (kind, engine, worker_class)
        if key not in self._per_unit:
            lane = (engine, worker_class)
            known = None if kind else self._by_lane.get(lane)
            self._per_unit[key] = (
                known[1] if known else estimate(Learned(), prior_for(engine, worker_class))
            )
        return self._per_unit[key].times(units)

    def of_row(self, row: Mapping[str, Any]) -> Estimate:
        """Return the estimate for a work item, given as a mapping of its fields."""
        return self.of(
            kind=row["kind"],
            engine=row["engine"],
            worker_class=row["worker_class"],
            units=row["cost_units"],
        )
