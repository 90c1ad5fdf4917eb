"""How a review moves, and why a render is rejected. Pure.

Owns the state table and the reason codes with their split: *fidelity* reasons say that the
picture is not the product, *taste* reasons that it is not wanted. Does not own who decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

from apps.core.errors import ConflictError, InvalidError


class State(StrEnum):
    """What the last verdict left. Only ``approved`` may leave the workspace."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"


class Action(StrEnum):
    """What a reviewer does."""

    APPROVE = "approve"
    REJECT = "reject"
    UNDO = "undo"


TRANSITIONS: Final[dict[tuple[State, Action], State]] = {
    (State.PENDING, Action.APPROVE): State.APPROVED,
    (State.PENDING, Action.REJECT): State.REJECTED,
    (State.APPROVED, Action.UNDO): State.PENDING,
    (State.REJECTED, Action.UNDO): State.PENDING,
}
"""A verdict is given once; who changes their mind undoes it first, so that of two reviewers who
decide at once the second learns of the first."""


def next_state(state: str, action: str) -> State:
    """Return the state an action leads to.

    Raises
    ------
    ConflictError
        ``review.already_decided`` for a verdict on a decided review, ``review.nothing_to_undo``
        for an undo of a pending one.
    """
    target = TRANSITIONS.get((State(state), Action(action)))
    if target is not None:
        return target
    if action == Action.UNDO:
        raise ConflictError("review.nothing_to_undo", "This render waits for its verdict already.")
    raise ConflictError(
        "review.already_decided",
        f"This render is already {state}. Undo that verdict first to decide anew.",
        state=str(state),
    )


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a render was rejected."""

    code: str
    label: str
    family: Literal["fidelity", "taste"]


REASONS: Final[dict[str, Reason]] = {
    reason.code: reason
    for reason in (
        Reason("cutout_edge", "Edge of the product is wrong", "fidelity"),
        Reason("color_shift", "Color differs from the product", "fidelity"),
        Reason("part_missing", "A part is missing", "fidelity"),
        Reason("shadow_wrong", "Shadow or light looks wrong", "taste"),
        Reason("crop", "Framing or crop", "taste"),
        Reason("other", "Something else", "taste"),
        Reason("shape_changed", "Shape differs from the product", "fidelity"),
        Reason("label_text_wrong", "Text on the label is wrong", "fidelity"),
        Reason("logo_wrong", "Logo is wrong", "fidelity"),
        Reason("part_added", "Something was added", "fidelity"),
        Reason("halo", "Halo around the product", "fidelity"),
        Reason("hole_in_matte", "Hole in the product", "fidelity"),
        Reason("background_not_white", "Background is not white", "fidelity"),
        Reason("low_resolution", "Not sharp enough", "fidelity"),
        Reason("scale_wrong", "Product too large or too small", "taste"),
        Reason("light_mismatch", "Light does not fit the scene", "taste"),
        Reason("artifact", "Visible artifact", "taste"),
        Reason("off_brand", "Does not fit the brand", "taste"),
        Reason("wrong_template", "Wrong scene", "taste"),
    )
}
QUICK_REASONS: Final[tuple[Reason, ...]] = tuple(REASONS.values())[:6]
"""The six that answer to the keys 1 to 6; the rest are one list below."""
FURTHER_REASONS: Final[tuple[Reason, ...]] = tuple(REASONS.values())[6:]


def checked_reason(code: str) -> Reason:
    """Return the reason of a code.

    Raises
    ------
    InvalidError
        ``review.reason_unknown`` if a rejection names none of the codes.
    """
    reason = REASONS.get(code)
    if reason is None:
        raise InvalidError(
            "review.reason_unknown",
            f"A rejection needs one of these reasons: {', '.join(REASONS)}.",
            reason=code[:40],
        )
    return reason
