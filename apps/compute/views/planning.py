"""The demand calendar: what a workspace expects to order, and when."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.compute.forms import DemandForm, suggested_values, values_of
from apps.compute.queries.foresight import effect_of
from apps.compute.queries.planning import demand_page, readable_day
from apps.compute.queries.planning import demand_period as find_period
from apps.compute.services import demand as demand_services
from apps.compute.services.replanning import change_demand
from apps.core import clock
from apps.core.errors import ConflictError, InvalidError
from apps.core.http import render_page, render_partial
from apps.tenants.access import TenantRequest, workspace_view
from apps.tenants.roles import Permission


@require_GET
@workspace_view(Permission.VIEW)
def demand(request: TenantRequest) -> HttpResponse:
    """Show the calendar of a month or a week, what is planned, and past demand by the hour."""
    page = demand_page(
        view="week" if request.GET.get("view") == "week" else "month",
        on=readable_day(request.GET.get("on", "")),
    )
    return render_page(
        request, "compute/demand.html", {"page": page}, partial="compute/_calendar.html"
    )


@require_http_methods(["GET", "POST"])
@workspace_view(Permission.PLAN_DEMAND)
def plan_demand(request: TenantRequest) -> HttpResponse:
    """Show an empty form, and plan what it says."""
    day = readable_day(request.GET.get("day", ""))
    initial = suggested_values(clock.now(), day, request.GET.dict())
    form = DemandForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            planned = demand_services.plan_demand(actor=request.actor, **form.arguments())
        except (InvalidError, ConflictError) as error:
            form.blame(error.message, error.data.get("field"))
        else:
            messages.success(request, _("Planned. The fleet prepares for it."))
            return _to_calendar(request, planned.starts_at.date().isoformat())
    return _form_page(request, "compute/plan_demand.html", form)


@require_http_methods(["GET", "POST"])
@workspace_view(Permission.PLAN_DEMAND)
def demand_period(request: TenantRequest, period_id: str) -> HttpResponse:
    """Show a planned period, and change it."""
    period = find_period(period_id)
    form = DemandForm(request.POST or None, initial=values_of(period))
    if request.method == "POST" and form.is_valid():
        try:
            changed = change_demand(actor=request.actor, period_id=period_id, **form.arguments())
        except (InvalidError, ConflictError) as error:
            form.blame(error.message, error.data.get("field"))
        else:
            messages.success(request, _("Changed. The fleet prepares for the new plan."))
            return _to_calendar(request, changed.starts_at.date().isoformat())
    return _form_page(request, "compute/demand_period.html", form, period=period)


@require_POST
@workspace_view(Permission.PLAN_DEMAND)
def cancel_demand(request: TenantRequest, period_id: str) -> HttpResponse:
    """Take a planned period back."""
    period = demand_services.cancel_demand(actor=request.actor, period_id=period_id)
    messages.success(request, _("%(name)s is no longer planned.") % {"name": period.name})
    return _to_calendar(request, period.starts_at.date().isoformat())


@require_POST
@workspace_view(Permission.PLAN_DEMAND)
def demand_effect(request: TenantRequest) -> HttpResponse:
    """Show what the plan on the page would change; writes nothing."""
    form = DemandForm({**request.POST.dict(), "name": request.POST.get("name") or "-"})
    wanted = form.arguments() if form.is_valid() else None
    effect = (
        effect_of(
            kind=wanted["kind"],
            renders=wanted["renders"],
            starts_at=wanted["starts_at"],
            ends_at=wanted["ends_at"],
        )
        if wanted
        else None
    )
    return render_partial(request, "compute/_demand_effect.html", {"effect": effect})


def _to_calendar(request: TenantRequest, day: str) -> HttpResponse:
    answer = redirect("compute:demand", request.workspace.slug)
    answer["Location"] += f"?on={day}"
    return answer


def _form_page(
    request: TenantRequest, template: str, form: DemandForm, **more: Any
) -> HttpResponse:
    context = {"form": form, **more}
    return render_page(request, template, context, status=422 if form.errors else 200)
