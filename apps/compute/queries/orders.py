"""Orders as the app above knows them, for the pages that explain a workspace's lane.

Compute knows groups of work items; what a group is called, what was promised for it and where it is
shown, an app above says: it puts its book here at start-up. Times are seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Order:
    """A group of work items, as people know it."""

    group: str
    title: str
    page: str
    """Name of the URL that shows it; takes the group's id."""
    ordered_at: datetime
    promised_p50_seconds: float | None
    """From the order until all of it is done, as it was shown; None where nothing was."""
    promised_p90_seconds: float | None
    took_seconds: float | None = None
    """From the order until all of it was done; None while it is open."""

    @property
    def is_kept(self) -> bool | None:
        """Whether it was done within the shown p90; None while that cannot be said."""
        if self.took_seconds is None or self.promised_p90_seconds is None:
            return None
        return self.took_seconds <= self.promised_p90_seconds

    @property
    def is_typical(self) -> bool | None:
        """Whether it was done within the shown p50; None while that cannot be said."""
        if self.took_seconds is None or self.promised_p50_seconds is None:
            return None
        return self.took_seconds <= self.promised_p50_seconds


class OrderBook(Protocol):
    """Answers about the orders of the open tenant; each answer is one query."""

    def open_orders(self, *, limit: int) -> Sequence[Order]:
        """Return orders that are not done, the oldest first."""

    def ended_orders(self, *, since: datetime, limit: int) -> Sequence[Order]:
        """Return orders that were done since then, not canceled, the newest first."""


_books: list[OrderBook] = []


def register(book: OrderBook) -> None:
    """Put the book up; called once from an `AppConfig.ready`."""
    _books[:] = [book]


def order_book() -> OrderBook:
    """Return the book.

    Raises
    ------
    LookupError
        If no app has put one up: the installation is incomplete.
    """
    if not _books:
        raise LookupError("no app answers for orders; is apps.studio installed?")
    return _books[0]
