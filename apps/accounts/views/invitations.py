"""Answering an invitation, signed in or not."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from apps.accounts import pending, queries, services, tokens
from apps.accounts.models import User
from apps.core.http import render_page


@never_cache
@require_GET
def invitation_link(request: HttpRequest, token: str) -> HttpResponse:
    """Take the token out of the address and go on to the invitation.

    Only its digest stays, in the session: neither history nor logs of later pages can replay it.
    """
    pending.keep(request.session, tokens.digest(token))
    return redirect("accounts:invitation")


@never_cache
@require_GET
def invitation(request: HttpRequest) -> HttpResponse:
    """Show who asks and into what, or why the link does not work."""
    found = queries.invitation_by_digest(pending.kept_digest(request.session))
    state = queries.invitation_state(found) if found else "missing"
    context = {
        "invitation": found,
        "state": state,
        "for_me": bool(
            found and request.user.is_authenticated and found.email == request.user.email.lower()
        ),
    }
    return render_page(
        request, "accounts/invitation.html", context, status=200 if state == "open" else 404
    )


@require_POST
@login_required
def accept_invitation(request: HttpRequest) -> HttpResponse:
    """Join the workspace."""
    membership = services.accept_invitation(
        user=cast("User", request.user), token_sha256=pending.kept_digest(request.session)
    )
    pending.forget(request.session)
    messages.success(request, f"Welcome to {membership.tenant.name}.")
    return redirect("insights:home", membership.tenant.slug)
