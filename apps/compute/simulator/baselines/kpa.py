"""Knative's pod autoscaler. Pure.

Source: Knative Serving's ``config-autoscaler`` and ``autoscaler.go``: tick 2 s, stable window 60 s,
panic window 6 s, target 70 % of a container concurrency of 1, panic from twice the ready capacity
and until 60 s after, never fewer pods while in panic, at most a thousandfold growth and a halving
per tick, 30 s of grace before the last pod goes. What waits at the activator counts as concurrency.
"""

from __future__ import annotations

import math
from typing import Final

from apps.compute.simulator.baselines.reactive import EVERY_TICK, Reactive, Window, scale_in
from apps.compute.simulator.fleet import Fleet

TARGET_CONCURRENCY: Final = 0.7
STABLE_SECONDS: Final = 60.0
PANIC_SECONDS: Final = 6.0
PANIC_FACTOR: Final = 2.0
GRACE_SECONDS: Final = 30.0


class KnativeScaler(Reactive):
    """As many workers as the mean concurrency needs, more at once in a panic."""

    tick_seconds = 2.0

    def __init__(self, *, least: int = 0, delay_seconds: float = 0.0) -> None:
        self._least = least
        self._stable = Window(STABLE_SECONDS)
        self._panic = Window(PANIC_SECONDS)
        self._wishes = Window(delay_seconds) if delay_seconds else None
        self._panicked_at = -math.inf
        self._unused_since: float | None = None

    def act(self, fleet: Fleet) -> float:
        """Follow the mean concurrency."""
        now, present = fleet.now, fleet.count
        concurrency = fleet.waiting + fleet.busy_count
        self._stable.add(now, concurrency)
        self._panic.add(now, concurrency)
        wish = self._wish(fleet, present)
        if self._wishes:
            self._wishes.add(now, wish)
            wish = int(self._wishes.largest())
        wish = self._with_grace(min(max(wish, self._least), fleet.max_workers), present, now)
        if wish > present:
            fleet.launch(wish - present)
        else:
            scale_in(fleet, present - wish)
        return EVERY_TICK

    def _wish(self, fleet: Fleet, present: int) -> int:
        ready = present - fleet.starting_count
        least = ready // 2
        stable = max(math.ceil(self._stable.mean() / TARGET_CONCURRENCY - 1e-9), least)
        at_once = math.ceil(self._panic.mean() / TARGET_CONCURRENCY - 1e-9)
        if at_once / max(1, ready) >= PANIC_FACTOR:
            self._panicked_at = fleet.now
        if fleet.now - self._panicked_at < STABLE_SECONDS:
            return max(at_once, least, present)
        return stable

    def _with_grace(self, wish: int, present: int, now: float) -> int:
        """Keep the last worker for the grace period."""
        if wish or not present:
            self._unused_since = None
            return wish
        if self._unused_since is None:
            self._unused_since = now
        return 1 if now - self._unused_since < GRACE_SECONDS else 0
