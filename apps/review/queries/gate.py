"""The one gate that everything leaving the workspace passes, and the standing of renders.

Owns what counts as approved. Changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Count, QuerySet

from apps.review.models import Review
from apps.review.states import State
from apps.studio.models import Render
from apps.tenants.scope import across_tenants


def approved_renders(
    *, render_ids: Sequence[str] | None = None, shoot_id: str | None = None
) -> QuerySet[Render]:
    """Return the renders that may leave the workspace, of those asked for.

    The gate: exports, links and publications ask here and nowhere else. A render passes if it
    succeeded and the last verdict on it approved it.
    """
    renders = Render.objects.filter(state=Render.State.SUCCEEDED, review__state=State.APPROVED)
    if render_ids is not None:
        renders = renders.filter(pk__in=tuple(render_ids))
    if shoot_id is not None:
        renders = renders.filter(shoot_id=shoot_id)
    return renders


def present_reviews() -> QuerySet[Review]:
    """Return the reviews of renders that count: not of those that were made again."""
    return Review.objects.filter(render__retries__isnull=True)


def is_exportable(render: Render) -> bool:
    """Return whether this render may leave the workspace now."""
    return approved_renders(render_ids=[render.pk]).exists()


def pending_count() -> int:
    """Return how many renders wait for a verdict."""
    return present_reviews().filter(state=State.PENDING).count()


def review_states(render_ids: Sequence[str]) -> dict[str, str]:
    """Return the standing of each render that has a review, by render."""
    return dict(
        Review.objects.filter(render_id__in=tuple(render_ids)).values_list("render_id", "state")
    )


def shoots_to_review(shoot_ids: Sequence[str]) -> frozenset[str]:
    """Return those of the shoots, of all workspaces, of which a render waits for its verdict."""
    with across_tenants("which workers stay warm while somebody looks at what they made"):
        return frozenset(
            present_reviews()
            .filter(state=State.PENDING, render__shoot_id__in=tuple(shoot_ids))
            .values_list("render__shoot_id", flat=True)
        )


class Desk:
    """What studio's pages ask about reviews: see `apps.studio.reviewing.ReviewDesk`."""

    def states(self, render_ids: Sequence[str]) -> dict[str, str]:
        """Return the standing of each render that has a review."""
        return review_states(render_ids)

    def counts(self, shoot_ids: Sequence[str]) -> dict[str, dict[str, int]]:
        """Return how many renders of each shoot stand in each state."""
        counts: dict[str, dict[str, int]] = {}
        rows = (
            present_reviews()
            .filter(render__shoot_id__in=tuple(shoot_ids))
            .order_by()
            .values_list("render__shoot_id", "state")
            .annotate(count=Count("pk"))
        )
        for shoot, state, count in rows:
            counts.setdefault(shoot, {})[state] = count
        return counts

    def narrowed(self, renders: QuerySet[Render], state: str) -> QuerySet[Render]:
        """Return those of the renders that stand in a state."""
        return renders.filter(review__state=state)
