"""How a render moves between its states. Pure.

Owns which movement of a work item changes which render. A movement that finds a render in a state
outside its row changes nothing: that is what makes a repeated report harmless.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class RenderMove(StrEnum):
    """What the queue tells about a render."""

    START = "start"
    REQUEUE = "requeue"
    SUCCEED = "succeed"
    FAIL = "fail"
    CANCEL = "cancel"


_WAITING: Final = frozenset({"queued", "rendering"})

RENDER_MOVES: Final[dict[RenderMove, tuple[frozenset[str], str]]] = {
    RenderMove.START: (frozenset({"queued"}), "rendering"),
    RenderMove.REQUEUE: (frozenset({"rendering"}), "queued"),
    RenderMove.SUCCEED: (_WAITING, "succeeded"),
    RenderMove.FAIL: (_WAITING, "failed"),
    RenderMove.CANCEL: (_WAITING, "canceled"),
}
"""Movement: the states it starts from, and the state it leads to."""

ENDED: Final = frozenset({"succeeded", "failed", "canceled"})
"""No movement leads out of these; a retry is a new render."""
