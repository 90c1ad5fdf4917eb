"""How a multipart body becomes files on disk: at most the size limit of each.

Owns the limit while bytes arrive; what they are is decided in `apps.catalog.services.uploads`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.files.uploadhandler import SkipFile, TemporaryFileUploadHandler
from django.http import HttpRequest


@dataclass(frozen=True, slots=True)
class TooLargeFile:
    """A file whose reading was broken off."""

    file_name: str
    size_bytes: int
    """What had arrived by then."""


class BoundedUploadHandler(TemporaryFileUploadHandler):
    """Spool each file to disk; drop one that grows beyond the limit and go on with the next."""

    def __init__(self, request: HttpRequest | None = None) -> None:
        super().__init__(request)
        self.too_large: list[TooLargeFile] = []
        self._received = 0

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Begin a file with its own count."""
        self._received = 0
        super().new_file(*args, **kwargs)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Write a chunk, or break the file off."""
        self._received += len(raw_data)
        if self._received > settings.UPLOAD_MAX_BYTES:
            self.too_large.append(TooLargeFile(self.file_name or "", self._received))
            raise SkipFile
        super().receive_data_chunk(raw_data, start)
