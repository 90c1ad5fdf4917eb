"""One's own account: name, color scheme, workspaces, sign-in by link."""

from __future__ import annotations

from typing import cast

from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.accounts import services
from apps.accounts.forms import ProfileForm
from apps.accounts.models import User
from apps.core.http import render_page, render_partial
from apps.tenants import queries
from apps.tenants.access import TenantRequest, workspace_view
from apps.tenants.forms import WorkspaceForm
from apps.tenants.roles import Permission

_YEAR_SECONDS = 365 * 24 * 3600
_BACKEND = "django.contrib.auth.backends.ModelBackend"


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
    memberships = queries.memberships_of_user(request.membership.user_id)
    return render_partial(request, "accounts/_switcher.html", {"memberships": memberships})


@require_http_methods(["GET", "POST"])
@login_required
def profile(request: HttpRequest) -> HttpResponse:
    """Show and change the person's name."""
    user = cast("User", request.user)
    form = ProfileForm(
        request.POST if request.method == "POST" else None, initial={"name": user.name}
    )
    if request.method == "POST" and form.is_valid():
        services.rename_person(user=user, name=form.cleaned_data["name"])
        messages.success(request, "Saved.")
        return redirect("accounts:profile")
    return render_page(
        request, "accounts/profile.html", {"form": form}, status=422 if form.errors else 200
    )


@require_http_methods(["GET", "POST"])
@login_required
def new_workspace(request: HttpRequest) -> HttpResponse:
    """Open another workspace, with an own balance and own members."""
    form = WorkspaceForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        membership = services.open_workspace(
            owner=cast("User", request.user), name=form.cleaned_data["name"]
        )
        return redirect("insights:home", membership.tenant.slug)
    return render_page(
        request, "accounts/new_workspace.html", {"form": form}, status=422 if form.errors else 200
    )


@never_cache
@require_GET
def one_time_login(request: HttpRequest, token: str) -> HttpResponse:
    """Sign in with a link from the server's console; it works once.

    The one GET that writes: whoever starts Packshot clicks the printed link, and there is no mail
    program or chat in between whose preview could use it up.
    """
    user = services.redeem_one_time_login(token)
    login(request, user, backend=_BACKEND)
    # The libraries' own sign-in does this; without it the session is missing from the list.
    UserSession.objects.create_from_request(request)
    return redirect("tenants:home")
