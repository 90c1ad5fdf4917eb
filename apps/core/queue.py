"""The one door to RQ and to the small signals in Redis beside it.

Nothing that matters lives only in Redis: the database is the backlog, this is the wire.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

import django_rq
import redis
import rq
import structlog
from django.conf import settings
from django.db import transaction
from redis.backoff import NoBackoff
from redis.retry import Retry

WAKE_KEY = "packshot:wake"
ARRIVAL_KEY = "packshot:arrival"
_CHORE_NAME = re.compile(r"apps\.[a-z_]+\.jobs\.[a-z_]+\Z")


def connection() -> redis.Redis:
    """Return a connection to Redis with bounded waiting, text answers."""
    return redis.Redis.from_url(
        settings.REDIS_URL, decode_responses=True, socket_timeout=30, socket_connect_timeout=3
    )


@lru_cache(maxsize=4)
def _client(url: str) -> redis.Redis:
    # Shared by the threads of a process. One retry for a connection that a Redis restart broke;
    # redis-py's default waits for seconds, and a web request may stand behind this.
    return redis.Redis.from_url(
        url, socket_timeout=5, socket_connect_timeout=1, retry=Retry(NoBackoff(), 1)
    )


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job to put on a queue, by dotted name with JSON arguments."""

    queue: str
    name: str
    arguments: tuple[Any, ...]
    timeout_seconds: int
    job_id: str = ""
    """Letters, digits, hyphens and underscores, never used twice; random if empty."""


def enqueue(queue: str, job_name: str, *arguments: Any, timeout_seconds: int) -> None:
    """Put a job on a queue now.

    Raises
    ------
    redis.exceptions.ConnectionError
        If Redis is away. Callers inside a transaction use `enqueue_on_commit`.
    """
    enqueue_many([NewJob(queue, job_name, arguments, timeout_seconds)])


def enqueue_many(jobs: Sequence[NewJob]) -> None:
    """Put jobs on their queues now, in this order, all or none, in one exchange with Redis.

    Raises
    ------
    redis.exceptions.RedisError
        If Redis is away.
    """
    if not jobs:
        return
    client = _client(settings.REDIS_URL)
    queues = {
        name: django_rq.get_queue(name, commit_mode="auto", connection=client)
        for name in {job.queue for job in jobs}
    }
    with client.pipeline() as pipeline:
        for job in jobs:
            # The name travels; nothing is imported here. An own id, because RQ ids allow no colon.
            queues[job.queue].enqueue_call(
                func=job.name,
                args=job.arguments,
                timeout=job.timeout_seconds,
                result_ttl=60,
                failure_ttl=24 * 3600,
                job_id=job.job_id or uuid.uuid4().hex,
                pipeline=pipeline,
            )
        pipeline.execute()


def is_waiting(queue: str, job_id: str) -> bool:
    """Return whether a job lies in a queue and nobody has taken it."""
    lane = django_rq.get_queue(queue, connection=_client(settings.REDIS_URL))
    return lane.get_job_position(job_id) is not None


def withdraw(queue: str, job_id: str) -> bool:
    """Take a waiting job back. Return False if it was taken before or never arrived."""
    client = _client(settings.REDIS_URL)
    if not django_rq.get_queue(queue, connection=client).remove(job_id):
        return False
    client.delete(rq.job.Job.key_for(job_id))
    return True


def registered_lane(worker: str) -> str:
    """Return the queue that RQ's own list of workers names for a worker; empty if it knows none."""
    queues = cast("bytes | None", _client(settings.REDIS_URL).hget(f"rq:worker:{worker}", "queues"))
    return (queues or b"").decode()


def wait_for_wake(client: redis.Redis, seconds: float) -> bool:
    """Wait until somebody rings the dispatcher, or the time is over. Return whether it rang."""
    return client.blpop([WAKE_KEY], timeout=seconds) is not None


def wait_for_arrival(client: redis.Redis, seconds: float) -> bool:
    """Wait until work is accepted, or the time is over. Return whether it was."""
    return client.blpop([ARRIVAL_KEY], timeout=seconds) is not None


def picture_under(key: str) -> bytes | None:
    """Return a small picture that a worker has put up for a moment; None without it or Redis."""
    try:
        return cast("bytes | None", _client(settings.REDIS_URL).get(key))
    except redis.exceptions.RedisError as error:
        structlog.get_logger(__name__).warning("picture_unread", error=str(error))
        return None


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
    _ring_on_commit(WAKE_KEY)


def wake_autoscaler() -> None:
    """Ring the autoscaler after commit: work has arrived; losing the ring is fine."""
    _ring_on_commit(ARRIVAL_KEY)


def _ring_on_commit(key: str) -> None:
    def ring() -> None:
        try:
            with _client(settings.REDIS_URL).pipeline(transaction=False) as pipeline:
                pipeline.lpush(key, "1")
                pipeline.ltrim(key, 0, 0)
                pipeline.execute()
        except redis.exceptions.RedisError:
            _log_lost(key)

    transaction.on_commit(ring)


def _log_lost(what: str) -> None:
    structlog.get_logger(__name__).warning("doorbell_lost", what=what)


class ChoreJob(rq.job.Job):
    """A job that may only name a function in an app's ``jobs`` module.

    JSON alone does not stop code execution: whoever writes to Redis could name any importable
    function, so the names are checked where they are resolved.
    """

    @property
    def func(self) -> Any:
        """Return the function to run.

        Raises
        ------
        ValueError
            If the name is not on the list, or the job carries callbacks.
        """
        if not _CHORE_NAME.match(self.func_name or ""):
            raise ValueError(f"refused to run {self.func_name!r}: not a chore")
        return super().func

    @property
    def success_callback(self) -> Any:
        """Refuse callbacks: state lives in rows."""
        return None

    @property
    def failure_callback(self) -> Any:
        """Refuse callbacks: state lives in rows."""
        return None

    @property
    def stopped_callback(self) -> Any:
        """Refuse callbacks: state lives in rows."""
        return None


def work_chores(*, name: str) -> None:
    """Work on the chores queue until SIGTERM; one job at a time, in this process."""
    worker = rq.SimpleWorker(
        [django_rq.get_queue("chores")],
        name=name,
        connection=django_rq.get_connection("chores"),
        job_class=ChoreJob,
        serializer=rq.serializers.JSONSerializer,
    )
    worker.work(logging_level="WARNING")
