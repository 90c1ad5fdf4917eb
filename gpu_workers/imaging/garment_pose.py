"""Where the parts of a garment lie: shoulders, torso, hem, and by how much it hangs askew.

Owns the reading of a silhouette. Works on any garment with a torso and shoulders, lying, hanging
or worn, sleeves apart or not. Units: pixels of the matte; rows grow downwards.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from gpu_workers.imaging.arrays import Matte
from gpu_workers.imaging.framing import product_box

Mask: TypeAlias = npt.NDArray[np.bool_]
Rows: TypeAlias = npt.NDArray[np.float64]

_WORK_PX: Final = 480
_LEAST_PX: Final = 24
_THREAD: Final = 0.03
"""Widest hook, strap or drawstring, in garment widths: what is thinner has no say."""
_START: Final = 0.72
"""Height, in garment heights from the top, at which every garment is torso between its sleeves."""
_TORSO_ROWS: Final = (0.38, 0.94)
_TORSO_PERCENTILE: Final = 30
"""The torso is told by its narrower rows: higher ones count the sleeves in, lower ones flare."""
_ALIKE: Final = 0.14
_LIKE_TORSO: Final = 0.3
"""Share of the rows that must be as wide as the torso is said to be."""
_NARROW_SHOULDERS: Final = 0.88
"""Width of the shoulders, in torso widths, below which what was taken for the torso counts the
sleeves in, or is a skirt: either way the shoulders tell more."""
_SHOULDER: Final = 0.42
"""Half the span at which shoulders are read, in torso widths: between neck and sleeve on any
cut, and where the slope of a shoulder is steep enough to be told to a row."""
_MOST_TILT_DEG: Final = 12.0
_UNEVEN: Final = 0.14
"""Difference between the slopes of axis and shoulders from which one shoulder is none, or the
cloth lies askew: about 8 degrees."""


_NECK_REACH: Final = 0.16
"""Share of a garment's width on either side of its middle that is collar."""
_TIP_REACH: Final = 0.025
_TIP_SLOPE: Final = 1.15
"""Slope from which the upper edge follows a sleeve, no longer a shoulder."""
_TIP_OFF_MIDDLE: Final = 0.12
_TIP_LEAST_SPAN: Final = 0.48
"""Least width of shoulders in garment widths; what is narrower is a collar."""


@dataclass(frozen=True, slots=True)
class GarmentPose:
    """A garment's anatomy in its frame."""

    axis: float
    """Column of the middle of the torso on the row of the shoulders."""
    shoulder_row: float
    hem_row: float
    torso_width: float
    tilt_deg: float
    """How far it is turned clockwise from upright: the mean of what its torso and its shoulders
    say, since cloth is laid askew as often as it is photographed askew."""
    is_sure: bool
    """Whether torso and both shoulders were plainly told."""


def find_pose(matte: Matte) -> GarmentPose | None:
    """Return the anatomy of a garment, or None where a silhouette has no torso and shoulders.

    Parameters
    ----------
    matte
        (h, w) float32, the garment's opacity.
    """
    box = product_box(matte)
    if box is None or min(box.width, box.height) < _LEAST_PX:
        return None
    scale = min(1.0, _WORK_PX / max(box.width, box.height))
    size = (max(1, round(box.width * scale)), max(1, round(box.height * scale)))
    crop = matte[box.top : box.bottom, box.left : box.right]
    mask = _body(cv2.resize(crop, size, interpolation=cv2.INTER_AREA) > 0.5)
    pose, shoulders = _by_torso(mask), _by_shoulders(mask)
    if pose is None or not pose.is_sure:
        pose = shoulders or _centered(pose, mask)
    elif shoulders and shoulders.torso_width < _NARROW_SHOULDERS * pose.torso_width:
        pose = shoulders
    if pose is None:
        return None
    x_scale, y_scale = box.width / size[0], box.height / size[1]
    return replace(
        pose,
        axis=box.left + (pose.axis + 0.5) * x_scale,
        shoulder_row=box.top + pose.shoulder_row * y_scale,
        hem_row=box.top + pose.hem_row * y_scale,
        torso_width=pose.torso_width * x_scale,
    )


def _by_torso(mask: Mask) -> GarmentPose | None:
    """Read the anatomy from the torso between the sleeves."""
    left, right = _torso_runs(mask)
    has = left >= 0
    if has.sum() < 0.3 * len(left):
        return None
    width = right - left + 1
    low, high = (round(share * len(left)) for share in _TORSO_ROWS)
    inside = np.zeros(len(left), np.bool_)
    inside[low:high] = True
    inside &= has
    if inside.sum() < 4:
        return None
    torso = float(np.percentile(width[inside], _TORSO_PERCENTILE))
    alike = inside & (np.abs(width - torso) < _ALIKE * torso)
    slope, start = _line(np.flatnonzero(alike), ((left + right) / 2)[alike])
    shoulders = _shoulder_rows(mask, slope, start, torso)
    if shoulders is None:
        return None
    row = sum(shoulders) / 2
    torso_tilt = -math.degrees(math.atan(slope))
    sunken = (shoulders[1] - shoulders[0]) / (2 * _SHOULDER * torso)
    tilt = (torso_tilt + math.degrees(math.atan(sunken))) / 2
    hem = _hem(mask)
    return GarmentPose(
        axis=start + slope * row,
        shoulder_row=row,
        hem_row=hem,
        torso_width=torso,
        tilt_deg=float(np.clip(tilt, -_MOST_TILT_DEG, _MOST_TILT_DEG)),
        is_sure=bool(
            alike.sum() > _LIKE_TORSO * inside.sum()
            and abs(sunken + slope) < _UNEVEN
            and abs(tilt) < _MOST_TILT_DEG
            and 0.6 < (hem - row) / torso < 4.5
        ),
    )


