"""A models folder with hand-made networks in the place of weights."""

from __future__ import annotations

from pathlib import Path

import pytest

from gpu_workers.config import ModelSettings


@pytest.fixture
def here(tmp_path: Path) -> ModelSettings:
    return ModelSettings(
        folder=tmp_path / "models",
        allowed=frozenset({"u2netp", "u2net_cloth_seg"}),
        segmenter="classical",
        device="cpu",
        threads=1,
        memory_bytes=3 * 2**30,
    )
