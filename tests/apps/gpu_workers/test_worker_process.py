"""A worker process as the application meets it: on the queue, on the stream, in storage."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from rq import Callback
from rq.job import JobStatus

from gpu_workers.protocol import JOB_NAME, PREVIEW_SECONDS, preview_key
from tests.apps.gpu_workers.conftest import Fleet, Wire, is_running, manifest, until
from tests.fakes.orders import batch, order

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/task").is_dir(), reason="reads /proc to watch processes"
)


def test_a_batch_comes_back_as_manifests_and_reports(wire: Wire, fleet: Fleet) -> None:
    worker = fleet.start("gpu_workers.calibrated.render", PACKSHOT_CALIBRATED_SECONDS="0.4")

    job = wire.enqueue(batch(order("shoe"), order("lamp")))

    assert wire.await_outcomes(2) == {"shoe": "succeeded", "lamp": "succeeded"}
    online = wire.await_report("worker.online").body
    assert (online["lane"], online["pid"]) == ("render-cpu-classical", worker.pid)
    done = wire.await_report("order.succeeded").body
    assert done["tenant"] == "ateliers"
    assert manifest(fleet, done["manifest_key"])["engine"] == "calibrated/1"
    of_shoe = [r.kind for r in wire.reports("order.") if r.body["work_item"] == "shoe"]
    assert of_shoe[0] == "order.started"
    assert of_shoe[-1] == "order.succeeded"
    assert [r.body["share"] for r in wire.reports("order.progress")][-1] == 1.0
    busy = [r for r in wire.reports("worker.beat") if r.body["state"] == "busy"]
    assert ["lamp", 1] in busy[0].body["running"]
    until(lambda: wire.states()[-1] == "idle", "an idle beat")
    beat = wire.reports("worker.beat")[-1].body
    assert beat == {**_about(online), "state": "idle", "running": []}
    until(lambda: not wire.client.exists(job.key), "the job to be forgotten")
    assert worker.leave() == 0
    assert wire.reports()[-1].kind == "worker.offline"
    assert wire.reports()[-1].body == {"worker": "w1", "released": []}


def test_jobs_other_than_rendering_are_refused_and_nothing_runs(
    wire: Wire, fleet: Fleet, tmp_path: Path
) -> None:
    fleet.start()
    proof = tmp_path / "proof"
    touch = f"touch {proof}"

    refused = [
        wire.queue.enqueue("os.system", touch),
        wire.queue.enqueue(JOB_NAME, batch(order("a")).to_json(), on_failure=Callback("os.abort")),
        wire.queue.enqueue(JOB_NAME, batch(order("b")).to_json(), on_success=Callback("os.abort")),
    ]
    until(lambda: all(job.get_status() == JobStatus.FAILED for job in refused), "refusals")
    wire.enqueue(batch(order("shoe")))

    assert wire.await_outcomes(1) == {"shoe": "succeeded"}
    assert not proof.exists()
    assert "nothing was run" in fleet.workers[0].log()


def test_an_order_that_kills_its_process_fails_alone(wire: Wire, fleet: Fleet) -> None:
    fleet.start()

    wire.enqueue(
        batch(order("a"), order("b", does="abort"), order("c"), order("d", does="abort-once"))
    )

    assert wire.await_outcomes(4) == {
        "a": "succeeded",
        "b": "engine.crashed",
        "c": "succeeded",
        "d": "succeeded",
    }
    assert [fleet.tries(name) for name in "abcd"] == [1, 2, 1, 2]
    failure = wire.await_report("order.failed").body
    assert failure["retryable"] is True
    assert "SIGABRT" in failure["detail"]


def test_an_order_that_hangs_in_native_code_is_cut_and_fails_alone(
    wire: Wire, fleet: Fleet
) -> None:
    fleet.start()

    wire.enqueue(batch(order("a", does="hang"), order("b"), order("c"), deadline_seconds=4.5))

    assert wire.await_outcomes(3) == {
        "a": "engine.deadline_exceeded",
        "b": "succeeded",
        "c": "succeeded",
    }
    assert wire.await_report("order.failed").body["retryable"] is True


def test_bugs_unusable_photos_and_missing_objects_are_told_apart(wire: Wire, fleet: Fleet) -> None:
    fleet.start()

    wire.enqueue(
        batch(
            order("bug", does="raise"),
            order("photo", does="unusable"),
            order("missing", does="read-nowhere"),
            order("shoe"),
        )
    )

    assert wire.await_outcomes(4) == {
        "bug": "engine.failed",
        "photo": "order.source_unusable",
        "missing": "order.object_missing",
        "shoe": "succeeded",
    }
    details = {r.body["work_item"]: r.body for r in wire.reports("order.failed")}
    assert details["bug"]["detail"] == "ZeroDivisionError: the renderer has a bug"
    assert [details[name]["retryable"] for name in ("bug", "photo")] == [True, False]
    assert "ZeroDivisionError" in fleet.workers[0].log()
    assert len(fleet.workers[0].children()) == 1


def test_an_order_that_takes_all_memory_is_ended_and_its_neighbor_rendered(
    wire: Wire, fleet: Fleet
) -> None:
    fleet.start(PACKSHOT_ENGINE_MEMORY_BYTES=str(64 * 1024**2))

    wire.enqueue(batch(order("a", does="swell"), order("b")))

    assert wire.await_outcomes(2) == {"a": "engine.crashed", "b": "succeeded"}
    assert "memory" in wire.await_report("order.failed").body["detail"]


def test_sigterm_lets_the_batch_finish_within_grace(wire: Wire, fleet: Fleet) -> None:
    worker = fleet.start()
    wire.enqueue(batch(order("a", does="slow-1"), order("b")))
    wire.enqueue(batch(order("later")))
    wire.await_report("order.started")

    assert worker.leave() == 0

    assert wire.outcomes() == {"a": "succeeded", "b": "succeeded"}
    assert wire.reports()[-1].body["released"] == []
    assert "draining" in wire.states()
    assert wire.queue.count == 1


def test_sigterm_hands_back_what_does_not_finish_within_grace(wire: Wire, fleet: Fleet) -> None:
    worker = fleet.start(PACKSHOT_WORKER_GRACE_SECONDS="0.3")
    [child] = worker.children()
    wire.enqueue(batch(order("a"), order("b", does="hang"), order("c", attempt=3)))
    until(lambda: len(wire.reports("order.started")) == 2, "the second order")

    assert worker.leave() == 0

    assert wire.reports()[-1].kind == "worker.offline"
    assert wire.reports()[-1].body["released"] == [["b", 1], ["c", 3]]
    assert wire.outcomes() == {"a": "succeeded"}
    assert not is_running(child)


def test_a_drained_worker_finishes_its_batch_beyond_any_grace_and_takes_no_other(
    wire: Wire, fleet: Fleet
) -> None:
    worker = fleet.start(PACKSHOT_WORKER_GRACE_SECONDS="0", PACKSHOT_WORKER_BEAT_SECONDS="60")
    wire.enqueue(batch(order("a", does="slow-1"), order("b")))
    wire.enqueue(batch(order("later")))
    wire.await_report("order.started")

    worker.signal(signal.SIGUSR2)
    until(lambda: "draining" in wire.states(), "a beat at once")

    assert worker.process.wait(20) == 0
    assert wire.outcomes() == {"a": "succeeded", "b": "succeeded"}
    assert wire.reports()[-1].body["released"] == []
    assert wire.queue.count == 1


def test_sigterm_cuts_a_drain_short(wire: Wire, fleet: Fleet) -> None:
    worker = fleet.start(PACKSHOT_WORKER_GRACE_SECONDS="0.3")
    wire.enqueue(batch(order("a", does="hang"), deadline_seconds=600))
    wire.await_report("order.started")

    worker.signal(signal.SIGUSR2)

    assert worker.leave() == 0
    assert wire.reports()[-1].body["released"] == [["a", 1]]


def test_a_second_sigterm_ends_the_grace(wire: Wire, fleet: Fleet) -> None:
    worker = fleet.start(PACKSHOT_WORKER_GRACE_SECONDS="600")
    wire.enqueue(batch(order("a", does="hang"), deadline_seconds=600))
    wire.await_report("order.started")

    worker.signal(signal.SIGTERM)
    until(lambda: "draining" in wire.states(), "draining")
    # Twice within a second counts as once: a terminal and a supervisor send the same Ctrl+C.
    until(lambda: worker.process.poll() is not None or worker.signal(signal.SIGTERM), "the end")

    assert worker.process.returncode == 0
    assert wire.reports()[-1].body["released"] == [["a", 1]]


def test_no_engine_child_outlives_a_killed_worker(wire: Wire, fleet: Fleet) -> None:
    worker = fleet.start()
    [child] = worker.children()
    wire.enqueue(batch(order("a", does="hang")))
    wire.await_report("order.started")

    worker.process.kill()
    worker.process.wait()

    until(lambda: not is_running(child), "the child to die")


def test_a_worker_told_to_leaves_with_the_process_that_started_it(wire: Wire, fleet: Fleet) -> None:
    starter = fleet.start(PACKSHOT_DIE_WITH_PARENT="1", started_by="shell")
    [worker_pid] = starter.children()

    starter.process.kill()

    until(lambda: not is_running(worker_pid), "the worker to leave")
    assert wire.reports()[-1].kind == "worker.offline"


def test_an_idle_engine_child_that_dies_is_replaced_and_nobody_blamed(
    wire: Wire, fleet: Fleet
) -> None:
    worker = fleet.start()
    [child] = worker.children()

    os.kill(child, signal.SIGKILL)
    wire.enqueue(batch(order("a")))

    assert wire.await_outcomes(1) == {"a": "succeeded"}
    assert fleet.tries("a") == 1


def test_a_result_is_reported_after_redis_came_back_empty(wire: Wire, fleet: Fleet) -> None:
    worker = fleet.start()
    wire.enqueue(batch(order("a", does="slow-1.5"), order("b", does="slow-0.5")))
    wire.await_report("order.started")

    wire.kill()
    until(lambda: "batch left" in worker.log(), "the batch to end")
    wire.start()

    assert wire.await_outcomes(2) == {"a": "succeeded", "b": "succeeded"}
    wire.enqueue(batch(order("c")))
    assert wire.await_outcomes(3)["c"] == "succeeded"
    wire.client.flushall()
    wire.enqueue(batch(order("d")))
    assert wire.await_outcomes(1) == {"d": "succeeded"}
    assert worker.process.poll() is None
    assert fleet.tries("a") == fleet.tries("b") == 1


def test_a_worker_waits_for_a_redis_that_is_not_there_yet(wire: Wire, fleet: Fleet) -> None:
    wire.kill()
    worker = fleet.start()

    wire.start()
    wire.enqueue(batch(order("a")))

    assert wire.await_outcomes(1) == {"a": "succeeded"}
    assert worker.leave() == 0


def test_an_attempt_that_has_a_manifest_is_not_rendered_again(wire: Wire, fleet: Fleet) -> None:
    fleet.start()
    wire.enqueue(batch(order("a")))
    wire.await_outcomes(1)

    wire.enqueue(batch(order("a"), order("b")))

    until(lambda: len(wire.reports("order.succeeded")) == 3, "three reports")
    assert (fleet.tries("a"), fleet.tries("b")) == (1, 1)


def test_progress_is_thinned_and_its_last_word_is_kept(wire: Wire, fleet: Fleet) -> None:
    fleet.start()

    wire.enqueue(batch(order("a", does="many-progress")))

    wire.await_outcomes(1)
    steps = [r.body["step"] for r in wire.reports("order.progress")]
    assert 2 <= len(steps) < 20
    assert steps[-1] == 200
    assert steps == sorted(steps)


def test_an_unfinished_picture_is_put_up_for_a_while_and_kept_out_of_the_stream(
    wire: Wire, fleet: Fleet
) -> None:
    fleet.start()

    wire.enqueue(batch(order("a", does="preview-unfinished"), order("b")))

    wire.await_outcomes(2)
    assert wire.client.get(preview_key("a", 1)) == b"unfinished"
    assert 0 < wire.client.ttl(preview_key("a", 1)) <= PREVIEW_SECONDS
    [progress] = wire.reports("order.progress")
    assert progress.body["preview"] == 1
    assert not wire.client.exists(preview_key("b", 1))


def test_the_engine_child_is_replaced_after_its_share_of_orders(wire: Wire, fleet: Fleet) -> None:
    worker = fleet.start(PACKSHOT_ENGINE_RECYCLE_ORDERS="2")
    [first] = worker.children()

    wire.enqueue(batch(order("a"), order("b")))
    wire.await_outcomes(2)
    wire.enqueue(batch(order("c")))

    assert wire.await_outcomes(3)["c"] == "succeeded"
    assert first not in worker.children()


def test_a_worker_whose_device_is_unfit_leaves_and_hands_back(wire: Wire, fleet: Fleet) -> None:
    worker = fleet.start()

    wire.enqueue(batch(order("a", does="device"), order("b")))

    assert worker.process.wait(20) == 1
    assert wire.outcomes() == {"a": "device.unfit"}
    assert wire.reports()[-1].body["released"] == [["b", 1]]


def test_a_renderer_that_cannot_be_loaded_ends_the_start(wire: Wire, fleet: Fleet) -> None:
    worker = fleet.start("tests.fakes.nowhere.render", online=False)

    assert worker.process.wait(20) == 1
    assert "renderer tests.fakes.nowhere.render cannot be loaded" in worker.log()
    assert wire.reports("worker.online") == []


def test_the_parent_holds_no_image_library_and_says_so_on_sigusr1(wire: Wire, fleet: Fleet) -> None:
    worker = fleet.start("gpu_workers.pipelines.runner.render")
    wire.enqueue(batch(order("a", does="nowhere")))
    wire.await_outcomes(1)

    worker.signal(signal.SIGUSR1)

    until(lambda: "most recent call first" in worker.log(), "the stacks")
    [line] = [line for line in worker.log().splitlines() if " modules=" in line]
    loaded = set(line.rpartition(" modules=")[2].split(","))
    assert {"gpu_workers", "rq", "redis"} <= loaded
    assert not loaded & {"torch", "cv2", "numpy", "PIL", "django", "scipy", "boto3"}


def _about(online: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in online.items() if name != "versions"}
