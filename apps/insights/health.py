"""Whether everything that must run does run, for supervisors and load balancers."""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_GET

from apps.compute import queries


@require_GET
def healthz(request: HttpRequest) -> JsonResponse:
    """Answer 200 while the web works; ``ready`` tells whether renders would be made."""
    fleet = queries.fleet()
    leads = queries.conductor_leads()
    return JsonResponse(
        {"ready": leads and fleet.alive > 0, "conductor": leads, "workers": fleet.alive},
        headers={"Cache-Control": "no-store"},
    )
