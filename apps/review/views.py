"""Pages of reviewing: the queue, one render, the verdicts."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from apps.core.http import render_page, render_partial
from apps.review import services
from apps.review.queries import pending_count
from apps.review.queries.desk import confident_renders, review_desk, review_queue
from apps.tenants.access import TenantRequest, workspace_view
from apps.tenants.roles import Permission

_SHOOT_ID: Final = re.compile(r"sho_[0-9a-z]+")


@require_GET
@workspace_view(Permission.VIEW)
def queue(request: TenantRequest) -> HttpResponse:
    """Show what waits for a verdict, the least certain first."""
    desk = review_desk(shoot_id=request.GET.get("shoot", ""))
    return render_page(request, "review/queue.html", {"desk": desk})


@require_GET
@workspace_view(Permission.VIEW)
def item(request: TenantRequest, render_id: str) -> HttpResponse:
    """Show one render beside its photo; htmx and the desk's script get the item alone."""
    desk = review_desk(render_id=render_id, shoot_id=request.GET.get("shoot", ""))
    return render_page(request, "review/queue.html", {"desk": desk}, partial="review/_item.html")


@require_GET
@workspace_view(Permission.VIEW)
def strip(request: TenantRequest) -> HttpResponse:
    """Show the head of the queue and how far it has come."""
    found = review_queue(shoot_id=request.GET.get("shoot", "") or None)
    return render_partial(request, "review/_strip.html", {"queue": found})


@require_GET
@workspace_view(Permission.VIEW)
def badge(request: TenantRequest) -> HttpResponse:
    """Show how many renders wait for a verdict, for the navigation."""
    return render_partial(request, "review/_badge.html", {"count": pending_count()})


@require_POST
@workspace_view(Permission.REVIEW)
def verdict(request: TenantRequest, render_id: str) -> HttpResponse:
    """Approve or reject a render and go on to the next."""
    services.decide(
        actor=request.actor,
        render_id=render_id,
        verdict=request.POST.get("verdict", ""),
        reason=request.POST.get("reason", ""),
        note=request.POST.get("note", ""),
    )
    return _go_on(request)


@require_POST
@workspace_view(Permission.REVIEW)
def undo(request: TenantRequest, render_id: str) -> HttpResponse:
    """Take the verdict on a render back and show it again."""
    services.undo(actor=request.actor, render_id=render_id)
    if _is_script(request):
        return HttpResponse(status=204)
    return redirect("review:item", request.workspace.slug, render_id)


@require_POST
@workspace_view(Permission.REVIEW)
def bulk_approve(request: TenantRequest) -> HttpResponse:
    """Approve the selected renders, or all whose cutout the engine is sure of."""
    chosen = request.POST.getlist("render")
    if request.POST.get("confident"):
        chosen = confident_renders(shoot_id=request.POST.get("shoot", ""), limit=services.MAX_BULK)
    count = services.bulk_approve(actor=request.actor, render_ids=chosen)
    if not _is_script(request):
        return _go_on(request)
    text = ngettext("%d render approved.", "%d renders approved.", count) % count
    response = HttpResponse(status=204)
    response["HX-Trigger"] = json.dumps(
        {"toast": {"text": text, "tone": "success"}, "reviews-changed": True, "live:resync": True}
    )
    return response


def _go_on(request: TenantRequest) -> HttpResponse:
    if _is_script(request):
        return HttpResponse(status=204)
    shoot = request.POST.get("shoot", "")
    url = reverse("review:queue", args=[request.workspace.slug])
    return redirect(f"{url}?shoot={shoot}" if _SHOOT_ID.fullmatch(shoot) else url)


def _is_script(request: Any) -> bool:
    return bool(request.htmx) or request.headers.get("Accept", "").startswith("application/json")
