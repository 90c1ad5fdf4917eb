"""Whether a product belongs in its scene: shadows, horizon, noise, sharpness, color and bands.

Sources: Immerkær, "Fast Noise Variance Estimation", CVIU 1996, for the noise; Crete et al., "The
Blur Effect", SPIE 6492 (2007), for sharpness that does not depend on what is seen.
"""

from __future__ import annotations

import math
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from gpu_workers.imaging.arrays import Image, Matte, Photo, to_linear
from gpu_workers.imaging.camera import Ground
from gpu_workers.imaging.color import luminance, to_lab
from gpu_workers.imaging.framing import product_box

_BAND: Final = (0.005, 0.015)
"""Below the base, as shares of the canvas height."""
_LEAST_PIXELS: Final = 200
_LIGHT: Final = 0.9
"""Quantile from which a product's pixels count as its highlights."""
_SHADOW: Final = 0.01
"""Darkening from which a pixel is in a shadow: less is rounding."""
_SIDEWAYS: Final = 0.17
"""Share of the light that must come from a side: that of 10 degrees off the camera's axis."""
_EVEN: Final = 0.05
_HORIZON: Final = (0.45, 0.72)
_VANISH: Final = 0.1
"""Height from the top of the frame below which the ground may not vanish when seen from above."""
_BASE: Final = 0.06
_RUN: Final = 64
_LAPLACE: Final = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)


def contact_darkening(with_shadow: Image, without: Image, matte: Matte) -> float:
    """Return how much darker the ground right below the product is than without its shadows.

    Parameters
    ----------
    with_shadow, without
        (h, w, 3) float32 linear: the same scene with all shadows of the product and with none.
    matte
        (h, w) float32: the product's opacity on the canvas.

    Returns
    -------
    0 is no shadow, 1 is black; 0 where the product has no base in the picture.
    """
    height = matte.shape[0]
    solid = matte > 0.5
    columns = np.flatnonzero(solid.any(axis=0))
    if not columns.size:
        return 0.0
    bottom = height - 1 - np.argmax(solid[::-1, columns], axis=0)
    # Only the columns that stand: within a twentieth of the height above the lowest point.
    standing = bottom >= bottom.max() - height / 20
    lit, shaded = luminance(without), luminance(with_shadow)
    ratios = []
    for column, base in zip(columns[standing], bottom[standing], strict=True):
        first, last = base + math.ceil(_BAND[0] * height), base + math.ceil(_BAND[1] * height)
        band = slice(int(first), int(min(last, height)))
        clear = matte[band, column] == 0
        before = lit[band, column][clear]
        if before.size and before.mean() > 0:
            ratios.append(1 - float(shaded[band, column][clear].mean() / before.mean()))
    return round(float(np.mean(ratios)), 4) if ratios else 0.0


def shadow_side(with_shadow: Image, without: Image, matte: Matte) -> float | None:
    """Return to which side of a product its shadows lie: -1 is left, 1 is right.

    The first moment of the darkness about the middle of the product, in half product widths.

    Parameters
    ----------
    with_shadow, without, matte
        As for `contact_darkening`.

    Returns
    -------
    None where there is no shadow or no product.
    """
    box = product_box(matte)
    if box is None:
        return None
    dark = 1 - luminance(with_shadow) / np.maximum(luminance(without), np.float32(1e-4))
    dark = np.where((matte == 0) & (dark > _SHADOW), dark, 0)
    total = float(dark.sum())
    if total < _LEAST_PIXELS * _SHADOW:
        return None
    middle = box.left + box.width / 2
    columns = np.arange(matte.shape[1]) + 0.5 - middle
    moment = float((dark.sum(axis=0) * columns).sum()) / total / (box.width / 2)
    return round(min(max(moment, -1.0), 1.0), 4)


def falls_away_from(side: float, azimuth_deg: float) -> bool | None:
    """Return whether shadows lie on the side that light from that azimuth throws them to.

    None for light from the front or the back, which throws them to neither, and where they lie
    about evenly: a wide product hides most of its own.
    """
    across = -math.sin(math.radians(azimuth_deg))
    if abs(across) < _SIDEWAYS or abs(side) < _EVEN:
        return None
    return side * across > 0


