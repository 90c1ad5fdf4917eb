"""A workspace's own lane."""

from __future__ import annotations

from django.http import HttpResponse
from django.views.decorators.http import require_GET

from apps.compute.queries.lane import lane as read_lane
from apps.core.http import render_page, render_partial
from apps.tenants.access import TenantRequest, workspace_view
from apps.tenants.roles import Permission


@require_GET
@workspace_view(Permission.VIEW_USAGE)
def operations(request: TenantRequest) -> HttpResponse:
    """Show what of the workspace's work runs and waits, why, and what was promised."""
    return render_page(request, "compute/operations.html", {"lane": read_lane()})


@require_GET
@workspace_view(Permission.VIEW_USAGE)
def lane(request: TenantRequest) -> HttpResponse:
    """Show the same numbers as a fragment; the page fetches it again and again."""
    return render_partial(request, "compute/_lane.html", {"lane": read_lane()})
