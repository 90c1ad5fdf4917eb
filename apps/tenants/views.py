"""From the root address to the workspace a person last worked in, and its settings."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_http_methods

from apps.core.http import render_page
from apps.tenants import last_workspace, queries, services
from apps.tenants.access import TenantRequest, workspace_view
from apps.tenants.forms import WorkspaceForm
from apps.tenants.roles import Permission


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


@require_http_methods(["GET", "POST"])
@workspace_view(Permission.MANAGE_WORKSPACE)
def settings(request: TenantRequest) -> HttpResponse:
    """Show and change what the workspace is called."""
    form = WorkspaceForm(
        request.POST if request.method == "POST" else None,
        initial={"name": request.workspace.name},
    )
    if request.method == "POST" and form.is_valid():
        services.rename_workspace(actor=request.actor, name=form.cleaned_data["name"])
        messages.success(request, "Saved.")
        return redirect("tenants:settings", request.workspace.slug)
    return render_page(
        request, "tenants/settings.html", {"form": form}, status=422 if form.errors else 200
    )
