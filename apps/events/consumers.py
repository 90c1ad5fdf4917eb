"""The live socket of a page: hints out, nothing in.

Owns who may listen, for how long, and what a client may send (a ping). Does not own what is
hinted (`live`) and never reads or renders a tenant's rows: the page fetches what it is told about
through the HTTP views, where access is decided.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections import Counter
from typing import Any, ClassVar, Final

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.db import DatabaseError

from apps.events import live
from apps.events.queries import Listener, listener_of

REFUSED: Final = 4403
TOO_MANY_SOCKETS: Final = 4429
TOO_LARGE: Final = 1009
FLOODING: Final = 1008
TRY_AGAIN: Final = 1013

MAX_FRAME_BYTES: Final = 256
"""A ping has 16."""
MAX_FRAMES: Final = 20
FRAME_WINDOW_SECONDS: Final = 10.0
MAX_SOCKETS_PER_USER: Final = 24
"""In one server process: a dozen open tabs twice over."""

_open_sockets: Final[Counter[str]] = Counter()
"""Sockets of this process by user."""


class LiveConsumer(AsyncJsonWebsocketConsumer):
    """One open page of one member in one workspace."""

    recheck_seconds: ClassVar[float] = 60.0

    listener: Listener | None = None
    group: str = ""
    _recheck: asyncio.Task[None] | None = None
    _frames: int = 0
    _window_ends: float = 0.0

    async def connect(self) -> None:
        """Let members in; refuse everyone else before the handshake is accepted."""
        listener = await self._ask()
        if listener is None:
            await self.close(code=REFUSED)
            return
        if _open_sockets[listener.user] >= MAX_SOCKETS_PER_USER:
            await self.close(code=TOO_MANY_SOCKETS)
            return
        _open_sockets[listener.user] += 1
        self.listener, self.group = listener, live.group_name(listener.tenant)
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept()
        self._recheck = asyncio.create_task(self._keep_checking())

    async def disconnect(self, code: int) -> None:
        """Leave the group and forget the socket."""
        if self._recheck is not None:
            self._recheck.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._recheck
        if self.listener is not None:
            await self.channel_layer.group_discard(self.group, self.channel_name)
            _open_sockets[self.listener.user] -= 1
            if not _open_sockets[self.listener.user]:
                del _open_sockets[self.listener.user]
            self.listener = None

    async def receive(
        self, text_data: str | None = None, bytes_data: bytes | None = None, **kwargs: Any
    ) -> None:
        """Answer a ping; ignore all else; end a client that sends much or often."""
        if bytes_data is not None or len((text_data or "").encode()) > MAX_FRAME_BYTES:
            await self.close(code=TOO_LARGE)
            return
        if self._is_flooding():
            await self.close(code=FLOODING)
            return
        if _is_ping(text_data or ""):
            await self.send_json({"type": "pong"})

    async def live_poke(self, message: dict[str, Any]) -> None:
        """Forward the hint that something has changed."""
        await self.send_json(
            {
                "type": "poke",
                "kind": message["kind"],
                "id": message["id"],
                "data": message["data"],
            }
        )

    async def live_progress(self, message: dict[str, Any]) -> None:
        """Forward how far a render is."""
        keys = ("id", "step", "steps", "label", "share", "preview")
        await self.send_json({"type": "progress", **{key: message[key] for key in keys}})

    async def live_revoke(self, message: dict[str, Any]) -> None:
        """Close if it is this member who lost access."""
        if self.listener is not None and message["user"] == self.listener.user:
            await self.close(code=REFUSED)

    async def _ask(self) -> Listener | None:
        user = self.scope.get("user")
        if user is None or not user.is_authenticated:
            return None
        session = self.scope.get("session")
        found: Listener | None = await database_sync_to_async(listener_of)(
            slug=self.scope["url_route"]["kwargs"]["slug"],
            user=str(user.pk),
            session_key=session.session_key if session is not None else None,
        )
        return found

    async def _keep_checking(self) -> None:
        # Revocation is hinted and a hint may be lost: the database has the last word.
        while True:
            await asyncio.sleep(self.recheck_seconds)
            try:
                listener = await self._ask()
            except DatabaseError:
                # Not knowing is no access; the page connects again once the database is back.
                await self.close(code=TRY_AGAIN)
                return
            if listener is None:
                await self.close(code=REFUSED)
                return

    def _is_flooding(self) -> bool:
        now = time.monotonic()
        if now >= self._window_ends:
            self._frames, self._window_ends = 0, now + FRAME_WINDOW_SECONDS
        self._frames += 1
        return self._frames > MAX_FRAMES


def _is_ping(text: str) -> bool:
    try:
        message = json.loads(text)
    except ValueError:
        return False
    return isinstance(message, dict) and message.get("type") == "ping"
