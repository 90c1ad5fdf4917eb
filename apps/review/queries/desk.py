"""What reviewers see: the queue, the film strip and the render on the desk.

Owns the order of the queue. Changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import Count, F, Q

from apps.catalog.cutouts import CONFIDENT, needs_look
from apps.core.errors import NotFoundError
from apps.review.models import Review, Verdict
from apps.review.queries.gate import present_reviews
from apps.review.states import FURTHER_REASONS, QUICK_REASONS, REASONS, Reason, State
from apps.studio.facts import Fact, facts_of, warnings_of
from apps.studio.models import Render, Shoot
from apps.studio.queries.sheet import file_title

_PENDING = Q(state=State.PENDING)
_CONFIDENT = Q(render__confidence__gte=CONFIDENT)

STRIP_LENGTH: Final = 24
"""Pictures in the film strip: what a reviewer can take in, and one query."""


@dataclass(frozen=True, slots=True)
class QueueProgress:
    """How far the reviewing of a shoot, or of everything, has come."""

    decided: int
    total: int

    @property
    def percent(self) -> int:
        """Decided of all, 0 to 100."""
        return round(100 * self.decided / self.total) if self.total else 100


@dataclass(frozen=True, slots=True)
class ReviewQueue:
    """The head of the queue and its measures."""

    reviews: tuple[Review, ...]
    """The first of those that wait, least certain first."""
    waiting: int
    confident: int
    """Of those that wait, the renders whose cutout the engine is sure of."""
    progress: QueueProgress
    shoot: Shoot | None

    def after(self, render_id: str) -> tuple[Review, ...]:
        """Return the reviews behind one, those before it last: what comes next."""
        ids = [review.render_id for review in self.reviews]
        if render_id not in ids:
            return self.reviews
        index = ids.index(render_id)
        return self.reviews[index + 1 :] + self.reviews[:index]

    def before(self, render_id: str) -> Review | None:
        """Return the review in front of one, if there is any."""
        ids = [review.render_id for review in self.reviews]
        index = ids.index(render_id) if render_id in ids else 0
        return self.reviews[index - 1] if index else None


@dataclass(frozen=True, slots=True)
class FinishedFile:
    """A file made for a sales channel."""

    name: str
    title: str
    size: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class VerdictLine:
    """One line of a review's history."""

    action: str
    by: str
    at: datetime
    reason: str
    note: str

    @property
    def label(self) -> str:
        """The action in the past tense."""
        return {"approve": "Approved", "reject": "Rejected", "undo": "Undone"}[self.action]


@dataclass(frozen=True, slots=True)
class ReviewItem:
    """One render as a reviewer judges it."""

    review: Review
    facts: tuple[Fact, ...]
    warnings: tuple[str, ...]
    files: tuple[FinishedFile, ...]
    history: tuple[VerdictLine, ...]

    @property
    def render(self) -> Render:
        """The render under review."""
        return self.review.render

    @property
    def title(self) -> str:
        """The product, as the seller knows it."""
        product = self.render.shot.photo.product
        return product.title or product.sku

    @property
    def needs_look(self) -> bool:
        """Whether the cutout is unsure."""
        return needs_look(self.render.confidence)

    @property
    def width_px(self) -> int:
        """Width of the preview: it holds the picture's place while it loads."""
        return int(self._preview.get("width_px", 1))

    @property
    def height_px(self) -> int:
        """Height of the preview."""
        return int(self._preview.get("height_px", 1))

    @property
    def _preview(self) -> dict[str, Any]:
        return next((file for file in self.render.files if file["name"] == "preview"), {})

    @property
    def is_transparent(self) -> bool:
        """Whether the picture has no background of its own."""
        return bool(self.render.shoot.scene.get("mode") == "none")


@dataclass(frozen=True, slots=True)
class ReviewDeskPage:
    """The review page: the queue and the render on the desk, if one is left."""

    queue: ReviewQueue
    item: ReviewItem | None
    quick_reasons: tuple[Reason, ...] = QUICK_REASONS
    further_reasons: tuple[Reason, ...] = FURTHER_REASONS

    @property
    def next_ids(self) -> tuple[str, ...]:
        """The renders to judge after this one, nearest first."""
        here = self.item.render.pk if self.item else ""
        return tuple(review.render_id for review in self.queue.after(here))

    @property
    def next_id(self) -> str:
        """The render to judge next; empty if this is the last."""
        return self.next_ids[0] if self.next_ids else ""

    @property
    def previous_id(self) -> str:
        """The render before this one; empty at the head of the queue."""
        before = self.queue.before(self.item.render.pk) if self.item else None
        return before.render_id if before else ""


