"""The one door to RQ and to the small signals in Redis beside it.

Nothing that matters lives only in Redis: the database is the backlog, this is the wire.
"""

from __future__ import annotations

import uuid
from typing import Any

import django_rq
import redis
from django.conf import settings
from django.db import transaction

WAKE_KEY = "packshot:wake"


def connection() -> redis.Redis:
    """Return a connection to Redis with bounded waiting, text answers."""
    return redis.Redis.from_url(
        settings.REDIS_URL, decode_responses=True, socket_timeout=30, socket_connect_timeout=3
    )


def enqueue(queue: str, job_name: str, *arguments: Any, timeout_seconds: int) -> None:
    """Put a job on a queue now, by dotted name with JSON arguments.

    Raises
    ------
    redis.exceptions.ConnectionError
        If Redis is away. Callers inside a transaction use `enqueue_on_commit`.
    """
    # The name travels; nothing is imported here. An own id, because RQ ids allow no colon.
    django_rq.get_queue(queue, commit_mode="auto").enqueue_call(
        func=job_name,
        args=arguments,
        timeout=timeout_seconds,
        result_ttl=60,
        failure_ttl=24 * 3600,
        job_id=uuid.uuid4().hex,
    )


def enqueue_on_commit(queue: str, job_name: str, *arguments: Any, timeout_seconds: int) -> None:
    """Put a job on a queue after the transaction commits; a lost Redis loses only the doorbell.

    The row that the job works on must be found again by a sweeper if this never arrives.
    """

    def ring() -> None:
        try:
            enqueue(queue, job_name, *arguments, timeout_seconds=timeout_seconds)
        except redis.exceptions.RedisError:
            _log_lost(job_name)

    transaction.on_commit(ring)


def queue_length(queue: str) -> int:
    """Return how many jobs wait in a queue."""
    return int(django_rq.get_queue(queue).count)


def wake_dispatcher() -> None:
    """Ring the dispatcher after commit, so that it need not poll fast; losing the ring is fine."""

    def ring() -> None:
        try:
            with connection() as client:
                client.lpush(WAKE_KEY, "1")
                client.ltrim(WAKE_KEY, 0, 0)
        except redis.exceptions.RedisError:
            _log_lost("wake")

    transaction.on_commit(ring)


def _log_lost(what: str) -> None:
    import structlog

    structlog.get_logger(__name__).warning("doorbell_lost", what=what)
