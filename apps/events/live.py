"""Hints to open pages over Channels: small, losable, never the truth.

One group for each tenant. A *poke* says "this thing changed, fetch it"; *progress* moves a bar
and is stored nowhere. Messages carry ids and numbers only: who may see what is decided in the
HTTP view that the page then calls.
"""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

import redis
import structlog
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.conf import settings
from django.db import transaction

_log = structlog.get_logger(__name__)
_SEND_SECONDS = 1.0


def group_name(tenant: str) -> str:
    """Return the tenant's group. Hashed with the secret: a name can be neither guessed nor read."""
    digest = hashlib.blake2s(
        tenant.encode(), key=settings.SECRET_KEY.encode()[:32], digest_size=16
    ).hexdigest()
    return f"t.{digest}.live"


def poke_on_commit(tenant: str, kind: str, subject: str, **data: Any) -> None:
    """Tell the tenant's pages after commit that something changed."""
    transaction.on_commit(
        lambda: _send(tenant, {"type": "live.poke", "kind": kind, "id": subject, "data": data})
    )


def progress(tenant: str, *, subject: str, step: int, steps: int, label: str, share: float) -> None:
    """Move the bar of one render on the tenant's pages. ``share`` is 0 to 1 of the whole."""
    _send(
        tenant,
        {
            "type": "live.progress",
            "id": subject,
            "step": step,
            "steps": steps,
            "label": label,
            "share": share,
        },
    )


def revoke_on_commit(tenant: str, user: str) -> None:
    """Close the sockets of a user who lost access, after commit."""
    transaction.on_commit(lambda: _send(tenant, {"type": "live.revoke", "user": user}))


def _send(tenant: str, message: dict[str, Any]) -> None:
    # A hint may be lost; what it hints at is already committed. Only the transport's own errors
    # are forgiven here, and they are logged.
    try:
        async_to_sync(_group_send)(group_name(tenant), message)
    except (OSError, redis.exceptions.RedisError) as error:  # TimeoutError is an OSError
        _log.warning("live_hint_lost", type=message["type"], error=str(error))


async def _group_send(group: str, message: dict[str, Any]) -> None:
    # Bounded, because a seller's request may stand behind a Redis that hangs.
    async with asyncio.timeout(_SEND_SECONDS):
        await get_channel_layer().group_send(group, message)
