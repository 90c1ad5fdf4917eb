"""Fetching weights: from a server on loopback, never from anywhere else."""

from __future__ import annotations

import hashlib
import threading
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path

import pytest

from gpu_workers.config import ModelSettings
from gpu_workers.engines import model_fetching
from gpu_workers.engines.model_fetching import FetchFailed, fetch, open_securely
from gpu_workers.engines.model_registry import standing_of
from gpu_workers.engines.model_table import RegisteredModel

WEIGHTS = bytes(range(256)) * 12_000
SHA256 = hashlib.sha256(WEIGHTS).hexdigest()


@dataclass
class Shop:
    """What the server offers, how it behaves, and what it was asked."""

    body: bytes = WEIGHTS
    breaks_after: int | None = None
    knows_ranges: bool = True
    sends_length: bool = True
    asked: list[str] = field(default_factory=list)
    address: str = ""


@pytest.fixture
def shop():
    offered = Shop()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            wanted = self.headers.get("Range", "")
            offered.asked.append(wanted)
            start = int(wanted[6:-1]) if wanted and offered.knows_ranges else 0
            if start > len(offered.body):
                self.send_error(416)
                return
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-/{len(offered.body)}")
            if offered.sends_length:
                self.send_header("Content-Length", str(len(offered.body) - start))
            self.end_headers()
            stop = len(offered.body) if offered.breaks_after is None else offered.breaks_after
            self.wfile.write(offered.body[start:stop])

        def log_message(self, *_):
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    offered.address = f"http://127.0.0.1:{server.server_port}/net.onnx"
    yield offered
    server.shutdown()
    server.server_close()


@pytest.fixture
def here(tmp_path: Path) -> ModelSettings:
    return ModelSettings(tmp_path / "models", frozenset(), "classical", "cpu", 1, 2**30)


def model_at(address: str, **changes: object) -> RegisteredModel:
    values = {
        "name": "net", "title": "Net", "kind": "segmenter", "source": address,
        "file_name": "net.onnx", "licence": "MIT", "commercial": "yes", "provenance": "",
        "loss": "", "sha256": SHA256, "size_bytes": len(WEIGHTS),
    }  # fmt: skip
    return RegisteredModel(**{**values, **changes})  # type: ignore[arg-type]


def plainly(request: urllib.request.Request):
    """Open an address of this machine, which has no certificate."""
    assert request.host.startswith("127.0.0.1:")
    return urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=5)


def get(model: RegisteredModel, here: ModelSettings, progress=lambda *_: None):
    return fetch(model, here, progress=progress, open_url=plainly)


def partial(here: ModelSettings) -> Path:
    return here.folder / "net.onnx.part"


def test_a_fetched_model_is_ready_without_being_read_again(shop, here):
    seen = []

    fetched = get(model_at(shop.address), here, lambda *step: seen.append(step))

    assert fetched.path.read_bytes() == WEIGHTS
    assert (fetched.sha256, fetched.is_first_use) == (SHA256, False)
    assert standing_of(model_at(shop.address), here).state == "ready"
    assert seen[-1] == (len(WEIGHTS), len(WEIGHTS))
    assert not partial(here).exists()


def test_a_transfer_that_broke_off_goes_on_from_there(shop, here):
    shop.breaks_after = 1_000_000
    with pytest.raises(FetchFailed, match="goes on from there"):
        get(model_at(shop.address), here)
    shop.breaks_after = None

    fetched = get(model_at(shop.address), here)

    assert fetched.path.read_bytes() == WEIGHTS
    assert shop.asked == ["", "bytes=1000000-"]


def test_a_server_that_cannot_go_on_is_asked_for_the_whole(shop, here):
    here.folder.mkdir()
    partial(here).write_bytes(WEIGHTS[:5_000])
    shop.knows_ranges = False

    assert get(model_at(shop.address), here).path.read_bytes() == WEIGHTS


