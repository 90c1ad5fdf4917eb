"""Wide Gaussian blurs of pictures, quickly."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

_HALVED: float = 4.0
_QUARTERED: float = 8.0
"""Standard deviation in pixels from which a blur leaves nothing that a picture of half, or a
quarter, of the size could not hold: seen against the full one, less than a level."""


def blurred(picture: npt.NDArray[np.float32], sigma: float) -> npt.NDArray[np.float32]:
    """Return the picture (h, w) or (h, w, c) blurred, wide blurs at a fraction of the size."""
    factor = 4 if sigma > _QUARTERED else 2 if sigma > _HALVED else 1
    if factor == 1:
        return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.float32)
    height, width = picture.shape[:2]
    size = (max(1, width // factor), max(1, height // factor))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma / factor)
    large = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(large, np.float32).reshape(picture.shape)
