"""A worker process: takes batches from exactly one queue and has its engine child render them.

Owns the loop, the signals, the heartbeat's content and the farewell. Does not talk to RQ
(`lane_worker`), does not decide about children (`supervisor`) and knows no database. Never imports
torch, cv2, numpy or PIL: those belong to the engine child. Times are float seconds of a monotonic
clock.
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

from gpu_workers import jobs
from gpu_workers.config import WorkerConfig
from gpu_workers.errors import DeviceError
from gpu_workers.forking import HELD_SIGNALS, take_signals
from gpu_workers.lane_worker import LaneWorker
from gpu_workers.protocol import RenderBatch
from gpu_workers.report import RedisStream, Reporter
from gpu_workers.supervisor import Desk, Supervisor

EXIT_LEFT: Final = 0
EXIT_UNFIT: Final = 1

_PAUSES_SECONDS: Final = (0.5, 1.0, 2.0, 5.0)
_DOUBLE_SIGNAL_SECONDS: Final = 1.0
_FAREWELL_SECONDS: Final = 3.0

log = logging.getLogger("gpu_workers.worker")


class Halt:
    """What the signals asked for: to drain, to leave in time, or to leave at once."""

    def __init__(self, grace_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._grace_seconds = grace_seconds
        self._clock = clock
        self._drains = False
        self._asked_at: float | None = None
        self._at_once = False

    def drain(self, number: int, frame: object) -> None:
        """Ask to take no further batch and to finish the running one, however long it takes.

        For scale-in, where nobody waits for the machine: the batch's own deadline is the bound.
        """
        self._drains = True

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
        return self._drains or self._asked_at is not None

    def is_over(self) -> bool:
        """Whether the running batch must be given up."""
        if self._asked_at is None:
            return False
        return self._at_once or self._clock() - self._asked_at >= self._grace_seconds


class RenderWorker:
    """A worker process: the RQ side, the engine child and the reports, from start to farewell.

    Parameters
    ----------
    requests
        Socket to the engine fork server; None starts every child in a fresh interpreter.
    on_online
        Called once, when the worker is about to take its first batch.
    """

    def __init__(
        self,
        config: WorkerConfig,
        *,
        requests: socket.socket | None = None,
        on_online: Callable[[], None] = lambda: None,
    ) -> None:
        self._config = config
        self._host = socket.gethostname()
        self._on_online = on_online
        self._halt = Halt(config.grace_seconds)
        self._supervisor = Supervisor(config, must_halt=self._must_halt, requests=requests)
        self._reporter = Reporter(
            RedisStream(config.redis_url),
            worker=config.worker,
            beat_seconds=config.beat_seconds,
            beat=self._beat,
        )
        self._desk = jobs.OrderDesk(self._reporter)
        self._lane_worker = LaneWorker(config)
        self._online = False
        self._has_told = False
        self._unfit = ""

    def work(self) -> int:
        """Work until told to leave or unfit; return the process's exit code.

        SIGTERM and SIGINT leave the running batch its grace; SIGUSR2 drains.
        """
        signal.signal(signal.SIGTERM, self._halt.ask)
        signal.signal(signal.SIGINT, self._halt.ask)
        signal.signal(signal.SIGUSR2, self._halt.drain)
        take_signals()
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
                self._lane_worker.take_one(self._halt.is_asked)
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

    def _must_halt(self) -> bool:
        """Return whether the running batch must be given up; asked several times a second."""
        if self._halt.is_asked() and not self._has_told:
            self._has_told = True
            # Not in the signal handler: it may interrupt the very thread that holds the lock.
            self._reporter.beat_now()
        return self._halt.is_over()

    def _announce(self) -> None:
        if self._online:
            return
        self._online = True
        self._reporter.send("worker.online", **self._about(), versions=self._supervisor.versions)
        self._on_online()
        facts = {"lane": self._config.lane, "pid": os.getpid()}
        log.info("worker online", extra={"facts": facts})

    def _about(self) -> dict[str, Any]:
        """Return what makes this worker known to an application that never heard of it."""
        config = self._config
        return {
            "worker": config.worker,
            "worker_class": config.worker_class,
            "engine": config.engine,
            "lane": config.lane,
            "pid": os.getpid(),
            "host": self._host,
        }

    def _beat(self) -> dict[str, Any]:
        """Return the heartbeat's body; nothing before the worker has said that it is online."""
        if not self._online:
            return {}
        running = self._desk.held()
        state = "draining" if self._halt.is_asked() else ("busy" if running else "idle")
        return {**self._about(), "state": state, "running": running}

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
        # All is said; an impatient further signal must not turn this into a death by signal.
        for number in HELD_SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        return EXIT_UNFIT if self._unfit else EXIT_LEFT

    def _unregister(self) -> None:
        try:
            self._lane_worker.leave()
        except redis.RedisError as error:
            log.warning("queue is out of reach", extra={"facts": {"reason": error}})
