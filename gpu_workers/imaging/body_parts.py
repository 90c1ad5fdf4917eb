"""Skin of a wearer in the cutout of a garment: arms, neck, hands.

Owns the search for it by color and place, without a learned parser, and therefore cautious: what
is removed has the colors of skin, differs from the garment, and reaches the garment's outside.
Where the garment itself has such colors nothing is removed and that is said.

Sources: Rother, Kolmogorov and Blake, "GrabCut" (SIGGRAPH 2004), for the border between skin and
cloth.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from gpu_workers.imaging.arrays import Matte, Photo, to_linear
from gpu_workers.imaging.color import to_lab
from gpu_workers.imaging.matte import soft_matte

Mask: TypeAlias = npt.NDArray[np.bool_]

_WORK_PX: Final = 420
_CORE: Final = ((0.28, 0.78), (0.34, 0.66))
"""Rows and columns, in shares of the garment's box, that are torso on every garment."""
_HUE_DEG: Final = (18.0, 82.0)
_CHROMA: Final = (8.0, 52.0)
_LIGHTNESS: Final = (12.0, 92.0)
"""What skin of every tone lies within in CIE Lab, under any light a seller has."""
_LIGHTNESS_WEIGHT: Final = 0.35
_APART: Final = 9.0
"""Distance to the nearest color of the garment from which a pixel is something else."""
_APART_SCRAP: Final = 8.5
"""The same beside a wearer's arm, where the cutout often holds scraps of the room behind."""
_CLOTH: Final = 7.0
"""Distance to the garment's colors up to which a pixel is cloth, whatever lies beside it."""
_SCRAP_REACH: Final = 0.12
"""How far from skin, in garment widths, such scraps are looked for."""
_GARMENT_IS_SKIN: Final = 0.2
"""Share of the torso in the colors of skin from which garment and skin cannot be told apart."""
_LEAST_PART: Final = 0.004
_LEAST_TOUCH: Final = 0.06
"""Share of a part's outline that lies against the outside: a print lies within the cloth."""
_MOST_REMOVED: Final = 0.45
"""A larger part of the cutout is no arm: the colors misled."""
_ROUNDS: Final = 4


@dataclass(frozen=True, slots=True)
class Undressed:
    """A garment without its wearer."""

    matte: Matte
    body: Matte
    """(h, w) what was cut away, 0 to 1."""
    is_sure: bool


def without_body(photo: Photo, matte: Matte) -> Undressed | None:
    """Return the garment without the skin of its wearer, or None where none is seen.

    Where the garment has the colors of skin itself, nothing is cut away and `is_sure` is False.

    Parameters
    ----------
    photo
        (h, w, 3) uint8, sRGB encoded.
    matte
        (h, w) float32, garment and wearer.
    """
    height, width = matte.shape
    scale = min(1.0, _WORK_PX / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = np.asarray(cv2.resize(photo, size, interpolation=cv2.INTER_AREA), np.uint8)
    opacity = np.asarray(cv2.resize(matte, size, interpolation=cv2.INTER_AREA), np.float32)
    inside = opacity > 0.5
    if not inside.any():
        return None
    lab = to_lab(to_linear(small))
    core = _core(inside)
    if core.sum() < 60:
        return None
    skin = _is_skin(lab)
    if skin[core].mean() > _GARMENT_IS_SKIN:
        return Undressed(matte, np.zeros_like(matte), is_sure=False)
    apart = _distance_to_garment(lab, core)
    parts = _parts(inside & skin & (apart > _APART), inside)
    if not parts.any():
        return None
    parts |= _scraps(parts, inside & (apart > _APART_SCRAP), core)
    garment = _bordered(small, inside, core, parts, apart)
    removed = inside & ~garment
    if removed.sum() > _MOST_REMOVED * inside.sum():
        return Undressed(matte, np.zeros_like(matte), is_sure=False)
    fine = soft_matte(photo, garment)
    # Wide enough for the soft outline of an arm, which is all that would be left of it.
    near = cv2.dilate(removed.astype(np.uint8), np.ones((11, 11), np.uint8)).astype(np.float32)
    near = np.asarray(cv2.resize(near, (width, height), interpolation=cv2.INTER_LINEAR))
    freed = np.where(near > 0.5, np.minimum(matte, fine), matte).astype(np.float32)
    body = np.clip(matte - freed, 0, 1).astype(np.float32)
    return Undressed(freed, body, is_sure=True)


def _core(inside: Mask) -> Mask:
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    (upper, lower), (first, last) = _CORE
    core = np.zeros_like(inside)
    core[
        round(top + upper * (bottom - top)) : round(top + lower * (bottom - top)),
        round(left + first * (right - left)) : round(left + last * (right - left)),
    ] = True
    return np.asarray(core & inside, np.bool_)


def _is_skin(lab: npt.NDArray[np.float64]) -> Mask:
    hue = np.degrees(np.arctan2(lab[..., 2], lab[..., 1]))
    chroma = np.hypot(lab[..., 1], lab[..., 2])
    return np.asarray(
        (hue > _HUE_DEG[0])
        & (hue < _HUE_DEG[1])
        & (chroma > _CHROMA[0])
        & (chroma < _CHROMA[1])
        & (lab[..., 0] > _LIGHTNESS[0])
        & (lab[..., 0] < _LIGHTNESS[1]),
        np.bool_,
    )


def _distance_to_garment(lab: npt.NDArray[np.float64], core: Mask) -> npt.NDArray[np.float64]:
    """Return each pixel's distance to the nearest of the torso's main colors, folds included."""
    weighted = lab * (_LIGHTNESS_WEIGHT, 1, 1)
    sample = weighted[core].astype(np.float32)
    count = min(4, len(sample))
    labels = np.zeros((len(sample), 1), np.int32)
    criteria = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 30, 0.1)
    cv2.setRNGSeed(7)
    _, _, centers = cv2.kmeans(sample, count, labels, criteria, 2, cv2.KMEANS_PP_CENTERS)
    apart = [np.linalg.norm(weighted - center, axis=-1) for center in np.asarray(centers)]
    return np.asarray(np.min(apart, axis=0))


