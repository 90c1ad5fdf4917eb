"""The RQ side of a worker: one queue, one allowed job, nothing else RQ can do.

Owns registration, dequeuing and the refusal of foreign jobs. Deviates from RQ where RQ loses jobs,
runs them twice, leaves on a Redis restart or runs what it is told by whoever writes to Redis: no
retries, no callbacks, no webhooks, no scheduler, no remote commands, no alarms. Leases on the
application's side replace them all. Does not render: that is `jobs.render_batch`.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable
from typing import Any, Final

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq import Queue, SimpleWorker
from rq.exceptions import DequeueTimeout
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.timeouts import BaseDeathPenalty
from rq.utils import now as rq_now

from gpu_workers import jobs
from gpu_workers.config import WorkerConfig
from gpu_workers.protocol import JOB_NAME

_DEQUEUE_SECONDS: Final = 1
"""How long one blocking dequeue lasts, and so how long an idle worker takes to notice SIGTERM."""
_SOCKET_SECONDS: Final = 10.0
_FAILURE_TTL_SECONDS: Final = 24 * 3600
_REGISTRATION_TTL_SECONDS: Final = 120
_EXECUTION_TTL_SECONDS: Final = 3600
"""How long RQ keeps its own note of a batch whose worker was killed; nothing waits for it."""

log = logging.getLogger("gpu_workers.lane_worker")


class JobRefused(Exception):
    """A job asks for something other than rendering a batch."""


class BatchJob(Job):
    """A job that can only ever be `jobs.render_batch`.

    Whoever writes to Redis chooses the callable a plain RQ job runs, and its callbacks, webhooks
    and retries. Here the name is compared with the one allowed name and never imported from.
    """

    def restore(self, raw_data: Any) -> Any:
        """Read the job from Redis and strip what could start anything else."""
        restored = super().restore(raw_data)
        self._extras = [
            name
            for name, value in (
                ("success callback", self._success_callback_name),
                ("failure callback", self._failure_callback_name),
                ("stopped callback", self._stopped_callback_name),
                ("webhook", self.webhooks),
                ("repeat", self.repeats_left),
            )
            if value
        ]
        self._success_callback_name = None
        self._failure_callback_name = None
        self._stopped_callback_name = None
        self.webhooks = []
        self.retries_left = None
        self.repeats_left = None
        self.result_ttl = 0
        self.failure_ttl = _FAILURE_TTL_SECONDS
        return restored

    @property
    def func(self) -> Callable[[str], None]:
        """The one allowed callable.

        Raises
        ------
        JobRefused
            If the job names another, is a method of something, or brings callbacks along.
        """
        if self.func_name != JOB_NAME or self.instance is not None:
            raise JobRefused(f"{self.func_name!r} is not {JOB_NAME}; nothing was run")
        if self._extras:
            raise JobRefused(f"a batch job brings no {', '.join(self._extras)}; nothing was run")
        return jobs.render_batch


class NoAlarm(BaseDeathPenalty):
    """RQ's job timeout, switched off: the supervisor holds the deadline, from outside the child.

    An alarm in this process would interrupt the supervisor and could not interrupt native code.
    """

    def setup_death_penalty(self) -> None:
        """Set nothing up."""

    def cancel_death_penalty(self) -> None:
        """There is nothing to cancel."""


class LaneWorker(SimpleWorker):
    """The RQ side: registers, dequeues from one lane, performs in this process."""

    death_penalty_class = NoAlarm
    job_class = BatchJob

    def __init__(self, config: WorkerConfig) -> None:
        connection = redis.Redis.from_url(
            config.redis_url,
            socket_timeout=_SOCKET_SECONDS,
            socket_connect_timeout=_SOCKET_SECONDS / 2,
            retry=Retry(NoBackoff(), 0),
        )
        # prepare_for_work would ask Redis for our address and fail where Redis is not up yet.
        super().__init__(
            [config.lane],
            name=config.worker,
            connection=connection,
            serializer=JSONSerializer,
            default_result_ttl=0,
            worker_ttl=_REGISTRATION_TTL_SECONDS,
            log_job_description=False,
            prepare_for_work=False,
        )
        self.hostname = socket.gethostname()
        self.pid = os.getpid()
        self.log_result_lifespan = False

    @property
    def dequeue_timeout(self) -> int:
        """Seconds one blocking dequeue lasts."""
        return _DEQUEUE_SECONDS

    def get_heartbeat_ttl(self, job: Job, working_time: float = 0.0) -> int:
        """Return how long RQ's note of the running job lives."""
        return _EXECUTION_TTL_SECONDS

    def register(self) -> None:
        """Enter this worker into RQ's list, again if Redis has forgotten it.

        A dead worker of the same name does not stand in the way: names are unique by
        configuration, and a restarted worker takes its own name back.
        """
        if not self.connection.hexists(self.key, "birth"):
            self.connection.delete(self.key)
            self.register_birth()  # type: ignore[no-untyped-call]
            self.set_state("idle")
        self.heartbeat()

    def take_one(self, has_to_leave: Callable[[], bool]) -> bool:
        """Wait up to a second for a job and perform it.

        Parameters
        ----------
        has_to_leave
            Returns whether the worker was told to leave meanwhile; a job that came in the same
            moment goes back to the head of the queue, for another worker.

        Returns
        -------
        Whether a job was performed.
        """
        if self.should_run_maintenance_tasks:
            self._maintain()
        dequeued = self._dequeue()
        if dequeued is None:
            return False
        job, queue = dequeued
        if has_to_leave():
            with self.connection.pipeline() as pipeline:
                queue.push_job_id(job.id, pipeline=pipeline, at_front=True)
                pipeline.lrem(queue.intermediate_queue_key, 1, job.id)
                pipeline.execute()
            return False
        try:
            self.execute_job(job, queue)
        finally:
            # RQ keeps an execution here for ever if Redis left before it was cleaned up.
            self.executions.clear()
        return True

    def leave(self) -> None:
        """Strike this worker off RQ's list."""
        self.register_death()  # type: ignore[no-untyped-call]

    def _dequeue(self) -> tuple[Job, Queue] | None:
        try:
            return Queue.dequeue_any(
                self.queues,
                self.dequeue_timeout,
                connection=self.connection,
                job_class=self.job_class,
                serializer=self.serializer,
                death_penalty_class=self.death_penalty_class,
            )
        except DequeueTimeout:
            return None
        except redis.RedisError:
            raise
        except Exception as error:  # whatever a damaged or hand-made job makes RQ stumble over
            job_id = getattr(error, "job_id", None)
            log.exception("job cannot be read", extra={"facts": {"job": job_id}})
            if job_id is not None:
                self.connection.lrem(self.queues[0].intermediate_queue_key, 1, job_id)
            return None

    def _maintain(self) -> None:
        """Let RQ sweep its registries; what it finds is never run again, only forgotten."""
        try:
            self.run_maintenance_tasks()  # type: ignore[no-untyped-call]
        except redis.RedisError:
            raise
        except Exception:  # a damaged job in a registry must not keep the worker from working
            log.exception("maintenance stumbled")
            self.last_cleaned_at = rq_now()  # type: ignore[assignment]
