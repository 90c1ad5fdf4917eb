"""Kill -9 whatever runs, mid-shoot: every image exactly once, every credit exactly once.

The renderer here is the calibrated one, which takes a stated time: what is proved is the flow of
work, and the pictures of the real engine are proved elsewhere.
"""

from __future__ import annotations

import hashlib
import os
import random
import signal
import time
from pathlib import Path

import httpx
import pytest

from tests.product import (
    Product,
    assert_exactly_once,
    order_shoot,
    running,
    shoot_now,
    until,
    upload_pictures,
)

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(420)]

PHOTOS, TAKES = 16, 5
FAST = {
    "PACKSHOT_WORKER_RENDERER": "gpu_workers.calibrated.render",
    "PACKSHOT_CALIBRATED_SECONDS": "0.5",
    "PACKSHOT_WORKER_BEAT_SECONDS": "0.5",
    "PACKSHOT_LEASE_SECONDS": "3",
    # A restarted Redis comes back empty.
    "PACKSHOT_REDIS_DURABLE": "0",
}


def _kill(product: Product, name: str) -> None:
    pid = until(lambda: product.state["pids"].get(name), seconds=20, what=f"{name} runs")
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        # Still between its last death and the next start: that is a kill already.
        return
    until(
        lambda: product.state["pids"].get(name) not in (None, pid),
        seconds=20,
        what=f"{name} comes back",
    )


def _assert_files_are_whole(product: Product, api: httpx.Client, shoot: str) -> None:
    page = api.get("/renders", params={"shoot": shoot, "limit": 200}).json()
    for render in page["data"][:20]:
        api.post(f"/renders/{render['id']}/review", json={"verdict": "approve"})
        for file in api.get(f"/renders/{render['id']}").json()["files"]:
            data = httpx.get(file["url"], trust_env=False).content
            assert hashlib.sha256(data).hexdigest() == file["sha256"]


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory):
    with running(tmp_path_factory.mktemp("chaos"), **FAST) as product:
        yield product


@pytest.fixture(scope="module")
def api(product: Product):
    with product.api() as api:
        yield api


@pytest.fixture(scope="module")
def photos(api: httpx.Client) -> list[str]:
    return upload_pictures(api, PHOTOS)


@pytest.mark.parametrize(
    ("victims", "kills"),
    [
        (("worker-1", "worker-2"), 8),
        (("conductor",), 4),
        (("redis",), 4),
        (("worker-1", "conductor", "redis", "chores", "worker-2", "web"), 8),
    ],
    ids=["workers", "conductor", "redis", "everything"],
)
def test_a_shoot_survives_kills_with_every_image_and_credit_exactly_once(
    product: Product, api: httpx.Client, photos: list[str], victims: tuple[str, ...], kills: int
) -> None:
    dice = random.Random(f"{victims}")
    shoot = order_shoot(api, photos, takes=TAKES)
    until(
        lambda: shoot_now(api, shoot)["counts"]["rendering"],
        seconds=20,
        what="the first render runs",
    )

    for number in range(kills):
        _kill(product, victims[number % len(victims)])
        time.sleep(dice.uniform(0.3, 1.6))

    def finished() -> bool:
        try:
            return shoot_now(api, shoot)["state"] == "finished"
        except (httpx.TransportError, ValueError, KeyError):
            return False

    until(finished, seconds=150, what="the shoot finishes", every=0.5)
    assert_exactly_once(product, api, shoot, PHOTOS * TAKES)
    _assert_files_are_whole(product, api, shoot)


def test_orders_are_accepted_while_redis_is_away(
    product: Product, api: httpx.Client, photos: list[str]
) -> None:
    redis = product.state["pids"]["redis"]
    os.kill(redis, signal.SIGSTOP)
    try:
        shoot = order_shoot(api, photos[:4], takes=1)
    finally:
        os.kill(redis, signal.SIGKILL)

    until(
        lambda: shoot_now(api, shoot)["state"] == "finished", seconds=60, what="the shoot finishes"
    )


def test_one_signal_to_the_group_ends_the_whole_tree(tmp_path: Path) -> None:
    with running(tmp_path, **FAST) as product:
        pids = list(product.state["pids"].values())
        os.killpg(product.process.pid, signal.SIGTERM)
        assert product.process.wait(timeout=40) == 0

    assert [pid for pid in pids if Path(f"/proc/{pid}").exists()] == []
    assert not (tmp_path / "up.json").exists()


def test_a_killed_supervisor_takes_its_tree_along(tmp_path: Path) -> None:
    with running(tmp_path, **FAST) as product:
        pids = list(product.state["pids"].values())
        os.kill(product.process.pid, signal.SIGKILL)
        product.process.wait(timeout=10)

    until(
        lambda: not [pid for pid in pids if Path(f"/proc/{pid}").exists()],
        seconds=10,
        what="no child is left",
    )