def review_queue(*, shoot_id: str | None = None) -> ReviewQueue:
    """Return what waits for a verdict, lowest confidence first, then oldest.

    Raises
    ------
    NotFoundError
        ``review.shoot_missing`` if the queue of no shoot is asked for.
    """
    shoot = _shoot(shoot_id) if shoot_id else None
    reviews = present_reviews()
    if shoot is not None:
        reviews = reviews.filter(render__shoot=shoot)
    counts = reviews.aggregate(
        total=Count("pk"),
        waiting=Count("pk", filter=_PENDING),
        confident=Count("pk", filter=_PENDING & _CONFIDENT),
    )
    waiting = (
        reviews.filter(_PENDING)
        .select_related("render__shot__photo__product", "render__shoot")
        .order_by(F("render__confidence").asc(nulls_first=True), "opened_at", "pk")
    )
    return ReviewQueue(
        reviews=tuple(waiting[:STRIP_LENGTH]),
        waiting=counts["waiting"],
        confident=counts["confident"],
        progress=QueueProgress(counts["total"] - counts["waiting"], counts["total"]),
        shoot=shoot,
    )


def confident_renders(*, shoot_id: str | None = None, limit: int) -> list[str]:
    """Return the waiting renders whose cutout the engine is sure of, surest first."""
    reviews = present_reviews().filter(_PENDING & _CONFIDENT)
    if shoot_id:
        reviews = reviews.filter(render__shoot_id=shoot_id)
    ordered = reviews.order_by("-render__confidence", "pk")
    return list(ordered.values_list("render_id", flat=True)[:limit])


def review_of(render_id: str) -> Review:
    """Return the review of a render with all that the screen shows.

    Raises
    ------
    NotFoundError
        ``review.render_missing``.
    """
    review = (
        Review.objects.select_related("render__shot__photo__product", "render__shoot")
        .prefetch_related("verdicts")
        .filter(render_id=render_id)
        .first()
    )
    if review is None:
        raise NotFoundError("review.render_missing", "There is no finished render of this address.")
    return review


def review_desk(*, render_id: str = "", shoot_id: str = "") -> ReviewDeskPage:
    """Return the review page of a render, or of the first that waits.

    Raises
    ------
    NotFoundError
        ``review.render_missing`` or ``review.shoot_missing``.
    """
    queue = review_queue(shoot_id=shoot_id or None)
    if not render_id and queue.reviews:
        render_id = queue.reviews[0].render_id
    return ReviewDeskPage(queue=queue, item=_item(render_id) if render_id else None)


def _item(render_id: str) -> ReviewItem:
    review = review_of(render_id)
    render = review.render
    files = [file for file in render.files if file["name"] not in ("preview", "cutout")]
    outputs = {output["name"]: output for output in render.shoot.outputs}
    first = files[0] if files else None
    return ReviewItem(
        review=review,
        facts=facts_of(
            file=first,
            output=outputs.get(first["name"]) if first else None,
            confidence=render.confidence,
            fidelity=render.fidelity,
        ),
        warnings=warnings_of(render.files),
        files=tuple(
            FinishedFile(
                name=file["name"],
                title=file_title(file["name"]),
                size=f"{file['width_px']:,} × {file['height_px']:,} {file['file_format']}",
                size_bytes=file["size_bytes"],
            )
            for file in render.files
            if file["name"] != "preview"
        ),
        history=tuple(_verdict_line(verdict) for verdict in review.verdicts.all()),
    )


def _verdict_line(verdict: Verdict) -> VerdictLine:
    reason = REASONS.get(verdict.reason)
    return VerdictLine(
        action=verdict.action,
        by=verdict.decided_by,
        at=verdict.created_at,
        reason=reason.label if reason else "",
        note=verdict.note,
    )


def _shoot(shoot_id: str) -> Shoot:
    shoot = Shoot.objects.filter(pk=shoot_id).first()
    if shoot is None:
        raise NotFoundError("review.shoot_missing", "There is no such shoot.")
    return shoot
