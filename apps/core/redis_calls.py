"""Asking another process over Redis and waiting for its answer.

Owns the exchange: the request lies under a key that ends with its time, its id in a line that the
other side takes from, and the answer in a list of one entry. Nothing here may be lost that is not
asked again. Knows nothing of what is asked. Times are seconds.
"""

from __future__ import annotations

import math
import uuid
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, cast

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

LONGEST_WAIT_SECONDS: Final = 5.0
"""A person waits behind it."""
_MARGIN_SECONDS: Final = 3.0


class NoAnswer(Exception):
    """Nobody answered in time, or Redis is away; nothing is known about what was done."""


@dataclass(frozen=True, slots=True)
class CallPlace:
    """Where requests and answers of one service lie."""

    request_key: str
    """What stands before the id of a request."""
    answer_key: str
    alive_key: str
    """There while somebody serves."""
    line_length: int
    """Requests that may wait; older ones are dropped."""


def call(place: CallPlace, *, line: str, body: str, lives_seconds: float) -> str:
    """Hand a request over and return its id; whoever takes it later finds nothing any more.

    Raises
    ------
    NoAnswer
        If Redis is away.
    """
    call_id = uuid.uuid4().hex
    try:
        with _client(settings.REDIS_URL).pipeline() as pipeline:
            pipeline.set(place.request_key + call_id, body, px=math.ceil(lives_seconds * 1000))
            pipeline.lpush(line, call_id)
            pipeline.ltrim(line, 0, place.line_length - 1)
            pipeline.execute()
    except redis.RedisError as error:
        raise NoAnswer(str(error)) from error
    return call_id


def answer(place: CallPlace, call_id: str, *, wait_seconds: float) -> bytes:
    """Wait for the answer to a request and take it.

    Raises
    ------
    NoAnswer
        If there is none in time, or Redis is away.
    """
    try:
        popped = cast(
            "tuple[bytes, bytes] | None",
            _client(settings.REDIS_URL).blpop([place.answer_key + call_id], timeout=wait_seconds),
        )
    except redis.RedisError as error:
        raise NoAnswer(str(error)) from error
    if popped is None:
        raise NoAnswer(f"no answer within {wait_seconds:g} s")
    return popped[1]


def is_served(place: CallPlace) -> bool:
    """Return whether somebody takes requests; False also while Redis is away."""
    try:
        return bool(_client(settings.REDIS_URL).exists(place.alive_key))
    except redis.RedisError:
        return False


@lru_cache(maxsize=4)
def _client(url: str) -> redis.Redis:
    # Not queue's: an answer is waited for longer than a doorbell may take.
    return redis.Redis.from_url(
        url,
        socket_timeout=LONGEST_WAIT_SECONDS + _MARGIN_SECONDS,
        socket_connect_timeout=1,
        retry=Retry(NoBackoff(), 0),
    )
