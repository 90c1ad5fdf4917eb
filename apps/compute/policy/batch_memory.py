"""What batches teach about an engine on a device: how many fit, and what they save. Pure.

Both are learned from outcomes alone, so that a new card or a new engine needs no table.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

_GROWTH: Final = 1.1
_NEAR_FULL: Final = 0.75
_FORGET_AFTER: Final = 200
_CURVE_STEP: Final = 0.05
_CURVE_TRUSTED: Final = 8


@dataclass(frozen=True, slots=True)
class BatchBudget:
    """How many pixel steps (megapixels times denoising steps) one batch may hold.

    Grows by a tenth after each full batch that fit, halves after one that did not, and stays below
    what failed until `_FORGET_AFTER` batches later: additive increase would take a day on a large
    card, and without the memory every tenth batch would run out of memory again.
    """

    pixel_steps: float
    ceiling: float | None = None
    """A batch of this size ran out of memory; None if none ever did, or long ago."""
    fitting: int = 0
    """Batches that fit since then."""

    def after_success(self, pixel_steps: float) -> BatchBudget:
        """Return the budget after a batch of a size that fit."""
        fitting = self.fitting + 1
        ceiling = self.ceiling if fitting < _FORGET_AFTER else None
        grown = self.pixel_steps
        if pixel_steps >= _NEAR_FULL * self.pixel_steps:
            grown = max(self.pixel_steps, pixel_steps) * _GROWTH
            if ceiling is not None:
                grown = max(self.pixel_steps, min(grown, ceiling / _GROWTH))
        return BatchBudget(grown, ceiling, fitting)

    def after_out_of_memory(self, pixel_steps: float, *, single: float) -> BatchBudget:
        """Return the budget after a batch of a size that did not fit.

        Parameters
        ----------
        single
            Pixel steps of its largest member: the budget never falls below one order, which runs
            alone whatever it needs.
        """
        ceiling = min(pixel_steps, self.ceiling) if self.ceiling else pixel_steps
        halved = min(self.pixel_steps, pixel_steps) / 2
        return BatchBudget(max(halved, single), ceiling)


@dataclass(frozen=True, slots=True)
class BatchCurve:
    """The part of a batch's time that it pays once, however many are in it.

    From a batch of k items that alone take p_i seconds and together T: ``f = (sum(p) - T) /
    (k - 1)``. A running mean with a step of `_CURVE_STEP`, from the first few by 1/n.
    """

    fixed_seconds: float = 0.0
    batches: int = 0
    """Of two or more that were seen."""

    def after(self, alone_seconds: float, together_seconds: float, members: int) -> BatchCurve:
        """Return what is known after one more batch.

        Parameters
        ----------
        alone_seconds
            Sum of the members' p50 estimates.
        together_seconds
            What the batch took, a swap apart.
        members
            At least 1; a batch of one teaches nothing.
        """
        if members < 2:
            return self
        found = (alone_seconds - together_seconds) / (members - 1)
        # No more can be saved than each but one would have taken.
        found = min(max(found, 0.0), alone_seconds / members)
        step = max(1 / (self.batches + 1), _CURVE_STEP)
        mean = self.fixed_seconds + step * (found - self.fixed_seconds)
        return replace(self, fixed_seconds=mean, batches=self.batches + 1)

    @property
    def trusted_seconds(self) -> float:
        """The fixed part, 0 until enough batches were seen to hold work back for its sake."""
        return self.fixed_seconds if self.batches >= _CURVE_TRUSTED else 0.0
