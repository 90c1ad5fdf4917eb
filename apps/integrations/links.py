"""Signed links to finished files, so that a platform can fetch them without its key.

A link names the file and its workspace, lives for a day, and is asked at the gate again when it
is used: an approval that was undone ends the link.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.core import signing
from django.urls import reverse

from apps.core.errors import NotFoundError

_SALT = "packshot.file-link"


@dataclass(frozen=True, slots=True)
class FileLink:
    """What a link stands for."""

    tenant: str
    kind: str
    """``render`` or ``export``."""
    subject: str
    name: str
    """Sales channel of a render's file; empty for an export."""


def link_url(link: FileLink) -> str:
    """Return the absolute address of a file."""
    token = signing.dumps([link.tenant, link.kind, link.subject, link.name], salt=_SALT)
    return f"{settings.BASE_URL}{reverse('files:download', args=[token])}"


def read_link(token: str) -> FileLink:
    """Return what a token stands for.

    Raises
    ------
    NotFoundError
        If the token is forged or older than `FILE_LINK_SECONDS`.
    """
    try:
        tenant, kind, subject, name = signing.loads(
            token, salt=_SALT, max_age=settings.FILE_LINK_SECONDS
        )
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise NotFoundError(
            "file.link_ended", "This link has ended. Ask the API for a fresh one."
        ) from error
    return FileLink(tenant, kind, subject, name)
