"""Periodic chores: small things to look after again and again.

Owns the table of what runs how often. Apps register from ``AppConfig.ready``; the chores process
(`manage.py chores`) runs what is due beside its queue. A chore may run late or twice, so each is
idempotent; it is the sweeper that makes lost doorbells harmless.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Chore:
    """One function and its interval."""

    name: str
    every_seconds: float
    run: Callable[[], None]


_chores: list[Chore] = []


def register(name: str, *, every_seconds: float, run: Callable[[], None]) -> None:
    """Add a chore; called once from an `AppConfig.ready`."""
    _chores.append(Chore(name, every_seconds, run))


def chores() -> tuple[Chore, ...]:
    """Return all chores in the order they registered."""
    return tuple(_chores)
