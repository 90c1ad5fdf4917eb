"""The RQ side, in this process, on a real Redis: what it takes, refuses and gives back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from rq import Queue, Retry
from rq.job import JobStatus

from gpu_workers import jobs
from gpu_workers.config import config_from_environ
from gpu_workers.lane_worker import LaneWorker
from gpu_workers.protocol import JOB_NAME, RenderBatch
from tests.apps.gpu_workers.conftest import Wire
from tests.fakes.orders import LANE, batch, order
from tests.fakes.voices import FakeVoice


@pytest.fixture
def taken() -> list[RenderBatch]:
    return []


@pytest.fixture
def lane_worker(wire: Wire, taken: list[RenderBatch]) -> Iterator[LaneWorker]:
    voice = FakeVoice()
    jobs.lend(
        jobs.Bench(
            LANE,
            voice=voice,
            desk=jobs.OrderDesk(voice),
            run=lambda batch, desk: taken.append(batch),
        )
    )
    worker = LaneWorker(
        config_from_environ(
            {
                "PACKSHOT_REDIS_URL": wire.url,
                "PACKSHOT_STORAGE_URL": "file:///nowhere",
                "PACKSHOT_WORKER_NAME": "w1",
            }
        )
    )
    worker.register()
    yield worker
    worker.connection.close()


def never() -> bool:
    return False


def test_a_batch_is_taken_and_nothing_of_its_job_stays_in_redis(
    wire: Wire, lane_worker: LaneWorker, taken: list[RenderBatch]
) -> None:
    job = wire.enqueue(batch(order("a")))

    assert lane_worker.take_one(never)

    assert taken == [batch(order("a"))]
    assert not wire.client.exists(job.key)
    assert wire.client.llen(f"rq:queue:{LANE}:intermediate") == 0
    assert wire.client.zcard(f"rq:wip:{LANE}") == 0


def test_a_job_that_comes_with_the_signal_goes_back_to_the_head_of_the_queue(
    wire: Wire, lane_worker: LaneWorker, taken: list[RenderBatch]
) -> None:
    first, second = wire.enqueue(batch(order("a"))), wire.enqueue(batch(order("b")))

    assert not lane_worker.take_one(lambda: True)

    assert taken == []
    assert wire.queue.job_ids == [first.id, second.id]
    assert wire.client.llen(f"rq:queue:{LANE}:intermediate") == 0


def test_a_damaged_job_is_put_aside_and_the_next_one_taken(
    wire: Wire, lane_worker: LaneWorker, taken: list[RenderBatch]
) -> None:
    damaged = wire.enqueue(batch(order("a")))
    wire.client.hset(damaged.key, "status", "nonsense")
    wire.enqueue(batch(order("b")))

    assert not lane_worker.take_one(never)
    assert lane_worker.take_one(never)

    assert taken == [batch(order("b"))]
    assert wire.client.llen(f"rq:queue:{LANE}:intermediate") == 0


def test_a_pickled_job_is_never_unpickled(
    wire: Wire, lane_worker: LaneWorker, taken: list[RenderBatch]
) -> None:
    job = Queue(LANE, connection=wire.client).enqueue(JOB_NAME, batch(order("a")).to_json())

    lane_worker.take_one(never)

    assert taken == []
    assert job.get_status() == JobStatus.FAILED


def test_rq_never_retries_a_batch(
    wire: Wire, lane_worker: LaneWorker, taken: list[RenderBatch]
) -> None:
    """Attempts are counted by leases; RQ's own retry would run one attempt twice."""
    wire.queue.enqueue("os.system", "true", retry=Retry(max=3))

    lane_worker.take_one(never)

    assert wire.queue.count == 0


def test_a_worker_takes_its_name_back_and_registers_again_when_redis_forgot_it(
    wire: Wire, lane_worker: LaneWorker
) -> None:
    # The fixture's registration is that of a killed worker with the same name.
    again = LaneWorker(
        config_from_environ(
            {
                "PACKSHOT_REDIS_URL": wire.url,
                "PACKSHOT_STORAGE_URL": "file:///nowhere",
                "PACKSHOT_WORKER_NAME": "w1",
            }
        )
    )
    again.register()
    wire.client.flushall()

    again.register()

    assert wire.client.smembers("rq:workers") == {b"rq:worker:w1"}
    assert wire.client.hget("rq:worker:w1", "pid") == str(again.pid).encode()
    again.connection.close()
