"""Where a product stands on its canvas, and how it gets there.

Owns the product's box, its placement on a canvas and resampling in linear light. Does not own
the scene's wishes (`scene_spec.Framing`) nor anything behind the product.

Units: pixels; boxes are left, top, width, height; y grows downwards.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow

from gpu_workers.imaging.arrays import Cutout, Image, Matte

Anchor: TypeAlias = Literal["center", "ground", "hang"]
Floats: TypeAlias = npt.NDArray[np.float32]

VISIBLE: Final = 0.1
"""Opacity from which a pixel counts as product when its extent is measured."""

_SOFT_EDGE: Final = 0.02
"""Room kept around the visible box for fur and blur, as a share of its longest side."""
_HAZE: Final = 0.02
"""Opacity below which a pixel is backdrop: resampling and matting leave such traces far out,
and on exact white one of them is a rejected listing."""
_MIN_MARGIN: Final = 0.04
"""Air between a standing product and the frame, as a share of the canvas height."""
_THREADS: Final = 2
_STEP: Final = 0.5
"""Blur, in pixels of the photo, that takes its pixels' steps out of an enlarged edge."""
_STEEPER: Final = 0.3
"""How much narrower again, for that blur, an edge at twice its size is drawn."""
_OPTICAL_CENTER: Final = 0.58
"""Lowest height at which the middle of a standing product may lie: low products move up."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of pixels."""

    left: int
    top: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """Column behind the last one."""
        return self.left + self.width

    @property
    def bottom(self) -> int:
        """Row below the last one."""
        return self.top + self.height


@dataclass(frozen=True, slots=True)
class Placement:
    """How a crop of the source maps onto a canvas: resampled to `target`, nothing else."""

    source: Box
    """Crop of the source photo that holds the product and its soft edge."""
    target: Box
    """Where that crop lies on the canvas; may reach over its frame."""
    product: Box
    """The product's visible box on the canvas."""
    canvas: tuple[int, int]
    """Width and height of the canvas."""

    @property
    def upscale(self) -> float:
        """Canvas pixels to source pixels; more than 1 means the product was enlarged."""
        return max(self.target.width / self.source.width, self.target.height / self.source.height)


def product_box(matte: Matte) -> Box | None:
    """Return the smallest box around everything visible, or None for an empty matte."""
    visible = matte > VISIBLE
    rows, columns = np.flatnonzero(visible.any(axis=1)), np.flatnonzero(visible.any(axis=0))
    if rows.size == 0:
        return None
    left, top = int(columns[0]), int(rows[0])
    return Box(left, top, int(columns[-1]) - left + 1, int(rows[-1]) - top + 1)


def padded(box: Box, frame: tuple[int, int], share: float) -> Box:
    """Return the box grown on all sides by a share of its longest side, kept in the frame."""
    pad = int(np.ceil(share * max(box.width, box.height)))
    left, top = max(0, box.left - pad), max(0, box.top - pad)
    right, bottom = min(frame[0], box.right + pad), min(frame[1], box.bottom + pad)
    return Box(left, top, right - left, bottom - top)


def plan_placement(
    product: Box,
    frame: tuple[int, int],
    canvas: tuple[int, int],
    *,
    fill: float,
    anchor: Anchor = "center",
    ground_line: float = 0.84,
    zone: Box | None = None,
) -> Placement:
    """Decide where a product goes.

    Parameters
    ----------
    product
        The product's visible box in its source photo.
    frame
        Width and height of the source photo.
    canvas
        Width and height of the canvas.
    fill
        Longest side of the product over the canvas side that bounds it, 0 to 1.
    anchor
        ``center`` centers the box; ``ground`` stands it on `ground_line`, moved as far as the
        frame needs and up for low products; ``hang`` lets it come down from the upper edge.
    ground_line
        Height of the base from the top of the canvas, 0 to 1.
    zone
        Part of the canvas that the product stands in as if it were all there is, except that
        `ground_line` stays a height of the canvas. None is the whole canvas.
    """
    if zone is not None:
        line = (ground_line * canvas[1] - zone.top) / zone.height
        size = (zone.width, zone.height)
        within = plan_placement(product, frame, size, fill=fill, anchor=anchor, ground_line=line)
        return Placement(
            within.source,
            _moved(within.target, zone),
            _moved(within.product, zone),
            canvas,
        )
    width, height = canvas
    scale = fill * min(width / product.width, height / product.height)
    box_width, box_height = product.width * scale, product.height * scale
    left, top = (width - box_width) / 2, (height - box_height) / 2
    if anchor == "hang":
        top = 0.0
    elif anchor == "ground":
        margin = min(_MIN_MARGIN * height, top)
        base = min(ground_line * height, _OPTICAL_CENTER * height + box_height / 2)
        top = min(max(base, box_height + margin), height - margin) - box_height
    source = padded(product, frame, _SOFT_EDGE)
    target = Box(
        round(left - (product.left - source.left) * scale),
        round(top - (product.top - source.top) * scale),
        max(1, round(source.width * scale)),
        max(1, round(source.height * scale)),
    )
    box = Box(round(left), round(top), max(1, round(box_width)), max(1, round(box_height)))
    return Placement(source, target, box, canvas)


