"""The other pictures of an order: checked when it is placed, found again when work is made of it.

Owns which stored objects a render is made with beside its photo. A view of the product itself is
looked up for each photo; what is chosen for the whole shoot is kept with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from apps.catalog.models import SourcePhoto
from apps.compute import wire
from apps.core.errors import InvalidError, NotFoundError
from apps.studio.models import BrandLogo
from apps.studio.picture_roles import NO_PICTURE, role_of


def checked_pictures(
    scene: wire.SceneSpec, photos: Sequence[SourcePhoto], pictures: Mapping[str, str]
) -> dict[str, str]:
    """Return role to photo of what is chosen for the whole shoot; a logo may be the brand's.

    Parameters
    ----------
    scene
        The scene template, with its kind.
    photos
        What is ordered.
    pictures
        Role to the id of a photo of this workspace, for the logo also to that of one of its
        `BrandLogo`; empty ids and `NO_PICTURE` are left out.

    Raises
    ------
    InvalidError
        ``studio.picture_unknown`` if the kind knows no such role, ``studio.picture_missing`` if it
        cannot do without one, with the cure.
    NotFoundError
        ``studio.photo_missing``.
    """
    kind, roles = scene.kind, wire.roles_of(scene)
    chosen = {role: photo for role, photo in pictures.items() if photo not in ("", NO_PICTURE)}
    for role in chosen:
        if role not in roles or role_of(role).view:
            raise InvalidError(
                "studio.picture_unknown",
                f"No picture can be chosen as {role[:40]!r} here. Leave it out.",
                role=role[:40],
            )
    known = set(SourcePhoto.objects.filter(pk__in=chosen.values()).values_list("pk", flat=True))
    missing = {role for role, photo in chosen.items() if photo not in known}
    if "logo" in missing and BrandLogo.objects.filter(pk=chosen["logo"]).exists():
        missing.remove("logo")
    if missing:
        raise NotFoundError(
            "studio.photo_missing",
            "One of the chosen photos does not exist any more. Reload the page and choose again.",
        )
    found = extras_of(kind, photos, chosen)
    for role in wire.needed_roles_of(scene):
        lacking = [photo for photo in photos if role not in found[photo.pk]]
        if lacking:
            raise InvalidError(
                "studio.picture_missing",
                f"{role_of(role).title} is missing for {lacking[0].product}. {role_of(role).hint}",
                role=role,
            )
    return chosen


def extras_of(
    kind: str, photos: Iterable[SourcePhoto], pictures: Mapping[str, str]
) -> dict[str, dict[str, str]]:
    """Return for each photo the object keys of the other pictures by role, in two queries."""
    roles = wire.KINDS[kind].roles
    if not roles:
        return {photo.pk: {} for photo in photos}
    photos = list(photos)
    shared = _keys_of(pictures)
    views = {role_of(role).view: role for role in roles if role_of(role).view}
    own: dict[str, dict[str, str]] = {}
    if views:
        siblings = SourcePhoto.objects.filter(
            product_id__in={photo.product_id for photo in photos}, view__in=views
        ).order_by("-position", "-pk")
        for sibling in siblings:
            own.setdefault(sibling.product_id, {})[views[sibling.view]] = sibling.photo_key
    return {photo.pk: {**own.get(photo.product_id, {}), **shared} for photo in photos}


def _keys_of(pictures: Mapping[str, str]) -> dict[str, str]:
    found = SourcePhoto.objects.in_bulk(pictures.values()) if pictures else {}
    keys = {role: found[photo].photo_key for role, photo in pictures.items() if photo in found}
    if "logo" in pictures and "logo" not in keys:
        for logo in BrandLogo.objects.filter(pk=pictures["logo"]):
            keys["logo"] = logo.object_key
    return keys
