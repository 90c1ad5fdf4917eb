"""What the review app knows about renders, for the pages of shoots.

Studio stands below review and may not import it: review puts its desk here at start-up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from django.db.models import QuerySet

from apps.studio.models import Render


class ReviewDesk(Protocol):
    """Answers of the review app; states are ``pending``, ``approved`` and ``rejected``."""

    def states(self, render_ids: Sequence[str]) -> Mapping[str, str]:
        """Return the standing of each render that has a review, in one query."""

    def counts(self, shoot_ids: Sequence[str]) -> Mapping[str, Mapping[str, int]]:
        """Return how many renders of each shoot stand in each state, in one query."""

    def narrowed(self, renders: QuerySet[Render], state: str) -> QuerySet[Render]:
        """Return those of the renders that stand in a state."""


_desks: list[ReviewDesk] = []


def register(desk: ReviewDesk) -> None:
    """Put the desk up; called once from an `AppConfig.ready`."""
    _desks[:] = [desk]


def desk() -> ReviewDesk:
    """Return the desk.

    Raises
    ------
    LookupError
        If no app has put one up: the installation is incomplete.
    """
    if not _desks:
        raise LookupError("no app answers for reviews; is apps.review installed?")
    return _desks[0]