def _by_shoulders(mask: Mask) -> GarmentPose | None:
    """Read the anatomy from the tips of the shoulders, where sleeves hide the torso.

    From the neck outwards the upper edge slopes gently along the shoulders and falls steeply along
    the sleeves; the torso is as wide as the shoulders. Never sure.
    """
    columns = np.flatnonzero(mask.any(axis=0))
    width = len(columns)
    if width < _LEAST_PX:
        return None
    top = np.argmax(mask, axis=0)[columns].astype(np.float64)
    reach = max(2, round(_TIP_REACH * width))
    smooth = cv2.GaussianBlur(top[np.newaxis], (0, 0), reach / 2, borderType=cv2.BORDER_REPLICATE)[
        0
    ]
    falls = np.zeros(width)
    falls[reach:-reach] = (smooth[2 * reach :] - smooth[: -2 * reach]) / (2 * reach)
    middle = width // 2
    near = round(_NECK_REACH * width)
    tips = []
    for side in (-1, 1):
        outward = np.arange(middle + side * near, -1 if side < 0 else width, side)
        steep = np.flatnonzero(side * falls[outward] > _TIP_SLOPE)
        if steep.size == 0:
            return None
        tips.append(int(outward[steep[0]]))
    span = float(tips[1] - tips[0])
    center = (tips[0] + tips[1]) / 2
    if abs(center - middle) > _TIP_OFF_MIDDLE * width or span < _TIP_LEAST_SPAN * width:
        return None
    inner = round(center - _SHOULDER * span), round(center + _SHOULDER * span)
    return GarmentPose(
        axis=float(columns[0]) + center,
        shoulder_row=float(top[list(inner)].mean()),
        hem_row=_hem(mask),
        torso_width=span,
        tilt_deg=0.0,
        is_sure=False,
    )


def _centered(pose: GarmentPose | None, mask: Mask) -> GarmentPose | None:
    """Return a doubtful pose about the middle of the whole: a sleeve pulls its axis aside."""
    if pose is None:
        return None
    columns = np.flatnonzero(mask.any(axis=0))
    return replace(pose, axis=float(columns[0] + columns[-1]) / 2)


def _hem(mask: Mask) -> float:
    return float(np.flatnonzero(mask.any(axis=1))[-1] + 1)


def _body(mask: Mask) -> Mask:
    """Return the largest part of a mask, without what is thin."""
    radius = max(1, round(_THREAD * mask.shape[1] / 2))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    framed = cv2.copyMakeBorder(mask.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    opened = cv2.morphologyEx(framed, cv2.MORPH_OPEN, disc)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(opened)
    if count < 2:
        return mask
    largest = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    return np.asarray(labels[1:-1, 1:-1] == largest, np.bool_)


def _torso_runs(mask: Mask) -> tuple[Rows, Rows]:
    """Return the first and last column of the torso on each row; -1 where there is none.

    Followed up and down from a row that is torso: the run that shares most columns with the one
    before.
    """
    height = mask.shape[0]
    left, right = np.full(height, -1.0), np.full(height, -1.0)
    begin = min(height - 1, round(_START * height))
    runs = _runs(mask[begin])
    if not runs:
        return left, right
    middle = float(np.flatnonzero(mask.any(axis=0)).mean())
    first = min(runs, key=lambda run: (max(run[0] - middle, middle - run[1], 0), -run[1] + run[0]))
    for rows in (range(begin, -1, -1), range(begin + 1, height)):
        run = first
        for row in rows:
            runs = _runs(mask[row])
            shared = [min(a[1], run[1]) - max(a[0], run[0]) for a in runs]
            if not runs or max(shared) < 0:
                break
            run = runs[int(np.argmax(shared))]
            left[row], right[row] = run
    return left, right


def _runs(row: Mask) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], row.astype(np.int8), [0]])))
    return [(int(a), int(b) - 1) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _line(rows: npt.NDArray[np.int64], centers: Rows) -> tuple[float, float]:
    """Return slope and start of the axis: a line through the centers, outliers left out."""
    if len(rows) < 4:
        return 0.0, float(np.median(centers)) if len(centers) else 0.0
    keep = np.ones(len(rows), np.bool_)
    slope, start = 0.0, float(np.median(centers))
    for _ in range(3):
        slope, start = np.polyfit(rows[keep], centers[keep], 1)
        off = np.abs(centers - (start + slope * rows))
        keep = off <= max(1.0, 2 * float(np.median(off)))
        if keep.sum() < 4:
            break
    return float(slope), float(start)


def _shoulder_rows(
    mask: Mask, slope: float, start: float, torso: float
) -> tuple[float, float] | None:
    """Return the first rows, on the left and on the right, that are shoulder-wide."""
    rows = np.arange(mask.shape[0])
    axis = start + slope * rows
    found = []
    for side in (-1, 1):
        columns = np.round(axis + side * _SHOULDER * torso).astype(np.int64)
        legal = (columns >= 0) & (columns < mask.shape[1])
        reached = np.zeros(len(rows), np.bool_)
        reached[legal] = mask[rows[legal], columns[legal]]
        if not reached.any():
            return None
        found.append(float(np.argmax(reached)))
    return found[0], found[1]
