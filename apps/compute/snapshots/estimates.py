"""Learned service times, as one decision or forecast sees them.

Owns their reading. What is learned is `policy.service_time` and `policy.work_size`, the writing
`services.learning`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from apps.compute.models import ServiceTime
from apps.compute.policy.service_time import Estimate, Learned, prior_for
from apps.compute.policy.work_size import WorkSize, estimate_size, keys

_ANY_KIND: Final = "-"
"""No pipeline's name: what is asked for it is answered by what is known of the lane."""


class Estimates:
    """Learned service times of one moment.

    Parameters
    ----------
    rows
        What was learned; everything that is in the database unless given.
    """

    def __init__(self, rows: Iterable[ServiceTime] | None = None) -> None:
        self._known = {
            row.key: Learned(row.completions, tuple(row.histogram))
            for row in (ServiceTime.objects.all() if rows is None else rows)
        }
        self._per_unit: dict[str, Estimate] = {}

    def of(
        self,
        *,
        kind: str,
        engine: str,
        worker_class: str,
        units: float,
        steps: int = 0,
        takes: int = 1,
    ) -> Estimate:
        """Return the estimate for work of a size; an empty kind asks for any of the lane."""
        size = WorkSize(engine, worker_class, kind or _ANY_KIND, units, steps, takes)
        return self.of_size(size)

    def of_row(self, row: Mapping[str, Any]) -> Estimate:
        """Return the estimate for a work item, given as a mapping of its fields."""
        return self.of_size(size_of(row))

    def of_size(self, size: WorkSize) -> Estimate:
        """Return the estimate for work of a size."""
        finest = keys(size)[-1]
        if finest not in self._per_unit:
            prior = prior_for(size.engine, size.device)
            self._per_unit[finest] = estimate_size(self._known, size, prior)
        return self._per_unit[finest].times(size.megapixels)


def size_of(row: Mapping[str, Any]) -> WorkSize:
    """Return the size of a work item, given as a mapping of its fields."""
    return WorkSize(
        engine=row["engine"],
        device=row["worker_class"],
        kind=row["kind"],
        megapixels=row["cost_units"],
        steps=row.get("steps", 0),
        takes=row.get("takes", 1),
    )
