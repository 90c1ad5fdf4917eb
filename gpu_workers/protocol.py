"""The language between the application and its workers: orders in, reports out.

Owns the shape of everything that crosses the border, as frozen values with one JSON form, and the
names of queue, stream and job. Does not own transport (RQ, Redis streams) nor what a render is.

A batch is self-contained: object keys, scene, outputs, seed and attempt, so that a worker needs
no database. Results lie in storage under ``result_prefix``, which holds the attempt, and end with
``manifest.json``: the manifest is the durable report and the stream only its doorbell.

Times are float seconds, sizes pixels or bytes as named. Standard library only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal, Protocol, TypeAlias

from gpu_workers.errors import OrderInvalid
from gpu_workers.scene_spec import SceneSpec, scene_from_json

PROTOCOL_VERSION: Final = 1
JOB_NAME: Final = "gpu_workers.jobs.render_batch"
REPORT_STREAM: Final = "packshot:reports"
MANIFEST_NAME: Final = "manifest.json"
PREVIEW_SECONDS: Final = 60
"""How long a preview of an unfinished picture lies in Redis; the next one takes its place."""

WorkerClass: TypeAlias = Literal["cpu", "gpu", "gpu-large"]
Engine: TypeAlias = Literal["classical", "diffusion"]
FileFormat: TypeAlias = Literal["JPEG", "PNG", "WEBP"]


def lane(worker_class: str, engine: str) -> str:
    """Return the one queue that workers of this class with this engine listen on."""
    return f"render-{worker_class}-{engine}"


def preview_key(work_item: str, attempt: int) -> str:
    """Return the Redis key of the latest preview of an attempt: a small WebP file, losable.

    Not in the stream: that keeps what was said for hours, and a preview is of use for a second.
    """
    return f"packshot:preview:{work_item}:{attempt}"


@dataclass(frozen=True, slots=True)
class OutputSpec:
    """One finished file of a render: a sales channel's canvas, background rule and format."""

    name: str
    """Slug of the sales channel, unique within the order; becomes the file name."""
    width_px: int
    height_px: int
    file_format: FileFormat = "JPEG"
    quality: int = 93
    """Encoder quality 1 to 100; ignored for PNG."""
    fill: float | None = None
    """Overrides the scene's ``framing.fill`` where the sales channel prescribes one."""
    exact_white: bool = False
    """The sales channel demands 255, 255, 255 behind the product: verified after encoding."""
    max_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class RenderOrder:
    """One render: one take of one source photo in one scene, finished for its outputs."""

    work_item: str
    attempt: int
    tenant: str
    kind: str
    """A name of `kind_options.table.KINDS`: the pipeline that makes it."""
    source_key: str
    """Object key of the normalised source photo (sRGB, oriented, 8 bit)."""
    scene: SceneSpec
    outputs: tuple[OutputSpec, ...]
    seed: int
    result_prefix: str
    """Object key prefix, with trailing slash, that holds tenant, work item and attempt."""
    cutout_key: str = ""
    """Object key of the photo's cutout: used if it is there, otherwise made and written there, so
    that a photo is cut out once. Empty keeps none."""
    segmenter: str = "auto"
    """Who frees the product where no cutout is there: ``auto``, ``classical`` or
    ``rembg:MODEL``."""
    extras: dict[str, str] = field(default_factory=dict)
    """Role of another picture, such as ``back`` or ``design``, to its object key."""
    texts: dict[str, str] = field(default_factory=dict)
    """Words that the picture sets, by the names its kind knows."""


@dataclass(frozen=True, slots=True)
class RenderBatch:
    """Orders that run together on one worker, decided by the dispatcher."""

    batch: str
    lane: str
    deadline_seconds: float
    """Wall-clock limit of the whole batch on the worker."""
    orders: tuple[RenderOrder, ...]

    def to_json(self) -> str:
        """Return the batch as JSON text; `batch_from_json` reads it back."""
        body = asdict(self)
        for order, values in zip(self.orders, body["orders"], strict=True):
            values["scene"] = order.scene.to_json()
        return json.dumps({"version": PROTOCOL_VERSION, **body}, separators=(",", ":"))


