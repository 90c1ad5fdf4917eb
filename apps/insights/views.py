"""The first page of a workspace."""

from __future__ import annotations

from django.http import HttpResponse
from django.views.decorators.http import require_GET

from apps.core.http import render_page, render_partial
from apps.insights import queries
from apps.tenants import last_workspace
from apps.tenants.access import TenantRequest, workspace_view
from apps.tenants.roles import Permission


@require_GET
@workspace_view(Permission.VIEW)
def home(request: TenantRequest) -> HttpResponse:
    """Show what to do next and what runs."""
    last_workspace.remember(request.session, request.workspace.slug)
    page = queries.home_page()
    return render_page(
        request,
        "insights/home.html",
        {"guide": page.guide, "now": page.now, "lines": page.lines},
    )


@require_GET
@workspace_view(Permission.VIEW)
def now(request: TenantRequest) -> HttpResponse:
    """Show numbers, shoots in the making and activity; the page fetches it again and again."""
    return render_partial(
        request,
        "insights/_now.html",
        {"now": queries.standing_now(), "lines": queries.recent_lines()},
    )
