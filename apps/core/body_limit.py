"""Refuses request bodies that are too large while they arrive, before Django reads one.

Django's ASGI handler spools a whole body to disk before it looks at the address or the person, so
the limit must stand in front of it. Owns this limit only: what one uploaded file may weigh is
`apps.catalog`'s to say. Sizes are bytes.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from django.conf import settings

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
# Django's handler and others type their scopes more narrowly than ASGI says.
Application = Callable[[Any, Any, Any], Awaitable[None]]

_SENTENCE = "The request is larger than {megabytes} MB. Send fewer or smaller files at a time."


class BodyLimit:
    """An ASGI application around another one: 413 at the limit, whoever asks."""

    def __init__(self, application: Application) -> None:
        self.application = application

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Pass the request on, counting its body."""
        if scope["type"] != "http":
            await self.application(scope, receive, send)
            return
        headers = dict(reversed(list(_text(scope["headers"]))))
        limit = body_limit(headers.get("content-type", ""))
        declared = headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > limit:
            await _refuse(send, limit)
            return
        counter = _Counter(receive, limit)
        await self.application(scope, counter.receive, send)
        # To Django the person has gone away, and it has answered nothing.
        if counter.is_over:
            await _refuse(send, limit)


def body_limit(content_type: str) -> int:
    """Return how large a body of this type may be: files get room, everything else little."""
    if content_type.startswith("multipart/form-data"):
        return int(settings.REQUEST_MAX_BYTES)
    return int(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)


class _Counter:
    """Counts a body; at the limit the rest is not asked for."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive = receive
        self._left = limit
        self.is_over = False

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._left -= len(message.get("body", b""))
            if self._left < 0:
                self.is_over = True
                return {"type": "http.disconnect"}
        return message


def _text(headers: Iterable[tuple[bytes, bytes]]) -> Iterable[tuple[str, str]]:
    for name, value in headers:
        yield name.decode("latin-1").lower(), value.decode("latin-1")


async def _refuse(send: Send, limit: int) -> None:
    problem = {
        "type": "/docs/problems#http.body_too_large",
        "title": "Too large",
        "status": 413,
        "detail": _SENTENCE.format(megabytes=limit // (1024 * 1024)),
        "code": "http.body_too_large",
    }
    body = json.dumps(problem).encode()
    headers = [
        (b"content-type", b"application/problem+json"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": body})
