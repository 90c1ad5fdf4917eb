"""The sample photos: a first set of products for a workspace that has none.

Owns where the samples lie. They go the way of every other photo: through `receive_upload`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from apps.catalog.models import SourcePhoto
from apps.catalog.services.uploads import receive_upload
from apps.tenants.roles import Actor

FOLDER: Final = Path(__file__).resolve().parents[1] / "sample_photos" / "photos"
_CHUNK_BYTES: Final = 256 * 1024


def add_sample_photos(*, actor: Actor) -> list[SourcePhoto]:
    """Add the sample photos to the workspace and return them; those already there are kept.

    Raises
    ------
    ForbiddenError
        If the actor may not edit the catalog.
    """
    uploads = [
        receive_upload(actor=actor, file_name=path.name, chunks=_chunks(path))
        for path in sorted(FOLDER.glob("*.jpg"))
    ]
    return [upload.photo for upload in uploads if upload.photo is not None]


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk
