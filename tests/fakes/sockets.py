"""A WebSocket client for tests that speaks ASGI to a consumer.

`channels.testing` would do, but importing it needs daphne, which the product does not use.
"""

from __future__ import annotations

import json
from typing import Any

from asgiref.testing import ApplicationCommunicator


class Socket(ApplicationCommunicator):
    """One client's end of a socket."""

    def __init__(self, application: Any, path: str, headers: list[Any] | None = None) -> None:
        self.scope: dict[str, Any] = {
            "type": "websocket",
            "path": path,
            "query_string": b"",
            "headers": headers or [],
            "subprotocols": [],
        }
        super().__init__(application, self.scope)

    async def connect(self) -> tuple[bool, int | None]:
        """Open; return whether it was accepted, and the close code if not."""
        await self.send_input({"type": "websocket.connect"})
        answer = await self.receive_output(timeout=5)
        if answer["type"] == "websocket.close":
            return False, answer.get("code", 1000)
        assert answer["type"] == "websocket.accept"
        return True, None

    async def say(self, text: str | None = None, data: bytes | None = None) -> None:
        """Send one frame."""
        frame: dict[str, Any] = {"type": "websocket.receive"}
        if text is not None:
            frame["text"] = text
        if data is not None:
            frame["bytes"] = data
        await self.send_input(frame)

    async def hear(self) -> Any:
        """Return the next message, read as JSON."""
        answer = await self.receive_output(timeout=5)
        assert answer["type"] == "websocket.send", answer
        return json.loads(answer["text"])

    async def closing(self) -> int:
        """Return the code with which the server closes next."""
        answer = await self.receive_output(timeout=5)
        assert answer["type"] == "websocket.close", answer
        return int(answer["code"])

    async def disconnect(self) -> None:
        """Leave."""
        await self.send_input({"type": "websocket.disconnect", "code": 1000})
        await self.wait(timeout=5)
