"""Which cutout of a photo renders take.

Owns the numbers of a photo's cutouts and which of them is in use. Does not make cutouts: workers
and the retouch process do.
"""

from __future__ import annotations

from django.db import transaction

from apps.catalog.models import SourcePhoto
from apps.core import clock, storage
from apps.core.errors import ConflictError, NotFoundError
from apps.events.kinds import Kind
from apps.events.services import record
from apps.tenants.roles import Actor, Permission


@transaction.atomic
def begin_cutout(*, actor: Actor, photo_id: str) -> tuple[SourcePhoto, int]:
    """Return a photo and the number of a new cutout of it, which nobody else gets.

    Raises
    ------
    ForbiddenError
        If the actor may not order.
    NotFoundError
        ``catalog.photo_missing``.
    """
    actor.require(Permission.ORDER_SHOOT)
    photo = _locked(photo_id)
    photo.cutout_numbers += 1
    photo.save(update_fields=["cutout_numbers"])
    return photo, photo.cutout_numbers


@transaction.atomic
def keep_cutout(*, actor: Actor, photo_id: str, revision: int) -> SourcePhoto:
    """Let orders from now on take a corrected cutout; doing it twice is harmless.

    Raises
    ------
    ForbiddenError
        If the actor may not order.
    NotFoundError
        ``catalog.photo_missing``, or ``catalog.cutout_missing`` if it was never written.
    ConflictError
        ``catalog.cutout_outdated`` if somebody kept a later one meanwhile.
    """
    actor.require(Permission.ORDER_SHOOT)
    photo = _locked(photo_id)
    if revision == photo.cutout_revision:
        return photo
    if revision < photo.cutout_revision:
        raise ConflictError(
            "catalog.cutout_outdated",
            "Somebody else has corrected this cutout meanwhile. Reload the page to see theirs.",
            revision=photo.cutout_revision,
        )
    key = storage.cutout_key(photo.tenant_id, photo.pk, revision)
    if revision > photo.cutout_numbers or not storage.exists(key):
        raise NotFoundError("catalog.cutout_missing", "This cutout was not written. Save it again.")
    photo.cutout_revision = revision
    photo.cutout_kept_at = clock.now()
    photo.save(update_fields=["cutout_revision", "cutout_kept_at"])
    record(
        actor=actor,
        kind=Kind.CUTOUT_KEPT,
        subject=photo.pk,
        product=photo.product_id,
        revision=revision,
    )
    return photo


def _locked(photo_id: str) -> SourcePhoto:
    photo: SourcePhoto | None = SourcePhoto.objects.select_for_update().filter(pk=photo_id).first()
    if photo is None:
        raise NotFoundError("catalog.photo_missing", "There is no such photo.")
    return photo
