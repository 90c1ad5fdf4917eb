"""Who calls: bearer keys, scopes, and the tenant scope around every operation."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest
from ninja.security import HttpBearer

from apps.core.errors import ForbiddenError
from apps.integrations.scopes import Scope
from apps.integrations.services.api_keys import KeyHolder, key_holder
from apps.tenants.scope import tenant_scope


class ApiRequest(HttpRequest):
    """A request with its key checked."""

    auth: KeyHolder


class BearerKey(HttpBearer):
    """``Authorization: Bearer ps_live_…``; unknown, revoked and expired answer the same 401."""

    def authenticate(self, request: HttpRequest, token: str) -> KeyHolder | None:
        """Return the holder of the key."""
        return key_holder(token)


def scoped(scope: Scope) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Run an operation inside the key's workspace if the key has the scope.

    Raises
    ------
    ForbiddenError
        ``api.scope_missing``, naming the scope.
    """

    def decorate(operation: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(operation)
        def enter(request: ApiRequest, *args: Any, **kwargs: Any) -> Any:
            if scope not in request.auth.scopes:
                raise ForbiddenError(
                    "api.scope_missing",
                    f"This API key lacks the scope {scope}. Make a key that has it.",
                    scope=str(scope),
                )
            with tenant_scope(request.auth.actor.tenant):
                return operation(request, *args, **kwargs)

        enter.api_scope = scope  # type: ignore[attr-defined]
        return enter

    return decorate
