"""The relay's loop: takes what workers report into the database and onto the open pages.

Reports come at least once and are acknowledged after the commit. All that waits in the stream is
taken in together, in few transactions and with one message to the open pages. An entry that cannot
be read or taken in is logged and acknowledged too: what it spoke of is found by the sweeper.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, Literal

import redis
import structlog

from apps.compute import wire
from apps.compute.services import execution, fleet
from apps.compute.services.execution import Said
from apps.compute.services.faults import TRANSIENT
from apps.core import queue
from apps.core.ids import new_id
from apps.core.report_stream import Entry, StreamReader
from apps.events import live

_log = structlog.get_logger(__name__)

_GROUP: Final = "relay"
_BLOCK_SECONDS: Final = 0.25
_READ_COUNT: Final = 256
_BREATH_SECONDS: Final = 0.1
"""After news of orders so much is gathered before the next look: a transaction for each report of
many quick renders would cost twice the CPU, and what comes after a pause is still heard at once."""
_SUBJECTS_KEPT: Final = 2_000
_SAID: Final[Mapping[str, Literal["started", "succeeded", "failed"]]] = {
    "order.started": "started",
    "order.succeeded": "succeeded",
    "order.failed": "failed",
}
_BORDERS: Final = ("worker.online", "worker.offline")


class Hearing:
    """Since when the relay hears the workers without a gap: the sweeper trusts no lease before."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._since: float | None = None
        self._heard_at = 0.0

    def caught_up(self) -> None:
        """Everything that was reported until now is taken in."""
        with self._lock:
            self._heard_at = time.monotonic()
            if self._since is None:
                self._since = self._heard_at

    def lost(self) -> None:
        """Reports cannot be heard."""
        with self._lock:
            self._since = None

    def seconds(self, *, freshness_seconds: float) -> float:
        """Return how long the relay has been hearing; 0 if it does not now."""
        with self._lock:
            now = time.monotonic()
            if self._since is None or now - self._heard_at > freshness_seconds:
                return 0.0
            return now - self._since


class Relay:
    """Reads the report stream as the one consumer of its group."""

    name = "relay"

    def __init__(self, hearing: Hearing | None = None) -> None:
        self.hearing = hearing or Hearing()
        self._subjects: OrderedDict[str, tuple[str, str, int]] = OrderedDict()
        self._reads_at = 0.0
        self._line = live.StandingLine()
        self._reader = StreamReader(
            queue.connection(),
            stream=wire.REPORT_STREAM,
            group=_GROUP,
            consumer=f"{socket.gethostname()}-{os.getpid()}-{new_id('rly')[-6:]}",
        )

    def prepare(self) -> None:
        """Find the group again and take in what was read and not acknowledged."""
        self.hearing.lost()
        self._take_in(self._reader.recover())

    def step(self) -> None:
        """Wait for reports and take them in."""
        time.sleep(max(0.0, self._reads_at - time.monotonic()))
        try:
            entries = self._reader.read(block_seconds=_BLOCK_SECONDS, count=_READ_COUNT)
        except redis.ResponseError as error:
            if "NOGROUP" not in str(error):
                raise
            _log.warning("stream_emptied")
            self._take_in(self._reader.recover())
            return
        self._take_in(entries)
        if len(entries) < _READ_COUNT:
            self.hearing.caught_up()

    def _take_in(self, entries: list[Entry]) -> None:
        if not entries:
            return
        began = time.monotonic()
        with self._line.gathering():
            said: list[Said] = []
            for entry, report in self._readable(entries):
                with _forgiven(entry, report.kind):
                    if report.kind in _SAID:
                        self._reads_at = began + _BREATH_SECONDS
                        said.append(_said(report))
                        continue
                    if report.kind in _BORDERS:
                        # What a worker said before it came or went is taken in before that.
                        self._hear(said)
                        said = []
                    self._dispatch(report)
            self._hear(said)
        self._reader.acknowledge([entry for entry, _ in entries])

    def _readable(self, entries: list[Entry]) -> list[tuple[str, wire.Report]]:
        readable = []
        for entry, fields in entries:
            with _forgiven(entry, fields.get("kind", "")):
                readable.append((entry, wire.report_from_fields(fields)))
        self._look_up([report for _, report in readable if report.kind == "order.progress"])
        return readable

    def _hear(self, said: list[Said]) -> None:
        """Take in what was said of orders; one by one if that does not work together."""
        try:
            execution.take_in(said)
        except TRANSIENT:
            raise
        except Exception:  # noqa: BLE001 - logged with its traceback once it is known whose it is
            if len(said) == 1:
                _log.exception("report_refused", word=said[0].word, work_item=said[0].work_item)
                return
            _log.warning("reports_taken_in_singly", reports=len(said))
            for each in said:
                self._hear([each])

    def _dispatch(self, report: wire.Report) -> None:
        body, worker = report.body, report.worker
        match report.kind:
            case "worker.online":
                fleet.record_online(worker=worker, facts=body)
            case "worker.beat":
                fleet.record_beat(worker=worker, state=str(body.get("state", "")), facts=body)
                execution.extend_leases(worker=worker, running=_attempts(body["running"]))
            case "worker.offline":
                execution.take_in(
                    [
                        Said("released", work_item, attempt, worker)
                        for work_item, attempt in _attempts(body["released"])
                    ]
                )
                fleet.record_offline(worker=worker)
            case "order.progress":
                self._show_progress(body)
            case _:
                _log.warning("report_unknown", kind=report.kind)

    def _show_progress(self, body: Mapping[str, Any]) -> None:
        known = self._subjects.get(str(body["work_item"]))
        if known is None or known[2] != int(body["attempt"]):
            return
        tenant, subject, _ = known
        live.progress(
            tenant,
            subject=subject,
            step=int(body["step"]),
            steps=int(body["steps"]),
            label=str(body["label"]),
            share=float(body["share"]),
            preview=int(body.get("preview", 0)),
        )

    def _look_up(self, reports: list[wire.Report]) -> None:
        """Find out whose bars to move; read once for each attempt, then remembered."""
        unknown = {
            work_item
            for report in reports
            if (known := self._subjects.get(work_item := str(report.body.get("work_item")))) is None
            or known[2] != report.body.get("attempt")
        }
        if not unknown:
            return
        self._subjects |= execution.subjects_of(unknown)
        while len(self._subjects) > _SUBJECTS_KEPT:
            self._subjects.popitem(last=False)


@contextmanager
def _forgiven(entry: str, kind: str) -> Iterator[None]:
    try:
        yield
    except TRANSIENT:
        raise
    except Exception:  # noqa: BLE001 - logged with its traceback below
        # One bad report may not stop the others: the lease of its work item expires.
        _log.exception("report_refused", entry=entry, kind=kind)


def _said(report: wire.Report) -> Said:
    body = report.body
    return Said(
        _SAID[report.kind],
        str(body["work_item"]),
        int(body["attempt"]),
        report.worker,
        code=str(body.get("code", "")),
        detail=str(body.get("detail", "")),
        retryable=bool(body.get("retryable", False)),
    )


def _attempts(pairs: Any) -> list[tuple[str, int]]:
    return [(str(work_item), int(attempt)) for work_item, attempt in pairs]
