"""How a batch goes on after an order broke or hung its engine child: pure decisions.

Owns the grouping of what is left and each order's share of the deadline. Times are float seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

Order = TypeVar("Order")


def plan_groups_after_crash(
    running: Sequence[Order], waiting: Sequence[Order]
) -> tuple[tuple[Order, ...], ...]:
    """Return the groups to run next, in order, after a child died with orders under way.

    The orders that had not begun are innocent and go first, together. Those that were under way
    are halved, so that after at most log2(n) further crashes the bad one stands alone.

    Parameters
    ----------
    running
        Orders the child had begun and not finished.
    waiting
        Orders of the same group it had not begun. If none was running, the child died between
        two orders and the first of these is the suspect.

    Examples
    --------
    >>> plan_groups_after_crash("b", "cd")
    (('c', 'd'), ('b',))
    >>> plan_groups_after_crash("abc", "d")
    (('d',), ('a', 'b'), ('c',))
    """
    suspects = tuple(running) or tuple(waiting[:1])
    innocent = tuple(waiting) if running else tuple(waiting[1:])
    middle = (len(suspects) + 1) // 2
    return tuple(group for group in (innocent, suspects[:middle], suspects[middle:]) if group)


def order_share_seconds(*, remaining_seconds: float, unfinished: int) -> float:
    """Return how long the next order may take: its equal share of the batch's remaining time.

    What an order leaves over goes to those after it, and an order that hangs can take no more
    than its own share, so it never starves the rest of its batch.

    Examples
    --------
    >>> order_share_seconds(remaining_seconds=90.0, unfinished=3)
    30.0
    """
    if unfinished < 1:
        raise ValueError(f"unfinished must be at least 1, not {unfinished}")
    return max(0.0, remaining_seconds) / unfinished
