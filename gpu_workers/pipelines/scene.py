"""The product in a scene: set, shadow, reflection, light.

Owns the order of the layers. The scene is fitted to the product (pitch, size of the material,
white point) and the product's own pixels are left as photographed. Seamless paper keeps the
color that was ordered: a catalog on it must look alike from product to product.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from gpu_workers.imaging.arrays import Image, Matte
from gpu_workers.imaging.backdrop import surface, sweep
from gpu_workers.imaging.camera import Ground, choose_pitch, estimate_pitch, look_at
from gpu_workers.imaging.color import from_hex
from gpu_workers.imaging.composite import light_wrap, over
from gpu_workers.imaging.framing import Anchor, Box, Placement, place, plan_placement
from gpu_workers.imaging.lighting import ambient_tint, matched_tint, shade
from gpu_workers.imaging.podium import Podium, draw_podium, plan_podium
from gpu_workers.imaging.props import falling, lights, lying
from gpu_workers.imaging.reflection import mirror
from gpu_workers.imaging.shadow import shadow_map
from gpu_workers.imaging.water import ripples
from gpu_workers.pipelines.cutout import Subject
from gpu_workers.pipelines.finishing import Composition
from gpu_workers.protocol import RenderOrder
from gpu_workers.scene_spec import CameraPitch, SceneSpec

Floats: TypeAlias = npt.NDArray[np.float32]

_WRAP: Final = 0.35
_ROUGHNESS: Final[dict[str, float]] = {"gloss": 0.012, "marble": 0.025, "water": 0.02}
_MATTE_ROUGHNESS: Final = 0.05


@dataclass(frozen=True, slots=True)
class Stand:
    """How a product stands in a scene."""

    placement: Placement
    pitch: CameraPitch
    hangs: bool


def stand(
    subject: Subject,
    order: RenderOrder,
    canvas: tuple[int, int],
    fill: float,
    zone: Box | None = None,
) -> Stand:
    """Decide where the product goes, in a zone if one is given, and from where it is seen."""
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
        zone=zone,
    )
    return Stand(placement, pitch, hangs)


def compose_scene(
    subject: Subject,
    order: RenderOrder,
    canvas: tuple[int, int],
    fill: float,
    zone: Box | None = None,
) -> Composition:
    """Build the set around the product, which stands in a zone of the canvas if one is given."""
    scene = order.scene
    standing = stand(subject, order, canvas, fill, zone)
    placement, pitch, hangs = standing.placement, standing.pitch, standing.hangs
    base = scene.framing.ground_line * canvas[1] if hangs else placement.product.bottom
    plane = look_at(placement, pitch, scene.horizon, base)
    podium = None if hangs else _podium(scene, placement, plane)
    # The plane under the product, and the ground that its podium stands on.
    ground = look_at(placement, pitch, scene.horizon, podium.foot) if podium else plane
    backdrop, color = _set(subject, order, canvas, ground, placement.product)
    if podium is not None:
        color = from_hex(scene.stage.color)
        backdrop, on_top = _with_podium(podium, backdrop, ground, order, color)
    # Only now: drawing a material takes as much memory as the rest of the render.
    product, matte = place(subject.cutout, placement)
    if scene.light.reflection > 0 and not hangs and podium is None:
        roughness = _ROUGHNESS.get(scene.material, _MATTE_ROUGHNESS)
        waves = ripples(canvas, ground, seed=order.seed) if scene.material == "water" else None
        layer, opacity = mirror(
            product,
            matte,
            ground,
            strength=scene.light.reflection,
            roughness=roughness,
            ripple=waves,
        )
        backdrop = over(layer, opacity, backdrop)
    if not hangs:
        # Over the mirror image too: without the dark crease a product on gloss seems to hover.
        dark = shadow_map(matte, plane, scene.light)
        if podium is not None:
            dark *= on_top
        backdrop = shade(backdrop, dark, ambient_tint(color))
    if scene.props.kind == "snow":
        flakes = falling(scene.props, canvas, matte, seed=order.seed)[..., np.newaxis]
        backdrop = backdrop * (1 - flakes) + flakes
    wrapped = light_wrap(product, matte, backdrop, _WRAP)
    return Composition(over(wrapped, matte, backdrop), matte, placement, grain=scene.grain)


def _set(
    subject: Subject, order: RenderOrder, canvas: tuple[int, int], ground: Ground, product: Box
) -> tuple[Image, Floats]:
    """Return the empty set with its props, and the color of its ground."""
    scene = order.scene
    color = from_hex(scene.material_color if scene.mode == "surface" else scene.color)
    if scene.mode == "surface":
        tint = matched_tint(subject.cutout.color, subject.cutout.matte)
        backdrop = surface(scene, canvas, ground, tint, seed=order.seed)
    elif scene.mode == "sweep":
        backdrop = sweep(scene, canvas, ground)
    else:
        backdrop = np.broadcast_to(color, (canvas[1], canvas[0], 3)).astype(np.float32)
    if scene.props.kind != "none":
        backdrop = backdrop + lights(scene.props, canvas, ground.edge, seed=order.seed)
        things = lying(scene.props, canvas, ground, product, scene.light, seed=order.seed)
        backdrop = shade(backdrop, things.shadow, ambient_tint(color))
        backdrop = over(things.color, things.matte, backdrop)
    return backdrop, color


def _podium(scene: SceneSpec, placement: Placement, plane: Ground) -> Podium | None:
    """Return what the product stands on; nothing where the camera looks straight down."""
    stage = scene.stage
    if stage.kind == "none" or plane.pitch == "top":
        return None
    return plan_podium(
        placement.product,
        plane,
        placement.canvas,
        shape=stage.kind,
        width=stage.width,
        height=stage.height * placement.canvas[1],
    )


def _with_podium(
    podium: Podium, backdrop: Image, ground: Ground, order: RenderOrder, color: Floats
) -> tuple[Image, Matte]:
    """Return the set with the podium and its shadow, and the opacity of the podium's top."""
    light = order.scene.light
    canvas = (backdrop.shape[1], backdrop.shape[0])
    layer, whole, on_top = draw_podium(podium, canvas, light, color, seed=order.seed)
    backdrop = shade(backdrop, shadow_map(whole, ground, light), ambient_tint(color))
    return over(layer, whole, backdrop), on_top
