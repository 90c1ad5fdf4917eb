"""Figures of the running product, measured from outside and printed beside a baseline.

``bench latency`` needs ``make up`` on the same folder and an otherwise idle machine.
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
from django.core.management.base import BaseCommand, CommandError, CommandParser
from websockets.asyncio.client import ClientConnection, connect

from config.env import ROOT

_SAMPLES = ROOT / "apps" / "catalog" / "sample_photos" / "photos"
_REPORTS = "packshot:reports"
_SECONDS_PER_ROUND = 90.0


@dataclass
class _Round:
    """What one order of one render took, in seconds."""

    to_first_progress: float = 0.0
    to_card: float = 0.0


class Command(BaseCommand):
    """Measure; change nothing but a few renders in the demo workspace."""

    help = "Measure the running product: bench latency."

    def add_arguments(self, parser: CommandParser) -> None:
        """Name what to measure and how often."""
        parser.add_argument("what", choices=["latency"])
        parser.add_argument("--rounds", type=int, default=10)

    def handle(self, *args: Any, **options: Any) -> None:
        """Measure and print."""
        logging.getLogger("httpx").setLevel(logging.WARNING)
        try:
            state = json.loads((settings.VAR_DIR / "up.json").read_text())
        except (OSError, ValueError):
            raise CommandError("Packshot is not running on this folder; start make up.") from None
        asyncio.run(_latency(state, options["rounds"]))


async def _latency(state: dict[str, Any], rounds: int) -> None:
    headers = {"Authorization": f"Bearer {state['api_key']}"}
    api = httpx.AsyncClient(base_url=state["url"], headers=headers, timeout=60, trust_env=False)
    page = httpx.AsyncClient(base_url=state["url"], follow_redirects=True, trust_env=False)
    async with api, page:
        home = await page.get(state["login_url"])
        if home.url.path.count("/") < 3:
            raise CommandError("The sign-in link is used up; start make up again.")
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
    _print(
        "order to first progress on the socket", [one.to_first_progress for one in done], baseline
    )
    _print("worker's report to card fetched", [one.to_card for one in done], baseline)
    print(f"baseline: GET /healthz, median {baseline * 1000:.1f} ms")


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


def _print(name: str, seconds: list[float], baseline: float) -> None:
    ordered = sorted(seconds)
    median = statistics.median(ordered)
    print(
        f"{name}: median {median * 1000:.0f} ms, max {ordered[-1] * 1000:.0f} ms, "
        f"{median / baseline:.1f} × baseline ({len(ordered)} rounds)"
    )
