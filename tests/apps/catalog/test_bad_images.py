"""No file breaks the service: every bad image of the shared folder through the real upload."""

from __future__ import annotations

import collections
import io
import resource
import time
from pathlib import Path

import pytest
from PIL import Image

from apps.catalog.inspection import REFUSALS
from apps.catalog.models import SourcePhoto, Upload
from apps.catalog.services import uploads as service
from apps.core import storage
from apps.tenants.models import Tenant
from tests.apps.catalog.conftest import Send

pytestmark = pytest.mark.slow

METADATA = (b"Exif\x00\x00", b"http://ns.adobe.com", b"<x:xmpmeta", b"Photoshop 3.0", b"<script")


@pytest.fixture
def bad_images(shared: Path) -> list[Path]:
    folder = shared / "badimages"
    if not folder.is_dir():
        pytest.skip(f"no bad images at {folder}")
    return sorted(path for path in folder.iterdir() if path.name != "README.md")


@pytest.mark.timeout(300)
def test_every_bad_image_is_refused_by_name_or_served_clean(
    bad_images: list[Path],
    send: Send,
    in_ateliers: Tenant,
    private_storage: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    peaks = []
    real_decode = service.decode

    def watched(source: Path, folder: Path) -> object:
        decoded = real_decode(source, folder)
        peaks.append(decoded.peak_bytes)
        return decoded

    monkeypatch.setattr(service, "decode", watched)
    outcomes: collections.Counter[str] = collections.Counter()
    slowest = 0.0
    for path in bad_images:
        started = time.perf_counter()
        answer = send(path.read_bytes(), path.name)
        slowest = max(slowest, time.perf_counter() - started)
        assert answer.status_code in {200, 201, 422}, path.name
        if answer.status_code == 422:
            body = answer.json()
            assert body["code"] in REFUSALS, path.name
            assert body["detail"], path.name
            assert "{" not in body["detail"], path.name
            outcomes[body["code"]] += 1
        else:
            outcomes[answer.json()["state"]] += 1

    photos = list(SourcePhoto.objects.all())
    for photo in photos:
        assert_clean(photo)
    stored = {str(path.relative_to(private_storage)) for path in private_storage.rglob("*.*")}
    expected = {
        key for photo in photos for key in (photo.photo_key, photo.preview_key, photo.thumb_key)
    }
    assert stored == expected
    originals = [path for path in private_storage.glob("uploads/*/*/*") if path.is_file()]
    assert len(originals) == len(photos)
    assert Upload.objects.count() == len(bad_images)
    assert max(peaks) <= 512_000_000
    with capsys.disabled():
        print(
            f"\nbad images: {dict(outcomes)}, slowest {slowest:.2f} s, peak {max(peaks) / 1e6:.0f}"
        )


def assert_clean(photo: SourcePhoto) -> None:
    for key, kind in (
        (photo.photo_key, "PNG" if photo.has_alpha else "JPEG"),
        (photo.preview_key, "WEBP"),
        (photo.thumb_key, "WEBP"),
    ):
        data = storage.read(key)
        with Image.open(io.BytesIO(data)) as image:
            image.load()
            assert image.format == kind
            assert image.mode in {"RGB", "RGBA"}
            assert not image.getexif(), photo.file_name
            assert not {"exif", "xmp", "icc_profile", "comment"} & set(image.info), photo.file_name
        assert not any(mark in data for mark in METADATA), photo.file_name


def test_the_peak_of_a_child_is_counted_by_the_system_too(
    bad_images: list[Path], send: Send
) -> None:
    for path in bad_images:
        if path.name.startswith("bomb-pixels"):
            assert send(path.read_bytes(), path.name).status_code == 422
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 <= 512_000_000
