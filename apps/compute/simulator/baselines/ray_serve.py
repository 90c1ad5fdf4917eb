"""Ray Serve's replica autoscaler. Pure.

Source: Ray 2.60, ``serve/autoscaling_policy.py`` and the defaults of ``AutoscalingConfig``: 2
ongoing requests per replica, mean over 30 s, 30 s before it grows and 600 s before it shrinks, both
without a break; at least 1 replica here. Requests that wait at the handle are ongoing.
"""

from __future__ import annotations

import math
from typing import Final

from apps.compute.simulator.baselines.reactive import EVERY_TICK, Reactive, Window, scale_in
from apps.compute.simulator.fleet import Fleet

TARGET_ONGOING: Final = 2
LOOK_BACK_SECONDS: Final = 30.0
UPSCALE_DELAY_SECONDS: Final = 30.0
DOWNSCALE_DELAY_SECONDS: Final = 600.0


class RayServeScaler(Reactive):
    """As many workers as the mean of ongoing requests needs, after a delay."""

    def __init__(self, *, least: int = 1) -> None:
        self._least = least
        self._ongoing = Window(LOOK_BACK_SECONDS)
        self._direction = 0
        self._since = 0.0

    def act(self, fleet: Fleet) -> float:
        """Follow the mean once it has pointed in one direction for long enough."""
        if fleet.count < self._least:
            fleet.launch(self._least - fleet.count)
        present = fleet.count
        self._ongoing.add(fleet.now, fleet.waiting + fleet.busy_count)
        wish = math.ceil(self._ongoing.mean() / TARGET_ONGOING - 1e-9)
        wish = min(max(wish, self._least), fleet.max_workers)
        direction = (wish > present) - (wish < present)
        if direction != self._direction:
            self._direction, self._since = direction, fleet.now
        lasted = fleet.now - self._since
        if direction > 0 and lasted >= UPSCALE_DELAY_SECONDS:
            fleet.launch(wish - present)
            self._direction = 0
        elif direction < 0 and lasted >= DOWNSCALE_DELAY_SECONDS:
            scale_in(fleet, present - wish)
            self._direction = 0
        return EVERY_TICK
