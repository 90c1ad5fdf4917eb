"""Orders of one kind of picture for the tests of the pipelines: drawn sources, small canvases."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import numpy as np
from PIL import Image as Pillow

from gpu_workers.pipelines.runner import render
from gpu_workers.protocol import OutputSpec, RenderOrder, RenderResult
from gpu_workers.scene_spec import SceneSpec, builtin_scenes

SCENES = builtin_scenes()


def scene(slug: str, **options: Any) -> SceneSpec:
    """Return a built-in scene with other options of its kind."""
    found = SCENES[slug]
    return replace(found, options=replace(found.options, **options)) if options else found


def make(
    what: SceneSpec,
    source: bytes,
    *,
    size: tuple[int, int] = (200, 200),
    others: dict[str, bytes] | None = None,
    **changes: Any,
) -> tuple[RenderResult, np.ndarray]:
    """Render one source; return the result and the pixels of its one output, a PNG."""
    others = others or {}
    order = RenderOrder(
        work_item="w",
        attempt=1,
        tenant="acme",
        kind=what.kind,
        source_key="source",
        scene=what,
        outputs=(OutputSpec("shop", *size, file_format="PNG"),),
        seed=5,
        result_prefix="",
        extras={role: role for role in others},
        **changes,
    )
    files: dict[str, bytes] = {}
    pictures = {"source": source, **others}
    result = render(
        order, read=pictures.__getitem__, write=files.__setitem__, report=lambda *_step: None
    )
    with Pillow.open(io.BytesIO(files["shop.png"])) as picture:
        return result, np.asarray(picture)


def warnings_of(result: RenderResult) -> list[str]:
    """Return the warnings of the first file."""
    found: list[str] = result.files[0].checks["warnings"]
    return found


def png(pixels: np.ndarray) -> bytes:
    """Return pixels as a file."""
    file = io.BytesIO()
    Pillow.fromarray(pixels).save(file, "PNG")
    return file.getvalue()