def batch_from_json(text: str) -> RenderBatch:
    """Read a batch.

    Raises
    ------
    OrderInvalid
        If the text is no batch of a protocol version that this worker speaks.
    """
    try:
        body = json.loads(text)
        version = body.pop("version")
        if version != PROTOCOL_VERSION:
            raise OrderInvalid(f"protocol version {version}; this worker speaks {PROTOCOL_VERSION}")
        orders = tuple(
            RenderOrder(
                **{
                    **order,
                    "scene": scene_from_json(order["scene"]),
                    "outputs": tuple(OutputSpec(**output) for output in order["outputs"]),
                }
            )
            for order in body.pop("orders")
        )
        return RenderBatch(**body, orders=orders)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise OrderInvalid(f"not a render batch: {error}") from error


@dataclass(frozen=True, slots=True)
class ResultFile:
    """One image file of a finished render, as written to storage."""

    name: str
    """Output name, or ``preview`` (at most 1,200 px WebP) or ``cutout`` (RGBA PNG)."""
    object_key: str
    width_px: int
    height_px: int
    file_format: FileFormat
    size_bytes: int
    sha256: str
    checks: dict[str, Any] = field(default_factory=dict)
    """Measured facts: ``white_share`` (0 to 1), ``fill`` (0 to 1), ``upscale`` (source px to
    output px, > 1 means enlarged), ``warnings`` (list of stable codes)."""


@dataclass(frozen=True, slots=True)
class RenderResult:
    """What a worker knows about a finished render; the content of ``manifest.json``."""

    work_item: str
    attempt: int
    files: tuple[ResultFile, ...]
    engine: str
    """Engine and version that made it, for example ``classical/1``."""
    seed: int
    versions: dict[str, str]
    """Library name to version: what to install to make the same picture again."""
    step_seconds: dict[str, float]
    """Name of the step, in order, to the seconds it took."""
    seconds: float
    confidence: float
    """How sure the segmenter is of the cutout, 0 to 1; below 0.6 the screen asks for a look."""
    fidelity: dict[str, float]
    """Product against source: ``delta_e_mean``, ``delta_e_p99``, ``silhouette_iou``."""

    def to_json(self) -> str:
        """Return the result as JSON text; `result_from_json` reads it back."""
        return json.dumps(asdict(self), separators=(",", ":"))


def result_from_json(text: str | bytes) -> RenderResult:
    """Read a result manifest.

    Raises
    ------
    OrderInvalid
        If the text is no result.
    """
    try:
        body = json.loads(text)
        files = tuple(ResultFile(**item) for item in body.pop("files"))
        return RenderResult(**body, files=files)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise OrderInvalid(f"not a render result: {error}") from error


class ProgressReport(Protocol):
    """Told by a renderer how far an order is."""

    def __call__(
        self, step: int, steps: int, label: str, share: float, preview: bytes = b"", /
    ) -> None:
        """Take step, steps, a label in the seller's words and the share done, 0 to 1.

        ``preview`` is the unfinished picture as a small WebP file; left out where there is none.
        """
        ...


ReportKind: TypeAlias = Literal[
    "worker.online",  # worker, worker_class, engine, lane, pid, host, versions
    "worker.beat",  # worker … host as online, state, running: [[work_item, attempt], ...]
    "worker.offline",  # worker, released: [[work_item, attempt], ...]  (attempt not counted)
    "order.started",  # worker, work_item, attempt, tenant
    "order.progress",  # worker, work_item, attempt, tenant, step, steps, label, share (0 to 1),
    # preview: how many were put up under `preview_key` until now
    "order.succeeded",  # worker, work_item, attempt, tenant, manifest_key
    "order.failed",  # worker, work_item, attempt, tenant, code, detail, retryable
]


@dataclass(frozen=True, slots=True)
class Report:
    """One message from a worker. ``body`` holds the fields named beside its kind.

    A beat's ``state`` is ``idle``, ``busy`` or ``draining``; its ``running`` lists what the worker
    holds, whose leases it extends.
    """

    kind: ReportKind
    worker: str
    body: dict[str, Any]

    def to_fields(self) -> dict[str, str]:
        """Return the flat fields of one Redis stream entry."""
        return {"kind": self.kind, "worker": self.worker, "body": json.dumps(self.body)}


def report_from_fields(fields: Mapping[str, str]) -> Report:
    """Read a stream entry.

    Raises
    ------
    OrderInvalid
        If a field is missing or the body is no JSON object.
    """
    try:
        body = json.loads(fields["body"])
        if not isinstance(body, dict):
            raise OrderInvalid("report body: an object was expected")
        return Report(kind=fields["kind"], worker=fields["worker"], body=body)  # type: ignore[arg-type]
    except (KeyError, ValueError) as error:
        raise OrderInvalid(f"not a report: {error}") from error
