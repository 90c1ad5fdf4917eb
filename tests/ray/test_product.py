"""The whole product on a Ray cluster: its own autoscaler, real losses, every render exactly once.

The renderer is the calibrated one, which takes a stated time: what is proved is the flow of work.
"""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from apps.core.embedded_redis import RedisServer
from tests.product import Product, running, until, upload_pictures
from tests.ray.cluster import Cluster, Machine, cluster, runs

PHOTOS, TAKES = 16, 8


# A cluster for each test: Ray keeps slots of a lost head for minutes.
@pytest.fixture
def machines(redis_process: RedisServer) -> Iterator[Cluster]:
    with cluster(slots=(2, 2, 2), redis_url=redis_process.url) as here:
        yield here


@pytest.fixture
def product(
    machines: Cluster, redis_process: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Product]:
    with running(
        tmp_path_factory.mktemp("product"),
        PACKSHOT_FLEET="ray",
        PACKSHOT_WORKERS="0",
        PACKSHOT_RAY_ADDRESS=machines.address,
        PACKSHOT_TARGET_WAIT_SECONDS="2",
        PACKSHOT_WORKER_RENDERER="gpu_workers.calibrated.render",
        PACKSHOT_CALIBRATED_SECONDS="1",
        PACKSHOT_WORKER_BEAT_SECONDS="0.5",
        PACKSHOT_LEASE_SECONDS="3",
    ) as product:
        yield product


@pytest.fixture
def api(product: Product) -> Iterator[httpx.Client]:
    with product.api() as api:
        yield api


def _order(api: httpx.Client, photos: list[str], takes: int) -> str:
    answer = api.post(
        "/shoots",
        json={
            "photos": photos,
            "scene_template": "packshot-white",
            "sales_channels": ["amazon-main"],
            "takes": takes,
        },
    )
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def _workers(product: Product, machine: Machine | None = None) -> list[tuple[str, int]]:
    """Name and process of the workers that were seen online and not released, newest first."""
    where = f"AND place = '{machine.place}'" if machine else ""
    return product.rows(  # type: ignore[return-value]
        "SELECT l.worker, w.pid FROM compute_workerlife l "
        "JOIN compute_worker w ON w.name = l.worker "
        "WHERE online_at IS NOT NULL AND drain_asked_at IS NULL AND released_at IS NULL "
        f"{where} ORDER BY launched_at DESC"
    )


def _await_worker(product: Product, machine: Machine | None = None) -> str:
    found = until(lambda: _workers(product, machine), seconds=60, what=f"a worker on {machine}")
    return str(found[0][0])


def test_every_render_comes_once_while_machines_raylets_and_head_are_lost_in_turn(
    product: Product, machines: Cluster, api: httpx.Client
) -> None:
    photos = upload_pictures(api, PHOTOS)
    shoot = _order(api, photos, TAKES)

    lost = []
    for number, machine in enumerate(machines.machines[1:]):
        lost.append(_await_worker(product, machine))
        if number == 1:
            machine.lose_raylet()
        machine.lose_power()
        machine.switch_on()
    alive = _await_worker(product)
    machines.head.lose_power()
    machines.head.switch_on()

    until(
        lambda: api.get(f"/shoots/{shoot}").json()["state"] == "finished",
        # Launches that fail while the head is away make the next ones rest, 5 s up to 80 s here.
        seconds=300,
        what="the shoot finishes",
        every=0.5,
    )
    _assert_exactly_once(product, api, shoot, PHOTOS * TAKES)
    ends = dict(product.rows('SELECT worker, "end" FROM compute_workerlife'))
    assert alive in ends
    # One may have been asked to drain a moment before.
    assert {ends[worker] for worker in lost} in ({"lost"}, {"lost", "drained"})


def _assert_exactly_once(product: Product, api: httpx.Client, shoot: str, renders: int) -> None:
    assert api.get(f"/shoots/{shoot}").json()["counts"]["succeeded"] == renders
    of_shoot = f"(SELECT id FROM studio_render WHERE shoot_id = '{shoot}')"
    settled = product.rows(
        "SELECT kind, COUNT(*), COUNT(DISTINCT subject) FROM billing_ledgerentry "
        f"WHERE kind IN ('capture', 'release') AND subject IN {of_shoot} GROUP BY 1"
    )
    assert settled == [("capture", renders, renders)]
    told = product.rows(
        "SELECT COUNT(*), COUNT(DISTINCT subject) FROM events_event "
        f"WHERE kind = 'render.succeeded' AND subject IN {of_shoot}"
    )
    assert told == [(renders, renders)]
    assert api.get("/usage").json()["credits_reserved"] == 0


def test_workers_render_on_while_their_cluster_has_no_head(
    product: Product, machines: Cluster, api: httpx.Client
) -> None:
    photos = upload_pictures(api, 4, start=100)
    _await_worker(product)
    machines.head.lose_power()
    before = _workers(product)

    shoot = _order(api, photos, 1)

    until(
        lambda: api.get(f"/shoots/{shoot}").json()["state"] == "finished",
        seconds=30,
        what="the shoot finishes",
    )
    assert any(runs(pid) for _, pid in before)
    machines.head.switch_on()
