"""From the root address to the workspace a person last worked in, and between workspaces."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET

from apps.core.http import render_page
from apps.tenants import last_workspace, queries


@require_GET
@login_required
def home(request: HttpRequest) -> HttpResponse:
    """Go to the workspace that the signed-in person used last, or to their first."""
    slugs = [
        membership.tenant.slug for membership in queries.memberships_of_user(request.user.pk or 0)
    ]
    if not slugs:
        return redirect("tenants:workspaces")
    last = last_workspace.recall(request.session)
    return redirect("insights:home", last if last in slugs else slugs[0])


@require_GET
@login_required
def workspaces(request: HttpRequest) -> HttpResponse:
    """List the person's workspaces, or say that there is none and how to get one."""
    memberships = queries.memberships_of_user(request.user.pk or 0)
    return render_page(request, "tenants/workspaces.html", {"memberships": memberships})
