"""When a cutout is so unsure that a person is asked to look at its edge. Pure."""

from __future__ import annotations

from typing import Final

CONFIDENT: Final = 0.6
"""Confidence below which a person is asked to look at the edge."""


def needs_look(confidence: float | None) -> bool:
    """Return whether the cutout is so unsure that the screen asks for a look at the edge."""
    return confidence is not None and confidence < CONFIDENT
