"""Who is told when a work item moves. Apps above compute register here at start-up.

Every receiver runs inside the transaction of the state change and inside the tenant's scope; it
may be called again for the same attempt after a crash, so it is idempotent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol


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


_receivers: list[Receiver] = []


def register(receiver: Receiver) -> None:
    """Add a receiver; called once from an `AppConfig.ready`."""
    _receivers.append(receiver)


def receivers() -> tuple[Receiver, ...]:
    """Return the receivers in the order they registered."""
    return tuple(_receivers)
