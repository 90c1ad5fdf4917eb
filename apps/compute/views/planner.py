"""The planner: what demand that may come would need."""

from __future__ import annotations

from django.http import HttpResponse
from django.views.decorators.http import require_GET

from apps.compute.forms import PlannerForm, usual_question
from apps.compute.planner.launch import Answer, Question, ask, volume
from apps.core import clock
from apps.core.errors import InvalidError
from apps.core.http import render_page
from apps.tenants.access import TenantRequest, workspace_view
from apps.tenants.roles import Permission


@require_GET
@workspace_view(Permission.VIEW_USAGE)
def planner(request: TenantRequest) -> HttpResponse:
    """Show the question, and its answer where one is asked; the address holds the question."""
    is_asked = "images" in request.GET
    initial = usual_question(clock.now())
    form = PlannerForm(request.GET if is_asked else None, initial=initial)
    answer = _answer(form) if is_asked and form.is_valid() else None
    made = None if answer else volume(form["kind"].value() or initial["kind"])
    return render_page(
        request,
        "compute/planner.html",
        {"form": form, "answer": answer, "volume": answer.volume if answer else made},
        partial="compute/_planner_answer.html",
        status=422 if form.errors else 200,
    )


def _answer(form: PlannerForm) -> Answer | None:
    """Return the answer; what cannot be computed is said in the form."""
    asked = form.cleaned_data
    try:
        return ask(
            Question(
                images=asked["images"],
                starts_at=asked["starts_at"],
                spread_seconds=float(asked["spread"]),
                kind=asked["kind"],
                target_wait_seconds=float(asked["target_wait"]),
            )
        )
    except InvalidError as error:
        form.blame(error.message, error.data.get("field"))
        return None
