"""A body that is too large is refused while it arrives."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

import pytest

from apps.core.body_limit import BodyLimit, Message, Receive, Send

MEGABYTE = 1024 * 1024


class Visit:
    """One request whose body comes chunk by chunk, and what was answered."""

    def __init__(self, chunk: bytes, chunks: int, **headers: str) -> None:
        self.chunk, self.chunks, self.sent = chunk, chunks, 0
        self.answers: list[Message] = []
        self.read = 0
        raw = [(n.replace("_", "-").encode(), v.encode()) for n, v in headers.items()]
        self.scope: MutableMapping[str, Any] = {"type": "http", "headers": raw}

    async def receive(self) -> Message:
        self.sent += 1
        more = self.sent < self.chunks
        return {"type": "http.request", "body": self.chunk, "more_body": more}

    async def send(self, message: Message) -> None:
        self.answers.append(message)

    async def application(self, scope: Any, receive: Receive, send: Send) -> None:
        """Reads the body as Django does: to its end or until the person has gone."""
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            self.read += len(message["body"])
            if not message["more_body"]:
                await send({"type": "http.response.start", "status": 200, "headers": []})
                return

    async def run(self) -> int:
        await BodyLimit(self.application)(self.scope, self.receive, self.send)
        return int(self.answers[0]["status"])


@pytest.fixture(autouse=True)
def limits(settings: Any) -> None:
    settings.REQUEST_MAX_BYTES = 5 * MEGABYTE
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = MEGABYTE


async def test_a_body_within_the_limit_passes() -> None:
    visit = Visit(bytes(MEGABYTE), 5, content_type="multipart/form-data; boundary=x")

    assert await visit.run() == 200
    assert visit.read == 5 * MEGABYTE


async def test_an_endless_body_is_cut_off_one_chunk_behind_the_limit() -> None:
    visit = Visit(bytes(MEGABYTE), 10_000, content_type="multipart/form-data; boundary=x")

    assert await visit.run() == 413
    assert visit.sent == 6
    assert visit.read == 5 * MEGABYTE
    assert b"http.body_too_large" in visit.answers[1]["body"]


async def test_a_declared_length_beyond_the_limit_is_refused_unread() -> None:
    visit = Visit(b"x", 1, content_type="multipart/form-data", content_length=str(6 * MEGABYTE))

    assert await visit.run() == 413
    assert visit.sent == 0


async def test_a_lying_length_is_counted_all_the_same() -> None:
    visit = Visit(bytes(MEGABYTE), 50, content_type="multipart/form-data", content_length="10")

    assert await visit.run() == 413
    assert visit.sent == 6


async def test_what_carries_no_files_gets_little() -> None:
    visit = Visit(bytes(MEGABYTE), 3, content_type="application/json")

    assert await visit.run() == 413


async def test_sockets_pass_uncounted() -> None:
    visit = Visit(b"", 1)
    visit.scope["type"] = "websocket"

    assert await visit.run() == 200
