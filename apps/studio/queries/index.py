"""The index of shoots: a page of rows, newest first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.core.paginator import Page, Paginator
from django.db.models import Count

from apps.studio import reviewing
from apps.studio.models import Render, Shoot, Shot
from apps.studio.queries.progress import Progress, present_renders, progress_of

SHOOTS_PER_PAGE: Final = 20
THUMBS: Final = 5


@dataclass(frozen=True, slots=True)
class ShootRow:
    """A shoot in the index."""

    shoot: Shoot
    progress: Progress
    shots: tuple[Shot, ...]
    """The first few, for their pictures."""
    more: int
    """Shots beyond those."""

    @property
    def state(self) -> str:
        """What the row says: rendering, canceled, review, failed or done."""
        if self.shoot.state != Shoot.State.FINISHED:
            return str(self.shoot.state)
        if self.progress.pending:
            return "review"
        return "failed" if self.progress.failed else "done"


@dataclass(frozen=True, slots=True)
class ShootIndex:
    """One page of the index."""

    rows: tuple[ShootRow, ...]
    page: Page[Shoot]
    show: str
    is_empty: bool
    """Whether the workspace has no shoot at all."""


def shoot_index(*, show: str = "", page: int = 1) -> ShootIndex:
    """Return a page of shoots, newest first.

    Parameters
    ----------
    show
        ``running``, ``review``, ``failed`` or empty for all.
    """
    shoots = Shoot.objects.order_by("-ordered_at", "-number")
    if show == "running":
        shoots = shoots.filter(state=Shoot.State.RENDERING)
    elif show == "review":
        waiting = reviewing.desk().narrowed(Render.objects.all(), "pending")
        shoots = shoots.filter(pk__in=waiting.values("shoot_id"))
    elif show == "failed":
        failed = present_renders().filter(state=Render.State.FAILED)
        shoots = shoots.filter(pk__in=failed.values("shoot_id"))
    found = Paginator(shoots, SHOOTS_PER_PAGE).get_page(page)
    return ShootIndex(
        rows=_rows(tuple(found)),
        page=found,
        show=show,
        is_empty=not show and found.paginator.count == 0,
    )


def _rows(shoots: tuple[Shoot, ...]) -> tuple[ShootRow, ...]:
    ids = [shoot.pk for shoot in shoots]
    progress = progress_of(ids)
    shots: dict[str, list[Shot]] = {shoot: [] for shoot in ids}
    counts = dict(
        Shot.objects.filter(shoot_id__in=ids)
        .order_by()
        .values_list("shoot_id")
        .annotate(count=Count("pk"))
    )
    first = Shot.objects.filter(shoot_id__in=ids, position__lte=THUMBS).select_related("photo")
    for shot in first.order_by("shoot_id", "position"):
        shots[shot.shoot_id].append(shot)
    return tuple(
        ShootRow(
            shoot=shoot,
            progress=progress[shoot.pk],
            shots=tuple(shots[shoot.pk]),
            more=counts.get(shoot.pk, 0) - len(shots[shoot.pk]),
        )
        for shoot in shoots
    )
