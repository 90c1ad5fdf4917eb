"""A fleet that follows demand, and what may happen to it: drains, kills, and a new master.

The whole product runs with the local fleet and the calibrated renderer, so that two cores carry
ten workers. Workers are drained and killed here behind the autoscaler's back; it fills up again.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import httpx
import pytest

from gpu_workers.forkserver_door import ask
from tests.product import (
    Product,
    assert_exactly_once,
    order_shoot,
    running,
    shoot_now,
    until,
    upload_pictures,
)

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]

LEASE_SECONDS = 3.0
WORKERS = 10
LOCAL = {
    "PACKSHOT_WORKERS": "",
    "PACKSHOT_FLEET": "local",
    "PACKSHOT_CPU_SLOTS": str(2 * WORKERS),
    "PACKSHOT_MIN_WORKERS": f"cpu={WORKERS}",
    "PACKSHOT_MAX_WORKERS": f"cpu={WORKERS}",
    "PACKSHOT_WORKER_RENDERER": "gpu_workers.calibrated.render",
    "PACKSHOT_CALIBRATED_SECONDS": "3",
    "PACKSHOT_WORKER_BEAT_SECONDS": "0.5",
    "PACKSHOT_LEASE_SECONDS": f"{LEASE_SECONDS:g}",
}


def _workers(product: Product) -> dict[str, dict[str, Any]]:
    rows = ask(product.var / "fleet", {"do": "list"})["workers"]
    return {row["worker"]: row for row in rows}


def _tree(pid: int) -> list[int]:
    try:
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [pid, *(found for child in listed for found in _tree(int(child)))]


def _held(product: Product) -> dict[str, list[tuple[str, int]]]:
    """Work items that are being rendered and their attempts, by worker."""
    held: dict[str, list[tuple[str, int]]] = {}
    for worker, item, attempt in product.rows(
        "SELECT worker, id, attempt FROM compute_workitem WHERE state = 'running'"
    ):
        held.setdefault(worker, []).append((item, attempt))
    return held


def _rendered(product: Product) -> dict[str, int]:
    """The attempt of every work item that is being rendered."""
    return {item: attempt for pairs in _held(product).values() for item, attempt in pairs}


def _finish(product: Product, api: httpx.Client, shoot: str, renders: int) -> None:
    def finished() -> bool:
        try:
            return bool(shoot_now(api, shoot)["state"] == "finished")
        except (httpx.TransportError, ValueError, KeyError):
            return False

    until(finished, seconds=120, what="the shoot finishes", every=0.5)
    assert_exactly_once(product, api, shoot, renders)


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory):
    with running(tmp_path_factory.mktemp("fleet"), **LOCAL) as product:
        yield product


@pytest.fixture(scope="module")
def api(product: Product):
    with product.api() as api:
        yield api


@pytest.fixture(scope="module")
def photos(api: httpx.Client) -> list[str]:
    return upload_pictures(api, 15)


def _busy(product: Product, workers: int = WORKERS) -> dict[str, list[tuple[str, int]]]:
    """Wait until so many workers render, and return what each one holds."""
    until(lambda: len(_held(product)) >= workers, seconds=60, what=f"{workers} workers render")
    return _held(product)


def test_ten_workers_drained_in_mid_render_finish_it_and_none_is_killed(
    product: Product, api: httpx.Client, photos: list[str]
) -> None:
    shoot = order_shoot(api, photos, takes=2)
    held = _busy(product)

    for worker in held:
        ask(product.var / "fleet", {"do": "drain", "worker": worker})

    until(
        lambda: not held.keys() & _workers(product).keys(), seconds=60, what="the drained to leave"
    )
    items = {item for pairs in held.values() for item, _ in pairs}
    until(lambda: not items & _rendered(product).keys(), seconds=10, what="the last reports")
    ended = {
        item: (state, attempt)
        for item, state, attempt in product.rows("SELECT id, state, attempt FROM compute_workitem")
        if item in items
    }
    assert set(ended.values()) == {("succeeded", 1)}
    _finish(product, api, shoot, 30)
    # Of these workers alone: other tests kill some of the same product.
    ends = [
        line
        for line in product.log().splitlines()
        if "worker ended" in line and any(f"worker={name} " in line for name in held)
    ]
    assert len(ends) == len(held)
    assert not [line for line in ends if "code=0" not in line]


def test_the_work_of_a_killed_worker_begins_again_within_its_lease_and_five_seconds(
    product: Product, api: httpx.Client, photos: list[str]
) -> None:
    shoot = order_shoot(api, photos, takes=1)
    held = _busy(product, 2)
    worker, [(item, attempt), *_] = next(iter(held.items()))

    os.kill(_workers(product)[worker]["pid"], signal.SIGKILL)

    until(
        lambda: product.rows(
            f"SELECT 1 FROM compute_workitem WHERE id = '{item}' "
            f"AND (state = 'succeeded' OR state = 'running' AND attempt > {attempt})"
        ),
        seconds=LEASE_SECONDS + 5,
        what="the lost render to begin again",
    )
    _finish(product, api, shoot, 15)


@pytest.mark.parametrize("victim", ["fleet", "conductor"])
def test_a_shoot_survives_the_end_of_who_holds_or_rules_the_workers(
    product: Product, api: httpx.Client, photos: list[str], victim: str
) -> None:
    shoot = order_shoot(api, photos, takes=2)
    _busy(product, 2)
    before = _workers(product).keys()
    pid = product.state["pids"][victim]

    os.kill(pid, signal.SIGKILL)

    until(
        lambda: product.state["pids"].get(victim) not in (None, pid),
        seconds=20,
        what=f"{victim} comes back",
    )
    if victim == "conductor":
        # Nobody but their master has gone: the same processes go on under the next one.
        assert before <= _workers(product).keys()
    _finish(product, api, shoot, 30)


def test_a_batch_that_waits_for_the_last_worker_is_not_stranded_by_its_drain(
    tmp_path: Path,
) -> None:
    one = {
        "PACKSHOT_MIN_WORKERS": "cpu=1",
        "PACKSHOT_MAX_WORKERS": "cpu=1",
        "PACKSHOT_CALIBRATED_SECONDS": "1.5",
    }
    with running(tmp_path, **{**LOCAL, **one}) as product, product.api() as api:
        shoot = order_shoot(api, upload_pictures(api, 3), takes=1)
        held = _busy(product, 1)
        until(
            lambda: product.rows("SELECT 1 FROM compute_workitem WHERE state = 'dispatched'"),
            seconds=10,
            what="a batch lies in the lane",
        )

        for worker in held:
            ask(product.var / "fleet", {"do": "drain", "worker": worker})

        _finish(product, api, shoot, 3)


@pytest.mark.parametrize("ending", ["SIGTERM to the group", "SIGKILL of the supervisor"])
def test_the_end_of_the_product_leaves_no_worker_behind(tmp_path: Path, ending: str) -> None:
    with running(tmp_path, **{**LOCAL, "PACKSHOT_MIN_WORKERS": "cpu=3"}) as product:
        pids = _tree(product.process.pid)
        assert len(_workers(product)) >= 3
        if ending.startswith("SIGTERM"):
            os.killpg(product.process.pid, signal.SIGTERM)
            assert product.process.wait(timeout=40) == 0
        else:
            os.kill(product.process.pid, signal.SIGKILL)
            product.process.wait(timeout=10)

    until(
        lambda: not [pid for pid in pids if Path(f"/proc/{pid}").exists()],
        seconds=10,
        what="no process is left",
    )
