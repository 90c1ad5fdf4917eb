"""What a template says about a color variant: which part of the product, and which color."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from gpu_workers.typed_fields import color, within

Region: TypeAlias = Literal["product", "color", "mask"]
"""``product`` dyes all of it; ``color`` the part that has one color and leaves prints and buttons;
``mask`` what is light in the picture of the role ``region``."""


@dataclass(frozen=True, slots=True)
class VariantOptions:
    """Options of the kind ``variant``."""

    target: str = color("#2f5d9b")
    """The new color, as the product shows it where it is evenly lit."""
    region: Region = "color"
    source: str | None = color(None)
    """With ``color``: the color to replace; without it, the one most of the product has."""
    delta_e: float = within(0.5, 10.0, default=2.0)
    """CIEDE2000 by which the result may miss the target before it is flagged."""
