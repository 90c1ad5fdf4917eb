"""What pages and the API read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, QuerySet, Sum

from apps.billing.models import CreditAccount, LedgerEntry
from apps.catalog.models import SourcePhoto
from apps.core.errors import ConflictError, NotFoundError
from apps.integrations.models import ApiKey, Export
from apps.review.queries import approved_renders
from apps.studio.models import Render, Shoot


def shoot(shoot_id: str) -> Shoot:
    """Return a shoot of the workspace.

    Raises
    ------
    NotFoundError
        If there is none.
    """
    found: Shoot | None = Shoot.objects.filter(pk=shoot_id).first()
    if found is None:
        raise NotFoundError("shoot.missing", "There is no such shoot.")
    return found


def render(render_id: str) -> Render:
    """Return a render of the workspace with its photo, product and review.

    Raises
    ------
    NotFoundError
        If there is none.
    """
    found: Render | None = renders().filter(pk=render_id).first()
    if found is None:
        raise NotFoundError("render.missing", "There is no such render.")
    return found


def photo(photo_id: str | None) -> SourcePhoto:
    """Return a source photo of the workspace with its product.

    Raises
    ------
    NotFoundError
        If there is none.
    """
    found = SourcePhoto.objects.select_related("product").filter(pk=photo_id).first()
    if found is None:
        raise NotFoundError("photo.missing", "There is no such photo.")
    return found


def renders() -> QuerySet[Render]:
    """Return renders with all that an answer needs, in one query."""
    rows: QuerySet[Render] = Render.objects.select_related("shot__photo__product", "review")
    return rows


def counts(shoot_id: str) -> dict[str, int]:
    """Return the shoot's renders by state, with their total."""
    rows = (
        Render.objects.filter(shoot_id=shoot_id)
        .order_by()
        .values_list("state")
        .annotate(number=Count("pk"))
    )
    by_state = {state.value: 0 for state in Render.State} | dict(rows)
    return {**by_state, "total": sum(by_state.values())}


def approved_file(render_id: str, sales_channel: str) -> dict[str, Any]:
    """Return one finished file of an approved render.

    Raises
    ------
    NotFoundError
        If the workspace has no such render or it has no such file.
    ConflictError
        ``render.not_approved``.
    """
    found = render(render_id)
    if not approved_renders(render_ids=[render_id]).exists():
        raise ConflictError(
            "render.not_approved", "This render is not approved; approve it, then download."
        )
    for result in found.files:
        if result["name"] == sales_channel:
            return dict(result)
    raise NotFoundError("render.file_missing", "This render has no file of that name.")


def export(export_id: str) -> Export:
    """Return an export of the workspace.

    Raises
    ------
    NotFoundError
        If there is none.
    """
    found: Export | None = Export.objects.filter(pk=export_id).first()
    if found is None:
        raise NotFoundError("export.missing", "There is no such export.")
    return found


def recent_exports() -> QuerySet[Export]:
    """Return the latest hundred exports."""
    rows: QuerySet[Export] = Export.objects.order_by("-requested_at")[:100]
    return rows


def api_keys() -> QuerySet[ApiKey]:
    """Return the workspace's keys, newest first."""
    rows: QuerySet[ApiKey] = ApiKey.objects.order_by("-created_at")
    return rows


@dataclass(frozen=True, slots=True)
class Credits:
    """A workspace's standing with its plan."""

    plan: str
    available: int
    reserved: int
    used: int


def credit_standing() -> Credits:
    """Return plan and balance of the workspace."""
    account = CreditAccount.objects.get()
    used = LedgerEntry.objects.filter(kind=LedgerEntry.Kind.CAPTURE).aggregate(
        total=Sum("credits")
    )["total"]
    return Credits(account.plan.name, account.available, account.reserved, used or 0)


def renders_by_state() -> dict[str, int]:
    """Return all renders of the workspace by state."""
    rows = Render.objects.order_by().values_list("state").annotate(number=Count("pk"))
    return {state.value: 0 for state in Render.State} | dict(rows)
