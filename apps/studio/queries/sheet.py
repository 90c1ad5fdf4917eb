"""A shoot's contact sheet: its header, its cards and the files behind them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet

from apps.catalog.cutouts import needs_look
from apps.compute import queries as compute_queries
from apps.compute.queries import Standing
from apps.core.errors import ConflictError, NotFoundError
from apps.studio import reviewing
from apps.studio.facts import failure_sentence, warnings_of
from apps.studio.models import Render, Shoot
from apps.studio.queries.progress import Progress, present_renders, progress_of
from apps.studio.sales_channels import SALES_CHANNELS
from apps.tenants.templatetags.packshot import seconds

CARDS_PER_PAGE: Final = 48

_UNSAFE: Final = re.compile(r"[^\w.-]+")
_EXTENSIONS: Final = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp"}
_NOT_MADE: Final = (Render.State.FAILED, Render.State.CANCELED)


@dataclass(frozen=True, slots=True)
class Card:
    """One render on the contact sheet."""

    render: Render
    review: str
    """pending, approved, rejected or empty."""
    standing: Standing | None
    width_px: int
    height_px: int

    @property
    def title(self) -> str:
        """The product, as the seller knows it."""
        product = self.render.shot.photo.product
        return product.title or product.sku

    @property
    def is_transparent(self) -> bool:
        """Whether the picture has no background of its own."""
        return bool(self.render.shoot.scene.get("mode") == "none")

    @property
    def needs_look(self) -> bool:
        """Whether the cutout is unsure."""
        return needs_look(self.render.confidence)

    @property
    def can_be_drawn(self) -> bool:
        """Whether it failed because no product was found: a person can outline it."""
        return self.render.failure_code == "order.source_unusable"

    @property
    def failure(self) -> str:
        """What went wrong and the cure."""
        return failure_sentence(self.render.failure_code)

    @property
    def seconds(self) -> float | None:
        """How long the worker took."""
        taken: float | None = self.render.provenance.get("seconds")
        return taken

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was found wrong with the files, in words."""
        return warnings_of(self.render.files)

    @property
    def further_warnings(self) -> int:
        """Warnings behind the first."""
        return max(0, len(self.warnings) - 1)

    @property
    def standing_line(self) -> str:
        """Where the render stands in the queue, in words."""
        return standing_line(self.standing)

    @property
    def downloads(self) -> tuple[Mapping[str, Any], ...]:
        """The files made for sales channels, with the channel's title."""
        return tuple(
            {"name": file["name"], "title": file_title(file["name"])}
            for file in self.render.files
            if file["name"] != "preview"
        )


@dataclass(frozen=True, slots=True)
class SheetFilter:
    """One way to narrow the sheet."""

    show: str
    label: str
    count: int
    tone: str = ""


@dataclass(frozen=True, slots=True)
class ContactSheet:
    """A shoot's page."""

    shoot: Shoot
    progress: Progress
    cards: tuple[Card, ...]
    page: Page[Render]
    show: str
    last_start_seconds: float | None
    """Expected time until the last render starts; None if none is in line or nobody knows."""

    @property
    def filters(self) -> tuple[SheetFilter, ...]:
        """The ways to narrow the sheet that would show anything, and the present one."""
        progress = self.progress
        every = (
            SheetFilter("open", "In progress", progress.open),
            SheetFilter("pending", "To review", progress.pending, "accent"),
            SheetFilter("approved", "Approved", progress.approved, "success"),
            SheetFilter("rejected", "Rejected", progress.rejected, "warning"),
            SheetFilter("failed", "Not made", progress.failed + progress.canceled, "danger"),
        )
        return tuple(entry for entry in every if entry.count or entry.show == self.show)

    @property
    def took_seconds(self) -> float | None:
        """From the order to the end; None while it runs or where it was canceled."""
        ended = self.shoot.finished_at
        return (ended - self.shoot.ordered_at).total_seconds() if ended else None

    @property
    def sales_channel_titles(self) -> str:
        """What the shoot is finished for."""
        return ", ".join(file_title(slug) for slug in self.shoot.sales_channels)

    @property
    def scene_title(self) -> str:
        """The scene as it was named at the order."""
        return str(self.shoot.scene.get("title", self.shoot.scene_slug))


def contact_sheet(shoot_id: str, *, show: str = "", page: int = 1) -> ContactSheet:
    """Return a shoot's page.

    Parameters
    ----------
    show
        ``pending``, ``approved``, ``rejected``, ``failed``, ``open`` or empty for all.

    Raises
    ------
    NotFoundError
        ``studio.shoot_missing``.
    """
    shoot = shoot_of(shoot_id)
    renders = _shown(present_renders().filter(shoot=shoot), show)
    found = Paginator(
        renders.select_related("shoot", "shot__photo__product"), CARDS_PER_PAGE
    ).get_page(page)
    standing = standing_of(shoot)
    return ContactSheet(
        shoot=shoot,
        progress=progress_of([shoot.pk])[shoot.pk],
        cards=_cards(tuple(found), standing),
        page=found,
        show=show,
        last_start_seconds=_last_start_seconds(standing),
    )


def shoot_header(shoot_id: str, *, show: str = "") -> ContactSheet:
    """Return a shoot's page without its cards, for the part that refreshes often."""
    shoot = shoot_of(shoot_id)
    return ContactSheet(
        shoot=shoot,
        progress=progress_of([shoot.pk])[shoot.pk],
        cards=(),
        page=Paginator(Render.objects.none(), CARDS_PER_PAGE).get_page(1),
        show=show,
        last_start_seconds=_last_start_seconds(standing_of(shoot)),
    )


