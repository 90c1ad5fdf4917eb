"""Proof that the product in a finished picture is the product of the source photo.

Owns the comparison of a canvas with the source warped by the same placement. Color difference is
CIEDE2000, over pixels at least three canvas pixels inside the product.

Source: Sharma, Wu, Dalal (2005) for the formula; CIE 142:2001.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from gpu_workers.imaging.arrays import Image, Matte, Photo, to_linear, to_photo
from gpu_workers.imaging.color import delta_e_2000, to_lab
from gpu_workers.imaging.framing import Box, Placement, paste, resample

_INSIDE_PX: Final = 3
_OPAQUE: Final = 1 - 1 / 255
_UNTOUCHED: Final = 0.02
_MAX_SAMPLES: Final = 120_000
"""CIEDE2000 on every pixel of a 2,000 px canvas takes a second; on these, the 99th percentile
moves by less than 0.02."""
_STRIP_ROWS: Final = 4


@dataclass(frozen=True, slots=True)
class Fidelity:
    """Product against source."""

    delta_e_mean: float
    """Mean CIEDE2000; 0 is the same picture, 1 just noticeable."""
    delta_e_p99: float
    """99th percentile of CIEDE2000."""
    silhouette_iou: float
    """Overlap of the placed silhouette with that of the cutout, 0 to 1."""
    made_share: float = 0.0
    """Share of the product's pixels that were made or changed on purpose, 0 to 1."""


def compare(
    picture: Photo | Image,
    matte: Matte,
    photo: Photo,
    source_matte: Matte,
    placement: Placement,
    *,
    made: Matte | None = None,
) -> Fidelity:
    """Compare a finished canvas with its source photo.

    Parameters
    ----------
    picture, matte
        (H, W, 3) and (H, W) float32: the finished canvas, 8 bit or still float32 in linear light,
        which is rounded to 8 bit first, and the product's opacity on it.
    photo, source_matte
        (h, w, 3) uint8 and (h, w) float32: the source photo and the cutout's opacity.
    placement
        The warp between the two.
    made
        (h, w) float32, 0 to 1, in the frame of the source: what was made or changed on purpose.
        It is left out of the color difference.

    Raises
    ------
    ValueError
        If a picture and its matte differ in size.
    """
    if picture.shape[:2] != matte.shape or photo.shape[:2] != source_matte.shape:
        raise ValueError(
            f"shapes differ: {picture.shape}, {matte.shape}, {photo.shape}, {source_matte.shape}"
        )
    box = placement.source
    rows, columns = slice(box.top, box.bottom), slice(box.left, box.right)
    silhouette = _warped(source_matte[rows, columns], placement)
    # Opaque in the photo too: an enlarged edge is drawn narrower than the photo's own, and what is
    # soft there has the old backdrop in it.
    opaque = (matte >= _OPAQUE) & (silhouette >= _OPAQUE)
    inside = _eroded(opaque)
    made_share = 0.0
    if made is not None:
        photographed = _warped(made[rows, columns], placement) <= _UNTOUCHED
        made_share = 1 - float((photographed & (matte > 0.5)).sum()) / max(
            1, int((matte > 0.5).sum())
        )
        inside = _eroded(opaque & photographed)
    iou = _overlap(matte > 0.5, silhouette > 0.5)
    if not inside.any():
        return Fidelity(0.0, 0.0, iou, round(made_share, 4))
    before, after = [], []
    for strip in _strips(inside):
        expected = _expected(photo[rows, columns], placement.target, strip, matte.shape[1])
        chosen = inside[strip] > 0
        before.append(expected[chosen])
        shown = picture[strip][chosen]
        is_file = shown.dtype == np.uint8
        after.append(np.asarray(shown if is_file else to_photo(shown.astype(np.float32)), np.uint8))
    difference = delta_e_2000(
        to_lab(np.clip(np.concatenate(before), 0, 1)), to_lab(to_linear(np.concatenate(after)))
    )
    return Fidelity(
        delta_e_mean=round(float(difference.mean()), 4),
        delta_e_p99=round(float(np.percentile(difference, 99)), 4),
        silhouette_iou=round(iou, 5),
        made_share=round(made_share, 4),
    )


def _strips(inside: Matte) -> list[slice]:
    """Return rows of the canvas, in strips, that hold about as many pixels as are compared."""
    height = inside.shape[0]
    every = -(-cv2.countNonZero(inside) // _MAX_SAMPLES)
    if every == 1:
        return [slice(0, height)]
    first = every // 2 * _STRIP_ROWS
    strips = [
        slice(top, min(top + _STRIP_ROWS, height))
        for top in range(first, height, every * _STRIP_ROWS)
    ]
    return [strip for strip in strips if inside[strip].any()] or [slice(0, height)]


def _expected(photo: Photo, target: Box, strip: slice, width: int) -> Image:
    """Return rows of the canvas as the source photo has them, black beside it."""
    expected = np.zeros((strip.stop - strip.start, width, 3), np.float32)
    top, bottom = max(strip.start, target.top), min(strip.stop, target.bottom)
    if bottom <= top:
        return expected
    scale = photo.shape[0] / target.height
    first, last = (top - target.top) * scale, (bottom - target.top) * scale
    # The kernel looks at two of its own widths beyond the strip.
    reach = 2 * max(1.0, scale) + 1
    above, below = max(0, int(first - reach)), min(photo.shape[0], int(last + reach) + 1)
    wide = resample(
        to_linear(photo[above:below]),
        (target.width, bottom - top),
        rows=(first - above, last - above),
    )
    paste(expected, wide, Box(target.left, top - strip.start, target.width, bottom - top))
    return expected


def _warped(matte: Matte, placement: Placement) -> Matte:
    """Return the matte on the canvas by a route that shares no code with `framing.place`."""
    box, target = placement.source, placement.target
    scale_x, scale_y = target.width / box.width, target.height / box.height
    move = np.array(
        [
            [scale_x, 0, target.left + 0.5 * scale_x - 0.5],
            [0, scale_y, target.top + 0.5 * scale_y - 0.5],
        ]
    )
    return np.asarray(cv2.warpAffine(matte, move, placement.canvas), np.float32)


def _eroded(mask: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> Matte:
    kernel = np.ones((2 * _INSIDE_PX + 1, 2 * _INSIDE_PX + 1), np.uint8)
    eroded = cv2.erode(mask.astype(np.uint8), kernel, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    return np.asarray(eroded, dtype=np.float32)


def _overlap(
    first: np.ndarray[tuple[int, ...], np.dtype[np.bool_]],
    second: np.ndarray[tuple[int, ...], np.dtype[np.bool_]],
) -> float:
    union = int((first | second).sum())
    return float((first & second).sum() / union) if union else 1.0
