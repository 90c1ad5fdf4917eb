"""The inside of sleeves where arms were cut away.

Owns the lens of cloth that shows below the front edge of a sleeve's mouth. Images are (h, w, 3)
float32 linear sRGB; units pixels.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from gpu_workers.imaging.arrays import Cutout, Matte
from gpu_workers.imaging.garment_pose import GarmentPose
from gpu_workers.imaging.ghost_neck import Layer

Floats: TypeAlias = npt.NDArray[np.float32]
Points: TypeAlias = npt.NDArray[np.float64]

_OFF_AXIS: Final = 0.36
"""Distance from the axis from which something is a sleeve, in torso widths."""
_LEAST_WIDTH: Final = 0.07
"""Narrowest mouth of a sleeve, in torso widths."""
_STEEP: Final = 1.1
"""Slope from which an edge is the side of the torso along the arm, not the mouth of a sleeve."""
_DEPTH: Final = 0.17
"""How far the back of the mouth shows below its front, in half mouth widths: the camera looks a
little into a hanging sleeve."""
_DARK, _LIT = 0.30, 0.50
"""Light on the inside just below the front's edge and at its far edge."""
_GAP: Final = 0.012
"""Columns that may be missing from a mouth's edge, in torso widths."""


def cuff_layer(front: Cutout, body: Matte, cloth: Floats, pose: GarmentPose) -> Layer | None:
    """Return the inside of the sleeves behind the front, or None where no arm was cut away.

    Parameters
    ----------
    body
        (h, w) float32: what was cut away.
    cloth
        (3,) linear sRGB: the color of the cloth.
    """
    mouths = find_mouths(front.matte, body, pose)
    if not mouths:
        return None
    matte = np.zeros_like(front.matte)
    light = np.full(front.matte.shape, _LIT, np.float32)
    for edge in mouths:
        half = (edge[-1, 0] - edge[0, 0]) / 2
        share = (edge[:, 0] - edge[0, 0]) / (2 * half)
        depth = _DEPTH * half * np.clip(4 * share * (1 - share), 0, 1) ** 0.8
        far = edge + np.column_stack([np.zeros(len(edge)), depth])
        outline = np.concatenate([edge - (0, 4), far[::-1]])
        lens = np.zeros(front.matte.shape, np.uint8)
        cv2.fillPoly(lens, [np.round(outline * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
        matte = np.maximum(matte, cv2.GaussianBlur(lens.astype(np.float32) / 255, (0, 0), 0.7))
        columns = slice(int(edge[0, 0]), int(edge[-1, 0]) + 1)
        rows = np.arange(front.matte.shape[0], dtype=np.float32)[:, np.newaxis]
        below = (rows - edge[:, 1]) / np.maximum(depth, 1)
        light[:, columns] = _DARK + (_LIT - _DARK) * np.clip(below, 0, 1) ** 1.5
    color = cloth * light[..., np.newaxis]
    return Layer(np.asarray(np.clip(color, 0, 1), np.float32), np.asarray(matte, np.float32))


def find_mouths(matte: Matte, body: Matte, pose: GarmentPose) -> list[Points]:
    """Return the lower front edge of each sleeve from which an arm came, from left to right.

    Each is (n, 2) x and y, one point for each column.
    """
    height, width = matte.shape
    arm = body > 0.5
    cloth = matte > 0.5
    # The first row of arm in each column, right below cloth.
    step = max(2, round(0.006 * pose.torso_width))
    above = np.zeros_like(cloth)
    above[step:] = cloth[:-step]
    mouth = arm & above
    has = mouth.any(axis=0)
    columns = np.arange(width)
    has &= np.abs(columns - pose.axis) > _OFF_AXIS * pose.torso_width
    row = np.argmax(mouth, axis=0)
    found = []
    gap = max(2, round(_GAP * pose.torso_width))
    known = np.flatnonzero(has)
    known = known[_is_level(row[known].astype(float), gap)]
    for part in np.split(known, np.flatnonzero(np.diff(known) > gap) + 1):
        if part.size == 0 or part[-1] - part[0] < _LEAST_WIDTH * pose.torso_width:
            continue
        whole = np.arange(part[0], part[-1] + 1)
        edge = np.interp(whole, part, row[part].astype(float))
        smooth = max(1.0, 0.01 * pose.torso_width)
        edge = cv2.GaussianBlur(edge[np.newaxis], (0, 0), smooth, borderType=cv2.BORDER_REPLICATE)[
            0
        ]
        found.append(np.column_stack([whole.astype(float), np.clip(edge, 0, height - 1)]))
    return found


def _is_level(rows: npt.NDArray[np.float64], reach: int) -> npt.NDArray[np.bool_]:
    """Return which points of an edge, one a column, lie on a stretch that is not steep."""
    if rows.size < 2 * reach + 1:
        return np.ones(rows.size, np.bool_)
    ahead = np.concatenate([rows[reach:], np.full(reach, rows[-1])])
    behind = np.concatenate([np.full(reach, rows[0]), rows[:-reach]])
    return np.asarray(np.abs(ahead - behind) < _STEEP * 2 * reach, np.bool_)
