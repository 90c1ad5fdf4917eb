"""One's own account."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_POST

from apps.core.http import render_partial
from apps.tenants import queries
from apps.tenants.access import TenantRequest, workspace_view
from apps.tenants.roles import Permission

_YEAR_SECONDS = 365 * 24 * 3600


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Keep the chosen color scheme in a cookie; without script this is how it is switched."""
    chosen = request.POST.get("theme", "")
    back = request.headers.get("Referer", "")
    safe = url_has_allowed_host_and_scheme(back, {request.get_host()}, request.is_secure())
    response = redirect(back if safe else "tenants:home")
    if chosen in {"light", "dark"}:
        response.set_cookie(
            "theme", chosen, max_age=_YEAR_SECONDS, samesite="Lax", secure=request.is_secure()
        )
    else:
        response.delete_cookie("theme")
    return response


@require_GET
@workspace_view(Permission.VIEW)
def switcher(request: TenantRequest) -> HttpResponse:
    """List the person's workspaces for the menu at the top of the sidebar."""
    memberships = queries.memberships_of_user(request.user.pk)
    return render_partial(request, "accounts/_switcher.html", {"memberships": memberships})
