"""Reports keep their order and outlive an absent Redis; progress is what gives way."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import redis

from gpu_workers import report
from gpu_workers.protocol import Report
from gpu_workers.report import Outbox, ProgressThrottle, Reporter


class FakeStream:
    """Remembers entries; refuses while `away` is set."""

    def __init__(self) -> None:
        self.entries: list[dict[str, str]] = []
        self.away = False
        self.refusals = 0
        self.poisonous = ""

    def append(self, fields: dict[str, str]) -> None:
        if self.away:
            self.refusals += 1
            raise redis.ConnectionError("away")
        if self.poisonous and self.poisonous in fields["body"]:
            raise TypeError("no such value")
        self.entries.append(fields)

    def show(self, key: str, picture: bytes) -> None:
        if self.away:
            self.refusals += 1
            raise redis.ConnectionError("away")
        self.entries.append({"kind": f"picture {key}", "body": picture.decode()})

    def kinds(self) -> list[str]:
        return [entry["kind"] for entry in self.entries]


def until(fact: Callable[[], Any]) -> None:
    gives_up_at = time.monotonic() + 10
    while not fact():
        assert time.monotonic() < gives_up_at, "waited 10 s"
        time.sleep(0.005)


@pytest.fixture(autouse=True)
def short_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "_RETRY_SECONDS", (0.01,))


def reporter(stream: FakeStream, beat: report.Beat = dict, beat_seconds: float = 60.0) -> Reporter:
    made = Reporter(stream, worker="w1", beat_seconds=beat_seconds, beat=beat)
    made.start()
    return made


def test_reports_arrive_in_order_after_redis_came_back_each_once() -> None:
    stream = FakeStream()
    stream.away = True
    sending = reporter(stream)

    for number in range(5):
        sending.send("order.started", number=number)
    until(lambda: stream.refusals > 2)
    stream.away = False

    assert sending.close(5.0)
    assert [entry["body"] for entry in stream.entries] == [f'{{"number": {n}}}' for n in range(5)]


def test_closing_sends_what_is_left_and_nothing_after_it() -> None:
    stream = FakeStream()
    sending = reporter(stream, beat=lambda: {"state": "idle"}, beat_seconds=0.001)
    until(lambda: stream.entries)

    sending.send("worker.offline")

    assert sending.close(5.0)
    assert stream.kinds()[-1] == "worker.offline"
    assert set(stream.kinds()[:-1]) == {"worker.beat"}


def test_closing_while_redis_is_away_gives_up_in_time_and_says_so() -> None:
    stream = FakeStream()
    stream.away = True
    sending = reporter(stream)

    sending.send("worker.offline")

    assert not sending.close(0.1)
    stream.away = False


def test_no_stale_heartbeats_are_sent_after_an_absence() -> None:
    stream = FakeStream()
    stream.away = True
    states = iter(["old"] * 3)
    sending = reporter(stream, beat=lambda: {"state": next(states, "new")}, beat_seconds=60.0)

    until(lambda: stream.refusals >= 3)
    stream.away = False
    until(lambda: stream.entries)

    assert sending.close(5.0)
    assert [entry["body"] for entry in stream.entries] == ['{"state": "new"}']


def test_a_picture_goes_before_what_is_said_after_it_and_only_the_latest() -> None:
    stream = FakeStream()
    sending = Reporter(stream, worker="w1", beat_seconds=60.0, beat=dict)

    sending.show("a", b"first")
    sending.show("a", b"second")
    sending.send("order.progress")
    sending.start()

    assert sending.close(5.0)
    assert stream.kinds() == ["picture a", "order.progress"]
    assert stream.entries[0]["body"] == "second"


def test_a_picture_that_redis_does_not_take_is_dropped_and_holds_nothing_up() -> None:
    stream = FakeStream()
    stream.away = True
    sending = reporter(stream)

    sending.show("a", b"lost")
    sending.send("order.succeeded")
    until(lambda: stream.refusals > 2)
    stream.away = False

    assert sending.close(5.0)
    assert stream.kinds() == ["order.succeeded"]


def test_a_worker_that_is_not_online_does_not_beat() -> None:
    stream = FakeStream()
    asked = threading.Event()

    def beat() -> dict[str, Any]:
        asked.set()
        return {}

    sending = reporter(stream, beat=beat)

    assert asked.wait(5)
    assert sending.close(5.0)
    assert stream.entries == []


def test_one_bad_report_does_not_silence_the_worker() -> None:
    stream = FakeStream()
    stream.poisonous = "poison"
    sending = reporter(stream)

    sending.send("order.started", work_item="poison")
    sending.send("order.started", work_item="shoe")

    assert sending.close(5.0)
    assert [entry["body"] for entry in stream.entries] == ['{"work_item": "shoe"}']


def test_a_full_buffer_drops_progress_first_then_starts_then_the_oldest() -> None:
    outbox = Outbox(limit=2)
    reports = {
        kind: Report(kind=kind, worker="w1", body={})
        for kind in ("order.succeeded", "order.progress", "order.started", "order.failed")
    }

    for one in reports.values():
        outbox.put(one)
    assert _drain(outbox) == ["order.succeeded", "order.failed"]

    for kind in ("order.failed", "order.succeeded", "worker.offline"):
        outbox.put(Report(kind=kind, worker="w1", body={}))
    assert _drain(outbox) == ["order.succeeded", "worker.offline"]


def test_removing_a_report_that_was_dropped_meanwhile_takes_no_other() -> None:
    outbox = Outbox(limit=1)
    dropped = Report(kind="order.progress", worker="w1", body={})
    kept = Report(kind="order.progress", worker="w1", body={})
    outbox.put(dropped)
    outbox.put(kept)

    outbox.remove(dropped)

    assert outbox.first() is kept


def test_progress_is_sent_at_most_four_times_a_second_and_the_latest_is_kept() -> None:
    throttle = ProgressThrottle()

    assert throttle.offer({"step": 1}, now=10.0) == {"step": 1}
    assert throttle.offer({"step": 2}, now=10.1) is None
    assert throttle.offer({"step": 3}, now=10.2) is None
    assert throttle.due(10.24) is None
    assert throttle.due(10.25) == {"step": 3}
    assert throttle.due(20.0) is None
    assert throttle.offer({"step": 4}, now=10.3) is None
    assert throttle.take() == {"step": 4}
    assert throttle.take() is None


def _drain(outbox: Outbox) -> list[str]:
    kinds = []
    while (first := outbox.first()) is not None:
        kinds.append(first.kind)
        outbox.remove(first)
    return kinds
