"""Garments of a whole catalog shown alike: shoulders on one line, one size, one light.

Owns where a garment goes by its anatomy. What is done to it before is `ghost_mannequin`'s and
`relight`'s: hook and wearer are taken away, what hangs askew is turned upright, the light is moved
to the scene's within a bound.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from gpu_workers.imaging.framing import Box, Placement, padded, plan_placement
from gpu_workers.imaging.garment_pose import GarmentPose, find_pose
from gpu_workers.kind_options.display import DisplayOptions
from gpu_workers.pipelines.cutout import Subject
from gpu_workers.pipelines.finishing import Composition
from gpu_workers.pipelines.flat_lay import compose_square_on
from gpu_workers.pipelines.garment_handling import upright
from gpu_workers.pipelines.ghost_mannequin import worn_by_nobody
from gpu_workers.pipelines.inputs import Inputs
from gpu_workers.pipelines.relight import relit
from gpu_workers.protocol import RenderOrder

_AIR: Final = 0.03
"""Least room between garment and frame, as a share of the canvas's shorter side."""
_SOFT_EDGE: Final = 0.02


def obtain_displayed(inputs: Inputs) -> Subject:
    """Return the garment upright, worn by nobody, in the scene's light."""
    options: DisplayOptions = inputs.order.scene.options
    subject = inputs.subject()
    if options.ghost:
        subject = worn_by_nobody(subject, inputs, straighten=options.straighten)
    elif options.straighten:
        subject = upright(subject, find_pose(subject.cutout.matte))
    if options.even_light_delta_e > 0:
        subject = relit(subject, inputs.order.scene.light, 1.0, options.even_light_delta_e)
    return subject


def compose_display(
    subject: Subject, order: RenderOrder, canvas: tuple[int, int], fill: float
) -> Composition:
    """Put the garment's shoulders where the template wants them."""
    options: DisplayOptions = order.scene.options
    pose = find_pose(subject.cutout.matte)
    if pose is None:
        placement = plan_placement(subject.product, subject.frame, canvas, fill=fill)
        shown = compose_square_on(subject, order, placement, lift=options.lift)
        return replace(shown, warnings=("garment_not_found",))
    placement, reduced = place_by_shoulders(
        subject.product,
        pose,
        subject.frame,
        canvas,
        torso_width=options.torso_width,
        shoulder_line=options.shoulder_line,
    )
    shown = compose_square_on(subject, order, placement, lift=options.lift)
    side = min(canvas)
    scale = placement.target.width / placement.source.width
    unsure = () if pose.is_sure else ("garment_pose_unsure",)
    return replace(
        shown,
        checks={
            "torso_width": round(pose.torso_width * scale / side, 4),
            "shoulder_line": round(_row_on(placement, pose.shoulder_row) / canvas[1], 4),
        },
        warnings=(*unsure, *(("display_reduced",) if reduced else ())),
    )


def place_by_shoulders(
    product: Box,
    pose: GarmentPose,
    frame: tuple[int, int],
    canvas: tuple[int, int],
    *,
    torso_width: float,
    shoulder_line: float,
) -> tuple[Placement, bool]:
    """Decide where a garment goes by its torso and shoulders.

    Returns
    -------
    The placement, and whether the garment had to be made smaller than the others to fit: a coat
    among shirts.
    """
    width, height = canvas
    side = min(canvas)
    wanted = torso_width * side / pose.torso_width
    row, column = shoulder_line * height, width / 2
    air = _AIR * side
    room = (
        (column - air) / max(1.0, pose.axis - product.left),
        (column - air) / max(1.0, product.right - pose.axis),
        (row - air) / max(1.0, pose.shoulder_row - product.top),
        (height - air - row) / max(1.0, product.bottom - pose.shoulder_row),
    )
    scale = min(wanted, *room)
    source = padded(product, frame, _SOFT_EDGE)

    def placed(box: Box) -> Box:
        left, top = (
            round(column + (box.left - pose.axis) * scale),
            round(row + (box.top - pose.shoulder_row) * scale),
        )
        return Box(left, top, max(1, round(box.width * scale)), max(1, round(box.height * scale)))

    return Placement(source, placed(source), placed(product), canvas), scale < wanted


def _row_on(placement: Placement, row: float) -> float:
    scale = placement.target.height / placement.source.height
    return placement.target.top + (row - placement.source.top) * scale
