"""Objects under keys: whole or absent, and never outside their root."""

from __future__ import annotations

import stat
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu_workers import storage
from gpu_workers.errors import ObjectMissing, OrderInvalid
from gpu_workers.storage import FileStorage, S3Storage, StorageUnusable, checked_key, open_storage


class FakeBucket:
    """The four calls of a boto3 client that storage makes, over a dictionary."""

    class exceptions:  # noqa: N801
        class ClientError(Exception):
            def __init__(self, code: str) -> None:
                self.response = {"Error": {"Code": code}}

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.trouble = ""

    def _find(self, key: str, missing: str) -> bytes:
        if self.trouble:
            raise self.exceptions.ClientError(self.trouble)
        if key not in self.objects:
            raise self.exceptions.ClientError(missing)
        return self.objects[key]

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        assert Bucket == "shop"
        body = self._find(Key, "NoSuchKey")

        class Stream:
            def read(self) -> bytes:
                return body

        return {"Body": Stream()}

    def head_object(self, *, Bucket: str, Key: str) -> None:  # noqa: N803
        self._find(Key, "404")

    def put_object(self, *, Bucket: str, Key: str, Body: bytes) -> None:  # noqa: N803
        self.objects[Key] = Body

    def delete_object(self, *, Bucket: str, Key: str) -> None:  # noqa: N803
        self.objects.pop(Key, None)

    def get_paginator(self, name: str) -> FakeBucket:
        assert name == "list_objects_v2"
        return self

    def paginate(self, *, Bucket: str, Prefix: str) -> list[dict[str, Any]]:  # noqa: N803
        found = [{"Key": key} for key in self.objects if key.startswith(Prefix)]
        return [{"Contents": found[:1]}, {"Contents": found[1:]}, {}]


@pytest.fixture(params=["file", "s3"])
def anywhere(request: pytest.FixtureRequest, tmp_path: Path) -> storage.Storage:
    if request.param == "file":
        return FileStorage(tmp_path / "media")
    return S3Storage(FakeBucket(), bucket="shop", prefix="packshot")


def test_what_is_written_can_be_read_listed_and_deleted(anywhere: storage.Storage) -> None:
    anywhere.write("t/a/1/web.jpg", b"first")
    anywhere.write("t/a/1/web.jpg", b"second")
    anywhere.write("t/a/10/web.jpg", b"third")

    assert anywhere.read("t/a/1/web.jpg") == b"second"
    assert anywhere.exists("t/a/1/web.jpg")
    assert anywhere.list("t/a/1") == ["t/a/1/web.jpg", "t/a/10/web.jpg"]
    assert anywhere.list("t/a/1/") == ["t/a/1/web.jpg"]
    assert anywhere.list() == ["t/a/1/web.jpg", "t/a/10/web.jpg"]
    anywhere.delete("t/a/1/web.jpg")
    anywhere.delete("t/a/1/web.jpg")
    assert not anywhere.exists("t/a/1/web.jpg")


def test_a_missing_object_is_an_error_of_the_order(anywhere: storage.Storage) -> None:
    anywhere.write("t/a", b"")

    for key in ("nowhere", "t/nowhere", "t/a/below"):
        with pytest.raises(ObjectMissing, match="no object"):
            anywhere.read(key)


def test_a_folder_is_no_object(tmp_path: Path) -> None:
    store = FileStorage(tmp_path)
    store.write("t/a", b"")

    assert not store.exists("t")
    with pytest.raises(ObjectMissing):
        store.read("t")


@pytest.mark.parametrize(
    "key",
    [
        *("", "/etc/passwd", "..", "a/../b", "../a", "a/..", "./a", "a//b", "a/"),
        *("a\\b", "..\\a", "a\0b", "a\nb", ".tmp/x", "x" * 1025),
    ],
)
def test_a_key_that_could_leave_its_root_is_refused(key: str, anywhere: storage.Storage) -> None:
    for use in (anywhere.read, anywhere.exists, anywhere.delete):
        with pytest.raises(OrderInvalid, match="not a plain relative path"):
            use(key)
    with pytest.raises(OrderInvalid):
        anywhere.write(key, b"")


@given(st.text(max_size=40))
def test_every_accepted_key_stays_below_the_root(key: str) -> None:
    root = Path("/srv/media")
    try:
        accepted = checked_key(key)
    except OrderInvalid:
        return

    assert ".." not in (root / accepted).parts
    assert (root / accepted).is_relative_to(root)


def test_files_are_readable_by_the_web_server_and_leave_no_drafts(tmp_path: Path) -> None:
    FileStorage(tmp_path).write("t/a/web.jpg", b"x")

    assert stat.S_IMODE((tmp_path / "t/a/web.jpg").stat().st_mode) == 0o644
    assert list((tmp_path / ".tmp").iterdir()) == []


def test_a_failed_write_leaves_the_old_object_and_no_draft(tmp_path: Path) -> None:
    store = FileStorage(tmp_path)
    store.write("t/a", b"old")

    with pytest.raises(OSError, match=r"Not a directory|File exists"):
        store.write("t/a/b", b"new")

    assert store.read("t/a") == b"old"
    assert list((tmp_path / ".tmp").iterdir()) == []


def test_no_reader_sees_half_an_object(tmp_path: Path) -> None:
    store = FileStorage(tmp_path)
    bodies = {bytes([number]) * 300_000 for number in range(2)}
    store.write("a", next(iter(bodies)))
    stop = threading.Event()

    def write_all_the_time() -> None:
        while not stop.is_set():
            for body in bodies:
                store.write("a", body)

    writer = threading.Thread(target=write_all_the_time)
    writer.start()
    try:
        assert {store.read("a") for _ in range(200)} <= bodies
    finally:
        stop.set()
        writer.join()


def test_trouble_with_a_bucket_is_not_taken_for_a_missing_object() -> None:
    bucket = FakeBucket()
    store = S3Storage(bucket, bucket="shop", prefix="")
    bucket.trouble = "AccessDenied"

    for use in (store.read, store.exists):
        with pytest.raises(FakeBucket.exceptions.ClientError):
            use("t/a")


@pytest.mark.parametrize(
    "url",
    ["", "media", "file://relative/path", "file:relative", "ftp://host/x", "s3://", "s3:///prefix"],
)
def test_a_storage_url_of_another_form_is_refused_with_the_two_forms_named(url: str) -> None:
    with pytest.raises(StorageUnusable, match="file:///absolute/folder nor s3://bucket/prefix"):
        open_storage(url)


def test_s3_without_boto3_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage.importlib.util, "find_spec", lambda name: None)

    with pytest.raises(StorageUnusable, match=r"install packshot\[s3\]"):
        open_storage("s3://shop/packshot")


def test_a_file_url_may_hold_escaped_characters(tmp_path: Path) -> None:
    open_storage(f"file://{tmp_path}/with%20space").write("a", b"x")

    assert (tmp_path / "with space" / "a").read_bytes() == b"x"