def _parts(candidates: Mask, inside: Mask) -> Mask:
    """Return those parts of the candidates that are large enough and reach the outside."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3))
    clean = cv2.morphologyEx(candidates.astype(np.uint8), cv2.MORPH_OPEN, kernel)
    clean = cv2.morphologyEx(clean, cv2.MORPH_CLOSE, kernel, iterations=2)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(clean)
    outside = cv2.copyMakeBorder(
        (~inside).astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=1
    )
    around = cv2.dilate(outside, np.ones((5, 5), np.uint8))[1:-1, 1:-1] > 0
    kept = np.zeros(inside.shape, np.bool_)
    for label in range(1, count):
        part = labels == label
        if stats[label, cv2.CC_STAT_AREA] < _LEAST_PART * inside.sum():
            continue
        rim = part & ~(cv2.erode(part.astype(np.uint8), kernel) > 0)
        if (rim & around).sum() >= _LEAST_TOUCH * rim.sum():
            kept |= part
    return kept


def _scraps(parts: Mask, candidates: Mask, core: Mask) -> Mask:
    """Return what is neither cloth nor skin beside the skin: rim light, shadow, the room."""
    reach = max(2, round(_SCRAP_REACH * np.flatnonzero(candidates.any(axis=0)).size))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    near = cv2.dilate(parts.astype(np.uint8), disc) > 0
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3))
    found = candidates & near & ~cv2.dilate(core.astype(np.uint8), kernel).astype(bool)
    return np.asarray(cv2.morphologyEx(found.astype(np.uint8), cv2.MORPH_OPEN, kernel) > 0)


def _bordered(
    photo: Photo, inside: Mask, core: Mask, parts: Mask, apart: npt.NDArray[np.float64]
) -> Mask:
    """Return the garment, its border to the skin found by colors and edges."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
    sure_body = cv2.erode(parts.astype(np.uint8), kernel) > 0
    near_body = cv2.dilate(parts.astype(np.uint8), kernel, iterations=3) > 0
    label = np.full(inside.shape, cv2.GC_BGD, np.uint8)
    label[inside] = cv2.GC_FGD
    label[inside & near_body] = cv2.GC_PR_FGD
    label[inside & near_body & (apart > _APART)] = cv2.GC_PR_BGD
    # Behind a wearer stands a room whose colors may be the garment's: only what differs is asked.
    label[inside & near_body & (apart < _CLOTH) & ~parts] = cv2.GC_FGD
    label[sure_body] = cv2.GC_BGD
    label[core & ~near_body] = cv2.GC_FGD
    background, foreground = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(7)
    cv2.grabCut(
        cv2.cvtColor(photo, cv2.COLOR_RGB2BGR),
        label,
        (0, 0, 0, 0),
        background,
        foreground,
        _ROUNDS,
        cv2.GC_INIT_WITH_MASK,
    )
    garment = inside & ((label == cv2.GC_FGD) | (label == cv2.GC_PR_FGD))
    opened = cv2.morphologyEx(garment.astype(np.uint8), cv2.MORPH_OPEN, kernel)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(opened)
    if count < 2:
        return np.zeros_like(inside)
    largest = labels == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    # The opening rounds corners of cloth off; what is cloth and next to it comes back.
    near = cv2.dilate(largest.astype(np.uint8), kernel) > 0
    return np.asarray(garment & near, np.bool_)
