"""Opening reviews and giving verdicts.

Owns what changes a review; every verdict is kept beside it. Who may see or export a render is
`queries`; how a review moves is `states`.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from apps.core import clock
from apps.core.errors import ConflictError, InvalidError, NotFoundError
from apps.events import services as events
from apps.events.kinds import Kind
from apps.review.models import Review, Verdict
from apps.review.states import Action, State, checked_reason, next_state
from apps.studio.models import Render
from apps.tenants.roles import Actor, Permission, system_actor

_NOTE_LENGTH = 1000
MAX_BULK = 500

_KINDS = {
    Action.APPROVE: Kind.RENDER_APPROVED,
    Action.REJECT: Kind.RENDER_REJECTED,
    Action.UNDO: Kind.VERDICT_UNDONE,
}


def open_reviews(renders: Sequence[Render]) -> None:
    """Open the reviews of a workspace's renders that have just succeeded; an open one stays."""
    ids = [render.id for render in renders]
    known = set(Review.objects.filter(render_id__in=ids).values_list("render_id", flat=True))
    new = [render for render in renders if render.id not in known]
    if not new:
        return
    Review.objects.bulk_create(Review(render=render, tenant_id=render.tenant_id) for render in new)
    events.record_each(
        actor=system_actor(new[0].tenant_id, "review"),
        kind=Kind.REVIEW_OPENED,
        facts=[(render.id, {"shoot": render.shoot_id}) for render in new],
    )


def decide(
    *, actor: Actor, render_id: str, verdict: str, reason: str = "", note: str = ""
) -> Review:
    """Approve or reject a render.

    Parameters
    ----------
    verdict
        ``approve`` or ``reject``.
    reason
        Code of `states.REASONS`; a rejection needs one, an approval has none.
    note
        Free text for whoever makes it again, at most 1,000 characters.

    Raises
    ------
    ForbiddenError
        If the actor may not review.
    NotFoundError
        ``review.render_missing``.
    InvalidError
        ``review.verdict_unknown``, ``review.reason_unknown`` or ``review.note_too_long``.
    ConflictError
        ``review.already_decided`` if someone was faster, ``review.made_again`` if the render was
        ordered once more meanwhile.
    """
    actor.require(Permission.REVIEW)
    if verdict not in (Action.APPROVE, Action.REJECT):
        raise InvalidError("review.verdict_unknown", "A verdict is either approve or reject.")
    code = checked_reason(reason).code if verdict == Action.REJECT else ""
    if len(note) > _NOTE_LENGTH:
        raise InvalidError(
            "review.note_too_long", f"Shorten the note to {_NOTE_LENGTH:,} characters."
        )
    return _act(actor, render_id, Action(verdict), reason=code, note=note.strip())


def undo(*, actor: Actor, render_id: str) -> Review:
    """Take the last verdict back: the review is pending again.

    Raises
    ------
    ForbiddenError
        If the actor may not review.
    NotFoundError
        ``review.render_missing``.
    ConflictError
        ``review.nothing_to_undo``.
    """
    actor.require(Permission.REVIEW)
    return _act(actor, render_id, Action.UNDO, reason="", note="")


def bulk_approve(*, actor: Actor, render_ids: Sequence[str]) -> int:
    """Approve those of the renders that still wait; return how many that were.

    Raises
    ------
    ForbiddenError
        If the actor may not review.
    InvalidError
        ``review.too_many`` above 500 renders.
    """
    actor.require(Permission.REVIEW)
    wanted = tuple(dict.fromkeys(render_ids))
    if len(wanted) > MAX_BULK:
        raise InvalidError("review.too_many", f"Approve at most {MAX_BULK} renders at a time.")
    with transaction.atomic():
        reviews = list(
            Review.objects.select_for_update(of=("self",), no_key=True)
            .select_related("render")
            .filter(render_id__in=wanted, state=State.PENDING)
            .exclude(render__in=_made_again(wanted))
            .order_by("pk")
        )
        Review.objects.filter(pk__in=[review.pk for review in reviews]).update(
            state=State.APPROVED, reason="", decided_at=clock.now(), decided_by=actor.label
        )
        Verdict.objects.bulk_create(
            Verdict(
                tenant_id=actor.tenant,
                review=review,
                action=Verdict.Action.APPROVE,
                decided_by=actor.label,
            )
            for review in reviews
        )
        for review in reviews:
            _tell(actor, review, Action.APPROVE)
    return len(reviews)


def _act(actor: Actor, render_id: str, action: Action, *, reason: str, note: str) -> Review:
    with transaction.atomic():
        review = (
            Review.objects.select_for_update(of=("self",), no_key=True)
            .select_related("render")
            .filter(render_id=render_id)
            .first()
        )
        if review is None:
            raise NotFoundError(
                "review.render_missing", "There is no finished render of this address."
            )
        if _made_again([render_id]):
            raise ConflictError(
                "review.made_again",
                "This picture is being made again with a corrected cutout. Judge the new one.",
            )
        review.state = next_state(review.state, action)
        decided = action != Action.UNDO
        review.reason = reason
        review.decided_at = clock.now() if decided else None
        review.decided_by = actor.label if decided else ""
        review.save(update_fields=["state", "reason", "decided_at", "decided_by"])
        Verdict.objects.create(
            tenant_id=actor.tenant,
            review=review,
            action=action,
            reason=reason,
            note=note,
            decided_by=actor.label,
        )
        _tell(actor, review, action)
    return review


def _made_again(render_ids: Sequence[str]) -> list[str]:
    """Return those of the renders that were ordered once more: nobody decides on them any more."""
    again = Render.objects.filter(retry_of__in=render_ids)
    return list(again.values_list("retry_of_id", flat=True))


def _tell(actor: Actor, review: Review, action: Action) -> None:
    data = {"shoot": review.render.shoot_id}
    if review.reason:
        data["reason"] = review.reason
    events.record(actor=actor, kind=_KINDS[action], subject=review.render_id, **data)
