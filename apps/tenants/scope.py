"""Which tenant the running code works for. Closed unless opened.

Owns the context variable that `apps.tenants.managers` reads. Views open it through
`apps.tenants.access`, jobs and loops with `tenant_scope`; `across_tenants` is the only way to see
several tenants at once and carries its reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


class NoTenantInScope(RuntimeError):
    """Tenant rows were asked for without saying whose. A bug, never a user's fault."""


class WrongTenant(RuntimeError):
    """A row of another tenant was about to be written. A bug, never a user's fault."""


@dataclass(frozen=True, slots=True)
class Scope:
    """One opened scope: a tenant's id, or all tenants for a stated reason."""

    tenant: str | None
    reason: str = ""


_current: ContextVar[Scope | None] = ContextVar("tenant_scope", default=None)


def current_scope() -> Scope:
    """Return the open scope.

    Raises
    ------
    NoTenantInScope
        If none is open.
    """
    scope = _current.get()
    if scope is None:
        raise NoTenantInScope("open tenant_scope(tenant) or across_tenants(reason) first")
    return scope


@contextmanager
def tenant_scope(tenant: str) -> Iterator[None]:
    """Work for one tenant inside the block."""
    token = _current.set(Scope(tenant))
    try:
        yield
    finally:
        _current.reset(token)


@contextmanager
def across_tenants(reason: str) -> Iterator[None]:
    """Work on rows of all tenants inside the block; the reason is for whoever greps."""
    if not reason:
        raise ValueError("across_tenants needs a reason")
    token = _current.set(Scope(None, reason))
    try:
        yield
    finally:
        _current.reset(token)
