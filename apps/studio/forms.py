"""Reading what the order page and the cutout page send, before the services judge it.

Owns the names of the pages' fields and their types. Which values make sense is for
`services.quoting` to say.
"""

from __future__ import annotations

import json
from typing import Any, TypedDict

from django.http import QueryDict

from apps.compute import wire
from apps.core.errors import InvalidError
from apps.studio.estimates import Urgency
from apps.studio.picture_roles import TEXT_MISSING
from apps.studio.queries.choosing import kind_of_scene, matching_photo_ids


class OrderInput(TypedDict):
    """The arguments of `order_shoot` and `quote_shoot`."""

    photo_ids: list[str]
    scene_slug: str
    sales_channels: list[str]
    takes: int
    name: str
    framing_fill: float | None
    urgency: Urgency | None
    texts: dict[str, str]
    pictures: dict[str, str]


class CorrectionInput(TypedDict):
    """The arguments of `correct_cutout` and `keep_correction`."""

    start: str
    steps: tuple[wire.Step, ...]


def read_order(data: QueryDict) -> OrderInput:
    """Return the order a page sent.

    Fields: ``photo`` (many) or ``everything`` with ``q``; ``scene``; ``sales_channel`` (many);
    ``takes``; ``own_fill`` with ``fill`` in percent; ``name``; ``tonight``; for the scene's kind
    ``text-KIND-NAME`` and ``picture-KIND-ROLE``, so that what was typed for a kind that is not
    chosen any more is left out.

    Raises
    ------
    InvalidError
        ``studio.number_unreadable`` if a number is none.
    """
    everything = bool(data.get("everything"))
    fill = _whole_number(data, "fill", 85) / 100 if data.get("own_fill") else None
    return OrderInput(
        photo_ids=matching_photo_ids(data.get("q", "")) if everything else data.getlist("photo"),
        scene_slug=data.get("scene", ""),
        sales_channels=data.getlist("sales_channel"),
        takes=_whole_number(data, "takes", 1),
        name=data.get("name", ""),
        framing_fill=fill,
        urgency="bulk" if data.get("tonight") else None,
        texts=_of_kind(data, "text"),
        pictures=_of_kind(data, "picture"),
    )


def _of_kind(data: QueryDict, what: str) -> dict[str, str]:
    prefix = f"{what}-{kind_of_scene(data.get('scene', ''))}-"
    return {
        name.removeprefix(prefix): str(data[name])
        for name in data
        if name.startswith(prefix) and data[name]
    }


def read_correction(body: bytes) -> CorrectionInput:
    """Return what a person did to a cutout, from the JSON a page sent: ``start`` and ``steps``.

    Raises
    ------
    InvalidError
        ``retouch.invalid`` if it cannot be read; the message names the step.
    """
    try:
        data = json.loads(body)
        if not isinstance(data, dict):
            raise InvalidError("retouch.invalid", "An object with start and steps is expected.")
        return CorrectionInput(
            start=wire.checked_start(data.get("start", "current")),
            steps=wire.steps_from_json(data.get("steps", [])),
        )
    except (ValueError, RecursionError) as error:
        raise InvalidError("retouch.invalid", "The strokes cannot be read.") from error
    except wire.OrderInvalid as error:
        raise InvalidError("retouch.invalid", f"{error.detail}.") from error


def read_revision(body: bytes) -> tuple[int, str]:
    """Return which cutout is waited for, from JSON: ``revision`` and ``request``.

    Raises
    ------
    InvalidError
        ``retouch.invalid``.
    """
    try:
        data = json.loads(body)
        return int(data["revision"]), str(data["request"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InvalidError("retouch.invalid", "A revision and a request are expected.") from error


def what_is_missing(order: OrderInput) -> str:
    """Return what a seller has still to choose before a quote makes sense; empty if nothing."""
    if not order["photo_ids"]:
        return "Choose photos to see cost and time."
    if not order["sales_channels"]:
        return "Choose at least one place to finish for."
    kind = wire.KINDS.get(kind_of_scene(order["scene_slug"]))
    if kind is not None and kind.needs_text and not order["texts"]:
        return TEXT_MISSING
    return ""


def page_number(data: QueryDict) -> int:
    """Return the page asked for; the first for what is no number."""
    text = data.get("page", "1")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 1


def _whole_number(data: Any, name: str, default: int) -> int:
    text = data.get(name, "") or str(default)
    try:
        return int(text)
    except ValueError as error:
        raise InvalidError(
            "studio.number_unreadable", f"{name}: {text[:20]!r} is no whole number.", field=name
        ) from error
