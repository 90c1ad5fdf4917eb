"""What pods and Deployments say about workers, read from the API server's answers. Pure.

Owns the labels and annotations of ``deploy/kubernetes/base``. Instants are aware datetimes,
durations seconds, money minor units.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from kubernetes import client

from apps.compute.providers.base import ColdStart, Price, ProvidedWorker, ProviderUnavailable

CLASS_LABEL: Final = "packshot/worker-class"
ENGINE_LABEL: Final = "packshot/engine"
SPOT_LABEL: Final = "packshot/spot"
MAX_WORKERS: Final = "packshot/max-workers"
PRICE: Final = "packshot/price-minor-per-hour"
CURRENCY: Final = "packshot/currency"
COLD_START_P50: Final = "packshot/cold-start-p50-seconds"
COLD_START_P95: Final = "packshot/cold-start-p95-seconds"
MARKED_AT: Final = "packshot/marked-at"
DELETION_COST: Final = "controller.kubernetes.io/pod-deletion-cost"
FIRST_TO_GO: Final = "-2147483647"
"""The lowest cost there is: of pods that are equally ready this one is removed first."""
USUAL_COLD_START: Final = ColdStart(p50_seconds=90.0, p95_seconds=180.0)
"""Without an annotation: a node that is there, an image that is not."""


@dataclass(frozen=True, slots=True)
class Pod:
    """What matters of a worker's pod."""

    name: str
    uid: str
    worker_class: str
    engine: str
    is_spot: bool
    created_at: datetime
    node: str
    """Empty until it is scheduled."""
    is_ready: bool
    is_ending: bool
    """Told to end; no longer counted as a replica."""
    marked_at: datetime | None
    """Since when it is the first to go when replicas are taken away."""

    def as_worker(self) -> ProvidedWorker:
        """Return the worker in it."""
        alive: Literal["running", "starting"] = "running" if self.is_ready else "starting"
        return ProvidedWorker(
            worker=self.name,
            worker_class=self.worker_class,
            engine=self.engine,
            state="draining" if self.is_ending else alive,
            launched_at=self.created_at,
            is_spot=self.is_spot,
            place=self.node,
        )


@dataclass(frozen=True, slots=True)
class Facts:
    """What a Deployment says about each of its workers."""

    deployment: str
    worker_class: str
    engine: str
    is_spot: bool
    max_workers: int
    cold_start: ColdStart
    price: Price


def deployment_name(worker_class: str, *, is_spot: bool = False) -> str:
    """Return the name of the Deployment that runs a class's workers."""
    return f"packshot-worker-{worker_class}{'-spot' if is_spot else ''}"


def read_pod(pod: client.V1Pod) -> Pod | None:
    """Return a worker's pod, or None if it has ended and only its record is left."""
    meta, status = pod.metadata, pod.status
    if meta is None or meta.creation_timestamp is None:
        return None
    if status is not None and status.phase in ("Succeeded", "Failed"):
        return None
    labels, annotations = meta.labels or {}, meta.annotations or {}
    conditions = (status.conditions if status else None) or []
    return Pod(
        name=meta.name or "",
        uid=meta.uid or "",
        worker_class=labels.get(CLASS_LABEL, ""),
        engine=labels.get(ENGINE_LABEL, ""),
        is_spot=labels.get(SPOT_LABEL) == "true",
        created_at=meta.creation_timestamp,
        node=(pod.spec.node_name if pod.spec else None) or "",
        is_ready=any(each.type == "Ready" and each.status == "True" for each in conditions),
        is_ending=meta.deletion_timestamp is not None,
        marked_at=_instant(annotations.get(MARKED_AT, "")),
    )


def read_facts(deployment: client.V1Deployment, worker_class: str, *, is_spot: bool) -> Facts:
    """Return what a Deployment's labels and annotations say.

    Raises
    ------
    ProviderUnavailable
        If one of them is no number where a number is meant.
    """
    meta = deployment.metadata or client.V1ObjectMeta()
    template = deployment.spec.template.metadata if deployment.spec else None
    notes, name = meta.annotations or {}, meta.name or deployment_name(worker_class)
    p50 = _number(name, notes, COLD_START_P50, USUAL_COLD_START.p50_seconds)
    return Facts(
        deployment=name,
        worker_class=worker_class,
        engine=((template.labels if template else None) or {}).get(ENGINE_LABEL, ""),
        is_spot=is_spot,
        max_workers=int(_number(name, notes, MAX_WORKERS, 10.0)),
        cold_start=ColdStart(
            p50_seconds=p50, p95_seconds=max(p50, _number(name, notes, COLD_START_P95, 2 * p50))
        ),
        price=Price(_number(name, notes, PRICE, 0.0), notes.get(CURRENCY, "EUR")),
    )


def marks(now: datetime) -> dict[str, str]:
    """Return the annotations that make a pod the first to go."""
    return {DELETION_COST: FIRST_TO_GO, MARKED_AT: now.isoformat()}


def _instant(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _number(deployment: str, notes: dict[str, str], key: str, default: float) -> float:
    text = notes.get(key)
    if text is None:
        return default
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise ProviderUnavailable(
            f"Deployment {deployment} says {key}={text!r}, which is no number; correct it there"
        )
    return value
