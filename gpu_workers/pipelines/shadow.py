"""The shadow of a product as a transparent file, with the product or alone.

Owns the shadow as a layer. Direction, softness and strengths are the scene's light; whether the
product stands or lies is told by its silhouette, within what the scene accepts.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from gpu_workers.imaging.arrays import Matte
from gpu_workers.imaging.camera import choose_pitch, estimate_pitch, look_at
from gpu_workers.imaging.color import from_hex
from gpu_workers.imaging.composite import over
from gpu_workers.imaging.drop_shadow import drop_shadow
from gpu_workers.imaging.framing import Anchor, place, plan_placement
from gpu_workers.imaging.shadow import shadow_map
from gpu_workers.kind_options.shadow import ShadowOptions
from gpu_workers.pipelines.cutout import Subject
from gpu_workers.pipelines.finishing import Composition
from gpu_workers.protocol import RenderOrder

_GAMMA: Final = 2.2
_AMBIENT: Final = 0.06
"""Light that reaches the deepest shadow, as a share of what reaches lit parts."""
_MARGIN: Final = 0.06
"""Over this share of the canvas the shadow fades out towards the frame: a layer that is cut shows
its edge wherever it is laid."""
_TRACE: Final = 1.5 / 255
"""Weaker shadow is left out: it would only widen the box that others crop to."""


def compose_shadow(
    subject: Subject, order: RenderOrder, canvas: tuple[int, int], fill: float
) -> Composition:
    """Draw the shadow on an empty canvas, and the product over it if the template says so."""
    scene = order.scene
    options: ShadowOptions = scene.options
    pitch = choose_pitch(estimate_pitch(subject.cutout.matte), scene.accepts_pitch)
    anchor: Anchor = "center" if pitch == "top" else scene.framing.anchor
    placement = plan_placement(
        subject.product,
        subject.frame,
        canvas,
        fill=fill,
        anchor=anchor,
        ground_line=scene.framing.ground_line,
    )
    product, matte = place(subject.cutout, placement)
    if pitch == "top":
        dark = drop_shadow(matte, scene.light, lift=options.lift)
    else:
        ground = look_at(placement, pitch, scene.horizon, placement.product.bottom)
        dark = shadow_map(matte, ground, scene.light)
    opacity = _layer_opacity(dark * _faded_frame(dark.shape), order.seed)
    share = float((opacity > 0).mean())
    shadow = Composition(
        opacity[..., np.newaxis] * from_hex(options.color),
        opacity,
        None,
        grain=0.0,
        transparent=True,
        checks={"shadow_share": round(share, 4), "shadow_darkest": round(float(opacity.max()), 4)},
        warnings=() if share > 0 else ("no_shadow",),
    )
    if not options.product:
        return shadow
    return replace(
        shadow,
        image=over(product, matte, shadow.image),
        matte=matte + opacity * (1 - matte),
        placement=placement,
        product_matte=matte,
    )


def _faded_frame(shape: tuple[int, ...]) -> Matte:
    """Return 1 inside, falling to 0 at the frame."""
    rows, columns = (
        np.clip(np.minimum(np.arange(side), np.arange(side)[::-1]) / (_MARGIN * side), 0, 1)
        for side in shape
    )
    ramp = np.minimum(rows[:, np.newaxis], columns)
    return np.asarray(ramp * ramp * (3 - 2 * ramp), np.float32)


def _layer_opacity(dark: Matte, seed: int) -> Matte:
    """Return the opacity that gives this darkness where others lay the file over their picture.

    Light is taken away in linear light, but browsers and editors blend the encoded values: black
    of opacity a over white shows as 1 - a, so a = 1 - (1 - dark)^(1/2.2). Dithered by up to half
    a level, or wide soft shadows would show bands.
    """
    lit = 1 - dark * (1 - np.float32(_AMBIENT))
    opacity = 1 - np.power(lit, np.float32(1 / _GAMMA))
    noise = np.random.default_rng(seed).random(dark.shape, dtype=np.float32) - np.float32(0.5)
    opacity = np.where(opacity > _TRACE, opacity + noise / np.float32(255), 0)
    return np.asarray(np.clip(opacity, 0, 1), np.float32)
