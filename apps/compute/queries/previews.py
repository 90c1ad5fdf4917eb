"""What can be seen of a render while it is being made.

Owns the way to the picture that a worker puts up. It is there for a moment and may always be
missing: nothing may depend on it.
"""

from __future__ import annotations

from apps.compute import wire
from apps.compute.models import WorkItem
from apps.core import queue


def live_preview(subject: str) -> bytes | None:
    """Return the latest preview of the present attempt at a subject, a WebP file, if there is one.

    Reads in the open tenant scope, so that nobody sees what another tenant has ordered.
    """
    item = WorkItem.objects.filter(subject=subject, state=WorkItem.State.RUNNING).first()
    return queue.picture_under(wire.preview_key(item.pk, item.attempt)) if item else None
