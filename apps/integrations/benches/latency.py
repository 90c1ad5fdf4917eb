"""How quickly the running product shows what happens, measured from outside.

Needs ``make up`` on the same folder and an otherwise idle machine.
"""

from __future__ import annotations

import asyncio
import json
import logging
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import redis.asyncio
from django.conf import settings
from websockets.asyncio.client import ClientConnection, connect

from apps.integrations.benches.figures import Figure, Table
from apps.integrations.benches.stack import NotMeasurable
from config.env import ROOT

_SAMPLES = ROOT / "apps" / "catalog" / "sample_photos" / "photos"
_REPORTS = "packshot:reports"
_SECONDS_PER_ROUND = 90.0


@dataclass
class _Round:
    """What one order of one render took, in seconds."""

    to_first_progress: float = 0.0
    to_card: float = 0.0


def measure(*, rounds: int) -> Table:
    """Order renders one by one and return how long each step took, beside a baseline.

    Raises
    ------
    NotMeasurable
        If the product does not run on this folder, or its sign-in link is used up.
    """
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        state = json.loads((settings.VAR_DIR / "up.json").read_text())
    except (OSError, ValueError):
        raise NotMeasurable("Packshot is not running on this folder; start make up.") from None
    return asyncio.run(_latency(state, rounds))


async def _latency(state: dict[str, Any], rounds: int) -> Table:
    headers = {"Authorization": f"Bearer {state['api_key']}"}
    api = httpx.AsyncClient(base_url=state["url"], headers=headers, timeout=60, trust_env=False)
    page = httpx.AsyncClient(base_url=state["url"], follow_redirects=True, trust_env=False)
    async with api, page:
        home = await page.get(state["login_url"])
        if home.url.path.count("/") < 3:
            raise NotMeasurable("The sign-in link is used up; start make up again.")
        slug = home.url.path.split("/")[2]
        photo = await _photo(api)
        baseline = await _baseline(api)
        cookies = "; ".join(f"{name}={value}" for name, value in page.cookies.items())
        address = f"{state['url'].replace('http', 'ws', 1)}/ws/w/{slug}/"
        async with connect(
            address, additional_headers={"Cookie": cookies}, origin=state["url"]
        ) as socket:
            doors = _Doors(api, page, socket, state["redis_url"], slug)
            done = [await _round(doors, photo) for _ in range(rounds)]
    return Table(
        f"Latency of {rounds} orders of one render",
        [
            _figure(
                "order to first progress on the socket",
                [one.to_first_progress for one in done],
                baseline,
            ),
            _figure("worker's report to card fetched", [one.to_card for one in done], baseline),
            _figure("baseline: GET /healthz", [baseline], baseline),
        ],
    )


async def _photo(api: httpx.AsyncClient) -> str:
    path: Path = sorted(_SAMPLES.glob("*.jpg"))[0]
    answer = await api.post("/v1/uploads", files={"file": (path.name, path.read_bytes())})
    return str(answer.raise_for_status().json()["id"])


async def _baseline(api: httpx.AsyncClient) -> float:
    taken = []
    for _ in range(30):
        begun = time.perf_counter()
        await api.get("/healthz")
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken)


@dataclass(frozen=True)
class _Doors:
    """The open connections of one run."""

    api: httpx.AsyncClient
    page: httpx.AsyncClient
    socket: ClientConnection
    redis_url: str
    slug: str


async def _round(doors: _Doors, photo: str) -> _Round:
    one = _Round()
    reported: dict[str, float] = {}
    async with redis.asyncio.from_url(doors.redis_url, decode_responses=True) as stream:
        last = (await stream.xinfo_stream(_REPORTS))["last-generated-id"]
        watching = asyncio.create_task(_watch(stream, last, reported))
        begun = time.time()
        order = {"photos": [photo], "sales_channels": ["amazon-main"]}
        (await doors.api.post("/v1/shoots", json=order)).raise_for_status()
        async with asyncio.timeout(_SECONDS_PER_ROUND):
            while not one.to_card:
                message = json.loads(await doors.socket.recv())
                if message.get("type") == "progress" and not one.to_first_progress:
                    one.to_first_progress = time.time() - begun
                if message.get("kind") == "render.succeeded":
                    card = f"/w/{doors.slug}/renders/{message['id']}/card"
                    (await doors.page.get(card)).raise_for_status()
                    one.to_card = time.time() - await _at(reported)
        watching.cancel()
    return one


async def _watch(stream: Any, last: str, reported: dict[str, float]) -> None:
    """Note when a worker's report of success entered the stream: its id is Redis' own clock."""
    while True:
        for _, entries in await stream.xread({_REPORTS: last}, block=1000) or []:
            for entry, fields in entries:
                last = entry
                if fields["kind"] == "order.succeeded":
                    reported["at"] = int(entry.split("-")[0]) / 1000


async def _at(reported: dict[str, float]) -> float:
    while "at" not in reported:
        await asyncio.sleep(0.001)
    return reported["at"]


def _figure(what: str, seconds: list[float], baseline: float) -> Figure:
    median = statistics.median(seconds)
    return Figure(
        what,
        {
            "median ms": median * 1000,
            "max ms": max(seconds) * 1000,
            "× baseline": median / baseline,
        },
    )
