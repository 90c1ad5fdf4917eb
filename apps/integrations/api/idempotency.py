"""One effect for one ``Idempotency-Key``: the first answer is kept for 24 hours and replayed.

The row is inserted before the work, so that two requests at once cannot both work. Answers that
had no effect (4xx) are not kept: the caller may mend the request and try again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any

from django.db import IntegrityError, transaction
from django.http import JsonResponse
from ninja import Schema

from apps.core.clock import now
from apps.core.errors import ConflictError, DomainError, InvalidError
from apps.integrations.api.auth import ApiRequest
from apps.integrations.models import IdempotentAnswer
from apps.tenants.scope import across_tenants

_KEPT = timedelta(hours=24)
_IN_FLIGHT_LIMIT = timedelta(minutes=2)


def idempotent(operation: Callable[..., Any]) -> Callable[..., Any]:
    """Keep and replay the answer of a POST operation that carries an ``Idempotency-Key``.

    The operation returns ``(status, schema, location)``.
    """

    @wraps(operation)
    def enter(request: ApiRequest, *args: Any, **kwargs: Any) -> Any:
        given = request.headers.get("Idempotency-Key", "")
        if not given:
            return _answer(*operation(request, *args, **kwargs))
        if len(given) > 255:
            raise InvalidError(
                "api.idempotency_key_too_long", "An Idempotency-Key has at most 255 characters."
            )
        kept, is_first = _claim(request, given)
        if not is_first:
            return _replay(kept)
        try:
            status, body, location = operation(request, *args, **kwargs)
        except DomainError:
            IdempotentAnswer.objects.filter(pk=kept.pk).delete()
            raise
        answer = _answer(status, body, location)
        IdempotentAnswer.objects.filter(pk=kept.pk).update(
            status=status, body=body.model_dump(mode="json"), location=location
        )
        return answer

    return enter


def forget_old_answers() -> None:
    """Delete answers older than a day; run by the chores process."""
    with across_tenants("answers past their day"):
        IdempotentAnswer.objects.filter(created_at__lt=now() - _KEPT).delete()


def _claim(request: ApiRequest, given: str) -> tuple[IdempotentAnswer, bool]:
    fingerprint = hashlib.sha256(
        f"{request.method} {request.path}\n".encode() + request.body
    ).hexdigest()
    mine = IdempotentAnswer.objects.filter(api_key=request.auth.api_key, idempotency_key=given)
    # A request that died between its claim and its answer does not block the key for a day.
    mine.filter(status=None, created_at__lt=now() - _IN_FLIGHT_LIMIT).delete()
    try:
        with transaction.atomic():
            kept = IdempotentAnswer.objects.create(
                tenant_id=request.auth.actor.tenant,
                api_key=request.auth.api_key,
                idempotency_key=given,
                fingerprint=fingerprint,
            )
            return kept, True
    except IntegrityError:
        kept = mine.get()
    if kept.fingerprint != fingerprint:
        raise InvalidError(
            "api.idempotency_key_reused",
            "This Idempotency-Key was used for another request. Use a new key for new work.",
        )
    if kept.status is None:
        raise ConflictError(
            "api.idempotency_in_flight",
            "The first request with this Idempotency-Key still runs. Ask again in a second.",
        )
    return kept, False


def _replay(kept: IdempotentAnswer) -> JsonResponse:
    response = JsonResponse(kept.body, status=kept.status or 200)
    response["Idempotency-Replayed"] = "true"
    if kept.location:
        response["Location"] = kept.location
    return response


def _answer(status: int, body: Schema, location: str) -> JsonResponse:
    response = JsonResponse(body.model_dump(mode="json"), status=status)
    if location:
        response["Location"] = location
    return response
