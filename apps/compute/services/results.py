"""Reading what a worker left in storage: the manifest is the durable report of an attempt."""

from __future__ import annotations

from apps.compute import wire
from apps.compute.models import WorkItem
from apps.core import storage
from apps.core.errors import NotFoundError


class ManifestUnreadable(Exception):
    """What lies under the key of the manifest is none of this attempt."""


class StorageUnreadable(Exception):
    """Storage does not answer: whether a result lies there is unknown."""


def read(item: WorkItem) -> wire.RenderResult | None:
    """Return the result of an item's current attempt, None if there is none yet.

    Raises
    ------
    ManifestUnreadable
        If the manifest cannot be read or speaks of another attempt.
    StorageUnreadable
        If storage does not answer.
    """
    try:
        data = storage.read(wire.manifest_key(item.tenant_id, item.pk, item.attempt))
    except NotFoundError:
        return None
    except Exception as error:
        # Every kind of storage has errors of its own.
        raise StorageUnreadable(str(error)) from error
    try:
        result = wire.result_from_json(data)
    except wire.OrderInvalid as error:
        raise ManifestUnreadable(error.detail) from error
    if (result.work_item, result.attempt) != (item.pk, item.attempt):
        raise ManifestUnreadable(f"it is of {result.work_item}, attempt {result.attempt}")
    return result
