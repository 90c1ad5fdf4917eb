"""Who is told when a work item moves. Apps above compute register here at start-up.

Every receiver runs inside the transaction of the state change and inside the tenant's scope; it
may be called again for the same attempt after a crash, so it is idempotent.
"""

from __future__ import annotations

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
    """What an app that orders work offers."""

    def started(self, movement: Movement) -> None:
        """A worker has begun."""

    def requeued(self, movement: Movement) -> None:
        """The attempt was lost; the item waits again."""

    def succeeded(self, movement: Movement) -> None:
        """The images lie in storage."""

    def failed(self, movement: Movement) -> None:
        """No further attempt will be made."""

    def canceled(self, movement: Movement) -> None:
        """The order was taken back before it succeeded."""


@runtime_checkable
class Locking(Protocol):
    """What a receiver offers besides if its own rows are locked before work items."""

    def lock(self, movement: Movement) -> None:
        """Lock what the movement will change, before the work item's row is written.

        Everybody locks shoot before work item. A success that held its work item and then asked
        for the shoot would wait for a cancellation that holds the shoot and asks for the item.
        """


_receivers: list[Receiver] = []


def register(receiver: Receiver) -> None:
    """Add a receiver; called once from an `AppConfig.ready`."""
    _receivers.append(receiver)


def lock(movement: Movement) -> None:
    """Have every receiver lock its rows; first thing in the transaction of a movement."""
    for receiver in _receivers:
        if isinstance(receiver, Locking):
            receiver.lock(movement)


def receivers() -> tuple[Receiver, ...]:
    """Return the receivers in the order they registered."""
    return tuple(_receivers)
