"""Who is told when a render is finished. Apps above studio register here at start-up.

Called inside the transaction that finishes the render and inside its tenant's scope, once for
each render.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from apps.studio.models import Render

FinishedReceiver: TypeAlias = Callable[[Render], None]

_receivers: list[FinishedReceiver] = []


def register(receiver: FinishedReceiver) -> None:
    """Add a receiver; called once from an `AppConfig.ready`."""
    _receivers.append(receiver)


def finished_receivers() -> tuple[FinishedReceiver, ...]:
    """Return the receivers in the order they registered."""
    return tuple(_receivers)
