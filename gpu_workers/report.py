"""The worker's voice: every report goes through here onto the one Redis stream.

Owns the sending thread, its buffer while Redis is away, the heartbeats and the thinning of
progress. Does not decide what is true about an order: the manifest in storage is the durable
report, the stream only its doorbell.

Reports keep their order. A report may arrive twice when a connection breaks between sending and
acknowledgment; readers go by (work item, attempt). Times are float seconds of a monotonic clock.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeAlias, cast

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from gpu_workers.protocol import PREVIEW_SECONDS, REPORT_STREAM, Report, ReportKind

STREAM_LENGTH: Final = 100_000
"""Entries the stream keeps, about: hours of a busy fleet, tens of megabytes."""
BUFFER_LENGTH: Final = 5_000
PROGRESS_SECONDS: Final = 0.25
"""Least time between two progress reports of one order."""
_RETRY_SECONDS: Final = (0.2, 0.5, 1.0, 2.0)
_SOCKET_SECONDS: Final = 5.0

log = logging.getLogger("gpu_workers.report")

Beat: TypeAlias = Callable[[], dict[str, Any]]


class Stream(Protocol):
    """Where reports are appended, in order."""

    def append(self, fields: dict[str, str]) -> None:
        """Append an entry; raises `redis.RedisError` if it could not be stored."""
        ...

    def show(self, key: str, picture: bytes) -> None:
        """Put a picture up for a while; raises `redis.RedisError` if it could not be stored."""
        ...


class RedisStream:
    """The report stream in Redis, through a client that fails in seconds and never retries."""

    def __init__(self, redis_url: str) -> None:
        self._client = redis.Redis.from_url(
            redis_url,
            socket_timeout=_SOCKET_SECONDS,
            socket_connect_timeout=_SOCKET_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )

    def append(self, fields: dict[str, str]) -> None:
        """Append an entry and trim the stream to about its length."""
        # redis-py's annotation wants the widest key type, and dict is invariant.
        entry = cast("dict[Any, Any]", fields)
        self._client.xadd(REPORT_STREAM, entry, maxlen=STREAM_LENGTH, approximate=True)

    def show(self, key: str, picture: bytes) -> None:
        """Put a picture up, in the place of an earlier one; it goes by itself."""
        self._client.set(key, picture, ex=PREVIEW_SECONDS)


class Outbox:
    """Reports that wait to be sent, at most `limit`; progress gives way first, then starts."""

    def __init__(self, limit: int = BUFFER_LENGTH) -> None:
        self._limit = limit
        self._reports: deque[Report] = deque()

    def __len__(self) -> int:
        return len(self._reports)

    def put(self, report: Report) -> None:
        """Add a report at the end; when full, the least telling one is dropped."""
        self._reports.append(report)
        if len(self._reports) > self._limit:
            del self._reports[self._expendable()]

    def first(self) -> Report | None:
        """Return the oldest report without taking it."""
        return self._reports[0] if self._reports else None

    def remove(self, report: Report) -> None:
        """Take a report out, if it has not been dropped meanwhile."""
        for place, waiting in enumerate(self._reports):
            if waiting is report:
                del self._reports[place]
                return

    def _expendable(self) -> int:
        for kind in ("order.progress", "order.started"):
            for place, report in enumerate(self._reports):
                if report.kind == kind:
                    return place
        return 0


@dataclass(slots=True)
class ProgressThrottle:
    """Thins the progress of one order; the latest value is never lost, only late."""

    interval_seconds: float = PROGRESS_SECONDS
    _sent_at: float = float("-inf")
    _held: dict[str, Any] | None = None

    def offer(self, body: dict[str, Any], now: float) -> dict[str, Any] | None:
        """Take a new value; return what is to be sent now, if anything."""
        self._held = body
        return self.due(now)

    def due(self, now: float) -> dict[str, Any] | None:
        """Return the held value if its time has come."""
        if self._held is None or now - self._sent_at < self.interval_seconds:
            return None
        self._sent_at = now
        return self.take()

    def take(self) -> dict[str, Any] | None:
        """Return the held value at once, for the last word before an order ends."""
        held, self._held = self._held, None
        return held


class Reporter:
    """Sends reports and heartbeats from its own thread, so that rendering never waits for Redis.

    Parameters
    ----------
    beat
        Returns the body of a heartbeat, or an empty dict to send none; called on the sending
        thread.
    """

    def __init__(self, stream: Stream, *, worker: str, beat_seconds: float, beat: Beat) -> None:
        self._stream = stream
        self._worker = worker
        self._beat_seconds = beat_seconds
        self._beat = beat
        self._outbox = Outbox()
        self._pictures: dict[str, bytes] = {}
        self._changed = threading.Condition()
        self._closing = False
        self._beat_at = 0.0
        self._thread = threading.Thread(target=self._serve, name="reporter", daemon=True)

    def start(self) -> None:
        """Begin to send and to beat."""
        self._thread.start()

    def send(self, kind: ReportKind, **body: Any) -> None:
        """Queue a report; returns at once."""
        with self._changed:
            self._outbox.put(Report(kind=kind, worker=self._worker, body=body))
            self._changed.notify()

    def show(self, key: str, picture: bytes) -> None:
        """Put a picture up before what is sent after it; returns at once.

        One that has not gone out when the next comes, or that Redis does not take, is dropped.
        """
        with self._changed:
            self._pictures[key] = picture
            self._changed.notify()

    def beat_now(self) -> None:
        """Send the next heartbeat at once, because its state has changed."""
        with self._changed:
            self._beat_at = 0.0
            self._changed.notify()

    def close(self, timeout_seconds: float) -> bool:
        """Send what is left and stop.

        Returns
        -------
        Whether everything was sent in time.
        """
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(timeout_seconds)
        return not self._thread.is_alive() and len(self._outbox) == 0

    def _serve(self) -> None:
        failures = 0
        while self._await_turn():
            try:
                self._speak()
            except redis.RedisError as error:
                failures += 1
                if failures == 1:
                    log.warning("redis is away", extra={"facts": {"reason": error}})
                time.sleep(_RETRY_SECONDS[min(failures, len(_RETRY_SECONDS)) - 1])
                continue
            except Exception:  # one bad report must not silence the worker
                log.exception("report dropped", extra={"facts": {"report": self._first()}})
                self._remove(self._first())
                self._beat_at = time.monotonic() + self._beat_seconds
            if failures:
                log.info("redis is back", extra={"facts": {"tries": failures}})
            failures = 0

    def _await_turn(self) -> bool:
        """Wait until there is something to say; False once all is said and no more will come."""
        with self._changed:
            if not len(self._outbox) and not self._pictures and not self._closing:
                self._changed.wait(max(0.0, self._beat_at - time.monotonic()))
            return len(self._outbox) > 0 or not self._closing

    def _speak(self) -> None:
        for key, picture in self._taken_pictures().items():
            self._stream.show(key, picture)
        report = self._first()
        if report is not None:
            self._stream.append(report.to_fields())
            self._remove(report)
        if time.monotonic() >= self._beat_at and not self._closing:
            self._send_beat()
            self._beat_at = time.monotonic() + self._beat_seconds

    def _taken_pictures(self) -> dict[str, bytes]:
        with self._changed:
            taken, self._pictures = self._pictures, {}
            return taken

    def _first(self) -> Report | None:
        with self._changed:
            return self._outbox.first()

    def _remove(self, report: Report | None) -> None:
        with self._changed:
            if report is not None:
                self._outbox.remove(report)

    def _send_beat(self) -> None:
        body = self._beat()
        if body:
            report = Report(kind="worker.beat", worker=self._worker, body=body)
            self._stream.append(report.to_fields())
