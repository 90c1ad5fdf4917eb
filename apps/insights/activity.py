"""What happened lately, in sentences: events of one kind by one person fold into one line. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final

FOLD_WITHIN: Final = timedelta(hours=1)
"""Events further apart are two lines even if nothing else came between."""

_ONE_AND_MANY: Final[dict[str, tuple[str, str]]] = {
    "workspace.created": ("opened this workspace", "opened this workspace"),
    "member.invited": ("invited {member}", "invited {count} people"),
    "member.joined": ("joined as {role}", "{count} people joined"),
    "member.role_changed": ("made {member} {after}", "changed {count} roles"),
    "member.removed": ("removed {member}", "removed {count} members"),
    "product.deleted": ("deleted a product", "deleted {count} products"),
    "photo.uploaded": ("added a photo", "added {count} photos"),
    "photo.cutout_kept": ("corrected a cutout", "corrected {count} cutouts"),
    "brand_kit.changed": ("changed the brand kit", "changed the brand kit {count} times"),
    "brand_kit.removed": ("removed the brand kit", "removed the brand kit {count} times"),
    "shoot.ordered": ("ordered shoot {number}", "ordered {count} shoots"),
    "shoot.canceled": ("canceled a shoot", "canceled {count} shoots"),
    "shoot.finished": ("finished a shoot", "finished {count} shoots"),
    "render.failed": ("could not finish a render", "could not finish {count} renders"),
    "render.approved": ("approved a render", "approved {count} renders"),
    "render.rejected": ("rejected a render", "rejected {count} renders"),
    "export.ready": ("built an export", "built {count} exports"),
    "api_key.created": ("created an API key", "created {count} API keys"),
    "api_key.revoked": ("revoked an API key", "revoked {count} API keys"),
}
KINDS: Final = tuple(_ONE_AND_MANY)
"""The kinds of events that are told; the others are steps of these."""


@dataclass(frozen=True, slots=True)
class Happening:
    """One event, as far as telling it needs."""

    kind: str
    who: str
    subject: str
    data: Mapping[str, Any]
    at: datetime


@dataclass(frozen=True, slots=True)
class Line:
    """One sentence of the activity list: ``who`` ``text``."""

    kind: str
    who: str
    text: str
    at: datetime
    subject: str
    """Id of the one thing it is about; empty where several were folded."""


def fold(happenings: Iterable[Happening], *, lines: int) -> list[Line]:
    """Return at most so many lines, newest first.

    Parameters
    ----------
    happenings
        Newest first, of the kinds in `KINDS`.

    Notes
    -----
    Neighbors of one kind by one person within `FOLD_WITHIN` of the newest become one line.
    """
    return list(islice((_line(group) for group in _groups(happenings)), lines))


def _groups(happenings: Iterable[Happening]) -> Iterable[list[Happening]]:
    group: list[Happening] = []
    for happening in happenings:
        if group and not _belongs(happening, group[0]):
            yield group
            group = []
        group.append(happening)
    if group:
        yield group


def _belongs(happening: Happening, newest: Happening) -> bool:
    return (
        happening.kind == newest.kind
        and happening.who == newest.who
        and newest.at - happening.at <= FOLD_WITHIN
    )


def _line(group: list[Happening]) -> Line:
    newest = group[0]
    one, many = _ONE_AND_MANY[newest.kind]
    words = {key: str(value) for key, value in newest.data.items()}
    if len(group) == 1:
        text = one.format_map(_Words(words))
    else:
        text = many.format_map(_Words(count=f"{len(group):,}"))
    subject = newest.subject if len(group) == 1 else ""
    return Line(newest.kind, newest.who, text, newest.at, subject)


class _Words(dict[str, str]):
    """Values of a sentence; what an old event does not carry reads as an ellipsis."""

    def __missing__(self, key: str) -> str:
        return "…"
