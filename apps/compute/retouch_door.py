"""The one door to the retouch process, which corrects cutouts while somebody draws.

Owns who waits how long for what, and what its refusals are called here. Answers are passed on as
they come: the web decodes no picture. What is done with a photo is `gpu_workers`'s, what becomes
of a corrected cutout is the studio's. Times are seconds.
"""

from __future__ import annotations

import json
from typing import Any, Final

from apps.compute import wire
from apps.core import redis_calls
from apps.core.errors import DomainError, InvalidError, NotFoundError, UnavailableError

WAIT_SECONDS: Final = 3.0
"""How long a person's request stands for an answer."""
_WORK_SECONDS: Final = 60.0
"""How long slow work may wait to be taken; its answer is collected."""
_PLACE: Final = redis_calls.CallPlace(
    request_key=wire.RETOUCH_REQUEST_KEY,
    answer_key=wire.RETOUCH_ANSWER_KEY,
    alive_key=wire.RETOUCH_ALIVE_KEY,
    line_length=wire.RETOUCH_LINE_LENGTH,
)
_REFUSALS: Final[dict[str, tuple[type[DomainError], str]]] = {
    "order.source_unusable": (InvalidError, "retouch.mask_unusable"),
    "order.object_missing": (NotFoundError, "retouch.photo_missing"),
    "order.invalid": (InvalidError, "retouch.invalid"),
}


class StillWorking(Exception):
    """The process has the request and is not done with it; ask for its answer by this id."""

    def __init__(self, call_id: str) -> None:
        super().__init__(call_id)
        self.call_id = call_id


def ask(request: wire.RetouchRequest) -> dict[str, Any]:
    """Return the answer to a quick request.

    Raises
    ------
    UnavailableError
        ``retouch.silent`` if no process serves, ``retouch.busy`` if it does not answer in time.
    InvalidError, NotFoundError
        If it refuses; see `_REFUSALS`.
    """
    call_id = _call(request, WAIT_SECONDS)
    try:
        return _read(redis_calls.answer(_PLACE, call_id, wait_seconds=WAIT_SECONDS))
    except redis_calls.NoAnswer as error:
        if not redis_calls.is_served(_PLACE):
            raise _silent() from error
        raise UnavailableError(
            "retouch.busy",
            "The retouch process has much to do. Your strokes are still here: try again.",
        ) from error


def begin(request: wire.RetouchRequest) -> dict[str, Any]:
    """Return the answer to a request that may take long, if it comes soon.

    Raises
    ------
    StillWorking
        If there is no answer yet; `collect` goes on waiting.
    UnavailableError, InvalidError, NotFoundError
        As `ask`.
    """
    call_id = _call(request, _WORK_SECONDS)
    return collect(call_id)


def collect(call_id: str) -> dict[str, Any]:
    """Wait on for the answer to a request that was begun.

    Raises
    ------
    StillWorking, UnavailableError, InvalidError, NotFoundError
        As `begin`.
    """
    if not wire.is_request_id(call_id):
        raise NotFoundError("retouch.request_missing", "There is no such request. Save again.")
    try:
        return _read(redis_calls.answer(_PLACE, call_id, wait_seconds=WAIT_SECONDS))
    except redis_calls.NoAnswer as error:
        if not redis_calls.is_served(_PLACE):
            raise _silent() from error
        raise StillWorking(call_id) from error


def _call(request: wire.RetouchRequest, lives_seconds: float) -> str:
    try:
        return redis_calls.call(
            _PLACE,
            line=wire.RETOUCH_LINES[request.do],
            body=request.to_json(),
            lives_seconds=lives_seconds,
        )
    except redis_calls.NoAnswer as error:
        raise _silent() from error


def _read(text: bytes) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(text)
    if answer.pop("ok"):
        return answer
    refusal = _REFUSALS.get(answer["code"])
    if refusal is None:
        raise UnavailableError(
            "retouch.failed",
            "The retouch process failed on this. Undo the last step, or try again.",
        )
    family, code = refusal
    detail = str(answer["detail"])
    raise family(code, f"{detail[:1].upper()}{detail[1:]}.")


def _silent() -> UnavailableError:
    return UnavailableError(
        "retouch.silent",
        "The retouch process is not answering. Your strokes are still here: try again in a moment. "
        "If this stays, whoever runs Packshot has to start `python -m gpu_workers retouch`.",
    )
