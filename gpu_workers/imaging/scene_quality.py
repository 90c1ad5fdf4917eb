"""Whether a product belongs in its scene: contact with the ground, noise and color.

Sources: Immerkær, "Fast Noise Variance Estimation", CVIU 1996, for the noise.
"""

from __future__ import annotations

import math
from typing import Final

import cv2
import numpy as np

from gpu_workers.imaging.arrays import Image, Matte, Photo, to_linear
from gpu_workers.imaging.color import luminance, to_lab

_BAND: Final = (0.005, 0.015)
"""Below the base, as shares of the canvas height."""
_LEAST_PIXELS: Final = 200
_LIGHT: Final = 0.9
"""Quantile from which a product's pixels count as its highlights."""
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
