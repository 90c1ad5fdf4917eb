"""Which pipeline draws which kind of picture.

Owns the table. A pipeline is two functions: `obtain` turns what the order brings along into a
subject, `compose` puts the subject on a canvas. Everything before and after, reading, files,
checks, is the `runner`'s and the same for all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from gpu_workers.errors import OrderInvalid
from gpu_workers.imaging.framing import Box
from gpu_workers.pipelines.collateral import obtain_collateral, with_words
from gpu_workers.pipelines.cutout import Subject
from gpu_workers.pipelines.display import compose_display, obtain_displayed
from gpu_workers.pipelines.expand import compose_expanded, read_photo
from gpu_workers.pipelines.finishing import Composition
from gpu_workers.pipelines.flat_lay import compose_flat_lay
from gpu_workers.pipelines.ghost_mannequin import compose_ghost, obtain_ghost
from gpu_workers.pipelines.inputs import Inputs
from gpu_workers.pipelines.lifestyle import compose_lifestyle, obtain_lifestyle
from gpu_workers.pipelines.mockup import compose_mockup, read_design
from gpu_workers.pipelines.packshot import compose_solid, compose_transparent
from gpu_workers.pipelines.relight import obtain_relit
from gpu_workers.pipelines.scene import compose_scene
from gpu_workers.pipelines.shadow import compose_shadow
from gpu_workers.pipelines.upscale import compose_upscaled, read_whole
from gpu_workers.pipelines.variant import obtain_variant
from gpu_workers.protocol import RenderOrder

Obtain = Callable[[Inputs], Subject]
Compose = Callable[[Subject, RenderOrder, tuple[int, int], float], Composition]


def compose_backdrop(
    subject: Subject,
    order: RenderOrder,
    canvas: tuple[int, int],
    fill: float,
    zone: Box | None = None,
) -> Composition:
    """Put the subject on the backdrop of the order's scene, whatever its mode.

    Where the backdrop is none, the whole canvas is the subject's: `zone` is not looked at.
    """
    light, mode = order.scene.light, order.scene.mode
    has_shadow = bool(light.contact_shadow or light.cast_shadow or light.reflection)
    if mode == "none":
        return compose_transparent(subject, order, canvas, fill)
    if mode == "solid" and not has_shadow:
        return compose_solid(subject, order, canvas, fill, zone)
    return compose_scene(subject, order, canvas, fill, zone)


@dataclass(frozen=True, slots=True)
class Pipeline:
    """How one kind of picture is made."""

    compose: Compose = compose_backdrop
    obtain: Obtain = Inputs.subject


PIPELINES: Final[dict[str, Pipeline]] = {
    "cutout": Pipeline(compose=compose_transparent),
    "packshot": Pipeline(),
    "scene": Pipeline(),
    "lifestyle": Pipeline(compose=compose_lifestyle, obtain=obtain_lifestyle),
    "flat_lay": Pipeline(compose=compose_flat_lay),
    "variant": Pipeline(obtain=obtain_variant),
    "ghost_mannequin": Pipeline(compose=compose_ghost, obtain=obtain_ghost),
    "display": Pipeline(compose=compose_display, obtain=obtain_displayed),
    "relight": Pipeline(obtain=obtain_relit),
    "shadow": Pipeline(compose=compose_shadow),
    "collateral": Pipeline(compose=with_words(compose_backdrop), obtain=obtain_collateral),
    "mockup": Pipeline(compose=compose_mockup, obtain=read_design),
    "expand": Pipeline(compose=compose_expanded, obtain=read_photo),
    "upscale": Pipeline(compose=compose_upscaled, obtain=read_whole),
}


def pipeline_of(kind: str) -> Pipeline:
    """Return the pipeline of a kind.

    Raises
    ------
    OrderInvalid
        If there is none of this name.
    """
    if kind not in PIPELINES:
        raise OrderInvalid(f"kind {kind!r} is none of {', '.join(PIPELINES)}")
    return PIPELINES[kind]
