"""The hook of a hanger above a garment.

Owns its removal from a matte. The hanger's bar inside the collar is left: it cannot be told from
cloth by its shape.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from gpu_workers.imaging.arrays import Matte
from gpu_workers.imaging.framing import VISIBLE, product_box

Mask: TypeAlias = npt.NDArray[np.bool_]

_WORK_PX: Final = 640
_THREAD: Final = 0.045
"""Widest hook, in product widths: the wire and the blur around it."""
_LEAST_RISE: Final = 0.03
"""Height over the garment, in product heights, from which a thin part is a hook, no thread."""
_MOST_WIDTH: Final = 0.3
"""Widest hook from side to side, in product widths: a wider one is a pair of straps."""
_OFF_AXIS: Final = 0.2


def without_hook(matte: Matte) -> Matte | None:
    """Return the matte without the hook of a hanger, or None where there is no hook.

    A hook is thin and rises above everything else, near the middle.
    """
    box = product_box(matte)
    if box is None:
        return None
    scale = min(1.0, _WORK_PX / max(matte.shape))
    size = (max(1, round(matte.shape[1] * scale)), max(1, round(matte.shape[0] * scale)))
    small = np.asarray(cv2.resize(matte, size, interpolation=cv2.INTER_AREA))
    mask = (small > VISIBLE).astype(np.uint8)
    radius = max(1, round(_THREAD * box.width * scale / 2))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    opened = np.asarray(cv2.morphologyEx(mask, cv2.MORPH_OPEN, disc)) > 0
    rows = np.flatnonzero(opened.any(axis=1))
    if rows.size == 0:
        return None
    thin = (mask > 0) & ~_grown(opened, 3)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(thin.astype(np.uint8))
    middle = float(np.flatnonzero(opened.any(axis=0)).mean())
    hooks = [
        label
        for label in range(1, count)
        if _is_hook(stats[label], int(rows[0]), middle, box.width * scale, box.height * scale)
    ]
    if not hooks:
        return None
    found = np.isin(labels, hooks)
    span = np.flatnonzero(found.any(axis=0))
    if span[-1] - span[0] > _MOST_WIDTH * box.width * scale:
        return None
    hook = (_grown(found, 5) & ~opened).astype(np.uint8)
    full = cv2.resize(hook, (matte.shape[1], matte.shape[0]), interpolation=cv2.INTER_LINEAR)
    freed = matte.copy()
    freed[full > 0] = 0
    return freed


def _grown(mask: Mask, side: int) -> Mask:
    grown = cv2.dilate(mask.astype(np.uint8), np.ones((side, side), np.uint8))
    return np.asarray(grown > 0, np.bool_)


def _is_hook(
    stat: np.ndarray[tuple[int, ...], np.dtype[np.int32]],
    top: int,
    middle: float,
    width: float,
    height: float,
) -> bool:
    left, upper, wide = (int(value) for value in stat[:3])
    rises = top - upper > _LEAST_RISE * height
    is_near = abs(left + wide / 2 - middle) < _OFF_AXIS * width
    return rises and is_near
