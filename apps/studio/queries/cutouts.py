"""What the pages of a photo's cutout show. Changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.db.models import QuerySet

from apps.billing.plans import CREDITS_PER_RENDER
from apps.catalog.models import SourcePhoto
from apps.core.errors import NotFoundError
from apps.studio import reviewing
from apps.studio.models import Render, Shoot
from apps.studio.queries.progress import present_renders

_MADE_AGAIN: Final = (Render.State.SUCCEEDED, Render.State.FAILED)


@dataclass(frozen=True, slots=True)
class CutoutPage:
    """A photo whose cutout is looked at."""

    photo: SourcePhoto
    back_to: Render | None
    """The render whose edge brought a person here."""

    @property
    def title(self) -> str:
        """The product, as the seller knows it."""
        return self.photo.product.title or self.photo.product.sku


@dataclass(frozen=True, slots=True)
class OldRender:
    """A render that used an older cutout of the photo."""

    render: Render
    review: str
    """pending, approved, rejected or empty."""

    @property
    def is_approved(self) -> bool:
        """Whether it may leave the workspace: then it stays as it is."""
        return self.review == "approved"


@dataclass(frozen=True, slots=True)
class KeptPage:
    """A photo whose cutout was corrected, and the renders that do not show it yet."""

    photo: SourcePhoto
    renders: tuple[OldRender, ...]

    @property
    def title(self) -> str:
        """The product, as the seller knows it."""
        return self.photo.product.title or self.photo.product.sku

    @property
    def renewable(self) -> tuple[OldRender, ...]:
        """Those that can be made again."""
        return tuple(each for each in self.renders if not each.is_approved)

    @property
    def approved(self) -> tuple[OldRender, ...]:
        """Those that stay."""
        return tuple(each for each in self.renders if each.is_approved)

    @property
    def credits_each(self) -> int:
        """What making one again costs."""
        return CREDITS_PER_RENDER


def cutout_page(photo_id: str, *, render_id: str = "") -> CutoutPage:
    """Return the page of a photo's cutout, reached from a render or not.

    Raises
    ------
    NotFoundError
        ``catalog.photo_missing``.
    """
    photo = _photo(photo_id)
    back_to = (
        Render.objects.select_related("shoot").filter(pk=render_id, shot__photo=photo).first()
        if render_id
        else None
    )
    return CutoutPage(photo, back_to)


def kept_page(photo_id: str) -> KeptPage:
    """Return what can be done with a corrected cutout. Three queries.

    Raises
    ------
    NotFoundError
        ``catalog.photo_missing``, or ``catalog.cutout_missing`` if nobody has corrected it.
    """
    photo = _photo(photo_id)
    if not photo.is_cut_by_hand:
        raise NotFoundError("catalog.cutout_missing", "Nobody has corrected this cutout yet.")
    renders = list(
        old_renders(photo).select_related("shoot", "shot").order_by("-shoot__number", "take", "id")
    )
    states = reviewing.desk().states([render.pk for render in renders])
    return KeptPage(
        photo, tuple(OldRender(render, states.get(render.pk, "")) for render in renders)
    )


def old_renders(photo: SourcePhoto) -> QuerySet[Render]:
    """Return the renders of a photo that have ended and were ordered before its present cutout."""
    renders = present_renders().filter(shot__photo=photo, state__in=_MADE_AGAIN)
    return renders.filter(queued_at__lt=photo.cutout_kept_at or photo.created_at).exclude(
        shoot__state=Shoot.State.CANCELED
    )


def _photo(photo_id: str) -> SourcePhoto:
    photo: SourcePhoto | None = (
        SourcePhoto.objects.select_related("product").filter(pk=photo_id).first()
    )
    if photo is None:
        raise NotFoundError("catalog.photo_missing", "There is no such photo.")
    return photo