def test_a_rest_longer_than_the_file_is_thrown_away(shop, here):
    here.folder.mkdir()
    partial(here).write_bytes(b"x" * (len(WEIGHTS) + 9))
    model = model_at(shop.address, size_bytes=0)

    assert get(model, here).path.read_bytes() == WEIGHTS
    assert shop.asked == [f"bytes={len(WEIGHTS) + 9}-", ""]


def test_another_file_than_the_checksum_names_is_thrown_away(shop, here):
    shop.body = WEIGHTS[:-1] + b"!"

    with pytest.raises(FetchFailed, match="another file"):
        get(model_at(shop.address), here)

    assert list(here.folder.iterdir()) == []


@pytest.mark.parametrize("sends_length", [True, False])
def test_a_file_larger_than_it_may_be_is_not_taken_in(shop, here, sends_length):
    shop.body = WEIGHTS * 2
    shop.sends_length = sends_length

    with pytest.raises(FetchFailed, match="larger than"):
        get(model_at(shop.address), here)

    assert not partial(here).exists() or partial(here).stat().st_size == 0


def test_a_file_without_a_known_checksum_is_held_against_its_first_download(shop, here):
    model = model_at(shop.address, sha256="", size_bytes=0)
    assert get(model, here).is_first_use

    shop.body = WEIGHTS + b"changed"
    with pytest.raises(FetchFailed, match="pinned by first download"):
        get(model, here)

    assert standing_of(model, here).state == "ready"
    assert standing_of(model, here).pin.sha256 == SHA256


def test_the_first_download_must_have_the_md5_that_rembg_names(shop, here, monkeypatch):
    model = model_at(shop.address, sha256="")
    monkeypatch.setattr(model_fetching, "published_md5", lambda _: "0" * 32)
    with pytest.raises(FetchFailed, match="not the file that rembg names"):
        get(model, here)

    right = hashlib.md5(WEIGHTS).hexdigest()
    monkeypatch.setattr(model_fetching, "published_md5", lambda _: right)

    assert get(model, here).md5_agreed


@pytest.mark.skipif(not find_spec("rembg"), reason="the engine packages are not installed")
def test_the_installed_rembg_is_read_for_its_md5():
    base = "https://github.com/danielgatis/rembg/releases/download/v0.0.0/"

    assert len(model_fetching.published_md5(f"{base}u2net_cloth_seg.onnx")) == 32
    assert model_fetching.published_md5("https://example.org/unknown.onnx") == ""


def test_a_model_that_is_not_allowed_is_not_even_asked_for(shop, here):
    with pytest.raises(FetchFailed, match="PACKSHOT_ALLOW_MODELS=net"):
        get(model_at(shop.address, commercial="no"), here)

    assert shop.asked == []


def test_without_a_network_one_sentence_says_how_to_bring_the_file(here):
    def nowhere(request):
        raise urllib.error.URLError("Name or service not known")

    model = model_at("https://weights.example/net.onnx")
    with pytest.raises(FetchFailed) as caught:
        fetch(model, here, progress=lambda *_: None, open_url=nowhere)

    for part in ("weights.example", "Name or service not known", "models verify net"):
        assert part in str(caught.value)
    assert list(here.folder.iterdir()) == []


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/x", "file:///etc/passwd", "ftp://h/x"])
def test_weights_come_over_https_only(address):
    with pytest.raises(FetchFailed, match="HTTPS"):
        open_securely(urllib.request.Request(address))


def test_a_server_may_not_send_on_to_an_unsafe_address():
    request = urllib.request.Request("https://weights.example/net.onnx")
    handler = model_fetching._HttpsOnly()

    with pytest.raises(FetchFailed, match="HTTPS"):
        handler.redirect_request(request, None, 302, "Found", {}, "http://weights.example/x")


def test_two_commands_do_not_write_into_one_file(shop, here):
    with model_fetching._alone(_in_folder(here), model_at(shop.address)):  # noqa: SIM117
        with pytest.raises(FetchFailed, match="another command"):
            get(model_at(shop.address), here)


def _in_folder(here: ModelSettings) -> Path:
    here.folder.mkdir()
    return partial(here)
