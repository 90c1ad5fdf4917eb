"""What a template says about a ghost mannequin: what is taken away and what is built."""

from __future__ import annotations

from dataclasses import dataclass

from gpu_workers.typed_fields import within


@dataclass(frozen=True, slots=True)
class GhostMannequinOptions:
    """Options of the kind ``ghost_mannequin``."""

    remove_body: bool = True
    """Whether skin of a wearer is cut away."""
    cuffs: bool = True
    """Whether the inside of sleeves is shown where arms were cut away."""
    straighten: bool = True
    """Whether a garment that hangs askew is turned upright."""
    lift: float = within(0.005, 0.4, default=0.08)
    """Distance from the backdrop, in longest sides of the garment: how soft its shadow is."""
