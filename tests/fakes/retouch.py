"""A retouch process on the real wire, whose answers a test decides."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from gpu_workers.retouch_protocol import RetouchRequest
from gpu_workers.retouch_server import RetouchServer

Act = Callable[[RetouchRequest], dict[str, Any]]


@contextmanager
def serving(redis_url: str, act: Act) -> Iterator[list[RetouchRequest]]:
    """Answer every request by ``act`` while the block runs; gives the requests in order."""
    seen: list[RetouchRequest] = []

    def note(request: RetouchRequest) -> dict[str, Any]:
        seen.append(request)
        return act(request)

    verbs = ("open", "alternatives", "strokes", "keep")
    server = RetouchServer(redis_url, dict.fromkeys(verbs, note), memory_bytes=1 << 40)
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield seen
    finally:
        server.leave()
        thread.join(20)
