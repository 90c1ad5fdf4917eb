"""More pixels from a photo without a network: sharp edges, no ringing, its own grain.

Owns enlargement beyond interpolation. Arrays are (h, w) or (h, w, c) float32, sRGB encoded, 0 to
255: the eye sees steps of brightness there as equal, and so does the error that is minimized.

Sources: Irani and Peleg, "Improving Resolution by Image Registration" (1991), iterative back-
projection; Weickert (1999), coherence-enhancing diffusion, the idea of smoothing along edges.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from gpu_workers.imaging.framing import resample

Floats: TypeAlias = npt.NDArray[np.float32]

_ROUNDS: Final = 4
_STEP: Final = 1.0
_LAST_SMOOTHED: Final = 2
"""Edges are straightened in the first rounds; what then differs from the photo is put right."""
_OVERSHOOT: Final = 0.12
"""How far a pixel may leave the range of its neighbors in the photo, as a share of that range:
none at all rounds off every fine line, more shows as bright seams along edges."""


def enlarge(picture: Floats, size: tuple[int, int]) -> Floats:
    """Return a picture at a larger size.

    Reduced again it is the picture given, within rounding; no pixel leaves the range of its
    neighbors by more than 12 % of it, so what is even stays even: white remains exactly white.

    Parameters
    ----------
    size
        Width and height, each at least that of the picture.

    Raises
    ------
    ValueError
        If the size is smaller.
    """
    height, width = picture.shape[:2]
    if size[0] < width or size[1] < height:
        raise ValueError(f"{size} is smaller than {(width, height)}")
    if size == (width, height):
        return picture.copy()
    low, high = _bounds(picture, size)
    result = resample(picture, size)
    for turn in range(_ROUNDS):
        lacking = picture - resample(result, (width, height))
        result += np.float32(_STEP) * resample(lacking, size)
        if turn < _LAST_SMOOTHED:
            result = _straightened(result, size[0] / width)
        result = np.clip(result, low, high)
    return result


def reduction_error(picture: Floats, enlarged: Floats) -> float:
    """Return the mean difference, in levels, of the photo and its enlargement reduced again."""
    reduced = resample(enlarged, (picture.shape[1], picture.shape[0]))
    return float(np.abs(np.clip(reduced, 0, 255) - picture).mean())


def _bounds(picture: Floats, size: tuple[int, int]) -> tuple[Floats, Floats]:
    """Return the least and greatest value that each pixel of the enlargement may take."""
    kernel = np.ones((3, 3), np.uint8)
    least, most = cv2.erode(picture, kernel), cv2.dilate(picture, kernel)
    room = np.float32(_OVERSHOOT) * (most - least)
    low = cv2.resize(np.maximum(least - room, 0), size, interpolation=cv2.INTER_LINEAR)
    high = cv2.resize(np.minimum(most + room, 255), size, interpolation=cv2.INTER_LINEAR)
    return np.asarray(low, np.float32), np.asarray(high, np.float32)


def _straightened(picture: Floats, factor: float) -> Floats:
    """Return the picture smoothed along its edges only, where they run in one direction."""
    tone = picture if picture.ndim == 2 else picture.mean(axis=2)
    gx = cv2.Scharr(tone, cv2.CV_32F, 1, 0) / 32
    gy = cv2.Scharr(tone, cv2.CV_32F, 0, 1) / 32
    sigma = 0.8 * factor
    xx, yy, xy = (cv2.GaussianBlur(each, (0, 0), sigma) for each in (gx * gx, gy * gy, gx * gy))
    spread = np.sqrt((xx - yy) ** 2 + 4 * xy * xy)
    # Grain has gradients in all directions: its coherence is near 0, and it is left alone.
    coherence = (spread / (xx + yy + np.float32(4.0))) ** 2
    angle = 0.5 * np.arctan2(2 * xy, xx - yy) + np.float32(np.pi / 2)
    along_x, along_y = np.cos(angle), np.sin(angle)
    rows, columns = tone.shape
    x, y = np.meshgrid(np.arange(columns, dtype=np.float32), np.arange(rows, dtype=np.float32))
    total, weights = picture.copy(), 1.0
    for step, weight in ((0.5 * factor, 0.7), (factor, 0.25)):
        for sign in (-1, 1):
            at_x, at_y = x + sign * step * along_x, y + sign * step * along_y
            total += weight * cv2.remap(
                picture, at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
            )
            weights += weight
    share = coherence if picture.ndim == 2 else coherence[..., np.newaxis]
    return np.asarray(picture + (total / np.float32(weights) - picture) * share, np.float32)
