"""Who knows which shoots wait for a verdict. Apps above compute register here at start-up.

A worker that made the first pictures of a shoot stays warm while somebody looks at them: the next
order is likely the rest of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

OpenReviews: TypeAlias = Callable[[Sequence[str]], frozenset[str]]
"""Given ids of shoots of all tenants, returns those of which a render waits for its verdict."""

_sources: list[OpenReviews] = []


def register(source: OpenReviews) -> None:
    """Say who knows; called once from an `AppConfig.ready`."""
    _sources[:] = [source]


def open_reviews(groups: Sequence[str]) -> frozenset[str]:
    """Return those of the shoots that wait for a verdict; none if nobody knows."""
    return _sources[0](groups) if _sources and groups else frozenset()
