"""The first page of a workspace."""

from __future__ import annotations

from django.http import HttpResponse
from django.views.decorators.http import require_GET

from apps.core.http import render_page
from apps.tenants import last_workspace
from apps.tenants.access import TenantRequest, workspace_view
from apps.tenants.roles import Permission


@require_GET
@workspace_view(Permission.VIEW)
def home(request: TenantRequest) -> HttpResponse:
    """Show what to do next and what runs."""
    last_workspace.remember(request.session, request.workspace.slug)
    return render_page(request, "insights/home.html", {})
