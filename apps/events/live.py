"""Hints to open pages over Channels: small, losable, never the truth.

One group for each tenant. A *poke* says "this thing changed, fetch it"; *progress* moves a bar
and is stored nowhere. Messages carry ids and numbers only: who may see what is decided in the
HTTP view that the page then calls.
"""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeAlias

import redis
import structlog
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.conf import settings
from django.db import transaction

_log = structlog.get_logger(__name__)
_SEND_SECONDS = 1.0

_Hint: TypeAlias = tuple[str, dict[str, Any]]
"""Tenant and message."""
_gathered: ContextVar[list[_Hint] | None] = ContextVar("gathered_hints", default=None)


def group_name(tenant: str) -> str:
    """Return the tenant's group. Hashed with the secret: a name can be neither guessed nor read."""
    digest = hashlib.blake2s(
        tenant.encode(), key=settings.SECRET_KEY.encode()[:32], digest_size=16
    ).hexdigest()
    return f"t.{digest}.live"


def poke_on_commit(tenant: str, kind: str, facts: Sequence[tuple[str, dict[str, Any]]]) -> None:
    """Tell the tenant's pages after commit that things changed: each by its id, with data."""
    transaction.on_commit(
        lambda: _send(
            [
                (tenant, {"type": "live.poke", "kind": kind, "id": subject, "data": data})
                for subject, data in facts
            ]
        )
    )


def progress(
    tenant: str,
    *,
    subject: str,
    step: int,
    steps: int,
    label: str,
    share: float,
    preview: int = 0,
) -> None:
    """Move the bar of one render on the tenant's pages. ``share`` is 0 to 1 of the whole.

    ``preview`` numbers the latest picture of the unfinished render, 0 is none: the page fetches it
    where it fetches everything else.
    """
    _send(
        [
            (
                tenant,
                {
                    "type": "live.progress",
                    "id": subject,
                    "step": step,
                    "steps": steps,
                    "label": label,
                    "share": share,
                    "preview": preview,
                },
            )
        ]
    )


def revoke_on_commit(tenant: str, user: str) -> None:
    """Close the sockets of a user who lost access, after commit."""
    transaction.on_commit(lambda: _send([(tenant, {"type": "live.revoke", "user": user})]))


class StandingLine:
    """A connection of its own for a process that has much to say and no event loop.

    Without it every hint outside the web opens an event loop and a connection of its own: 2 ms
    of CPU, and a render is hinted ten times. Inside `gathering` hints are kept and leave together
    at the end of the block.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None

    @contextmanager
    def gathering(self) -> Iterator[None]:
        """Keep what this thread hints inside the block and send it after, whatever happened."""
        hints: list[_Hint] = []
        token = _gathered.set(hints)
        try:
            yield
        finally:
            _gathered.reset(token)
            if hints:
                self._send(hints)

    def _send(self, hints: list[_Hint]) -> None:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            threading.Thread(target=self._loop.run_forever, name="live", daemon=True).start()
        with _forgiven(hints):
            asyncio.run_coroutine_threadsafe(_group_send(hints), self._loop).result()


def _send(hints: list[_Hint]) -> None:
    gathered = _gathered.get()
    if gathered is not None:
        gathered += hints
        return
    with _forgiven(hints):
        async_to_sync(_group_send)(hints)


@contextmanager
def _forgiven(hints: list[_Hint]) -> Iterator[None]:
    # A hint may be lost; what it hints at is already committed. Only the transport's own errors
    # are forgiven here, and they are logged.
    try:
        yield
    except (OSError, redis.exceptions.RedisError) as error:  # TimeoutError is an OSError
        kinds = sorted({message["type"] for _, message in hints})
        _log.warning("live_hints_lost", types=kinds, hints=len(hints), error=str(error))


async def _group_send(hints: list[_Hint]) -> None:
    # Bounded, because a seller's request may stand behind a Redis that hangs.
    layer = get_channel_layer()
    async with asyncio.timeout(_SEND_SECONDS):
        for tenant, message in hints:
            await layer.group_send(group_name(tenant), message)
