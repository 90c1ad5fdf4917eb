"""The product on a surface, seen from straight above.

Owns the flat lay, and pictures square on a surface in general: no horizon, no perspective, a
shadow all round. The product lies as it was photographed; from where is not asked, since a bottle
photographed from the front is a bottle lying on its back.
"""

from __future__ import annotations

import numpy as np

from gpu_workers.imaging.backdrop import surface, sweep
from gpu_workers.imaging.camera import look_at
from gpu_workers.imaging.color import from_hex
from gpu_workers.imaging.composite import light_wrap, over
from gpu_workers.imaging.drop_shadow import drop_shadow
from gpu_workers.imaging.framing import Placement, place, plan_placement
from gpu_workers.imaging.lighting import ambient_tint, matched_tint, shade
from gpu_workers.pipelines.cutout import Subject
from gpu_workers.pipelines.finishing import Composition
from gpu_workers.protocol import RenderOrder

_WRAP = 0.25


def compose_flat_lay(
    subject: Subject, order: RenderOrder, canvas: tuple[int, int], fill: float
) -> Composition:
    """Lay the product in the middle of the surface."""
    placement = plan_placement(subject.product, subject.frame, canvas, fill=fill)
    return compose_square_on(subject, order, placement, lift=order.scene.options.lift)


def compose_square_on(
    subject: Subject, order: RenderOrder, placement: Placement, *, lift: float
) -> Composition:
    """Put a placed product on the scene's backdrop, which faces the camera.

    Parameters
    ----------
    lift
        As for `drop_shadow`.
    """
    scene, canvas = order.scene, placement.canvas
    if scene.mode == "none":
        product, matte = place(subject.cutout, placement)
        return Composition(product, matte, placement, grain=0.0, transparent=True)
    ground = look_at(placement, "top", scene.horizon, placement.product.bottom)
    color = from_hex(scene.color)
    if scene.mode == "surface":
        tint = matched_tint(subject.cutout.color, subject.cutout.matte)
        backdrop = surface(scene, canvas, ground, tint, seed=order.seed)
        color = from_hex(scene.material_color)
    elif scene.mode == "sweep":
        backdrop = sweep(scene, canvas, ground)
    else:
        backdrop = np.broadcast_to(color, (canvas[1], canvas[0], 3))
    # Only now: drawing a material takes as much memory as the rest of the render.
    product, matte = place(subject.cutout, placement)
    if scene.light.contact_shadow or scene.light.cast_shadow:
        dark = drop_shadow(matte, scene.light, lift=lift)
        backdrop = shade(backdrop, dark, ambient_tint(color))
    if scene.mode != "solid":
        product = light_wrap(product, matte, backdrop, _WRAP)
    return Composition(
        over(product, matte, backdrop),
        matte,
        placement,
        grain=scene.grain,
        exact_white=scene.is_exact_white,
    )
