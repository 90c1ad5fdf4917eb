"""The fleet, for whoever runs the installation."""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from apps.compute.forms import WhatIfForm
from apps.compute.planner.what_if import present_values
from apps.compute.planner.what_if import what_if as answer_what_if
from apps.compute.queries.forecasting import forecast_errors
from apps.compute.queries.load import fleet_load, known_classes
from apps.compute.queries.workers import decision_log, fleet_page
from apps.core import clock
from apps.core.http import render_page, render_partial
from apps.tenants.access import operator_view

_DECISIONS: Final = 20


@require_GET
@operator_view
def fleet(request: HttpRequest) -> HttpResponse:
    """Show classes, lanes, workers, cost and decisions; htmx filters the decisions."""
    wanted = request.GET.get("class", "")
    context = {
        **_state(),
        "wanted": wanted,
        "decisions": decision_log(wanted, limit=_DECISIONS),
    }
    return render_page(request, "compute/fleet.html", context, partial="compute/_decisions.html")


@require_GET
@operator_view
def fleet_state(request: HttpRequest) -> HttpResponse:
    """Show the present state as a fragment; the page fetches it again and again."""
    return render_partial(request, "compute/_fleet_state.html", _state())


def _state() -> dict[str, Any]:
    page = fleet_page()
    return {
        "page": page,
        "loads": fleet_load([one.worker_class for one in page.classes]),
        "forecast": {"errors": forecast_errors(clock.now()), "mode": settings.FORECAST},
    }


@require_GET
@operator_view
def what_if(request: HttpRequest) -> HttpResponse:
    """Replay the last day with another fleet; the address holds the question."""
    classes = known_classes()
    is_asked = "max_workers" in request.GET
    wanted = request.GET.get("worker_class", "")
    initial = present_values(wanted if wanted in classes else classes[0])
    form = WhatIfForm(
        request.GET if is_asked else None, initial=initial, worker_classes=list(classes)
    )
    is_answered = is_asked and form.is_valid()
    context = {
        "form": form,
        "is_answered": is_answered,
        "answer": answer_what_if(**form.cleaned_data) if is_answered else None,
    }
    return render_page(
        request,
        "compute/what_if.html",
        context,
        partial="compute/_what_if_answer.html",
        status=422 if form.errors else 200,
    )
