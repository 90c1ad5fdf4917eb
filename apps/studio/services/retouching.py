"""Correcting a photo's cutout: what is shown while somebody draws, and keeping what was drawn.

Owns the use cases around the retouch process. Renders that used the old cutout are made again by
`ordering.render_again`; nothing is rendered here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from apps.catalog.models import SourcePhoto
from apps.catalog.services import cutouts
from apps.compute import retouch_door, wire
from apps.core import storage
from apps.core.errors import NotFoundError
from apps.tenants.roles import Actor, Permission


class KeepingOn(Exception):
    """The corrected cutout is still being made; ask again with these."""

    def __init__(self, revision: int, call_id: str) -> None:
        super().__init__(call_id)
        self.revision = revision
        self.call_id = call_id


def open_cutout(*, actor: Actor, photo_id: str) -> dict[str, Any]:
    """Return the present mask of a photo and who made it.

    Raises
    ------
    ForbiddenError, NotFoundError
        As `correct_cutout`.
    UnavailableError, InvalidError, retouch_door.StillWorking
        As `retouch_door.begin`.
    """
    photo = _photo(actor, photo_id)
    return retouch_door.begin(wire.RetouchRequest("open", photo.photo_key, photo.cutout_key))


def other_cutouts(*, actor: Actor, photo_id: str) -> dict[str, Any]:
    """Return the masks a person may begin with instead.

    Raises
    ------
    ForbiddenError, NotFoundError, UnavailableError, InvalidError, retouch_door.StillWorking
        As `open_cutout`.
    """
    photo = _photo(actor, photo_id)
    return retouch_door.begin(
        wire.RetouchRequest("alternatives", photo.photo_key, photo.cutout_key)
    )


def correct_cutout(
    *, actor: Actor, photo_id: str, start: str, steps: Sequence[wire.Step]
) -> dict[str, Any]:
    """Return the mask after all steps; nothing is kept.

    Parameters
    ----------
    start
        Name of the mask the steps begin with: ``current`` or one of `other_cutouts`.

    Raises
    ------
    ForbiddenError
        If the actor may not order.
    NotFoundError
        ``catalog.photo_missing``.
    UnavailableError, InvalidError
        As `retouch_door.ask`.
    """
    photo = _photo(actor, photo_id)
    request = wire.RetouchRequest(
        "strokes", photo.photo_key, photo.cutout_key, start=start, steps=tuple(steps)
    )
    return retouch_door.ask(request)


def keep_correction(
    *, actor: Actor, photo_id: str, start: str, steps: Sequence[wire.Step]
) -> SourcePhoto:
    """Make the cutout of the corrected mask in full size; orders from now on take it.

    Raises
    ------
    KeepingOn
        If it is still being made; `collect_correction` goes on.
    ForbiddenError, NotFoundError, ConflictError
        As `cutouts.begin_cutout` and `cutouts.keep_cutout`.
    UnavailableError, InvalidError
        As `retouch_door.begin`.
    """
    before = _photo(actor, photo_id)
    photo, revision = cutouts.begin_cutout(actor=actor, photo_id=photo_id)
    request = wire.RetouchRequest(
        "keep",
        photo.photo_key,
        before.cutout_key,
        start=start,
        steps=tuple(steps),
        to_key=storage.cutout_key(photo.tenant_id, photo.pk, revision),
    )
    try:
        retouch_door.begin(request)
    except retouch_door.StillWorking as working:
        raise KeepingOn(revision, working.call_id) from working
    return cutouts.keep_cutout(actor=actor, photo_id=photo_id, revision=revision)


def collect_correction(*, actor: Actor, photo_id: str, revision: int, call_id: str) -> SourcePhoto:
    """Go on with `keep_correction` where it said `KeepingOn`.

    The file is the proof: an answer that was lost on the way costs nothing.

    Raises
    ------
    KeepingOn, ForbiddenError, NotFoundError, ConflictError, UnavailableError, InvalidError
        As `keep_correction`.
    """
    photo = _photo(actor, photo_id)
    if not storage.exists(storage.cutout_key(photo.tenant_id, photo.pk, revision)):
        try:
            retouch_door.collect(call_id)
        except retouch_door.StillWorking as working:
            raise KeepingOn(revision, working.call_id) from working
    return cutouts.keep_cutout(actor=actor, photo_id=photo_id, revision=revision)


def _photo(actor: Actor, photo_id: str) -> SourcePhoto:
    actor.require(Permission.ORDER_SHOOT)
    photo: SourcePhoto | None = SourcePhoto.objects.filter(pk=photo_id).first()
    if photo is None:
        raise NotFoundError("catalog.photo_missing", "There is no such photo.")
    return photo
