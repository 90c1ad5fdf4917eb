"""The door to the retouch process: a real process on a real Redis, and one that is not there."""

from __future__ import annotations

import base64
import io
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import redis
from PIL import Image

from apps.compute import retouch_door, wire
from apps.core import storage
from apps.core.embedded_redis import RedisServer
from apps.core.errors import InvalidError, NotFoundError, UnavailableError
from gpu_workers.retouch_protocol import QUICK_LINE, RETOUCH_ALIVE_KEY, RETOUCH_REQUEST_KEY
from gpu_workers.retouch_server import RetouchServer
from tests.fakes.retouch import serving
from tests.product import ROOT, picture, until

PHOTO, CUTOUT, NEW = "photos/t/p/photo.png", "photos/t/p/cutout-0.png", "photos/t/p/cutout-1.png"
STROKE = wire.Step("remove", ((0.5, 0.5),), 0.02)


def a_request(do: Any = "strokes", **changes: Any) -> wire.RetouchRequest:
    fields = {"photo_key": PHOTO, "cutout_key": CUTOUT, **changes}
    return wire.RetouchRequest(do, **fields)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retouch_door, "WAIT_SECONDS", 0.2)


@pytest.fixture
def process(
    redis_server: RedisServer, private_storage: Path, tmp_path: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """A real retouch process; its log is in the test's folder."""
    with (tmp_path / "retouch.log").open("wb") as log:
        started = subprocess.Popen(
            [sys.executable, "-m", "gpu_workers", "retouch"],
            cwd=ROOT,
            env={
                **os.environ,
                "PACKSHOT_REDIS_URL": redis_server.url,
                "PACKSHOT_STORAGE_URL": f"file://{private_storage}",
                "PACKSHOT_DIE_WITH_PARENT": "0",
            },
            stderr=log,
        )
    with redis.Redis.from_url(redis_server.url) as client:
        until(lambda: client.exists(RETOUCH_ALIVE_KEY), seconds=30, what="a sign of life")
    yield started
    started.kill()
    started.wait()


def mask(answer: dict[str, Any]) -> np.ndarray:
    with Image.open(io.BytesIO(base64.b64decode(answer["mask"]))) as opened:
        return np.asarray(opened)[..., 1] > 127


def patient(request: wire.RetouchRequest) -> dict[str, Any]:
    """Begin and collect, as a browser does."""
    try:
        return retouch_door.begin(request)
    except retouch_door.StillWorking as working:
        call_id = working.call_id
    for _ in range(20):
        try:
            return retouch_door.collect(call_id)
        except retouch_door.StillWorking:
            continue
    raise AssertionError("never answered")


def test_a_photo_is_opened_corrected_and_kept(process: subprocess.Popen[bytes]) -> None:
    storage.put(PHOTO, picture(3))

    opened = patient(a_request("open"))
    others = patient(a_request("alternatives"))
    corrected = retouch_door.ask(a_request(steps=(STROKE,)))
    patient(a_request("keep", steps=(STROKE,), to_key=NEW))
    again = patient(a_request("open", cutout_key=NEW))

    assert opened["maker"] == "engine"
    assert mask(opened)[120, 120]
    assert len(others["masks"]) <= 3
    assert not mask(corrected)[120, 120]
    assert 0 < corrected["share"] < float(mask(opened).mean())
    assert again["maker"] == "person"
    assert (mask(again) ^ mask(corrected)).mean() < 0.005


def test_what_the_process_refuses_has_the_same_families_here(
    process: subprocess.Popen[bytes],
) -> None:
    storage.put("broken.png", b"no picture")
    storage.put(PHOTO, picture(3))

    with pytest.raises(NotFoundError, match="No object"):
        patient(a_request("open", photo_key="photos/t/gone.png"))
    with pytest.raises(InvalidError, match="upload it again"):
        patient(a_request("open", photo_key="broken.png"))
    with pytest.raises(InvalidError, match="open the photo again") as refused:
        retouch_door.ask(a_request(start="wishful"))
    with pytest.raises(InvalidError):
        patient(a_request("open", photo_key="../../etc/passwd"))

    assert refused.value.code == "retouch.invalid"


def test_garbage_in_the_line_and_a_termination_are_survived(
    process: subprocess.Popen[bytes], redis_server: RedisServer
) -> None:
    storage.put(PHOTO, picture(3))
    patient(a_request("open"))
    with redis.Redis.from_url(redis_server.url) as client:
        client.set(RETOUCH_REQUEST_KEY + "a" * 32, b"\xff{")
        client.lpush(QUICK_LINE, "no id", "a" * 32, "b" * 32)

    assert retouch_door.ask(a_request())["share"] > 0
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0


@pytest.mark.parametrize("variable", ["PACKSHOT_REDIS_URL", "PACKSHOT_STORAGE_URL"])
def test_a_setting_that_is_missing_is_named(variable: str) -> None:
    settings = {
        "PACKSHOT_REDIS_URL": "redis://127.0.0.1:1/0",
        "PACKSHOT_STORAGE_URL": "file:///tmp",
    }
    settings[variable] = ""

    done = subprocess.run(
        [sys.executable, "-m", "gpu_workers", "retouch"],
        cwd=ROOT,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert variable in done.stderr


@pytest.mark.usefixtures("redis_server", "impatient")
def test_nobody_there_is_said_with_the_cure() -> None:
    with pytest.raises(UnavailableError, match=r"not answering.*gpu_workers retouch") as silent:
        retouch_door.ask(a_request())
    with pytest.raises(UnavailableError, match="not answering"):
        retouch_door.begin(a_request("open"))

    assert silent.value.code == "retouch.silent"


@pytest.mark.usefixtures("impatient")
def test_redis_away_is_said_the_same_way(settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"

    with pytest.raises(UnavailableError, match="not answering"):
        retouch_door.ask(a_request())


@pytest.mark.usefixtures("impatient")
def test_a_slow_answer_is_late_and_a_slow_job_is_collected(redis_server: RedisServer) -> None:
    release = threading.Event()

    def slow(request: wire.RetouchRequest) -> dict[str, Any]:
        release.wait(10)
        return {"did": request.do}

    with serving(redis_server.url, slow):
        with pytest.raises(UnavailableError) as busy:
            retouch_door.ask(a_request())
        with pytest.raises(retouch_door.StillWorking) as working:
            retouch_door.begin(a_request("keep", to_key=NEW))
        with pytest.raises(retouch_door.StillWorking):
            retouch_door.collect(working.value.call_id)
        release.set()
        until(lambda: _collected(working.value.call_id), seconds=10, what="the answer")

    assert busy.value.code == "retouch.busy"


def _collected(call_id: str) -> bool:
    try:
        return retouch_door.collect(call_id) == {"did": "keep"}
    except retouch_door.StillWorking:
        return False


@pytest.mark.usefixtures("impatient")
def test_what_nobody_waits_for_any_more_is_not_done(redis_server: RedisServer) -> None:
    with pytest.raises(UnavailableError):
        retouch_door.ask(a_request(start="forgotten"))
    time.sleep(0.3)

    with serving(redis_server.url, lambda request: {"did": request.start}) as seen:
        assert retouch_door.ask(a_request(start="fresh")) == {"did": "fresh"}

    assert [request.start for request in seen] == ["fresh"]


def test_a_bug_in_one_request_is_an_honest_failure_and_no_end(redis_server: RedisServer) -> None:
    def act(request: wire.RetouchRequest) -> dict[str, Any]:
        if request.start == "bad":
            raise ZeroDivisionError
        return {}

    with serving(redis_server.url, act):
        with pytest.raises(UnavailableError) as failed:
            retouch_door.ask(a_request(start="bad"))
        assert retouch_door.ask(a_request()) == {}

    assert failed.value.code == "retouch.failed"


@pytest.mark.usefixtures("redis_server")
@pytest.mark.parametrize("call_id", ["", "x", "../etc", "a" * 31])
def test_only_ids_of_requests_are_collected(call_id: str) -> None:
    with pytest.raises(NotFoundError):
        retouch_door.collect(call_id)


def test_a_process_that_has_grown_too_large_leaves_after_its_answer(
    redis_server: RedisServer,
) -> None:
    server = RetouchServer(redis_server.url, {"strokes": lambda _: {"did": 1}}, memory_bytes=1)
    codes: list[int] = []
    thread = threading.Thread(target=lambda: codes.append(server.serve()))
    thread.start()

    answer = retouch_door.ask(a_request())

    thread.join(20)
    assert answer == {"did": 1}
    assert codes == [0]
