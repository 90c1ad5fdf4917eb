"""Tiny checkpoints, written once."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

# Before any of these libraries is imported: nothing is ever fetched.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_OFFLINE"] = "1"


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return where the tiny weights of an architecture lie; written at the first call."""
    pytest.importorskip("torch", reason="the engine packages are not installed")
    pytest.importorskip("diffusers", reason="the engine packages are not installed")
    from tests.engines import tiny_pipelines

    models = tmp_path_factory.mktemp("models")
    written: dict[str, Path] = {}

    def folder(architecture: str) -> Path:
        if architecture not in written:
            written[architecture] = tiny_pipelines.write_tiny(architecture, models / architecture)
        return written[architecture]

    return folder


@pytest.fixture(scope="session")
def small_megapixel() -> Any:
    """Let the edit pipeline, which paints one megapixel whatever it is asked, paint 128 x 128."""
    module = pytest.importorskip("diffusers.pipelines.qwenimage.pipeline_qwenimage_edit_inpaint")
    whole = module.calculate_dimensions
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "calculate_dimensions", lambda _area, ratio: whole(128 * 128, ratio))
        yield


@pytest.fixture(scope="session")
def load_tiny(tiny_folder: Callable[[str], Path], small_megapixel: None) -> Callable[[str], Any]:
    """Return how to load a fresh engine of an architecture on the CPU."""
    import torch

    from gpu_workers.engines.diffusion.architectures import engine_class
    from tests.engines import tiny_pipelines

    def load(architecture: str) -> Any:
        return engine_class(architecture).load(
            tiny_pipelines.tiny(architecture),
            tiny_folder(architecture),
            device=torch.device("cpu"),
        )

    return load
