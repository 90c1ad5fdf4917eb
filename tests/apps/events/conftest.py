"""A channel layer inside the test process."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture(autouse=True)
def memory_layer(settings: Any) -> None:
    """Hints travel inside this process; a Redis in between is the chaos suite's matter."""
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
