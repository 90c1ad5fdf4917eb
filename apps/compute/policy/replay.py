"""How many workers would have kept a promise: shadow fleets of every size, run side by side. Pure.

Each arrival is served, in thought, by a fleet of 1, of 2, ... of N workers that are always there,
first come first served. The smallest fleet in which it would have begun within the target stamps
the arrival: its *need*. Needs are counted at several time scales and by time of day; their rates
say how many promises the n-th worker keeps in a second. Bursts, sessions and heavy tails need no
model: whatever arrives is what is replayed.

Times are seconds, instants on any one clock; the time of day is that of UTC.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from heapq import heapreplace
from typing import Final

FORGIVEN_WAIT_SECONDS: Final = 60.0
"""A shadow fleet that is further behind turns work away: the real one would have grown by then."""
TIME_SCALES: Final = (60.0, 240.0, 900.0, 3600.0, 14_400.0, 86_400.0)
"""Seconds over which a rate forgets: a burst, a session, ... a day."""
_SLOT_SECONDS: Final = 1800.0
_SLOTS: Final = 48
_SLOT_FADES: Final = 0.78
"""What yesterday counts beside today at the same time of day."""
_SLOT_TRUSTED_SECONDS: Final = 1800.0
_REBASE: Final = 40.0
"""Largest exponent before the decaying sums are scaled back."""


class ShadowFleets:
    """Fleets of every size up to a largest one, each with the same arrivals."""

    def __init__(self, largest: int, target_seconds: float) -> None:
        self._target = target_seconds
        self._free: list[list[float]] = [[-math.inf] * size for size in range(1, largest + 1)]
        """By size: when each worker is free, as a heap."""

    @property
    def largest(self) -> int:
        """Size of the largest fleet."""
        return len(self._free)

    def grow(self, largest: int) -> None:
        """Add larger fleets; they begin as the largest one stands, with idle workers on top."""
        while len(self._free) < largest:
            self._free.append([-math.inf, *self._free[-1]])

    def need(self, at: float, seconds: float) -> int:
        """Serve one arrival everywhere; return the smallest fleet that would be in time.

        Parameters
        ----------
        seconds
            Its service time.

        Returns
        -------
        1 to `largest`, and one more if even the largest would have been late.
        """
        in_time = at + self._target
        turned_away = at + FORGIVEN_WAIT_SECONDS
        late = 0
        for fleet in self._free:
            free_at = fleet[0]
            if free_at > in_time:
                late += 1
                if free_at > turned_away:
                    continue
            heapreplace(fleet, (free_at if free_at > at else at) + seconds)
        return late + 1


class NeedRates:
    """How often each number of workers was needed, at several time scales and by time of day."""

    def __init__(self, largest: int, weights: Sequence[float], weight_of_day: float) -> None:
        self._weights = tuple(weights)
        self._weight_of_day = weight_of_day
        self._counts = [[0.0] * largest for _ in TIME_SCALES]
        """Decaying counts, each in units of its scale's growth since `_base`."""
        self._slots = [[0.0] * largest for _ in range(_SLOTS)]
        self._exposure = [0.0] * _SLOTS
        self._base = 0.0
        self._began: float | None = None
        self._seen = 0.0

    def grow(self, largest: int) -> None:
        """Make room for larger fleets."""
        for counts in (*self._counts, *self._slots):
            counts.extend([0.0] * (largest - len(counts)))

    def note(self, at: float, need: int) -> None:
        """Count one arrival; a need beyond the largest fleet counts nowhere."""
        self._pass_time(at)
        if need > len(self._counts[0]):
            return
        if at - self._base > _REBASE * TIME_SCALES[0]:
            self._rebase(at)
        since = at - self._base
        for scale, counts in zip(TIME_SCALES, self._counts, strict=True):
            counts[need - 1] += math.exp(since / scale)
        self._slots[_slot(at)][need - 1] += 1.0

    def rates(self, now: float) -> list[float]:
        """Return, by worker, the promises that only it would keep, per second from now on."""
        self._pass_time(now)
        age = now - (self._began if self._began is not None else now) + 10.0
        since = now - self._base
        factors = [
            weight
            * math.exp(-since / scale)
            / scale
            / (1.0 - math.exp(-age / scale))
            # A long memory that is still young says little that a short one does not.
            * min(1.0, age / scale + 0.1)
            for scale, weight in zip(TIME_SCALES, self._weights, strict=True)
        ]
        rates = [
            sum([factor * count for factor, count in zip(factors, counts, strict=True)])
            for counts in zip(*self._counts, strict=True)
        ]
        slot, following = _slot(now), (_slot(now) + 1) % _SLOTS
        exposure = self._exposure[slot] + self._exposure[following]
        if exposure > _SLOT_TRUSTED_SECONDS:
            share = self._weight_of_day / exposure
            today, soon = self._slots[slot], self._slots[following]
            rates = [
                rate + share * (first + second)
                for rate, first, second in zip(rates, today, soon, strict=True)
            ]
        return rates

    def _pass_time(self, now: float) -> None:
        """Account for the time since the last call; a slot of the day fades as it begins."""
        if self._began is None:
            self._began = self._seen = self._base = now
        while self._seen < now:
            ends = (self._seen // _SLOT_SECONDS + 1.0) * _SLOT_SECONDS
            until = min(ends, now)
            self._exposure[_slot(self._seen)] += until - self._seen
            self._seen = until
            if until >= ends:
                slot = _slot(until)
                self._exposure[slot] *= _SLOT_FADES
                self._slots[slot] = [count * _SLOT_FADES for count in self._slots[slot]]

    def _rebase(self, now: float) -> None:
        since = now - self._base
        for scale, counts in zip(TIME_SCALES, self._counts, strict=True):
            fade = math.exp(-since / scale)
            counts[:] = [count * fade for count in counts]
        self._base = now


def _slot(at: float) -> int:
    return int(at // _SLOT_SECONDS) % _SLOTS
