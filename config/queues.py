"""The RQ queues: one lane for each worker class and engine, one queue for chores.

A worker listens on exactly one queue: RQ loses jobs when a worker that listens on several is
killed, and a lane keeps its engine warm.
"""

from __future__ import annotations

from typing import Any

CHORES = "chores"
LANES = (
    "render-cpu-classical",
    "render-gpu-diffusion",
    "render-gpu-large-diffusion",
)
WORKER_CLASSES = ("cpu", "gpu", "gpu-large")


def rq_queues(redis_url: str) -> dict[str, dict[str, Any]]:
    """Return the value of ``RQ_QUEUES``. JSON only: pickle in Redis is code execution."""
    queue = {"URL": redis_url, "SERIALIZER": "rq.serializers.JSONSerializer"}
    return {
        name: dict(queue, DEFAULT_TIMEOUT=600, DEFAULT_RESULT_TTL=60) for name in (CHORES, *LANES)
    }
