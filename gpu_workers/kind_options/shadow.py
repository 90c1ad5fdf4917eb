"""What a template says about a shadow as a layer, for those who compose their own pictures."""

from __future__ import annotations

from dataclasses import dataclass

from gpu_workers.typed_fields import color, within


@dataclass(frozen=True, slots=True)
class ShadowOptions:
    """Options of the kind ``shadow``."""

    product: bool = False
    """Whether the product stands on its shadow, or the file holds the shadow alone."""
    color: str = color("#000000")
    lift: float = within(0.005, 0.4, default=0.04)
    """Seen from above only: height of the product over the surface, in its longest sides."""
