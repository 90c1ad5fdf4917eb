"""The product in a scene: set, shadow, reflection, light.

Owns the order of the layers. The scene is fitted to the product (pitch, size of the material,
white point) and the product's own pixels are left as photographed. Seamless paper keeps the
color that was ordered: a catalog on it must look alike from product to product.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from gpu_workers.imaging.backdrop import surface, sweep
from gpu_workers.imaging.camera import choose_pitch, estimate_pitch, look_at
from gpu_workers.imaging.color import from_hex
from gpu_workers.imaging.composite import light_wrap, over
from gpu_workers.imaging.framing import Anchor, place, plan_placement
from gpu_workers.imaging.lighting import ambient_tint, matched_tint, shade
from gpu_workers.imaging.reflection import mirror
from gpu_workers.imaging.shadow import shadow_map
from gpu_workers.pipelines.cutout import Subject
from gpu_workers.pipelines.finishing import Composition
from gpu_workers.protocol import RenderOrder

_WRAP: Final = 0.35
_ROUGHNESS: Final[dict[str, float]] = {"gloss": 0.012, "marble": 0.025}
_MATTE_ROUGHNESS: Final = 0.05


def compose_scene(
    subject: Subject, order: RenderOrder, canvas: tuple[int, int], fill: float
) -> Composition:
    """Build the set around the product."""
    scene = order.scene
    pitch = choose_pitch(estimate_pitch(subject.cutout.matte), scene.accepts_pitch)
    anchor: Anchor = "center" if pitch == "top" else scene.framing.anchor
    hangs = subject.hangs and pitch != "top"
    if hangs:
        anchor = "hang"
    placement = plan_placement(
        subject.product,
        subject.frame,
        canvas,
        fill=fill,
        anchor=anchor,
        ground_line=scene.framing.ground_line,
    )
    base = scene.framing.ground_line * canvas[1] if hangs else placement.product.bottom
    ground = look_at(placement, pitch, scene.horizon, base)
    if scene.mode == "surface":
        tint = matched_tint(subject.cutout.color, subject.cutout.matte)
        backdrop = surface(scene, canvas, ground, tint, seed=order.seed)
        color = from_hex(scene.material_color)
    else:
        color = from_hex(scene.color)
        backdrop = (
            sweep(scene, canvas, ground)
            if scene.mode == "sweep"
            else np.broadcast_to(color, (canvas[1], canvas[0], 3))
        )
    # Only now: drawing a material takes as much memory as the rest of the render.
    product, matte = place(subject.cutout, placement)
    if scene.light.reflection > 0 and not hangs:
        roughness = _ROUGHNESS.get(scene.material, _MATTE_ROUGHNESS)
        layer, opacity = mirror(
            product, matte, ground, strength=scene.light.reflection, roughness=roughness
        )
        backdrop = over(layer, opacity, backdrop)
    if not hangs:
        # Over the mirror image too: without the dark crease a product on gloss seems to hover.
        backdrop = shade(backdrop, shadow_map(matte, ground, scene.light), ambient_tint(color))
    wrapped = light_wrap(product, matte, backdrop, _WRAP)
    return Composition(over(wrapped, matte, backdrop), matte, placement, grain=scene.grain)
