"""Making, checking and revoking API keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from apps.core.clock import now
from apps.core.errors import InvalidError, NotFoundError
from apps.events.kinds import Kind
from apps.events.services import record
from apps.integrations.key_format import digest, is_well_formed, new_secret
from apps.integrations.models import ApiKey
from apps.integrations.scopes import Scope, permissions_of
from apps.tenants.roles import Actor, Permission
from apps.tenants.scope import across_tenants, tenant_scope

_LAST_USED_STEP = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """A request's proof of access: the key and the actor it stands for."""

    api_key: ApiKey
    actor: Actor
    scopes: frozenset[str]


def create_api_key(
    *, actor: Actor, name: str, scopes: Sequence[str], expires_at: datetime | None = None
) -> tuple[ApiKey, str]:
    """Make a key. The secret is returned once and never stored.

    Raises
    ------
    InvalidError
        ``api_key.name_missing`` or ``api_key.scope_unknown``.
    """
    actor.require(Permission.MANAGE_API_KEYS)
    if not name.strip():
        raise InvalidError("api_key.name_missing", "Give the key a name you will recognise later.")
    unknown = sorted(set(scopes) - set(Scope))
    if unknown or not scopes:
        raise InvalidError(
            "api_key.scope_unknown",
            f"Choose one or more of: {', '.join(Scope)}.",
            unknown=unknown,
        )
    secret = new_secret()
    with transaction.atomic():
        api_key = ApiKey.objects.create(
            tenant_id=actor.tenant,
            name=name.strip()[:80],
            prefix=secret[:12],
            last4=secret[-4:],
            digest=digest(secret),
            scopes=sorted(set(scopes)),
            created_by=actor.label,
            expires_at=expires_at,
        )
        record(actor=actor, kind=Kind.API_KEY_CREATED, subject=api_key.pk, name=api_key.name)
    return api_key, secret


def revoke_api_key(*, actor: Actor, api_key_id: str) -> None:
    """End a key at once.

    Raises
    ------
    NotFoundError
        If the workspace has no such key.
    """
    actor.require(Permission.MANAGE_API_KEYS)
    with transaction.atomic():
        api_key = ApiKey.objects.filter(pk=api_key_id).first()
        if api_key is None:
            raise NotFoundError("api_key.missing", "There is no such API key.")
        revoked = ApiKey.objects.filter(pk=api_key_id, revoked_at=None).update(revoked_at=now())
        if revoked:
            record(actor=actor, kind=Kind.API_KEY_REVOKED, subject=api_key_id, name=api_key.name)


def key_holder(secret: str) -> KeyHolder | None:
    """Return who holds the key; None alike for unknown, revoked and expired ones."""
    if not is_well_formed(secret):
        return None
    moment = now()
    with across_tenants("an API key names its workspace"):
        api_key = ApiKey.objects.filter(
            Q(expires_at=None) | Q(expires_at__gt=moment), digest=digest(secret), revoked_at=None
        ).first()
    if api_key is None:
        return None
    if api_key.last_used_at is None or moment - api_key.last_used_at > _LAST_USED_STEP:
        with tenant_scope(api_key.tenant_id):
            ApiKey.objects.filter(pk=api_key.pk).update(last_used_at=moment)
    actor = Actor(
        tenant=api_key.tenant_id,
        kind="api_key",
        subject=api_key.pk,
        label=f"API key {api_key.name}",
        permissions=permissions_of(api_key.scopes),
    )
    return KeyHolder(api_key, actor, frozenset(api_key.scopes))
