"""Request ids, and the one place where a domain error becomes an answer."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from apps.core.errors import DomainError
from apps.core.http import problem_json

_REQUEST_ID = re.compile(r"[A-Za-z0-9_.-]{8,64}\Z")


class RequestIdMiddleware:
    """Give every request an id: taken from ``X-Request-Id`` if it is a sane one, else new."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Bind the id to all log lines of the request and return it in the answer."""
        given = request.headers.get("X-Request-Id", "")
        request_id = given if _REQUEST_ID.match(given) else uuid.uuid4().hex
        request.META["packshot.request_id"] = request_id
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        response = self.get_response(request)
        response["X-Request-Id"] = request_id
        return response


class DomainErrorMiddleware:
    """Answer a `DomainError` as a page, a partial or problem JSON, by who asked."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass through; errors come to `process_exception`."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Turn a domain error into its answer; anything else is Django's to report."""
        if not isinstance(error, DomainError):
            return None
        request_id = request.META.get("packshot.request_id", "")
        if _wants_json(request):
            return problem_json(error, request_id=request_id, instance=request.path)
        partial = bool(getattr(request, "htmx", False)) and not request.htmx.boosted  # type: ignore[attr-defined]
        template = "components/_problem.html" if partial else "core/problem.html"
        context = {"error": error, "request_id": request_id}
        return render(request, template, context, status=error.status)


def _wants_json(request: HttpRequest) -> bool:
    accept = request.headers.get("Accept", "")
    return request.path.startswith("/v1/") or accept.startswith("application/json")
