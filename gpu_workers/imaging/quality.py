"""What a finished file measures: white background, fill, air around the product.

Owns the numbers a sales channel judges a picture by, read from decoded 8-bit pixels. Does not
own the limits of the sales channels.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2

from gpu_workers.imaging.arrays import Matte, Photo
from gpu_workers.imaging.framing import Box, product_box


@dataclass(frozen=True, slots=True)
class Whiteness:
    """How white the background of a picture is."""

    share: float
    """Share of background pixels that are exactly 255, 255, 255, 0 to 1."""
    darkest: int
    """Lowest channel value anywhere in the background, 0 to 255."""

    @property
    def is_exact(self) -> bool:
        """Whether every background pixel is 255, 255, 255, as some sales channels demand."""
        return self.share == 1


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
    background = matte == 0
    count = int(background.sum())
    if count == 0:
        return Whiteness(share=0.0, darkest=0)
    lowest = cv2.min(cv2.min(*cv2.split(photo)[:2]), cv2.extractChannel(photo, 2))[background]
    return Whiteness(share=float((lowest == 255).sum() / count), darkest=int(lowest.min()))


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
