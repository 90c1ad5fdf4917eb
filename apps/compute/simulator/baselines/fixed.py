"""A fleet of one size, day and night. Pure."""

from __future__ import annotations

from apps.compute.simulator.baselines.reactive import EVERY_TICK, Reactive
from apps.compute.simulator.fleet import NEVER, Fleet


class FixedFleet(Reactive):
    """So many workers from the first arrival on; a lost one is replaced."""

    def __init__(self, workers: int) -> None:
        self._workers = workers

    def act(self, fleet: Fleet) -> float:
        """Fill up to the size."""
        missing = min(self._workers, fleet.max_workers) - fleet.count
        return EVERY_TICK if fleet.launch(missing) < missing else NEVER
