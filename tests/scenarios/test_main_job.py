"""The main job on the running product with its real engine, from outside."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.product import ROOT, Product, running, until, upload_pictures

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400), pytest.mark.xdist_group("product")]

HEAVY = {"torch", "diffusers", "rembg", "onnxruntime", "cv2"}


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory):
    with running(tmp_path_factory.mktemp("main-job")) as product:
        yield product


def _loaded_modules(product: Product, name: str) -> set[str]:
    """Ask a running process which modules it holds."""
    log = product.var / "logs" / f"{name}.log"
    before = log.stat().st_size
    os.kill(product.state["pids"][name], signal.SIGUSR1)

    def answer() -> set[str] | None:
        text = log.read_bytes()[before:].decode(errors="replace")
        if line := re.search(r'"modules": (\[[^\]]*\])', text):  # the application answers in JSON
            return set(json.loads(line[1]))
        if line := re.search(r"loaded modules .*modules=(\S+)", text):  # a worker in facts
            return set(line[1].split(","))
        return None

    found = until(answer, seconds=10, what=f"{name} tells its modules")
    assert "sys" in found
    return set(found)


def test_every_demo_photo_becomes_an_approved_exported_picture_on_exact_white(
    product: Product, tmp_path: Path
) -> None:
    out = tmp_path / "demo-out"
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "demo", "--out", str(out)],
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "config.settings.local",
            "PACKSHOT_VAR_DIR": str(product.var),
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    manifest = json.loads((out / "manifest.json").read_text())
    samples = ROOT / "apps" / "catalog" / "sample_photos" / "photos"
    expected = {f"{path.stem}_amazon-main.jpg" for path in samples.glob("*.jpg")}
    assert {entry["file"] for entry in manifest["files"]} == expected
    assert (out / "contact-sheet.jpg").stat().st_size > 10_000
    for name in expected:
        pixels = np.asarray(Image.open(out / name).convert("RGB"))
        frame = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
        assert pixels.shape == (2000, 2000, 3)
        assert (frame == 255).all(), f"{name}: the frame is not exactly white"
        assert (pixels.min(axis=2) < 200).mean() > 0.05, f"{name}: there is no product in it"


def test_the_web_and_the_conductor_hold_no_engine_while_they_work(product: Product) -> None:
    for name in ("web", "conductor", "chores"):
        assert _loaded_modules(product, name) & HEAVY == set()


def test_a_worker_holds_neither_django_nor_an_engine(product: Product) -> None:
    held = _loaded_modules(product, "worker-1")

    assert held & (HEAVY | {"django", "apps", "config", "numpy", "PIL"}) == set()


def test_nothing_unapproved_leaves_by_any_door(product: Product) -> None:
    with product.api() as api:
        photos = upload_pictures(api, 2, start=400)
        order = {"photos": photos, "sales_channels": ["amazon-main"]}
        shoot = api.post("/shoots", json=order).json()["id"]
        until(
            lambda: api.get(f"/shoots/{shoot}").json()["state"] == "finished",
            seconds=240,
            what="the shoot finishes, behind the welcome shoot",
        )
        first, second = api.get("/renders", params={"shoot": shoot}).json()["data"]

        assert first["files"] == []
        assert api.post("/exports", json={"shoot": shoot}).status_code == 409
        assert api.post("/exports", json={"renders": [first["id"]]}).status_code == 409

        api.post(f"/renders/{first['id']}/review", json={"verdict": "approve"})
        link = api.get(f"/renders/{first['id']}").json()["files"][0]["url"]
        assert Image.open(BytesIO(api.get(link).content)).size == (2000, 2000)
        mixed = api.post("/exports", json={"renders": [first["id"], second["id"]]})
        assert (mixed.status_code, mixed.json()["renders"]) == (409, [second["id"]])

        api.post(f"/renders/{first['id']}/review", json={"verdict": "undo"})
        assert api.get(link).status_code == 409
