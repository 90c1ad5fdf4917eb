"""Pages of shoots: order one, watch it, look at its pictures."""

from __future__ import annotations

from typing import Any, Final

from django.http import FileResponse, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import HttpResponseClientRedirect

from apps.core.http import render_page, render_partial
from apps.core.storage import open_object
from apps.studio.forms import page_number, read_order, what_is_missing
from apps.studio.queries.choosing import order_choices
from apps.studio.queries.index import shoot_index
from apps.studio.queries.sheet import (
    card_of,
    contact_sheet,
    download_name,
    render_file,
    require_downloadable,
    shoot_header,
    shoot_of,
    standing_line,
    standing_of,
    unfinished_picture,
)
from apps.studio.services.ordering import cancel_shoot, order_shoot, retry_render
from apps.studio.services.quoting import quote_shoot
from apps.tenants.access import TenantRequest, workspace_view
from apps.tenants.roles import Permission

_MEDIA_TYPES: Final = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}


@require_GET
@workspace_view(Permission.VIEW)
def shoots(request: TenantRequest) -> HttpResponse:
    """Show the index of shoots."""
    index = shoot_index(show=request.GET.get("show", ""), page=page_number(request.GET))
    return render_page(
        request, "studio/shoots.html", {"index": index}, partial="studio/_shoots.html"
    )


@require_GET
@workspace_view(Permission.ORDER_SHOOT)
def new_shoot(request: TenantRequest) -> HttpResponse:
    """Show what can be ordered; htmx searches the photos."""
    choices = order_choices(
        q=request.GET.get("q", ""),
        product_ids=request.GET.getlist("product"),
        picked=request.GET.getlist("photo"),
    )
    return render_page(
        request, "studio/new_shoot.html", {"choices": choices}, partial="studio/_photos.html"
    )


@require_POST
@workspace_view(Permission.ORDER_SHOOT)
def quote(request: TenantRequest) -> HttpResponse:
    """Show what the order on the page would cost; writes nothing."""
    wanted = read_order(request.POST)
    missing = what_is_missing(wanted)
    quoted = None if missing else quote_shoot(actor=request.actor, **wanted)
    return render_partial(request, "studio/_quote.html", {"quote": quoted, "missing": missing})


@require_POST
@workspace_view(Permission.ORDER_SHOOT)
def order(request: TenantRequest) -> HttpResponse:
    """Order a shoot and go to its contact sheet."""
    ordered = order_shoot(actor=request.actor, **read_order(request.POST))
    url = reverse("studio:shoot", args=[request.workspace.slug, ordered.pk])
    return HttpResponseClientRedirect(url) if _is_htmx(request) else redirect(url)


@require_GET
@workspace_view(Permission.VIEW)
def shoot(request: TenantRequest, shoot_id: str) -> HttpResponse:
    """Show a shoot's contact sheet; htmx gets a page of cards."""
    sheet = contact_sheet(shoot_id, show=request.GET.get("show", ""), page=page_number(request.GET))
    return render_page(request, "studio/shoot.html", {"sheet": sheet}, partial="studio/_cards.html")


@require_GET
@workspace_view(Permission.VIEW)
def header(request: TenantRequest, shoot_id: str) -> HttpResponse:
    """Show how far a shoot is."""
    sheet = shoot_header(shoot_id, show=request.GET.get("show", ""))
    return render_partial(request, "studio/_header.html", {"sheet": sheet})


@require_GET
@workspace_view(Permission.VIEW)
def standing(request: TenantRequest, shoot_id: str) -> JsonResponse:
    """Say where each queued render of a shoot stands."""
    places = standing_of(shoot_of(shoot_id))
    return JsonResponse(
        {"renders": {render: standing_line(place) for render, place in places.items()}}
    )


@require_GET
@workspace_view(Permission.VIEW)
def render_card(request: TenantRequest, render_id: str) -> HttpResponse:
    """Show one card of a contact sheet."""
    return render_partial(request, "studio/_card.html", {"card": card_of(render_id)})


@require_POST
@workspace_view(Permission.ORDER_SHOOT)
def cancel(request: TenantRequest, shoot_id: str) -> HttpResponse:
    """Cancel what of a shoot has not been made."""
    cancel_shoot(actor=request.actor, shoot_id=shoot_id)
    return redirect("studio:shoot", request.workspace.slug, shoot_id)


@require_POST
@workspace_view(Permission.ORDER_SHOOT)
def retry(request: TenantRequest, render_id: str) -> HttpResponse:
    """Order a failed render again."""
    again = retry_render(actor=request.actor, render_id=render_id)
    if _is_htmx(request):
        return render_partial(request, "studio/_card.html", {"card": card_of(again.pk)})
    return redirect("studio:shoot", request.workspace.slug, again.shoot_id)


@require_GET
@workspace_view(Permission.VIEW)
def render_image(request: TenantRequest, render_id: str, name: str) -> HttpResponseBase:
    """Send a picture for looking at; as a download only what review has approved."""
    render, file = render_file(render_id, name)
    as_download = bool(request.GET.get("download"))
    if as_download:
        request.actor.require(Permission.EXPORT)
        require_downloadable(render)
    response = FileResponse(
        open_object(file["object_key"]),
        as_attachment=as_download,
        filename=download_name(render, file),
        content_type=_MEDIA_TYPES[file["file_format"]],
    )
    # A finished file never changes: a retry is another render.
    response["Cache-Control"] = "private, max-age=86400, immutable"
    response["X-Content-Type-Options"] = "nosniff"
    return response


@require_GET
@workspace_view(Permission.VIEW)
def live_preview(request: TenantRequest, render_id: str) -> HttpResponse:
    """Send what can be seen of a render while it is being made."""
    response = HttpResponse(unfinished_picture(render_id), content_type="image/webp")
    response["Cache-Control"] = "no-store"
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _is_htmx(request: Any) -> bool:
    return bool(getattr(request, "htmx", False))
