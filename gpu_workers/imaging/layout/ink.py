"""What can be read where: contrast on the real pixels, inks, fields under the words.

Owns contrast and the choice of colors for it. Does not draw letters.

Images are (h, w, 3) float32 linear sRGB. Source: WCAG 2.2, success criterion 1.4.3 and its
definitions of relative luminance and contrast ratio; 4.5 is asked of large words too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from gpu_workers.imaging.arrays import Image, Matte
from gpu_workers.imaging.color import from_hex, luminance
from gpu_workers.imaging.framing import Box

Floats: TypeAlias = npt.NDArray[np.float32]

READABLE: Final = 4.5
AIMED: Final = 4.62
"""What is aimed at: grain and compression take a little of it away."""
_WORST: Final = 10
"""Percentile of the pixels under the words that has to be readable."""
_FLARE: Final = 0.05
_SOFTNESS: Final = (0.0, 0.3, 0.42, 0.55, 0.7, 0.82, 0.92, 1.0)
"""Opacities of a field under words, tried in turn; 0 is none."""


def contrast(first: float, second: float) -> float:
    """Return the contrast ratio of two relative luminances, 1 to 21."""
    high, low = max(first, second), min(first, second)
    return (high + _FLARE) / (low + _FLARE)


def contrast_of(color: str, other: str) -> float:
    """Return the contrast ratio of two colors, ``#rrggbb``."""
    first, second = (float(luminance(from_hex(each))) for each in (color, other))
    return contrast(first, second)


def worst_contrast(color: str, ground: Floats) -> float:
    """Return the contrast that all but the worst tenth of the ground leaves a color.

    Parameters
    ----------
    ground
        Relative luminances of the pixels under and around the words, any shape.
    """
    own = float(luminance(from_hex(color)))
    high, low = np.maximum(ground, own), np.minimum(ground, own)
    return float(np.percentile((high + _FLARE) / (low + _FLARE), _WORST))


def ground_under(image: Image, boxes: Iterable[Box]) -> Floats:
    """Return the relative luminances of the pixels in some boxes, one after another."""
    parts = [
        luminance(image[box.top : box.bottom, box.left : box.right]).ravel()
        for box in boxes
        if box.width > 0 and box.height > 0
    ]
    return np.concatenate(parts) if parts else np.zeros(1, np.float32)


def readable_on(color: str, candidates: Sequence[str]) -> str:
    """Return the first candidate that can be read on an even color, else black or white."""
    for each in (*candidates, "#ffffff", "#000000"):
        if contrast_of(each, color) >= AIMED:
            return each
    return max(("#ffffff", "#000000"), key=lambda each: contrast_of(each, color))


def choose_ink(
    grounds: Sequence[Floats], candidates: Sequence[str], papers: Sequence[str]
) -> tuple[str, str, float]:
    """Return an ink for several texts, and the field that has to be laid under them for it.

    Parameters
    ----------
    grounds
        Luminances under each text.
    candidates
        Inks in the order of preference; black and white are tried after them.
    papers
        Colors for the field, in the order of preference.

    Returns
    -------
    Ink, color of the field and its opacity, 0 for none. With an opaque field of the right color one
    of black and white always is readable (contrast at least 4.58).
    """
    inks = tuple(dict.fromkeys((*candidates, "#000000", "#ffffff")))
    fields = tuple(dict.fromkeys((*papers, "#ffffff", "#000000")))
    for opacity in _SOFTNESS:
        for ink in inks:
            for field in fields if opacity else fields[:1]:
                light = float(luminance(from_hex(field)))
                if all(
                    worst_contrast(
                        ink, ground * np.float32(1 - opacity) + np.float32(light * opacity)
                    )
                    >= AIMED
                    for ground in grounds
                ):
                    return ink, field, opacity
    raise AssertionError("black on white can be read")


def lay(image: Image, color: Floats, coverage: Matte, box: Box) -> None:
    """Lay a color over the part of a picture in a box. Writes to `image`.

    Parameters
    ----------
    coverage
        (h, w) float32 of the box's size, 0 to 1. What lies outside the picture is left out.
    """
    height, width = image.shape[:2]
    top, left = max(box.top, 0), max(box.left, 0)
    bottom, right = min(box.bottom, height), min(box.right, width)
    if bottom <= top or right <= left:
        return
    part = coverage[top - box.top : bottom - box.top, left - box.left : right - box.left]
    view = image[top:bottom, left:right]
    view += (color - view) * part[..., np.newaxis]


def soft_field(box: Box, reach: int, canvas: tuple[int, int]) -> tuple[Box, Matte]:
    """Return a field that is whole in a box and fades out around it.

    Parameters
    ----------
    reach
        Pixels from the box to where nothing of it is left.
    """
    width, height = canvas
    outer = Box(
        max(0, box.left - reach),
        max(0, box.top - reach),
        min(width, box.right + reach) - max(0, box.left - reach),
        min(height, box.bottom + reach) - max(0, box.top - reach),
    )
    inside = np.zeros((outer.height, outer.width), np.uint8)
    inside[
        box.top - outer.top : box.bottom - outer.top,
        box.left - outer.left : box.right - outer.left,
    ] = 1
    distance = cv2.distanceTransform(1 - inside, cv2.DIST_L2, 5)
    share = np.clip(1 - distance / max(reach, 1), 0, 1)
    return outer, np.asarray(share * share * (3 - 2 * share), np.float32)
