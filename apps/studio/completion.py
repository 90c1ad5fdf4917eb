"""Who is told when renders are finished. Apps above studio register here at start-up.

Called inside the transaction that finishes the renders and inside their tenant's scope, once for
each render.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from apps.studio.models import Render

FinishedReceiver: TypeAlias = Callable[[Sequence[Render]], None]

_receivers: list[FinishedReceiver] = []


def register(receiver: FinishedReceiver) -> None:
    """Add a receiver; called once from an `AppConfig.ready`."""
    _receivers.append(receiver)


def finished_receivers() -> tuple[FinishedReceiver, ...]:
    """Return the receivers in the order they registered."""
    return tuple(_receivers)
