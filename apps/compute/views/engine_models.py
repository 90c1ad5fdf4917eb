"""The trained networks of this machine, for whoever runs the installation."""

from __future__ import annotations

import os

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from apps.compute.queries.engine_models import engine_models_page
from apps.core.http import render_page
from apps.tenants.access import operator_view


@require_GET
@operator_view
def engine_models(request: HttpRequest) -> HttpResponse:
    """Show which models are ready, what each may be used for, and what to do about the others."""
    return render_page(
        request, "compute/engine_models.html", {"page": engine_models_page(os.environ)}
    )
