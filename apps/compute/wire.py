"""The one door to the workers: the application's side of `gpu_workers.protocol`.

Owns the writing of batches, the reading of reports, results and scenes, and the way to the trained
networks of this machine. Does not own transport
(`apps.core.queue`) nor what a report changes (`services`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from apps.core import queue
from apps.core.storage import render_prefix
from gpu_workers.config import ModelSettings, SettingInvalid, model_settings_from_environ
from gpu_workers.engines.model_fetching import FetchFailed
from gpu_workers.engines.model_shelf import (
    FetchedModel,
    ShelfModel,
    fetch_named,
    pin_named,
    shelf,
    verify_all,
)
from gpu_workers.errors import OrderInvalid
from gpu_workers.forkserver_door import NobodyServes
from gpu_workers.forkserver_door import ask as ask_fork_server
from gpu_workers.kind_options.brand_kit import BrandKit, branded
from gpu_workers.kind_options.font_family import FONT_FAMILIES, family_file
from gpu_workers.kind_options.table import KINDS, Kind, needed_roles_of, read_options, roles_of
from gpu_workers.protocol import (
    JOB_NAME,
    MANIFEST_NAME,
    PROTOCOL_VERSION,
    REPORT_STREAM,
    OutputSpec,
    RenderResult,
    Report,
    lane,
    preview_key,
    report_from_fields,
    result_from_json,
)
from gpu_workers.retouch_protocol import (
    RETOUCH_ALIVE_KEY,
    RETOUCH_ANSWER_KEY,
    RETOUCH_LINE_LENGTH,
    RETOUCH_LINES,
    RETOUCH_REQUEST_KEY,
    RetouchRequest,
    checked_start,
    is_request_id,
)
from gpu_workers.retouch_steps import Step, steps_from_json
from gpu_workers.scene_spec import SceneSpec, builtin_scenes, scene_from_json
from gpu_workers.typed_fields import read_fields

__all__ = [
    "FONT_FAMILIES",
    "KINDS",
    "MANIFEST_NAME",
    "REPORT_STREAM",
    "RETOUCH_ALIVE_KEY",
    "RETOUCH_ANSWER_KEY",
    "RETOUCH_LINES",
    "RETOUCH_LINE_LENGTH",
    "RETOUCH_REQUEST_KEY",
    "BrandKit",
    "FetchFailed",
    "FetchedModel",
    "Kind",
    "ModelSettings",
    "NobodyServes",
    "OrderInvalid",
    "OrderRow",
    "OutgoingBatch",
    "OutputSpec",
    "RenderResult",
    "Report",
    "RetouchRequest",
    "SceneSpec",
    "SettingInvalid",
    "ShelfModel",
    "Step",
    "ask_fork_server",
    "batch_json",
    "branded",
    "builtin_scenes",
    "checked_outputs",
    "checked_scene",
    "checked_start",
    "enqueue_batches",
    "family_file",
    "fetch_named",
    "is_request_id",
    "lane",
    "manifest_key",
    "model_settings_from_environ",
    "needed_roles_of",
    "parts_of_lane",
    "pin_named",
    "preview_key",
    "read_fields",
    "read_options",
    "report_from_fields",
    "result_from_json",
    "result_values",
    "roles_of",
    "scene_from_json",
    "shelf",
    "steps_from_json",
    "verify_all",
]

_ORDER_FIELDS: Final = ("kind", "source_key", "scene", "outputs", "seed")
_MORE_FIELDS: Final = ("cutout_key", "segmenter", "extras", "texts")
"""Not in orders that were accepted before these fields were there."""
_QUEUE_MARGIN_SECONDS: Final = 60
"""RQ's own limit lies behind the worker's deadline: the worker ends the work, RQ never does."""


@dataclass(frozen=True, slots=True)
class OrderRow:
    """What of a work item goes into a batch."""

    work_item: str
    attempt: int
    tenant: str
    order: Mapping[str, Any]
    """``kind``, ``source_key``, ``scene``, ``outputs``, ``seed`` and what else the order says,
    as intake checked them."""


@dataclass(frozen=True, slots=True)
class OutgoingBatch:
    """Orders to hand to a lane together."""

    batch: str
    lane: str
    deadline_seconds: float
    rows: Sequence[OrderRow]


def checked_scene(scene: Mapping[str, Any]) -> dict[str, Any]:
    """Return a scene with every default spelled out, so that it never changes while it waits.

    Raises
    ------
    OrderInvalid
        If a worker could not read it; the message names the field.
    """
    return scene_from_json(scene).to_json()


def checked_outputs(outputs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the outputs of an order.

    Raises
    ------
    OrderInvalid
        If a worker could not read them, there are none, or two have the same name.
    """
    names = [str(output.get("name", "")) for output in outputs]
    if not names or not all(names) or len(set(names)) != len(names):
        raise OrderInvalid("outputs: at least one, each with a name of its own")
    try:
        for output in outputs:
            OutputSpec(**output)
    except TypeError as error:
        raise OrderInvalid(f"outputs: {error}") from error
    return [dict(output) for output in outputs]


def batch_json(batch: OutgoingBatch) -> str:
    """Return a batch as the workers read it, each order with its attempt and result prefix.

    Orders go out as they were checked at intake; what a newer worker cannot read any more it
    refuses itself, and the order fails with its reason.
    """
    body = {
        "version": PROTOCOL_VERSION,
        "batch": batch.batch,
        "lane": batch.lane,
        "deadline_seconds": batch.deadline_seconds,
        "orders": [
            {
                "work_item": row.work_item,
                "attempt": row.attempt,
                "tenant": row.tenant,
                **{name: row.order[name] for name in _ORDER_FIELDS},
                **{name: row.order[name] for name in _MORE_FIELDS if name in row.order},
                "result_prefix": render_prefix(row.tenant, row.work_item, row.attempt),
            }
            for row in batch.rows
        ],
    }
    return json.dumps(body, separators=(",", ":"))


def enqueue_batches(batches: Sequence[OutgoingBatch]) -> None:
    """Put batches into their lanes' queues, all or none; a batch's id is its job's.

    Raises
    ------
    redis.exceptions.RedisError
        If Redis is away.
    """
    queue.enqueue_many(
        [
            queue.NewJob(
                queue=batch.lane,
                name=JOB_NAME,
                arguments=(batch_json(batch),),
                timeout_seconds=int(batch.deadline_seconds) + _QUEUE_MARGIN_SECONDS,
                job_id=batch.batch,
            )
            for batch in batches
        ]
    )


def manifest_key(tenant: str, work_item: str, attempt: int) -> str:
    """Return where the result of an attempt lies once it is complete."""
    return render_prefix(tenant, work_item, attempt) + MANIFEST_NAME


def result_values(result: RenderResult) -> dict[str, Any]:
    """Return a result as JSON values, for receivers that keep it."""
    values: dict[str, Any] = json.loads(result.to_json())
    return values


def parts_of_lane(name: str) -> tuple[str, str] | None:
    """Return worker class and engine of a lane; None if the name is no lane's."""
    prefix, _, rest = name.partition("-")
    worker_class, _, engine = rest.rpartition("-")
    if prefix != "render" or not worker_class or not engine:
        return None
    return worker_class, engine
