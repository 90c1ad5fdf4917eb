"""What an API key may do. Pure: scopes and the permissions they stand for."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from apps.tenants.roles import Permission


class Scope(StrEnum):
    """One right of an API key."""

    UPLOADS_WRITE = "uploads:write"
    SHOOTS_READ = "shoots:read"
    SHOOTS_WRITE = "shoots:write"
    RENDERS_READ = "renders:read"
    REVIEW_WRITE = "review:write"
    EXPORTS_READ = "exports:read"
    EXPORTS_WRITE = "exports:write"
    BRAND_READ = "brand:read"
    BRAND_WRITE = "brand:write"
    USAGE_READ = "usage:read"


_PERMISSIONS: Final[dict[Scope, Permission]] = {
    Scope.UPLOADS_WRITE: Permission.EDIT_CATALOG,
    Scope.SHOOTS_WRITE: Permission.ORDER_SHOOT,
    Scope.REVIEW_WRITE: Permission.REVIEW,
    Scope.EXPORTS_WRITE: Permission.EXPORT,
    Scope.BRAND_WRITE: Permission.MANAGE_BRAND,
    Scope.USAGE_READ: Permission.VIEW_USAGE,
}


def permissions_of(scopes: Iterable[str]) -> frozenset[Permission]:
    """Return the permissions that the scopes give; reading needs no more than `VIEW`."""
    known = {Scope(scope) for scope in scopes if scope in set(Scope)}
    return frozenset(
        {Permission.VIEW} | {_PERMISSIONS[scope] for scope in known if scope in _PERMISSIONS}
    )
