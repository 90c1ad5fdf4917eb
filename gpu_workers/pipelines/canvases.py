"""Which canvases an order needs: one for all outputs that differ in size only."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from gpu_workers.protocol import OutputSpec, RenderOrder


def canvases_of(
    order: RenderOrder,
) -> Sequence[tuple[tuple[tuple[int, int], float], tuple[OutputSpec, ...]]]:
    """Group outputs that differ in size only; the largest of a group is composed."""
    groups: dict[tuple[Fraction, float], list[OutputSpec]] = {}
    for output in order.outputs:
        fill = output.fill if output.fill is not None else order.scene.framing.fill
        groups.setdefault((Fraction(output.width_px, output.height_px), fill), []).append(output)
    canvases = []
    for (_, fill), outputs in groups.items():
        largest = max(outputs, key=lambda output: output.width_px)
        size = (largest.width_px, largest.height_px)
        canvases.append(((size, fill), tuple(outputs)))
    return canvases