def _moved(box: Box, by: Box) -> Box:
    return Box(box.left + by.left, box.top + by.top, box.width, box.height)


def place(cutout: Cutout, placement: Placement) -> tuple[Image, Matte]:
    """Draw the product on an empty canvas.

    Returns
    -------
    (h, w, 3) float32 premultiplied linear sRGB and (h, w) float32 opacity; where the opacity is
    0 the color is 0 too. No argument is written to.
    """
    box = placement.source
    rows, columns = slice(box.top, box.bottom), slice(box.left, box.right)
    size = (placement.target.width, placement.target.height)
    matte = cutout.matte[rows, columns]
    layer = np.empty((*matte.shape, 4), np.float32)
    np.multiply(cutout.color[rows, columns], matte[..., np.newaxis], out=layer[..., :3])
    layer[..., 3] = matte
    layer = resample(layer, size)
    np.clip(layer, 0, 1, out=layer)
    if placement.upscale > 1:
        layer = _steeper(layer, placement.upscale)
    layer[layer[..., 3] < _HAZE] = 0
    width, height = placement.canvas
    color = np.zeros((height, width, 3), np.float32)
    opacity = np.zeros((height, width), np.float32)
    paste(color, layer[..., :3], placement.target)
    paste(opacity, layer[..., 3], placement.target)
    return color, opacity


def _steeper(layer: Floats, upscale: float) -> Floats:
    """Return an enlarged premultiplied layer (h, w, 4) with edges as narrow as they were.

    An edge that was enlarged with its photo is wider than any other edge of the picture, and
    shows as a glow on white. The line of half opacity stays, but for the steps of the photo's
    pixels in it, which are smoothed.
    """
    matte = layer[..., 3]
    smooth = cv2.GaussianBlur(matte, (0, 0), max(0.3, _STEP * (upscale - 1)))
    gain = np.float32(upscale * (1 + _STEEPER * min(1.0, upscale - 1)))
    steep = np.clip((smooth - np.float32(0.5)) * gain + np.float32(0.5), 0, 1)
    ratio = steep / np.maximum(matte, np.float32(1e-3))
    result = layer * ratio[..., np.newaxis]
    result[..., 3] = steep
    np.clip(result, 0, 1, out=result)
    return np.asarray(result, np.float32)


def paste(canvas: Floats, patch: Floats, box: Box) -> None:
    """Write a patch into a canvas at its box, cut at the frame. Writes to `canvas`."""
    height, width = canvas.shape[:2]
    top, left = max(0, box.top), max(0, box.left)
    bottom, right = min(height, box.bottom), min(width, box.right)
    if bottom > top and right > left:
        canvas[top:bottom, left:right] = patch[
            top - box.top : bottom - box.top, left - box.left : right - box.left
        ]


def resample(
    array: Floats, size: tuple[int, int], *, rows: tuple[float, float] | None = None
) -> Floats:
    """Return the array at another size, with an antialiasing bicubic kernel (a = -0.5).

    Parameters
    ----------
    array
        (h, w) or (h, w, c) float32, linear light.
    size
        Width and height.
    rows
        The part of the height that is shown, in pixels of the array; the kernel sees the rest.
    """
    height, width = array.shape[:2]
    shown = (0.0, float(height)) if rows is None else rows
    if (width, height) == size and shown == (0, height):
        return array.copy()

    def resized(plane: Floats) -> Floats:
        box = (0.0, shown[0], float(width), shown[1])
        return np.asarray(
            Pillow.fromarray(plane).resize(size, Pillow.Resampling.BICUBIC, box), np.float32
        )

    if array.ndim == 2:
        return resized(array).copy()
    # Pillow works without the interpreter's lock: two planes at a time on two cores.
    with ThreadPoolExecutor(_THREADS) as pool:
        planes = list(pool.map(resized, cv2.split(array)))
    return np.asarray(cv2.merge(planes), np.float32).reshape(size[1], size[0], array.shape[2])
