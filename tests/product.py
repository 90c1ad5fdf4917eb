"""The whole product as its user starts it, for suites that drive it from outside."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
from PIL import Image, ImageDraw

from apps.core.embedded_redis import free_port

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Product:
    """A running product and its doors."""

    url: str
    var: Path
    process: subprocess.Popen[bytes]

    @property
    def state(self) -> dict[str, Any]:
        """What ``var/up.json`` says now."""
        body: dict[str, Any] = json.loads((self.var / "up.json").read_text())
        return body

    def api(self) -> httpx.Client:
        """A platform with the demo workspace's key."""
        return httpx.Client(
            base_url=f"{self.url}/v1",
            headers={"Authorization": f"Bearer {self.state['api_key']}"},
            timeout=60,
            trust_env=False,
        )

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Read the database directly, for sums that no public door shows."""
        with contextlib.closing(
            sqlite3.connect(f"file:{self.var / 'db.sqlite3'}?mode=ro", uri=True, timeout=20)
        ) as database:
            return database.execute(query).fetchall()

    def log(self) -> str:
        return (self.var / "up.log").read_text(errors="replace")


@contextlib.contextmanager
def running(var: Path, **environ: str) -> Iterator[Product]:
    """Start the product on a folder of its own and end it afterwards."""
    port = free_port()
    var.mkdir(parents=True, exist_ok=True)
    with (var / "up.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "manage.py"), "up"],
            env={
                **{k: v for k, v in os.environ.items() if not k.startswith("PACKSHOT_")},
                "DJANGO_SETTINGS_MODULE": "config.settings.local",
                "DATABASE_URL": f"sqlite:///{var / 'db.sqlite3'}",
                "PACKSHOT_VAR_DIR": str(var),
                "PORT": str(port),
                "PACKSHOT_WORKERS": "2",
                **environ,
            },
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    product = Product(f"http://127.0.0.1:{port}", var, process)
    try:
        until(
            lambda: process.poll() is not None or f"READY {product.url}" in product.log(),
            seconds=90,
            what="READY",
        )
        assert process.poll() is None, product.log()[-4000:]
        yield product
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(timeout=40)


def until(holds: Callable[[], Any], *, seconds: float, what: str, every: float = 0.05) -> Any:
    """Wait until something holds and return it."""
    deadline = time.monotonic() + seconds
    while True:
        value = holds()
        if value:
            return value
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(every)


def picture(number: int, *, side_px: int = 240) -> bytes:
    """A photo of a colored box, another one for every number."""
    image = Image.new("RGB", (side_px, side_px), "#eeeae4")
    draw = ImageDraw.Draw(image)
    edge = side_px // 4
    color = ((number * 37) % 200, (number * 91) % 200, (number * 53) % 200)
    draw.rectangle((edge, edge, side_px - edge, side_px - edge), fill=color)
    data = BytesIO()
    image.save(data, "PNG")
    return data.getvalue()


def upload_pictures(api: httpx.Client, count: int, *, start: int = 0) -> list[str]:
    """Upload that many different photos and return their ids."""
    ids = []
    for number in range(start, start + count):
        answer = api.post(
            "/uploads", files={"file": (f"BOX-{number:03d}_front.png", picture(number))}
        )
        assert answer.status_code == 201, answer.text
        ids.append(answer.json()["id"])
    return ids


def order_shoot(api: httpx.Client, photos: list[str], *, takes: int) -> str:
    """Order packshots of photos and return the shoot's id."""
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


def shoot_now(api: httpx.Client, shoot: str) -> dict[str, Any]:
    """A shoot as the API shows it."""
    return dict(api.get(f"/shoots/{shoot}").json())


def assert_exactly_once(product: Product, api: httpx.Client, shoot: str, renders: int) -> None:
    """Every image exactly once, every credit exactly once."""
    body = shoot_now(api, shoot)
    assert body["counts"]["succeeded"] == renders, body

    of_shoot = f"(SELECT id FROM studio_render WHERE shoot_id = '{shoot}')"
    settled = product.rows(
        f"SELECT subject, kind, COUNT(*) FROM billing_ledgerentry "
        f"WHERE kind IN ('capture', 'release') AND subject IN {of_shoot} GROUP BY 1, 2"
    )
    assert len(settled) == renders
    assert {(kind, count) for _, kind, count in settled} == {("capture", 1)}
    events = product.rows(
        f"SELECT COUNT(*), COUNT(DISTINCT subject) FROM events_event "
        f"WHERE kind = 'render.succeeded' AND subject IN {of_shoot}"
    )
    assert events == [(renders, renders)]
    usage = api.get("/usage").json()
    granted = product.rows(
        "SELECT SUM(credits) FROM billing_ledgerentry e JOIN tenants_tenant t "
        "ON t.id = e.tenant_id WHERE kind = 'grant' AND t.slug LIKE 'demo%'"
    )[0][0]
    assert usage["credits_reserved"] == 0
    assert usage["credits_available"] + usage["credits_used"] == granted
