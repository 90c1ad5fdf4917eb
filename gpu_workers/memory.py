"""When an engine child has used enough: pure decisions over counts and bytes.

Owns the recycling rule. Does not measure (that is `process_control`) nor replace anything (that is
`supervisor`).
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

RecycleReason: TypeAlias = Literal["orders", "memory"]

KILL_FACTOR: Final = 2
"""A child at this multiple of its memory setting is ended in mid-order: the setting leaves room
for one large order, and a leak must not reach the machine's own limit first."""


def decide_recycle(
    *, orders_done: int, resident_bytes: int, recycle_orders: int, memory_bytes: int
) -> RecycleReason | None:
    """Return why the engine child should be replaced between two batches, or None.

    Examples
    --------
    >>> decide_recycle(orders_done=3, resident_bytes=90, recycle_orders=500, memory_bytes=100)
    >>> decide_recycle(orders_done=3, resident_bytes=101, recycle_orders=500, memory_bytes=100)
    'memory'
    """
    if resident_bytes > memory_bytes:
        return "memory"
    return "orders" if orders_done >= recycle_orders else None


def must_end(*, resident_bytes: int, memory_bytes: int) -> bool:
    """Return whether a child has grown so large that it is ended in mid-order."""
    return resident_bytes > KILL_FACTOR * memory_bytes
