"""The product on nothing, or on one even color.

Owns the composition of cutouts and of packshots on a solid backdrop. Whatever has a shadow or a
mirror image is `scene`.
"""

from __future__ import annotations

import numpy as np

from gpu_workers.imaging.color import from_hex
from gpu_workers.imaging.composite import over
from gpu_workers.imaging.framing import Box, place, plan_placement
from gpu_workers.pipelines.cutout import Subject
from gpu_workers.pipelines.finishing import Composition
from gpu_workers.protocol import RenderOrder


def compose_transparent(
    subject: Subject, order: RenderOrder, canvas: tuple[int, int], fill: float
) -> Composition:
    """Frame the product on an empty canvas."""
    placement = plan_placement(subject.product, subject.frame, canvas, fill=fill)
    product, matte = place(subject.cutout, placement)
    return Composition(product, matte, placement, grain=0.0, transparent=True)


def compose_solid(
    subject: Subject,
    order: RenderOrder,
    canvas: tuple[int, int],
    fill: float,
    zone: Box | None = None,
) -> Composition:
    """Frame the product on one even color, with nothing on it but the product."""
    scene = order.scene
    placement = plan_placement(
        subject.product,
        subject.frame,
        canvas,
        fill=fill,
        anchor=scene.framing.anchor,
        ground_line=scene.framing.ground_line,
        zone=zone,
    )
    product, matte = place(subject.cutout, placement)
    backdrop = np.broadcast_to(from_hex(scene.color), product.shape)
    return Composition(
        over(product, matte, backdrop),
        matte,
        placement,
        grain=scene.grain,
        exact_white=scene.is_exact_white,
    )
