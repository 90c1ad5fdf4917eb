"""What an order amounts to before it is placed: renders, credits, work. Pure.

Owns the arithmetic and the limits of one order. Does not know balances, queues or prices.
Work is counted in megapixels to produce: service times are learned per megapixel.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from apps.billing.plans import CREDITS_PER_RENDER
from apps.core.errors import InvalidError

MAX_TAKES: Final = 8
MAX_RENDERS: Final = 5_000
"""Of one order: what a catalog shoot needs, and one transaction still writes in seconds."""
MIN_FILL: Final = 0.2
MAX_FILL: Final = 0.98
INTERACTIVE_RENDERS: Final = 40
"""Up to here somebody waits before the screen; above, it is a night's work."""

Urgency = Literal["interactive", "bulk"]
_SEED_BYTES: Final = 4
"""32 bits: every engine takes such a seed and no JSON reader rounds it."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """The size of an order."""

    photos: int
    takes: int
    renders: int
    credits: int
    cost_units_each: float
    """Megapixels of one render over all its files."""

    @property
    def cost_units(self) -> float:
        """Megapixels of the whole order."""
        return self.renders * self.cost_units_each


def estimate(*, photos: int, takes: int, megapixels: Sequence[float]) -> Estimate:
    """Return the size of an order.

    Parameters
    ----------
    photos
        Source photos, each one shot.
    takes
        Renders of each shot, 1 to 8.
    megapixels
        Canvas of each file that one render is finished for.

    Raises
    ------
    InvalidError
        ``studio.photos_missing``, ``studio.takes_out_of_range`` or ``studio.too_many_renders``.

    Examples
    --------
    >>> estimate(photos=3, takes=2, megapixels=[4.0, 2.25]).credits
    6
    """
    if photos < 1:
        raise InvalidError("studio.photos_missing", "Choose at least one photo to shoot.")
    if not 1 <= takes <= MAX_TAKES:
        raise InvalidError(
            "studio.takes_out_of_range",
            f"{takes} takes of each photo are not possible. Choose 1 to {MAX_TAKES}.",
            takes=takes,
        )
    renders = photos * takes
    if renders > MAX_RENDERS:
        raise InvalidError(
            "studio.too_many_renders",
            f"{renders:,} renders are more than one shoot takes. "
            f"Order at most {MAX_RENDERS:,} at a time.",
            renders=renders,
            limit=MAX_RENDERS,
        )
    return Estimate(
        photos=photos,
        takes=takes,
        renders=renders,
        credits=renders * CREDITS_PER_RENDER,
        cost_units_each=sum(megapixels),
    )


def checked_fill(fill: float) -> float:
    """Return the framing fill if it is within the workers' range.

    Raises
    ------
    InvalidError
        ``studio.fill_out_of_range``.
    """
    # "not within" also refuses NaN, which compares false with everything.
    if not MIN_FILL <= fill <= MAX_FILL:
        raise InvalidError(
            "studio.fill_out_of_range",
            f"The product cannot fill {fill:.0%} of the picture. "
            f"Choose {MIN_FILL:.0%} to {MAX_FILL:.0%}.",
            fill=str(fill),
        )
    return fill


def urgency_of(renders: int) -> Urgency:
    """Return how an order of this size is queued unless the seller says otherwise."""
    return "interactive" if renders <= INTERACTIVE_RENDERS else "bulk"


def seed_of(*, shoot: str, photo: str, take: int) -> int:
    """Return the seed of a render, 0 to 2**32 - 1: the same render, the same picture."""
    text = f"{shoot}/{photo}/{take}".encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=_SEED_BYTES).digest(), "big")
