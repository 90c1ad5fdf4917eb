"""The smallest valid orders and batches for the tests of the workers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gpu_workers.protocol import OutputSpec, RenderBatch, RenderOrder
from gpu_workers.scene_spec import SceneSpec

LANE = "render-cpu-classical"
WHITE = SceneSpec(slug="white", title="White", description="Plain white", mode="solid")


def order(work_item: str = "shoe", *, does: str = "quick", **changes: Any) -> RenderOrder:
    """One order; ``does`` becomes its source key, which `tests.fakes.renderers` obeys."""
    attempt = changes.pop("attempt", 1)
    smallest = RenderOrder(
        work_item=work_item,
        attempt=attempt,
        tenant="ateliers",
        kind="packshot",
        source_key=does,
        scene=WHITE,
        outputs=(OutputSpec("web", 64, 64),),
        seed=7,
        result_prefix=f"t/ateliers/{work_item}/{attempt}/",
    )
    return replace(smallest, **changes)


def batch(*orders: RenderOrder, deadline_seconds: float = 60.0, lane: str = LANE) -> RenderBatch:
    """One batch of these orders."""
    return RenderBatch(batch="b1", lane=lane, deadline_seconds=deadline_seconds, orders=orders)