def horizon_fits(ground: Ground, height: int) -> bool:
    """Return whether the ground ends where a camera of that pitch sees it end.

    From the front behind the product, at 45 to 72 % of the canvas; from slightly above the
    ground would vanish above the frame, and ends higher; from the top it never ends.
    """
    if ground.pitch == "top":
        return ground.edge < 0 and ground.vanish < 0
    if ground.pitch == "slightly_above":
        return ground.vanish <= _VANISH * height and ground.edge < ground.base
    low, high = _HORIZON
    return low * height <= ground.edge <= high * height and ground.vanish < ground.edge


def sharpness_ratio(picture: Photo, matte: Matte) -> float | None:
    """Return how sharp a product is at its base over how sharp the ground in front of it is.

    Sharpness is the share of the detail that a small blur destroys, 0 to 1: a fine weave and a
    few specks in focus are equally sharp.

    Returns
    -------
    None where either shows too little of itself there, or no detail at all.
    """
    box = product_box(matte)
    if box is None:
        return None
    reach = max(4, round(_BASE * matte.shape[0]))
    rows = slice(max(0, box.bottom - reach), min(matte.shape[0], box.bottom + reach))
    columns = slice(box.left, box.right)
    gray = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)[rows, columns]
    blurred = np.asarray(cv2.blur(gray, (5, 5)), np.float32)
    before, after = _change(gray), _change(blurred)
    kernel = np.ones((5, 5), np.uint8)
    found = []
    for part in (matte >= _LIGHT, matte == 0):
        inside = cv2.erode(part[rows, columns].astype(np.uint8), kernel) > 0
        detail = float(before[inside].sum())
        if inside.sum() < _LEAST_PIXELS or detail <= 0:
            return None
        found.append(max(0.0, detail - float(after[inside].sum())) / detail)
    return round(found[0] / found[1], 4) if found[1] else None


def levels_in_gradient(picture: Photo, matte: Matte) -> int | None:
    """Return how many levels a run of 64 px of the backdrop has, at the median.

    A slow gradient without dither has two or three, which show as bands. Rows and columns are
    read, whichever have more.

    Returns
    -------
    None where no run of that length is free of the product.
    """
    green = picture[..., 1]
    counts = []
    for levels, free in ((green, matte == 0), (green.T, matte.T == 0)):
        runs = levels.shape[1] // _RUN
        cut = (levels.shape[0], runs, _RUN)
        clear = free[:, : runs * _RUN].reshape(cut).all(axis=2)
        lines = np.sort(levels[:, : runs * _RUN].reshape(cut)[clear], axis=1)
        if len(lines):
            unique = 1 + (np.diff(lines, axis=1) > 0).sum(axis=1)
            counts.append(int(np.median(unique)))
    return max(counts) if counts else None


def _change(gray: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the absolute difference to the neighbors to the right and below."""
    across = np.abs(np.diff(gray, axis=1, append=gray[:, -1:]))
    return np.asarray(across + np.abs(np.diff(gray, axis=0, append=gray[-1:])), np.float32)


def noise_ratio(picture: Photo, matte: Matte) -> float | None:
    """Return the noise of the product over that of its scene, in 8-bit luminance.

    Returns
    -------
    None where either shows too little of itself, or the scene has no noise at all.
    """
    levels = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    response = np.abs(cv2.filter2D(levels, cv2.CV_32F, _LAPLACE))
    kernel = np.ones((7, 7), np.uint8)
    inside = cv2.erode((matte >= _LIGHT).astype(np.uint8), kernel) > 0
    outside = cv2.erode((matte == 0).astype(np.uint8), kernel) > 0
    if inside.sum() < _LEAST_PIXELS or outside.sum() < _LEAST_PIXELS:
        return None
    # The median, not the mean: texture and print are not noise.
    product, scene = float(np.median(response[inside])), float(np.median(response[outside]))
    return round(product / scene, 4) if scene else None


def white_point_distance(picture: Photo, matte: Matte) -> float | None:
    """Return how far the hue of the scene's lights lies from that of the product's highlights.

    Returns
    -------
    Distance in a* and b* of Lab; None where either shows too little of itself.
    """
    linear = to_linear(picture)
    bright = []
    for part in (matte >= _LIGHT, matte == 0):
        if part.sum() < _LEAST_PIXELS:
            return None
        pixels = linear[part]
        light = luminance(pixels)
        chosen = pixels[light >= np.quantile(light, _LIGHT)]
        bright.append(np.median(to_lab(chosen), axis=0))
    return round(float(np.hypot(*(bright[0] - bright[1])[1:])), 4)
