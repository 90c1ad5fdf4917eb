"""How often work of one kind comes: when the next of it may be expected. Pure.

Instants are on the clock of whoever calls, gaps are seconds.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from typing import Final

_KINDS_REMEMBERED: Final = 512
_LONGEST_GAP_SECONDS: Final = 60.0
"""Nobody is held so long: after a pause of any length the rhythm is found again as quickly."""
_STEP: Final = 0.3
"""What the last gap counts in the usual one."""


class Rhythm:
    """The usual gap between two arrivals of a kind, of the kinds seen last."""

    def __init__(self) -> None:
        self._kinds: OrderedDict[str, tuple[float, float]] = OrderedDict()
        """The last arrival, and the usual gap once there were two."""

    def note(self, kind: str, at: float) -> None:
        """Note an arrival; one that is told late changes nothing but the gap."""
        last, usual = self._kinds.get(kind, (at, math.inf))
        if kind in self._kinds:
            gap = min(max(0.0, at - last), _LONGEST_GAP_SECONDS)
            usual = gap if usual == math.inf else usual + _STEP * (gap - usual)
        self._kinds[kind] = (max(at, last), usual)
        self._kinds.move_to_end(kind)
        if len(self._kinds) > _KINDS_REMEMBERED:
            self._kinds.popitem(last=False)

    def next_at(self, kind: str) -> float:
        """Return when the next of a kind is expected; never, if it is not known."""
        last, usual = self._kinds.get(kind, (math.inf, math.inf))
        return last + usual
