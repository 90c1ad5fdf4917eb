"""The one door to object storage, shared in layout with the workers.

Keys are built here and nowhere else. Layout::

    uploads/<tenant>/<id>/original      private, never served
    photos/<tenant>/<id>/photo.<ext>    normalised source photo
    photos/<tenant>/<id>/thumb.webp     at most 480 px
    photos/<tenant>/<id>/preview.webp   at most 1600 px
    photos/<tenant>/<id>/cutout-<n>.png what workers and people cut out of it, by revision
    renders/<tenant>/<item>/<attempt>/  written by workers; the attempt keeps late writers apart
    brands/<tenant>/<id>/logo.png       a workspace's logo, one for each that it ever had
    exports/<tenant>/<id>.zip
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import IO, Any, cast

from django.conf import settings
from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, Storage

from apps.core.errors import NotFoundError


@lru_cache(maxsize=4)
def _open(url: str) -> Storage:
    if url.startswith("file://"):
        return FileSystemStorage(location=url.removeprefix("file://"), allow_overwrite=True)
    # The s3 extra: absent on one machine.
    from storages.backends.s3 import S3Storage  # noqa: PLC0415

    bucket, _, prefix = url.removeprefix("s3://").partition("/")
    return cast("Storage", S3Storage(bucket_name=bucket, location=prefix, file_overwrite=True))


def _objects() -> Any:
    return _open(settings.STORAGE_URL)


def put(object_key: str, data: bytes) -> None:
    """Store bytes under a key, replacing what was there."""
    _objects().save(object_key, ContentFile(data))


def put_file(object_key: str, file: IO[bytes]) -> None:
    """Store an open binary file under a key without reading it into memory."""
    _objects().save(object_key, File(file))


def read(object_key: str) -> bytes:
    """Return the bytes under a key.

    Raises
    ------
    NotFoundError
        If nothing lies there.
    """
    with open_object(object_key) as file:
        return file.read()


def open_object(object_key: str) -> IO[bytes]:
    """Open the object for reading; the caller closes it.

    Raises
    ------
    NotFoundError
        If nothing lies there.
    """
    try:
        return cast("IO[bytes]", _objects().open(object_key, "rb"))
    except FileNotFoundError as error:
        raise NotFoundError("storage.object_missing", "This file is no longer stored.") from error


def exists(object_key: str) -> bool:
    """Return whether an object lies under the key."""
    return bool(_objects().exists(object_key))


def delete(object_key: str) -> None:
    """Remove the object; a missing one is fine."""
    _objects().delete(object_key)


def listing(prefix: str) -> Iterator[str]:
    """Yield the keys below a folder, depth first; none if the folder does not exist."""
    try:
        folders, files = _objects().listdir(prefix)
    except FileNotFoundError:
        return
    for name in sorted(files):
        yield f"{prefix.rstrip('/')}/{name}"
    for name in sorted(folders):
        yield from listing(f"{prefix.rstrip('/')}/{name}")


def upload_key(tenant: str, upload: str) -> str:
    """Return the key of an original as it came, never served."""
    return f"uploads/{tenant}/{upload}/original"


def photo_key(tenant: str, photo: str, name: str) -> str:
    """Return the key of a normalised source photo or one of its smaller copies."""
    return f"photos/{tenant}/{photo}/{name}"


def cutout_key(tenant: str, photo: str, revision: int) -> str:
    """Return the key of a photo's cutout: 0 is what an engine made, above it people corrected."""
    return photo_key(tenant, photo, f"cutout-{revision}.png")


def render_prefix(tenant: str, work_item: str, attempt: int) -> str:
    """Return the prefix one attempt writes under, with trailing slash."""
    return f"renders/{tenant}/{work_item}/{attempt}/"


def brand_key(tenant: str, logo: str) -> str:
    """Return the key of a workspace's logo."""
    return f"brands/{tenant}/{logo}/logo.png"


def export_key(tenant: str, export: str) -> str:
    """Return the key of an export's archive."""
    return f"exports/{tenant}/{export}.zip"
