"""Exports: approved renders as one archive. The gate is asked twice: at request and at building."""

from __future__ import annotations

import hashlib
import json
import tempfile
import zipfile
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import IO, Any

from django.db import transaction

from apps.core import storage
from apps.core.clock import now
from apps.core.errors import ConflictError, DomainError, InvalidError, NotFoundError
from apps.core.queue import enqueue_on_commit
from apps.events.kinds import Kind
from apps.events.services import record
from apps.integrations.export_names import file_name
from apps.integrations.models import Export
from apps.review.queries import approved_renders
from apps.studio.models import Render, Shoot
from apps.tenants.roles import Actor, Permission, system_actor
from apps.tenants.scope import across_tenants, tenant_scope

_JOB = "apps.integrations.jobs.build_export"
_JOB_SECONDS = 1800
_UNHEARD = timedelta(seconds=20)
_STUCK = timedelta(minutes=35)
_INTERNAL = {"preview", "cutout"}


def request_export(
    *,
    actor: Actor,
    shoot_id: str | None = None,
    render_ids: Sequence[str] | None = None,
    sales_channels: Sequence[str] = (),
) -> Export:
    """Ask for an archive of approved renders.

    Named renders must all be approved: leaving some out silently would be a worse result that
    does not say so. A shoot gives what is approved in it now.

    Raises
    ------
    NotFoundError
        If the shoot or a render is not in the workspace.
    ConflictError
        ``export.not_approved`` with the renders that are not, or ``export.nothing_approved``.
    InvalidError
        If neither a shoot nor renders are named.
    """
    actor.require(Permission.EXPORT)
    if bool(shoot_id) == bool(render_ids):
        raise InvalidError("export.what", "Name either a shoot or a list of renders.")
    approved = _approved(shoot_id, render_ids)
    with transaction.atomic():
        export = Export.objects.create(
            tenant_id=actor.tenant,
            render_ids=[render.pk for render in approved],
            sales_channels=list(dict.fromkeys(sales_channels)),
            requested_by=actor.label,
        )
        record(actor=actor, kind=Kind.EXPORT_REQUESTED, subject=export.pk, renders=len(approved))
        _ring(export)
    return export


def build_export(export_id: str) -> None:
    """Build the archive; called by the chores worker, perhaps twice.

    A failure that the seller can act on is kept on the row; anything else is raised to the queue.
    """
    claimed = Export.objects.filter(
        pk=export_id, state__in=[Export.State.QUEUED, Export.State.BUILDING]
    ).update(state=Export.State.BUILDING)
    if not claimed:
        return
    export = Export.objects.get(pk=export_id)
    actor = system_actor(export.tenant_id, "exports")
    try:
        with tempfile.TemporaryFile() as archive:
            count = _write_archive(archive, export)
            size = archive.tell()
            archive.seek(0)
            key = storage.export_key(export.tenant_id, export.pk)
            storage.put_file(key, archive)
    except DomainError as error:
        _finish(export, actor, Export.State.FAILED, failure_detail=error.message[:500])
        return
    _finish(export, actor, Export.State.READY, object_key=key, size_bytes=size, file_count=count)


def ring_unheard() -> None:
    """Ring again for exports whose doorbell or builder was lost; run by the chores process."""
    with across_tenants("exports whose doorbell was lost"):
        waiting = list(
            Export.objects.filter(state=Export.State.QUEUED, requested_at__lt=now() - _UNHEARD)
        )
        waiting += Export.objects.filter(
            state=Export.State.BUILDING, requested_at__lt=now() - _STUCK
        )
    for export in waiting:
        with tenant_scope(export.tenant_id):
            _ring(export)


def _ring(export: Export) -> None:
    enqueue_on_commit("chores", _JOB, export.tenant_id, export.pk, timeout_seconds=_JOB_SECONDS)


def _approved(shoot_id: str | None, render_ids: Sequence[str] | None) -> list[Render]:
    if shoot_id:
        if not Shoot.objects.filter(pk=shoot_id).exists():
            raise NotFoundError("shoot.missing", "There is no such shoot.")
        approved = list(approved_renders(shoot_id=shoot_id))
        if not approved:
            raise ConflictError(
                "export.nothing_approved",
                "Nothing in this shoot is approved yet. Approve renders, then download.",
            )
        return approved
    wanted = list(dict.fromkeys(render_ids or ()))
    known = set(Render.objects.filter(pk__in=wanted).values_list("pk", flat=True))
    if len(known) < len(wanted):
        raise NotFoundError("render.missing", "There is no such render.")
    approved = list(approved_renders(render_ids=wanted))
    held_back = sorted(known - {render.pk for render in approved})
    if held_back:
        raise ConflictError(
            "export.not_approved",
            f"{len(held_back)} of these renders are not approved. Approve them or leave them out.",
            renders=held_back,
        )
    return approved


def _write_archive(archive: IO[bytes], export: Export) -> int:
    """Write images and manifest. Renders whose approval was undone meanwhile stay out."""
    entries: list[dict[str, Any]] = []
    names: set[str] = set()
    # Images are compressed already; storing them costs no time.
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as bundle:
        for render in approved_renders(render_ids=export.render_ids):
            for result in _wanted_files(render.files, export.sales_channels):
                data = storage.read(result["object_key"])
                if hashlib.sha256(data).hexdigest() != result["sha256"]:
                    raise ConflictError(
                        "export.file_damaged",
                        f"{result['object_key']} differs from what was rendered; "
                        "render it again, then export.",
                    )
                entry = _entry(render, result, names)
                names.add(entry["file"].lower())
                entries.append(entry)
                bundle.writestr(entry["file"], data)
        if not entries:
            raise ConflictError(
                "export.nothing_approved",
                "No approved render has files for these sales channels any more.",
            )
        manifest = {"export": export.pk, "requested_by": export.requested_by, "files": entries}
        bundle.writestr("manifest.json", json.dumps(manifest, indent=1, ensure_ascii=False))
    return len(entries)


def _wanted_files(
    files: Iterable[dict[str, Any]], sales_channels: Sequence[str]
) -> Iterable[dict[str, Any]]:
    for result in files:
        if result["name"] in _INTERNAL:
            continue
        if not sales_channels or result["name"] in sales_channels:
            yield result


def _entry(render: Render, result: dict[str, Any], names: set[str]) -> dict[str, Any]:
    photo = render.shot.photo
    return {
        "file": file_name(
            sku=photo.product.sku,
            view=photo.view,
            sales_channel=result["name"],
            width_px=result["width_px"],
            height_px=result["height_px"],
            file_format=result["file_format"],
            taken=names,
        ),
        "sku": photo.product.sku,
        "title": photo.product.title,
        "view": photo.view,
        "sales_channel": result["name"],
        "width_px": result["width_px"],
        "height_px": result["height_px"],
        "sha256": result["sha256"],
        "render": render.pk,
        "take": render.take,
        "engine": render.engine,
        "seed": render.seed,
        "source_file": photo.file_name,
        "source_sha256": photo.sha256,
        "checks": result["checks"],
        "fidelity": render.fidelity,
        "approved_by": render.review.decided_by,
        "approved_at": render.review.decided_at.isoformat() if render.review.decided_at else None,
    }


def _finish(export: Export, actor: Actor, state: Export.State, **values: Any) -> None:
    with transaction.atomic():
        moved = Export.objects.filter(pk=export.pk, state=Export.State.BUILDING).update(
            state=state, finished_at=now(), **values
        )
        if moved:
            kind = Kind.EXPORT_READY if state == Export.State.READY else Kind.EXPORT_FAILED
            record(actor=actor, kind=kind, subject=export.pk)
