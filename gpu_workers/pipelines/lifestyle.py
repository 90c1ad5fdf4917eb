"""The product in a painted scene: a network paints the backdrop, the product stays as photographed.

Owns the order of the steps: the procedural scene as the picture to start from, the mask, the words,
the generated picture's check, another seed where it fails, and the product's own pixels pasted
back. Does not own networks (`engines.diffusion`), words (`engines.prompts`) or the check
(`imaging.generated_check`).

The procedural scene gives the network pitch, ground line, light and white point that fit the
product. What it paints is kept as backdrop only; its shadows, which lie outside of the product,
come along.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final

import numpy as np

from gpu_workers.engines.backdrop_generator import (
    BackdropGenerator,
    BackdropRequest,
    Encoded,
    Sampling,
    Step,
)
from gpu_workers.engines.checkpoints import nearest_size
from gpu_workers.engines.diffusion import pool
from gpu_workers.engines.prompts import build_prompt
from gpu_workers.errors import GenerationRejected, ModelMissing
from gpu_workers.imaging.composite import light_wrap, over, quantise
from gpu_workers.imaging.framing import place
from gpu_workers.imaging.generated_backdrop import (
    Fit,
    from_encoded,
    missing_grain,
    resized,
    without_product,
)
from gpu_workers.imaging.generated_check import LEAST_IOU, GeneratedCheck, check_growth
from gpu_workers.pipelines.canvases import canvases_of
from gpu_workers.pipelines.cutout import Subject
from gpu_workers.pipelines.finishing import Composition
from gpu_workers.pipelines.inputs import Inputs, Read, Tell, Write
from gpu_workers.pipelines.live_preview import LivePreview
from gpu_workers.pipelines.painted_ahead import PaintedAhead
from gpu_workers.pipelines.scene import compose_scene, stand
from gpu_workers.protocol import RenderOrder

MADE_AS_SCENE: Final = "made_as_scene"
"""Warning of a picture whose backdrop should have been painted and was drawn instead."""
SCENE_ENGINE: Final = "scene/1"
_WRAP: Final = 0.35
_SEED_STEP: Final = 7919
"""Between the seeds of one order: a prime, so that neighboring orders share none soon."""


_AHEAD: Final = PaintedAhead()


def _silent(_share: float, _preview: bytes = b"", /) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class LifestyleSubject(Subject):
    """A subject that can say how far its backdrop is."""

    tell: Tell = _silent


@dataclass(frozen=True, slots=True, eq=False)
class _Painted:
    """A backdrop that passed."""

    picture: Encoded
    """The canvas's part, in the size that was painted."""
    matte: Any
    check: GeneratedCheck
    seed: int
    tried: int


def obtain_lifestyle(inputs: Inputs) -> LifestyleSubject:
    """Return the product freed from its backdrop, and where to tell of progress."""
    subject = inputs.subject()
    known = {each.name: getattr(subject, each.name) for each in fields(subject)}
    return LifestyleSubject(**known, tell=inputs.tell)


def expect(orders: Sequence[RenderOrder], *, read: Read, write: Write) -> None:
    """Note the orders of a batch, so that their pictures are painted together."""

    def subject_of(order: RenderOrder) -> Subject:
        return Inputs(order, read=read, write=write, tell=_silent).subject()

    _AHEAD.expect([order for order in orders if order.kind == "lifestyle"], subject_of)


def compose_lifestyle(
    subject: Subject, order: RenderOrder, canvas: tuple[int, int], fill: float
) -> Composition:
    """Paint a backdrop around the product.

    Raises
    ------
    ModelMissing, ModelRefused
        If the network cannot be used here, and the order does not say to draw a scene instead.
    GenerationRejected
        If no picture within the order's limit of seeds kept the product's shape.
    """
    try:
        generator = pool.generator(order.scene.options.checkpoint)
    except ModelMissing:
        if order.scene.options.on_missing != "scene":
            raise
        drawn = compose_scene(subject, order, canvas, fill)
        return replace(drawn, engine=SCENE_ENGINE, warnings=(*drawn.warnings, MADE_AS_SCENE))
    painted = _painted(generator, subject, order, canvas, fill)
    backdrop = without_product(from_encoded(painted.picture), painted.matte)
    backdrop = resized(backdrop, canvas)
    placement = stand(subject, order, canvas, fill).placement
    product, matte = place(subject.cutout, placement)
    grain = missing_grain(product, backdrop, matte, least=order.scene.grain)
    wrapped = light_wrap(product, matte, backdrop, _WRAP)
    return Composition(
        over(wrapped, matte, backdrop),
        matte,
        placement,
        grain=grain,
        engine=generator.version,
        checks={
            "generated_iou": painted.check.silhouette_iou,
            "generated_seed": painted.seed,
            "seeds_tried": painted.tried,
        },
    )


def _painted(
    generator: BackdropGenerator,
    subject: Subject,
    order: RenderOrder,
    canvas: tuple[int, int],
    fill: float,
) -> _Painted:
    """Paint with one seed after the other until a picture passes."""
    options = order.scene.options
    request, fit, matte = _request(generator, subject, order, canvas, fill)
    tell = subject.tell if isinstance(subject, LifestyleSubject) else _silent
    live = LivePreview(fit, fit.cropped(request.init), matte)
    seen = []

    def draft(other_subject: Subject, other: RenderOrder) -> BackdropRequest:
        (other_canvas, other_fill), _ = canvases_of(other)[0]
        return _request(generator, other_subject, other, other_canvas, other_fill)[0]

    for tried in range(options.max_seeds):
        seed = order.seed + tried * _SEED_STEP

        def watch(step: Step, before: int = tried) -> None:
            tell((before + step.share) / options.max_seeds, live.of(step))

        asked = replace(request, seed=seed)
        whole = (
            _AHEAD.paint(generator, asked, order, draft, watch=watch)
            if tried == 0
            else generator.generate([asked], watch=watch)[0]
        )
        picture = fit.cropped(whole)
        check = check_growth(np.round(picture * 255).astype(np.uint8), matte)
        if check.is_kept:
            return _Painted(picture, matte, check, seed, tried + 1)
        seen.append(check.silhouette_iou)
    raise GenerationRejected(
        f"the product grew in each of {len(seen)} generated pictures: overlap "
        f"{', '.join(f'{iou:.2f}' for iou in seen)}, at least {LEAST_IOU} is wanted; allow more "
        "seeds (max_seeds), choose another checkpoint, or order the scene kind"
    )


def _request(
    generator: BackdropGenerator,
    subject: Subject,
    order: RenderOrder,
    canvas: tuple[int, int],
    fill: float,
) -> tuple[BackdropRequest, Fit, Any]:
    """Return what is asked of the network, how the canvas lies in it, and the matte there."""
    options = order.scene.options
    fit = Fit.of(canvas, nearest_size(generator.checkpoint.sizes, canvas))
    # Drawn in the size that is painted: the network sees no more.
    start = compose_scene(subject, order, fit.inner, fill)
    standing = stand(subject, order, fit.inner, fill)
    prompt = build_prompt(options, order.scene.light, standing.pitch, hangs=standing.hangs)
    request = BackdropRequest(
        init=fit.padded(quantise(start.image, start.matte, grain=0, seed=order.seed)),
        mask=fit.painted(start.matte),
        prompt=prompt.positive,
        negative=prompt.negative,
        seed=order.seed,
        sampling=Sampling.of(
            generator.checkpoint,
            steps=options.steps,
            guidance=options.guidance,
            strength=options.strength,
        ),
    )
    return request, fit, start.matte
