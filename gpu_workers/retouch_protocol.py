"""What the application and the retouch process say to each other over Redis.

Owns keys, requests and answers. A request is a JSON text under a key that ends with its time; the
request's id is pushed onto one of two lines, and the answer lies in a list of its own, of one
entry. A process that finds no text under an id that it took leaves it: whoever asked has gone.
While one serves, a key says so, and an answer that is late is told from one that never comes.
Standard library only, because the application comes in through here too. Times are seconds.

Answers are ``{"ok": true, …}`` or ``{"ok": false, "code": …, "detail": …}``; masks in them are PNG
pictures in base64 whose opacity is the mask:

* ``open``: ``mask`` and ``maker`` (person, engine, file or nobody)
* ``alternatives``: ``masks``, each with ``name`` and ``mask``
* ``strokes``: ``mask`` and ``share`` of the frame that is product
* ``keep``: nothing more; the cutout lies under ``to_key``
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias, get_args

from gpu_workers.errors import OrderInvalid
from gpu_workers.retouch_steps import Step, steps_from_json

Verb: TypeAlias = Literal["open", "alternatives", "strokes", "keep"]

RETOUCH_VERSION: Final = 1
QUICK_LINE: Final = "packshot:retouch:quick"
SLOW_LINE: Final = "packshot:retouch:slow"
"""For what takes seconds, so that nobody's brush waits for somebody else's photo."""
RETOUCH_LINES: Final[dict[str, str]] = {
    "open": SLOW_LINE,
    "alternatives": SLOW_LINE,
    "strokes": QUICK_LINE,
    "keep": SLOW_LINE,
}
RETOUCH_REQUEST_KEY: Final = "packshot:retouch:request:"
RETOUCH_ANSWER_KEY: Final = "packshot:retouch:answer:"
RETOUCH_ALIVE_KEY: Final = "packshot:retouch:alive"
"""There while a process serves."""
ALIVE_SECONDS: Final = 10
"""How long it stays after the last sign of life."""
RETOUCH_LINE_LENGTH: Final = 200
"""Requests that may wait in a line; older ones are dropped, their askers have gone."""
ANSWER_SECONDS: Final = 60
"""How long an answer lies ready."""
REQUEST_BYTES: Final = 1_048_576
CURRENT_MASK: Final = "current"
"""Name of the mask that a photo opens with."""
_NAME: Final = re.compile(r"[\w][\w .:/+-]{0,79}\Z")
_ID: Final = re.compile(r"[0-9a-f]{32}\Z")


@dataclass(frozen=True, slots=True)
class RetouchRequest:
    """One request, self-contained."""

    do: Verb
    photo_key: str
    cutout_key: str
    """Where the present cutout is kept; nothing need lie there."""
    start: str = CURRENT_MASK
    """The mask that the steps begin with."""
    steps: tuple[Step, ...] = ()
    to_key: str = ""
    """Where the corrected cutout is written, for ``keep``."""

    def to_json(self) -> str:
        """Return the request as the process reads it."""
        body = {
            "version": RETOUCH_VERSION,
            "do": self.do,
            "photo_key": self.photo_key,
            "cutout_key": self.cutout_key,
            "start": self.start,
            "steps": [step.to_json() for step in self.steps],
            "to_key": self.to_key,
        }
        return json.dumps(body, separators=(",", ":"))


def request_from_json(text: str | bytes) -> RetouchRequest:
    """Read a request.

    Raises
    ------
    OrderInvalid
        If it is of another form, version or verb, or beyond a limit.
    """
    if len(text) > REQUEST_BYTES:
        raise OrderInvalid(f"a retouch request has at most {REQUEST_BYTES} bytes")
    try:
        body = json.loads(text)
    except ValueError as error:
        raise OrderInvalid(f"a retouch request is no JSON: {error}") from error
    if not isinstance(body, Mapping) or body.get("version") != RETOUCH_VERSION:
        raise OrderInvalid(f"a retouch request of version {RETOUCH_VERSION} expected")
    do: Any = body.get("do")
    if do not in get_args(Verb):
        raise OrderInvalid(f"a retouch process does one of {', '.join(get_args(Verb))}")
    request = RetouchRequest(
        do=do,
        photo_key=_text(body, "photo_key"),
        cutout_key=_text(body, "cutout_key"),
        start=checked_start(body.get("start", CURRENT_MASK)),
        steps=steps_from_json(body.get("steps", [])),
        to_key=_text(body, "to_key"),
    )
    if do == "keep" and not request.to_key:
        raise OrderInvalid("to_key: a key expected")
    return request


def checked_start(value: Any) -> str:
    """Return the name of a mask to begin with.

    Raises
    ------
    OrderInvalid
        If it is no such name.
    """
    if not isinstance(value, str) or not _NAME.match(value):
        raise OrderInvalid("start: the name of a mask expected")
    return value


def is_request_id(text: str) -> bool:
    """Return whether a text may be the id of a request."""
    return bool(_ID.match(text))


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name, "")
    if not isinstance(value, str):
        raise OrderInvalid(f"{name}: a text expected")
    return value
