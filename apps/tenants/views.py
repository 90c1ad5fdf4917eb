"""From the root address to the workspace a person last worked in."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from apps.tenants.models import Membership


@require_GET
@login_required
def home(request: HttpRequest) -> HttpResponse:
    """Go to the first workspace of the signed-in person."""
    membership = (
        Membership.objects.select_related("tenant")
        .filter(user_id=request.user.pk)
        .order_by("created_at")
        .first()
    )
    if membership is None:
        return render(request, "tenants/no_workspace.html", {})
    return redirect("insights:home", membership.tenant.slug)
