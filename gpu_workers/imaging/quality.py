"""What a finished file measures: white background, fill, air around the product.

Owns the numbers a sales channel judges a picture by, read from decoded 8-bit pixels. Does not
own the limits of the sales channels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from gpu_workers.imaging.arrays import Matte, Photo
from gpu_workers.imaging.framing import Box, product_box

EDGE_PX: Final = 8
"""Width of the band around the product that lies in the same JPEG blocks (8 x 8) as its edge."""


@dataclass(frozen=True, slots=True)
class Whiteness:
    """How white the background of a picture is."""

    share: float
    """Share of background pixels that are exactly 255, 255, 255, 0 to 1."""
    clear_of_edge: bool
    """Whether all background pixels further than `EDGE_PX` from the product are exact."""
    frame: bool
    """Whether the outermost ring of pixels is exact (its background part)."""
    darkest: int
    """Lowest channel value anywhere in the background, 0 to 255."""

    @property
    def is_exact(self) -> bool:
        """Whether a sales channel that demands exact white accepts this background."""
        return self.clear_of_edge and self.frame


def measure_white(photo: Photo, matte: Matte) -> Whiteness:
    """Measure the background of a finished picture.

    Parameters
    ----------
    photo
        (h, w, 3) uint8, as decoded from the finished file.
    matte
        (h, w) float32 of the same frame; background is where it is exactly 0.

    Raises
    ------
    ValueError
        If heights and widths differ.
    """
    if photo.shape[:2] != matte.shape:
        raise ValueError(f"shapes differ: {photo.shape}, {matte.shape}")
    lowest = photo.min(axis=2)
    background = matte == 0
    count = int(background.sum())
    if count == 0:
        return Whiteness(share=0.0, clear_of_edge=False, frame=False, darkest=0)
    kernel = np.ones((2 * EDGE_PX + 1, 2 * EDGE_PX + 1), np.uint8)
    near = cv2.dilate((~background).astype(np.uint8), kernel).astype(bool)
    ring = np.zeros_like(background)
    ring[[0, -1], :] = True
    ring[:, [0, -1]] = True
    white = lowest == 255
    return Whiteness(
        share=float((white & background).sum() / count),
        clear_of_edge=bool(white[~near].all()),
        frame=bool(white[ring & background].all()),
        darkest=int(lowest[background].min()),
    )


def measure_fill(matte: Matte) -> float:
    """Return the longest side of the product's box over the canvas side it is bound by."""
    box = product_box(matte)
    if box is None:
        return 0.0
    height, width = matte.shape
    return float(max(box.width / width, box.height / height))


def sides_cut(matte: Matte) -> frozenset[str]:
    """Return the sides of the frame that the product touches: left, top, right, bottom."""
    box = product_box(matte)
    if box is None:
        return frozenset()
    return sides_touched(box, (matte.shape[1], matte.shape[0]))


def sides_touched(box: Box, frame: tuple[int, int]) -> frozenset[str]:
    """Return the sides of a frame (width, height) that a box reaches."""
    touched = {
        "left": box.left <= 0,
        "top": box.top <= 0,
        "right": box.right >= frame[0],
        "bottom": box.bottom >= frame[1],
    }
    return frozenset(side for side, touches in touched.items() if touches)