def standing_line(standing: Standing | None) -> str:
    """Return where a render stands in the queue, in words."""
    if standing is not None and standing.state != "queued":
        return "About to start"
    if standing is None or standing.position is None:
        return "Waits for a worker"
    if standing.expected_start_seconds is None:
        return f"No. {standing.position} in line"
    start = seconds(standing.expected_start_seconds)
    return f"No. {standing.position} in line, starts in about {start}"


def card_of(render_id: str) -> Card:
    """Return the card of a render, or of its last retry.

    Raises
    ------
    NotFoundError
        ``studio.render_missing``.
    """
    render = _render(render_id)
    while (retry := render.retries.first()) is not None:
        render = _render(retry.pk)
    standing = standing_of(render.shoot) if render.state == Render.State.QUEUED else {}
    return _cards((render,), standing)[0]


def render_file(render_id: str, name: str) -> tuple[Render, dict[str, Any]]:
    """Return a render and one of its files by name: a sales channel, ``preview`` or ``cutout``.

    ``source`` and ``source-thumb`` are the photo it was made of.

    Raises
    ------
    NotFoundError
        ``studio.render_missing`` or ``studio.file_missing``.
    """
    render = _render(render_id)
    if name in ("source", "source-thumb"):
        photo = render.shot.photo
        key = photo.preview_key if name == "source" else photo.thumb_key
        return render, {"name": name, "object_key": key, "file_format": "WEBP", "sha256": ""}
    for file in render.files:
        if file["name"] == name:
            return render, file
    raise NotFoundError("studio.file_missing", "This render has no such file.")


def unfinished_picture(render_id: str) -> bytes:
    """Return what can be seen of a render that is being made: a small WebP file.

    Raises
    ------
    NotFoundError
        ``studio.render_missing``, or ``studio.preview_missing`` where there is nothing to see: not
        yet, not with this engine, or not any more.
    """
    render = _render(render_id)
    seen = None
    if render.state == Render.State.RENDERING:
        seen = compute_queries.live_preview(render.pk)
    if seen is None:
        raise NotFoundError("studio.preview_missing", "There is nothing to see of this render now.")
    return seen


def require_downloadable(render: Render) -> None:
    """Refuse to let a render out of the workspace that review has not approved.

    Raises
    ------
    ConflictError
        ``review.not_approved``.
    """
    if reviewing.desk().states([render.pk]).get(render.pk) != "approved":
        raise ConflictError(
            "review.not_approved", "Only approved renders can be downloaded. Review it first."
        )


def download_name(render: Render, file: Mapping[str, Any]) -> str:
    """Return a file name people recognise: SKU, view, take and sales channel."""
    photo = render.shot.photo
    parts = [photo.product.sku, photo.view, f"take{render.take}", str(file["name"])]
    stem = "_".join(_UNSAFE.sub("-", part).strip("-.") for part in parts)
    return f"{stem}.{_EXTENSIONS[file['file_format']]}"


def shoot_of(shoot_id: str) -> Shoot:
    """Return a shoot.

    Raises
    ------
    NotFoundError
        ``studio.shoot_missing``.
    """
    shoot = Shoot.objects.filter(pk=shoot_id).first()
    if shoot is None:
        raise NotFoundError("studio.shoot_missing", "There is no such shoot.")
    return shoot


def standing_of(shoot: Shoot) -> dict[str, Standing]:
    """Return where each open render of a shoot stands in the queue."""
    if shoot.state != Shoot.State.RENDERING:
        return {}
    return compute_queries.standing(shoot.pk)


def file_title(name: str) -> str:
    """Return the title of a finished file."""
    if name == "cutout":
        return "Transparent cutout"
    entry = SALES_CHANNELS.get(name)
    return entry.title if entry else name


def _shown(renders: QuerySet[Render], show: str) -> QuerySet[Render]:
    if show in ("pending", "approved", "rejected"):
        return reviewing.desk().narrowed(renders, show)
    if show == "failed":
        return renders.filter(state__in=_NOT_MADE)
    if show == "open":
        return renders.filter(state__in=(Render.State.QUEUED, Render.State.RENDERING))
    return renders


def _cards(renders: tuple[Render, ...], standing: Mapping[str, Standing]) -> tuple[Card, ...]:
    states = reviewing.desk().states([render.pk for render in renders])
    return tuple(
        Card(
            render=render,
            review=states.get(render.pk, ""),
            standing=standing.get(render.pk),
            **_canvas(render),
        )
        for render in renders
    )


def _canvas(render: Render) -> dict[str, int]:
    # The first sales channel's proportions: the card has its place before the picture is there.
    outputs = render.shoot.outputs
    if not outputs:
        return {"width_px": 1, "height_px": 1}
    return {"width_px": outputs[0]["width_px"], "height_px": outputs[0]["height_px"]}


def _last_start_seconds(standing: Mapping[str, Standing]) -> float | None:
    starts = [
        entry.expected_start_seconds
        for entry in standing.values()
        if entry.expected_start_seconds is not None
    ]
    return max(starts, default=None)


def _render(render_id: str) -> Render:
    render = (
        Render.objects.select_related("shoot", "shot__photo__product").filter(pk=render_id).first()
    )
    if render is None:
        raise NotFoundError("studio.render_missing", "There is no such render.")
    return render
