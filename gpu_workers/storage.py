"""Object storage as a worker sees it: bytes under keys, on a disk or in a bucket.

Owns the two kinds of storage and what counts as a safe key. Does not know tenants, orders or
images. Keys are ``/``-separated and relative; a key that could leave its root is refused.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import secrets
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import unquote, urlsplit

from gpu_workers.errors import ObjectMissing, OrderInvalid

_MAX_KEY_BYTES: Final = 1024
_TEMPORARY: Final = ".tmp"


class StorageUnusable(ValueError):
    """The storage URL cannot be used; the message names the cure."""


class Storage(Protocol):
    """Bytes under keys. Writing replaces as a whole: no reader ever sees half an object."""

    def read(self, key: str) -> bytes:
        """Return the object's bytes; raises `ObjectMissing`."""
        ...

    def write(self, key: str, body: bytes) -> None:
        """Store or replace the object."""
        ...

    def exists(self, key: str) -> bool:
        """Return whether there is such an object."""
        ...

    def list(self, prefix: str = "") -> list[str]:
        """Return the keys that begin with a prefix, sorted."""
        ...

    def delete(self, key: str) -> None:
        """Remove the object; a missing one is no error."""
        ...


def open_storage(url: str) -> Storage:
    """Open the storage a URL names: ``file:///absolute/folder`` or ``s3://bucket/prefix``.

    Raises
    ------
    StorageUnusable
        If the URL has another form, the folder cannot be made or boto3 is not installed.
    """
    check_storage_url(url)
    parts = urlsplit(url)
    if parts.scheme == "file":
        return FileStorage(Path(unquote(parts.path)))
    # boto3 reads AWS_ENDPOINT_URL, keys and region from the environment by itself.
    client = importlib.import_module("boto3").client("s3")
    return S3Storage(client, bucket=parts.netloc, prefix=parts.path.strip("/"))


def check_storage_url(url: str) -> None:
    """Check a storage URL without touching the storage or importing its client.

    Raises
    ------
    StorageUnusable
        If the URL has a form `open_storage` does not know, or boto3 is needed and missing.
    """
    parts = urlsplit(url)
    is_file = parts.scheme == "file" and parts.netloc in ("", "localhost")
    if is_file and parts.path.startswith("/"):
        return
    if parts.scheme != "s3" or not parts.netloc:
        raise StorageUnusable(
            f"storage {url!r} is neither file:///absolute/folder nor s3://bucket/prefix"
        )
    if importlib.util.find_spec("boto3") is None:
        raise StorageUnusable(
            f"storage {url!r} needs boto3, which is not installed; install packshot[s3]"
        )


def checked_key(key: str) -> str:
    """Return the key unchanged if it is safe to resolve below a root.

    Raises
    ------
    OrderInvalid
        If it is empty, absolute, too long, has an empty, ``.`` or ``..`` segment, a backslash or
        a control character, or lies in the folder for unfinished files.
    """
    segments = key.split("/")
    unsafe = (
        not key
        or len(key.encode("utf-8", "surrogatepass")) > _MAX_KEY_BYTES
        or any(segment in ("", ".", "..") for segment in segments)
        or any(letter == "\\" or ord(letter) < 32 or ord(letter) == 127 for letter in key)
        or segments[0] == _TEMPORARY
    )
    if unsafe:
        raise OrderInvalid(f"object key {key[:200]!r} is not a plain relative path")
    return key


class FileStorage:
    """Objects as files below one folder.

    A file is written beside its place and moved there, so readers see all of it or none, and
    synced first, so that a manifest never outlives the images it names in a power cut.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._temporary = root / _TEMPORARY
        try:
            self._temporary.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageUnusable(f"storage folder {root} cannot be made: {error}") from error

    def read(self, key: str) -> bytes:
        """Return the object's bytes; raises `ObjectMissing`."""
        try:
            return self._path(key).read_bytes()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            raise ObjectMissing(f"no object {key}") from None

    def write(self, key: str, body: bytes) -> None:
        """Store or replace the object, file mode 0644."""
        target = self._path(key)
        draft = self._temporary / secrets.token_hex(12)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            draft.chmod(0o644)
            target.parent.mkdir(parents=True, exist_ok=True)
            draft.replace(target)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise

    def exists(self, key: str) -> bool:
        """Return whether there is such an object."""
        return self._path(key).is_file()

    def list(self, prefix: str = "") -> list[str]:
        """Return the keys that begin with a prefix, sorted."""
        folder = self._root
        if "/" in prefix:
            folder = self._path(prefix.rpartition("/")[0])
        found = (
            (Path(base) / name).relative_to(self._root).as_posix()
            for base, _, names in os.walk(folder)
            for name in names
        )
        return sorted(
            key for key in found if key.startswith(prefix) and not key.startswith(f"{_TEMPORARY}/")
        )

    def delete(self, key: str) -> None:
        """Remove the object; a missing one is no error."""
        self._path(key).unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self._root / checked_key(key)


class S3Storage:
    """Objects in a bucket below a prefix, over a boto3 client."""

    def __init__(self, client: Any, *, bucket: str, prefix: str) -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""

    def read(self, key: str) -> bytes:
        """Return the object's bytes; raises `ObjectMissing`."""
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=self._full(key))
        except self._client.exceptions.ClientError as error:
            if _is_missing(error):
                raise ObjectMissing(f"no object {key}") from None
            raise
        return bytes(answer["Body"].read())

    def write(self, key: str, body: bytes) -> None:
        """Store or replace the object."""
        self._client.put_object(Bucket=self._bucket, Key=self._full(key), Body=body)

    def exists(self, key: str) -> bool:
        """Return whether there is such an object."""
        try:
            self._client.head_object(Bucket=self._bucket, Key=self._full(key))
        except self._client.exceptions.ClientError as error:
            if _is_missing(error):
                return False
            raise
        return True

    def list(self, prefix: str = "") -> list[str]:
        """Return the keys that begin with a prefix, sorted."""
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=self._prefix + prefix
        )
        cut = len(self._prefix)
        return sorted(item["Key"][cut:] for page in pages for item in page.get("Contents", ()))

    def delete(self, key: str) -> None:
        """Remove the object; a missing one is no error."""
        self._client.delete_object(Bucket=self._bucket, Key=self._full(key))

    def _full(self, key: str) -> str:
        return self._prefix + checked_key(key)


def _is_missing(error: Any) -> bool:
    return str(error.response.get("Error", {}).get("Code")) in ("404", "NoSuchKey", "NotFound")
