"""What a template says about a flat lay: how high the product rises over what it lies on."""

from __future__ import annotations

from dataclasses import dataclass

from gpu_workers.typed_fields import within


@dataclass(frozen=True, slots=True)
class FlatLayOptions:
    """Options of the kind ``flat_lay``."""

    lift: float = within(0.005, 0.4, default=0.04)
    """Height of the product over the surface, in its longest sides: 0.02 is a folded sheet, 0.04
    a garment, 0.2 a box."""
