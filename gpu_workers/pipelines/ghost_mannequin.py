"""A garment as if worn by nobody.

Owns what is taken away (hook, wearer), what is built or fitted in (the inside of the back behind
an open neck, the inside of sleeves) and what is said about it. Everything built counts as made;
photographed pixels of the garment stay.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from gpu_workers.engines import classical_segmenter
from gpu_workers.engines.segmenter import segmenter_named
from gpu_workers.imaging.arrays import Cutout, Matte
from gpu_workers.imaging.body_parts import without_body
from gpu_workers.imaging.codec import Source
from gpu_workers.imaging.cuffs import cuff_layer
from gpu_workers.imaging.framing import plan_placement, product_box
from gpu_workers.imaging.garment_pose import GarmentPose, find_pose
from gpu_workers.imaging.ghost_neck import (
    Layer,
    behind,
    built_neck,
    photographed_neck,
    rows_above,
)
from gpu_workers.imaging.neckline import Neckline, find_neckline
from gpu_workers.kind_options.ghost_mannequin import GhostMannequinOptions
from gpu_workers.pipelines.cutout import Subject
from gpu_workers.pipelines.finishing import Composition
from gpu_workers.pipelines.flat_lay import compose_square_on
from gpu_workers.pipelines.garment_handling import unhooked, upright
from gpu_workers.pipelines.inputs import Inputs
from gpu_workers.protocol import RenderOrder

Floats: TypeAlias = npt.NDArray[np.float32]

_CLOTH_PERCENTILE: Final = 50
_SAMPLES: Final = 40_000


def obtain_ghost(inputs: Inputs) -> Subject:
    """Return the garment as if worn by nobody."""
    options: GhostMannequinOptions = inputs.order.scene.options
    return worn_by_nobody(
        inputs.subject(),
        inputs,
        remove_body=options.remove_body,
        cuffs=options.cuffs,
        straighten=options.straighten,
    )


def worn_by_nobody(
    subject: Subject,
    inputs: Inputs,
    *,
    remove_body: bool = True,
    cuffs: bool = True,
    straighten: bool = True,
) -> Subject:
    """Return a garment without hook and wearer, its neck filled by the inside of its back."""
    subject = unhooked(subject)
    body: Matte | None = None
    if remove_body:
        subject, body = _undressed(subject)
    pose = find_pose(subject.cutout.matte)
    if pose is None:
        return _warned(subject, "garment_not_found")
    cloth = _cloth(subject.cutout)
    if cuffs and body is not None:
        subject = _behind(subject, cuff_layer(subject.cutout, body, cloth, pose))
    if straighten:
        subject = upright(subject, pose)
        pose = find_pose(subject.cutout.matte) or pose
    neck = find_neckline(subject.cutout.matte, pose)
    if neck is None:
        return _closed(subject, inputs)
    subject, pose, neck = _with_room_above(subject, pose, neck)
    return _filled(subject, pose, neck, cloth, inputs)


def compose_ghost(
    subject: Subject, order: RenderOrder, canvas: tuple[int, int], fill: float
) -> Composition:
    """Show the garment square on before the scene's backdrop."""
    placement = plan_placement(subject.product, subject.frame, canvas, fill=fill)
    return compose_square_on(subject, order, placement, lift=order.scene.options.lift)


def _closed(subject: Subject, inputs: Inputs) -> Subject:
    """Return a garment whose neck shows its back already: lying, on a hanger, or hooded."""
    subject = replace(subject, checks={**subject.checks, "neck": "photographed"})
    return _warned(subject, "back_not_used") if inputs.order.extras.get("back") else subject


def _filled(
    subject: Subject, pose: GarmentPose, neck: Neckline, cloth: Floats, inputs: Inputs
) -> Subject:
    front = subject.cutout
    inside = _inside(inputs)
    inside_pose = None if inside is None else find_pose(inside.matte)
    if inside is None or inside_pose is None:
        filled = _behind(subject, built_neck(front, neck, cloth))
        checks, warnings = {"neck": "built"}, () if inside is None else ("back_not_used",)
    else:
        filled = _behind(subject, photographed_neck(front, neck, pose, inside, inside_pose))
        checks = {"neck": "back_photo"}
        warnings = () if inside_pose.is_sure else ("back_fit_unsure",)
    return _warned(replace(filled, checks={**filled.checks, **checks}), *warnings)


def _behind(subject: Subject, layer: Layer | None) -> Subject:
    """Return the subject with a layer behind it, which counts as made."""
    if layer is None:
        return subject
    cutout, made = behind(subject.cutout, layer)
    box = product_box(cutout.matte)
    return replace(
        subject,
        cutout=cutout,
        product=subject.product if box is None else box,
        made=made if subject.made is None else np.maximum(made, subject.made),
    )


def _undressed(subject: Subject) -> tuple[Subject, Matte | None]:
    """Return the garment without its wearer, and what was cut away."""
    found = without_body(subject.photo, subject.cutout.matte)
    if found is None:
        return subject, None
    box = product_box(found.matte)
    if not found.is_sure or box is None:
        return replace(subject, checks={**subject.checks, "body": "unclear"}), None
    # Told by color alone, so a person is always asked to look.
    freed = _warned(subject, "body_cut_away")
    return (
        replace(
            freed,
            cutout=Cutout(subject.cutout.color, found.matte, subject.cutout.confidence),
            product=box,
            checks={**subject.checks, "body": "cut_away"},
        ),
        found.body,
    )


def _inside(inputs: Inputs) -> Cutout | None:
    """Return the cutout of the photo of the inside, if the order brings one."""
    source = inputs.picture("back")
    return None if source is None else _cut_out(source, inputs.order.segmenter)


def _cut_out(source: Source, segmenter: str) -> Cutout:
    if source.alpha is not None:
        return classical_segmenter.cutout_from_alpha(source.photo, source.alpha)
    return segmenter_named(segmenter).segment(source.photo, report=lambda _step, _share: None)


def _cloth(front: Cutout) -> Floats:
    """Return the color of the cloth: of what is neither fold nor gloss nor print."""
    inside = front.color[front.matte > 0.99]
    sample = inside[:: max(1, -(-len(inside) // _SAMPLES))]
    return np.asarray(np.percentile(sample, _CLOTH_PERCENTILE, axis=0), np.float32)


def _with_room_above(
    subject: Subject, pose: GarmentPose, neck: Neckline
) -> tuple[Subject, GarmentPose, Neckline]:
    """Return all three with rows added above, where the collar's back would leave the frame."""
    rows = rows_above(neck)
    if rows == 0:
        return subject, pose, neck
    above = ((rows, 0), (0, 0))
    color = np.pad(subject.cutout.color, (*above, (0, 0)), mode="edge")
    grown = replace(
        subject,
        cutout=replace(subject.cutout, color=color, matte=np.pad(subject.cutout.matte, above)),
        photo=np.pad(subject.photo, (*above, (0, 0)), mode="edge"),
        product=replace(subject.product, top=subject.product.top + rows),
        made=None if subject.made is None else np.pad(subject.made, above),
    )
    moved = replace(pose, shoulder_row=pose.shoulder_row + rows, hem_row=pose.hem_row + rows)
    return grown, moved, Neckline(neck.edge + np.array([0, rows]))


def _warned(subject: Subject, *codes: str) -> Subject:
    return replace(subject, warnings=(*subject.warnings, *codes))
