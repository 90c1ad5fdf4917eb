"""How answers are made: pages, partials, problems, files.

Owns the few shapes an answer can have. `render_page` gives the partial to htmx and the page to
everyone else, under one URL.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers

from apps.core.errors import DomainError


def render_page(
    request: HttpRequest,
    template: str,
    context: dict[str, Any],
    *,
    partial: str | None = None,
    status: int = 200,
) -> HttpResponse:
    """Render a page, or only its partial when htmx asks for a part of it."""
    htmx: Any = getattr(request, "htmx", None)
    wants_part = bool(partial and htmx and not htmx.boosted and not htmx.history_restore_request)
    response = render(request, (partial or "") if wants_part else template, context, status=status)
    if partial:
        patch_vary_headers(response, ["HX-Request"])
    response["Cache-Control"] = "private, no-store"
    return response


def render_partial(
    request: HttpRequest, template: str, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    """Render a fragment that has a URL of its own."""
    response = render(request, template, context, status=status)
    response["Cache-Control"] = "private, no-store"
    return response


def problem_json(error: DomainError, *, request_id: str, instance: str) -> JsonResponse:
    """Return the error as RFC 9457 problem details."""
    return JsonResponse(
        {
            "type": f"/docs/problems#{error.code}",
            "title": error.title,
            "status": error.status,
            "detail": error.message,
            "instance": instance,
            "code": error.code,
            "request_id": request_id,
            **error.data,
        },
        status=error.status,
        content_type="application/problem+json",
    )
