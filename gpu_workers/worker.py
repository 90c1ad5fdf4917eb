"""A worker: takes batches from exactly one queue and has its engine child render them.

Owns the loop, the signals, the registration with RQ and the refusal of anything but the one job.
Does not render, does not decide about children (`supervisor`) and knows no database.

Never imports torch, cv2, numpy or PIL: those belong to the engine child. Deviates from RQ where
RQ loses jobs, runs them twice or leaves on a Redis restart: no retries, no callbacks, no scheduler,
no remote commands, no alarms; leases on the application's side replace them all. Times are float
seconds of a monotonic clock.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import time
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

from gpu_workers import jobs
from gpu_workers.config import WorkerConfig
from gpu_workers.errors import DeviceError
from gpu_workers.protocol import JOB_NAME, RenderBatch
from gpu_workers.report import RedisStream, Reporter
from gpu_workers.supervisor import Desk, Supervisor

EXIT_LEFT: Final = 0
EXIT_UNFIT: Final = 1

_DEQUEUE_SECONDS: Final = 1
"""How long one blocking dequeue lasts, and so how long an idle worker takes to notice SIGTERM."""
_SOCKET_SECONDS: Final = 10.0
_FAILURE_TTL_SECONDS: Final = 24 * 3600
_REGISTRATION_TTL_SECONDS: Final = 120
_EXECUTION_TTL_SECONDS: Final = 3600
"""How long RQ keeps its own note of a batch whose worker was killed; nothing waits for it."""
_PAUSES_SECONDS: Final = (0.5, 1.0, 2.0, 5.0)
_DOUBLE_SIGNAL_SECONDS: Final = 1.0
_FAREWELL_SECONDS: Final = 3.0

log = logging.getLogger("gpu_workers.worker")


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


class Halt:
    """What the signals asked for: to leave in time, or to leave at once."""

    def __init__(self, grace_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._grace_seconds = grace_seconds
        self._clock = clock
        self._asked_at: float | None = None
        self._at_once = False

    def ask(self, number: int, frame: object) -> None:
        """Ask to leave; asked again, at once.

        A supervisor and the terminal often signal the same Ctrl+C twice within moments: that
        counts as one.
        """
        now = self._clock()
        if self._asked_at is None:
            self._asked_at = now
        elif now - self._asked_at > _DOUBLE_SIGNAL_SECONDS:
            self._at_once = True

    def is_asked(self) -> bool:
        """Whether no further batch should be taken."""
        return self._asked_at is not None

    def is_over(self) -> bool:
        """Whether the running batch must be given up."""
        if self._asked_at is None:
            return False
        return self._at_once or self._clock() - self._asked_at >= self._grace_seconds


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

    def take_one(self) -> bool:
        """Wait up to a second for a job and perform it; whether there was one."""
        if self.should_run_maintenance_tasks:
            self.run_maintenance_tasks()  # type: ignore[no-untyped-call]
        try:
            dequeued = Queue.dequeue_any(
                self.queues,
                self.dequeue_timeout,
                connection=self.connection,
                job_class=self.job_class,
                serializer=self.serializer,
                death_penalty_class=self.death_penalty_class,
            )
        except DequeueTimeout:
            return False
        if dequeued is None:
            return False
        try:
            self.execute_job(*dequeued)
        finally:
            # RQ keeps an execution here for ever if Redis left before it was cleaned up.
            self.executions.clear()
        return True


class RenderWorker:
    """A worker process: the RQ side, the engine child and the reports, from start to farewell."""

    def __init__(self, config: WorkerConfig) -> None:
        self._config = config
        self._halt = Halt(config.grace_seconds)
        self._supervisor = Supervisor(config, must_halt=self._halt.is_over)
        self._reporter = Reporter(
            RedisStream(config.redis_url),
            worker=config.worker,
            beat_seconds=config.beat_seconds,
            beat=self._beat,
        )
        self._desk = jobs.OrderDesk(self._reporter)
        self._lane_worker = LaneWorker(config)
        self._online = False
        self._unfit = ""

    def work(self) -> int:
        """Work until told to leave or unfit; return the process's exit code."""
        signal.signal(signal.SIGTERM, self._halt.ask)
        signal.signal(signal.SIGINT, self._halt.ask)
        jobs.lend(
            jobs.Bench(self._config.lane, voice=self._reporter, desk=self._desk, run=self._run)
        )
        self._supervisor.start()
        self._reporter.start()
        try:
            self._loop()
        except DeviceError as error:
            self._unfit = str(error)
        return self._leave()

    def _loop(self) -> None:
        failures = 0
        while not self._halt.is_asked() and not self._unfit:
            if not self._supervisor.await_ready(self._halt.is_asked):
                return
            self._announce()
            try:
                self._lane_worker.register()
                self._lane_worker.take_one()
                failures = 0
            except redis.RedisError as error:
                failures += 1
                if failures == 1:
                    log.warning("queue is out of reach", extra={"facts": {"reason": error}})
                self._pause(_PAUSES_SECONDS[min(failures, len(_PAUSES_SECONDS)) - 1])
            except Exception:  # the loop outlives whatever a hand-made job does to RQ
                log.exception("the job could not be taken")
                self._pause(_PAUSES_SECONDS[0])

    def _run(self, batch: RenderBatch, desk: Desk) -> None:
        """Have a batch rendered; called by the job, inside RQ, which swallows every exception."""
        try:
            self._supervisor.run(batch, desk)
        except DeviceError as error:
            self._unfit = str(error)

    def _announce(self) -> None:
        if self._online:
            return
        self._online = True
        config = self._config
        self._reporter.send(
            "worker.online",
            worker=config.worker,
            worker_class=config.worker_class,
            engine=config.engine,
            lane=config.lane,
            pid=os.getpid(),
            host=socket.gethostname(),
            versions=self._supervisor.versions,
        )
        log.info("worker online", extra={"facts": {"lane": config.lane, "pid": os.getpid()}})

    def _beat(self) -> dict[str, Any]:
        """Return the heartbeat's body; nothing before the worker has said that it is online."""
        if not self._online:
            return {}
        running = self._desk.held()
        state = "draining" if self._halt.is_asked() else ("busy" if running else "idle")
        return {"worker": self._config.worker, "state": state, "running": running}

    def _pause(self, seconds: float) -> None:
        ends_at = time.monotonic() + seconds
        while time.monotonic() < ends_at and not self._halt.is_asked():
            time.sleep(0.05)

    def _leave(self) -> int:
        released = self._desk.held()
        self._supervisor.close()
        self._reporter.send("worker.offline", worker=self._config.worker, released=released)
        if not self._reporter.close(_FAREWELL_SECONDS):
            log.warning("redis is away: leaving without a farewell")
        else:
            self._unregister()
        facts = {"released": len(released), "reason": self._unfit or "asked to leave"}
        log.log(
            logging.ERROR if self._unfit else logging.INFO, "worker offline", extra={"facts": facts}
        )
        return EXIT_UNFIT if self._unfit else EXIT_LEFT

    def _unregister(self) -> None:
        try:
            self._lane_worker.register_death()  # type: ignore[no-untyped-call]
        except redis.RedisError as error:
            log.warning("queue is out of reach", extra={"facts": {"reason": error}})
