"""What a template says about relighting: how far to go towards the scene's light."""

from __future__ import annotations

from dataclasses import dataclass

from gpu_workers.typed_fields import within


@dataclass(frozen=True, slots=True)
class RelightOptions:
    """Options of the kind ``relight``. The new light is the scene's own."""

    strength: float = within(0.0, 1.0, default=1.0)
    delta_e: float = within(0.5, 6.0, default=4.0)
    """CIEDE2000 by which at most a hundredth of the product may change."""
