"""Paging that stays right while rows are added: a cursor is the last row's place, signed."""

from __future__ import annotations

from typing import Any

from django.core import signing
from django.db.models import Q, QuerySet

from apps.core.errors import InvalidError

_SALT = "packshot.cursor"


def page(
    rows: QuerySet[Any], *, limit: int, cursor: str | None, fingerprint: str
) -> tuple[list[Any], str | None]:
    """Return one page in order of (queued_at, id) and the cursor of the next, if there is one.

    ``fingerprint`` stands for the filters; a cursor made under others is refused.

    Raises
    ------
    InvalidError
        ``api.cursor_invalid``.
    """
    rows = rows.order_by("queued_at", "id")
    if cursor:
        queued_at, last_id = _read(cursor, fingerprint)
        rows = rows.filter(Q(queued_at__gt=queued_at) | Q(queued_at=queued_at, id__gt=last_id))
    found = list(rows[: limit + 1])
    if len(found) <= limit:
        return found, None
    last = found[limit - 1]
    place = [last.queued_at.isoformat(), last.pk, fingerprint]
    return found[:limit], signing.dumps(place, salt=_SALT)


def _read(cursor: str, fingerprint: str) -> tuple[str, str]:
    try:
        queued_at, last_id, made_for = signing.loads(cursor, salt=_SALT)
    except (signing.BadSignature, ValueError, TypeError):
        made_for = None
    if made_for != fingerprint:
        raise InvalidError(
            "api.cursor_invalid",
            "This cursor is not from the same list. Start again without a cursor.",
        )
    return queued_at, last_id
