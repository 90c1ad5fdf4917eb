"""Who is told when work items move. Apps above compute register here at start-up.

Every receiver runs inside the transaction of the state change and inside the tenant's scope, and
is told of all moves of one kind at once: a thousand canceled renders are a handful of queries. It
may be told the same again after a crash, so it is idempotent; if it raises, nothing has moved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class Movement:
    """What a receiver is told about a work item."""

    tenant: str
    subject: str
    """Id of the render."""
    group: str
    """Id of the shoot."""
    attempt: int
    worker: str
    result: dict[str, Any] | None = None
    """The worker's result manifest as JSON values; only on success."""
    failure_code: str = ""
    failure_detail: str = ""


class Receiver(Protocol):
    """What an app that orders work offers. All movements of one call are of one tenant."""

    def started(self, movements: Sequence[Movement]) -> None:
        """Workers have begun."""

    def requeued(self, movements: Sequence[Movement]) -> None:
        """The attempts were lost; the items wait again."""

    def succeeded(self, movements: Sequence[Movement]) -> None:
        """The images lie in storage."""

    def failed(self, movements: Sequence[Movement]) -> None:
        """No further attempt will be made."""

    def canceled(self, movements: Sequence[Movement]) -> None:
        """The orders were taken back before they succeeded."""


@runtime_checkable
class Locking(Protocol):
    """What a receiver offers besides if its own rows are locked before work items."""

    def lock(self, movements: Sequence[Movement]) -> None:
        """Lock what movements of any tenants that end an attempt will change, by id.

        Everybody locks shoot before work item. A success that held its work item and then asked
        for the shoot would wait for a cancellation that holds the shoot and asks for the item.
        """


_receivers: list[Receiver] = []


def register(receiver: Receiver) -> None:
    """Add a receiver; called once from an `AppConfig.ready`."""
    _receivers.append(receiver)


def lock(movements: Sequence[Movement]) -> None:
    """Have every receiver lock its rows; first thing in the transaction of movements."""
    for receiver in _receivers:
        if movements and isinstance(receiver, Locking):
            receiver.lock(movements)


def receivers() -> tuple[Receiver, ...]:
    """Return the receivers in the order they registered."""
    return tuple(_receivers)
