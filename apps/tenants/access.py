"""The one door from a request to a workspace, and the operator's door beside it.

Owns who gets in, with which role, and opens the tenant scope for the length of the view. A foreign
and a missing workspace look the same: 404; so do the operator's pages to everyone else.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django_htmx.http import HttpResponseClientRefresh

from apps.core.errors import NotFoundError
from apps.tenants.models import Membership, Tenant
from apps.tenants.roles import Actor, Permission
from apps.tenants.scope import tenant_scope

P = ParamSpec("P")


class TenantRequest(HttpRequest):
    """A request inside a workspace, as views behind `workspace_view` receive it."""

    workspace: Tenant
    membership: Membership
    actor: Actor


def workspace_view(
    permission: Permission,
) -> Callable[
    [Callable[Concatenate[TenantRequest, P], HttpResponseBase]], Callable[..., HttpResponseBase]
]:
    """Let members with the permission in; the view runs inside the tenant scope.

    The URL's first argument is the workspace's slug; the view does not receive it again.
    """

    def decorate(
        view: Callable[Concatenate[TenantRequest, P], HttpResponseBase],
    ) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def enter(
            request: HttpRequest, slug: str, *args: P.args, **kwargs: P.kwargs
        ) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return _sign_in_first(request)
            membership = membership_of(request, slug)
            membership.actor.require(permission)
            request.workspace = membership.tenant  # type: ignore[attr-defined]
            request.membership = membership  # type: ignore[attr-defined]
            request.actor = membership.actor  # type: ignore[attr-defined]
            with tenant_scope(membership.tenant_id):
                response = view(request, *args, **kwargs)  # type: ignore[arg-type]
                # Lazy templates would be rendered after the scope has closed.
                if isinstance(response, HttpResponse) and hasattr(response, "render"):
                    response = response.render()
                return response

        enter.workspace_permission = permission  # type: ignore[attr-defined]
        return enter

    return decorate


def operator_view(
    view: Callable[Concatenate[HttpRequest, P], HttpResponseBase],
) -> Callable[..., HttpResponseBase]:
    """Let whoever runs the installation in (staff); for others there is no such page.

    No tenant scope is open inside: the view sees numbers of all workspaces, rows of none.
    """

    @wraps(view)
    def enter(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return _sign_in_first(request)
        if not request.user.is_staff:
            raise NotFoundError("core.page_missing", "There is no such page.")
        return view(request, *args, **kwargs)

    return enter


def _sign_in_first(request: HttpRequest) -> HttpResponse:
    """Lead to the sign-in and back; a fragment would show the sign-in page inside the page."""
    if getattr(request, "htmx", False):
        return HttpResponseClientRefresh()
    return redirect_to_login(request.get_full_path())


def membership_of(request: HttpRequest, slug: str) -> Membership:
    """Return the signed-in user's membership of a workspace.

    Raises
    ------
    NotFoundError
        If there is no such workspace or the user is no member of it.
    """
    membership = (
        Membership.objects.select_related("tenant", "user")
        .filter(tenant__slug=slug, user_id=request.user.pk or 0)
        .first()
    )
    if membership is None:
        raise NotFoundError("tenants.workspace_missing", "There is no such workspace.")
    return membership
