"""What a worker and its engine child say to each other, as JSON over one pipe.

Owns the message forms. Orders travel down as a `RenderBatch`; answers travel up as `Answer`. An
order is named by its place in the batch that was sent. Standard library only.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeAlias

Saying: TypeAlias = Literal[
    "ready",  # versions: library name to version
    "unfit",  # detail: why this child can render nothing
    "started",  # place
    "progress",  # place, step, steps, label, share[, preview: WebP in base64]
    "succeeded",  # place, manifest_key
    "failed",  # place, code, detail, retryable
    "done",  # the batch is through
]


@dataclass(frozen=True, slots=True)
class Answer:
    """One message of the engine child. ``body`` holds the fields named beside its saying."""

    say: Saying
    place: int = -1
    body: dict[str, Any] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """Return the message as JSON; `answer_from_bytes` reads it back."""
        return json.dumps(asdict(self)).encode()


def answer_from_bytes(data: bytes) -> Answer:
    """Read an answer; both ends are of one release, so it is not checked further."""
    return Answer(**json.loads(data))


@dataclass(frozen=True, slots=True)
class ChildSettings:
    """The first message down the pipe: what a child needs before its first batch."""

    parent_pid: int
    worker: str
    engine: str
    renderer: str
    storage_url: str
    threads: int

    def to_bytes(self) -> bytes:
        """Return the settings as JSON; `settings_from_bytes` reads them back."""
        return json.dumps(asdict(self)).encode()


def settings_from_bytes(data: bytes) -> ChildSettings:
    """Read the settings."""
    return ChildSettings(**json.loads(data))
