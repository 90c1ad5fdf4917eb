"""A place for reports that only remembers them."""

from __future__ import annotations

from typing import Any

from gpu_workers.protocol import ReportKind


class FakeVoice:
    """Remembers what was said, in order, as kind and body."""

    def __init__(self) -> None:
        self.said: list[tuple[str, dict[str, Any]]] = []

    def send(self, kind: ReportKind, **body: Any) -> None:
        self.said.append((kind, body))

    def show(self, key: str, picture: bytes) -> None:
        self.said.append(("picture", {"key": key, "picture": picture}))
