"""What a template says about a display: where the shoulders of every garment of a catalog go."""

from __future__ import annotations

from dataclasses import dataclass

from gpu_workers.typed_fields import within


@dataclass(frozen=True, slots=True)
class DisplayOptions:
    """Options of the kind ``display``. Shares are of the canvas's shorter side."""

    torso_width: float = within(0.15, 0.7, default=0.37)
    shoulder_line: float = within(0.05, 0.6, default=0.27)
    """Height of the shoulders from the top of the canvas, as a share of its height."""
    ghost: bool = True
    """Whether hook and wearer are taken away and an open neck is filled."""
    straighten: bool = True
    """Whether a garment that hangs askew is turned upright, by at most 12 degrees."""
    even_light_delta_e: float = within(0.0, 4.0, default=2.0)
    """CIEDE2000 by which the light on a garment may be moved to that of the scene; 0 leaves it."""
    lift: float = within(0.005, 0.4, default=0.08)
    """Distance from the backdrop, in longest sides of the garment: how soft its shadow is."""
