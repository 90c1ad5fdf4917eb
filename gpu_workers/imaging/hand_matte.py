"""From a mask that a person corrected to a cutout: the person decides, the engine refines.

Owns how an engine's cutout and a corrected mask become one. Where the engine's edge lies close to
the person's it stays, with all its hair and softness; everywhere else a soft edge is made along
the mask. Does not correct masks: that is `retouch`.
"""

from __future__ import annotations

import math
from typing import Final, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from gpu_workers.imaging.arrays import Cutout, Matte, Photo
from gpu_workers.imaging.foreground import own_colors
from gpu_workers.imaging.matte import soft_matte
from gpu_workers.imaging.segmentation.regions import Mask, grow, shrink

_CLOSE_PX: Final = 4
"""How far an engine's edge may lie from the mask's, in pixels of the mask (640 px long)."""
_ZONE_PX: Final = 7
"""How far around a difference the mask's own edge is taken."""
_CONTEXT_PX: Final = 56
"""How far the color of an edge is looked for, in pixels of the photo: see `foreground`."""
_HALF: Final = 0.5
_Box: TypeAlias = tuple[slice, slice]


def hand_cutout(photo: Photo, engines: Cutout, mask: Mask, painted: Mask) -> Cutout:
    """Return the cutout of a corrected mask.

    Parameters
    ----------
    photo
        (h, w, 3) uint8, sRGB encoded.
    engines
        The cutout that an engine made of the mask or of what it was before, in the frame of the
        photo.
    mask
        (h', w') bool, the same frame at the photo's size or smaller.
    painted
        (h', w') bool, where a person painted: there the mask holds to the pixel.

    Returns
    -------
    Confidence 1: a person has looked.
    """
    zone = _where_it_differs(engines.matte, mask, painted)
    if not zone.any():
        return Cutout(engines.color, engines.matte, confidence=1.0)
    small, large = _boxes(zone, photo.shape[:2])
    height, width = photo[large].shape[:2]
    scale = max(1.0, max(photo.shape[:2]) / max(mask.shape))
    within = cv2.resize(zone[small].astype(np.float32), (width, height))
    share: Matte = np.asarray(cv2.GaussianBlur(within, (0, 0), scale), np.float32)
    made = soft_matte(photo[large], mask[small])
    matte, color = engines.matte.copy(), engines.color.copy()
    matte[large] = share * made + (1 - share) * matte[large]
    changed = share > 0
    color[large][changed] = own_colors(photo[large], matte[large])[changed]
    return Cutout(color=color, matte=matte, confidence=1.0)


def hard(matte: Matte, shape: tuple[int, int]) -> Mask:
    """Return what of a matte is more than half covered, at another size of the same frame."""
    small = cv2.resize(matte, (shape[1], shape[0]), interpolation=cv2.INTER_AREA)
    return np.asarray(small > _HALF)


def _boxes(zone: Mask, frame: tuple[int, int]) -> tuple[_Box, _Box]:
    """Return the box of the zone with all that its edge and colors look at: in mask, in photo."""
    boxes: list[tuple[slice, slice]] = []
    for axis, length in enumerate(frame):
        marked = np.flatnonzero(zone.any(axis=1 - axis))
        scale = length / zone.shape[axis]
        margin = math.ceil(_CONTEXT_PX / scale) + _ZONE_PX
        first = max(0, int(marked[0]) - margin)
        last = min(zone.shape[axis], int(marked[-1]) + 1 + margin)
        boxes.append((slice(first, last), slice(round(first * scale), round(last * scale))))
    (rows, large_rows), (columns, large_columns) = boxes
    return (rows, columns), (large_rows, large_columns)


def _where_it_differs(matte: Matte, mask: Mask, painted: Mask) -> npt.NDArray[np.bool_]:
    """Return where the mask's own edge is taken, at the size of the mask."""
    differs = hard(matte, mask.shape) ^ mask
    close = grow(mask, _CLOSE_PX) & ~shrink(mask, _CLOSE_PX)
    # From where a difference goes too far also back to where it is close: the edge that runs away
    # leaves no step.
    too_far = grow(differs & ~close, 2 * _CLOSE_PX)
    seeds = differs & (too_far | painted)
    return grow(seeds, _ZONE_PX) if seeds.any() else seeds
