"""Pages of a photo's cutout: correct it, keep it, make pictures again with it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import FileResponse, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from apps.catalog.models import SourcePhoto
from apps.compute.retouch_door import StillWorking
from apps.core.errors import ConflictError, InvalidError, LimitError
from apps.core.http import render_page
from apps.core.storage import open_object
from apps.studio.forms import read_correction, read_revision
from apps.studio.queries.cutouts import cutout_page, kept_page
from apps.studio.services import retouching
from apps.studio.services.ordering import render_again
from apps.tenants.access import TenantRequest, workspace_view
from apps.tenants.roles import Permission


@require_GET
@workspace_view(Permission.ORDER_SHOOT)
def cutout(request: TenantRequest, photo_id: str) -> HttpResponse:
    """Show a photo's cutout with the tools that correct it."""
    page = cutout_page(photo_id, render_id=request.GET.get("render", ""))
    return render_page(request, "studio/cutout.html", {"page": page})


@require_GET
@workspace_view(Permission.ORDER_SHOOT)
def mask(request: TenantRequest, photo_id: str) -> JsonResponse:
    """Send the mask a correction begins with; 202 while it is being found."""
    try:
        return _answer(retouching.open_cutout(actor=request.actor, photo_id=photo_id))
    except StillWorking:
        return _answer({}, status=202)


@require_GET
@workspace_view(Permission.ORDER_SHOOT)
def others(request: TenantRequest, photo_id: str) -> JsonResponse:
    """Send the masks one can begin with instead; 202 while they are being found."""
    try:
        return _answer(retouching.other_cutouts(actor=request.actor, photo_id=photo_id))
    except StillWorking:
        return _answer({}, status=202)


@require_POST
@workspace_view(Permission.ORDER_SHOOT)
def correct(request: TenantRequest, photo_id: str) -> JsonResponse:
    """Send the mask after all strokes; nothing is kept."""
    cutout_page(photo_id)
    wanted = read_correction(request.body)
    return _answer(retouching.correct_cutout(actor=request.actor, photo_id=photo_id, **wanted))


@require_POST
@workspace_view(Permission.ORDER_SHOOT)
def keep(request: TenantRequest, photo_id: str) -> JsonResponse:
    """Keep the corrected cutout; 202 while it is being made."""
    cutout_page(photo_id)
    wanted = read_correction(request.body)
    try:
        photo = retouching.keep_correction(actor=request.actor, photo_id=photo_id, **wanted)
    except retouching.KeepingOn as going:
        return _answer({"revision": going.revision, "request": going.call_id}, status=202)
    return _kept(request, photo)


@require_POST
@workspace_view(Permission.ORDER_SHOOT)
def collect(request: TenantRequest, photo_id: str) -> JsonResponse:
    """Go on waiting for a cutout that is being made."""
    cutout_page(photo_id)
    revision, call_id = read_revision(request.body)
    try:
        photo = retouching.collect_correction(
            actor=request.actor, photo_id=photo_id, revision=revision, call_id=call_id
        )
    except retouching.KeepingOn as going:
        return _answer({"revision": going.revision, "request": going.call_id}, status=202)
    return _kept(request, photo)


@require_GET
@workspace_view(Permission.ORDER_SHOOT)
def kept(request: TenantRequest, photo_id: str) -> HttpResponse:
    """Show the corrected cutout, and the renders that do not show it yet."""
    return render_page(request, "studio/kept_cutout.html", {"page": kept_page(photo_id)})


@require_GET
@workspace_view(Permission.VIEW)
def image(request: TenantRequest, photo_id: str) -> HttpResponseBase:
    """Send the corrected cutout for looking at."""
    photo = kept_page(photo_id).photo
    response = FileResponse(open_object(photo.cutout_key), content_type="image/png")
    # Its address names the revision, whose file never changes.
    response["Cache-Control"] = "private, max-age=86400, immutable"
    response["X-Content-Type-Options"] = "nosniff"
    return response


@require_POST
@workspace_view(Permission.ORDER_SHOOT)
def again(request: TenantRequest, photo_id: str) -> HttpResponse:
    """Make pictures again with the corrected cutout and go to where they appear."""
    kept_page(photo_id)
    chosen = request.POST.getlist("render")
    try:
        renders = render_again(actor=request.actor, photo_id=photo_id, render_ids=chosen)
    except (InvalidError, ConflictError, LimitError) as error:
        messages.error(request, error.message)
        return redirect("studio:kept-cutout", request.workspace.slug, photo_id)
    count = len(renders)
    text = ngettext("%d picture is being made again.", "%d pictures are being made again.", count)
    messages.success(request, text % count)
    if len({render.shoot_id for render in renders}) > 1:
        return redirect("studio:shoots", request.workspace.slug)
    return redirect("studio:shoot", request.workspace.slug, renders[0].shoot_id)


def _kept(request: TenantRequest, photo: SourcePhoto) -> JsonResponse:
    url = reverse("studio:kept-cutout", args=[request.workspace.slug, photo.pk])
    return _answer({"revision": photo.cutout_revision, "url": url})


def _answer(body: dict[str, Any], *, status: int = 200) -> JsonResponse:
    response = JsonResponse(body, status=status)
    response["Cache-Control"] = "private, no-store"
    return response
