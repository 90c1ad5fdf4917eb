"""A mask cut where lightness steps most, whatever the colors.

Owns the edge inside a band that is known to hold it, where colors do not tell product from
backdrop. Does not know where the band is.

Source: Lotufo and Falcao, "The Ordered Queue and the Optimality of the Watershed Approaches",
ISMM 2000; scipy's image foresting transform, whose cost of a way is its highest step.
"""

from __future__ import annotations

import cv2
import numpy as np
from scipy.ndimage import watershed_ift

from gpu_workers.imaging.segmentation.background import Lab
from gpu_workers.imaging.segmentation.regions import Mask

_LEVELS_TO_A_UNIT = 600
"""Steps to a unit of lightness in which edges are compared."""


def along_edges(lab: Lab, inner: Mask, outer: Mask) -> Mask:
    """Return the mask that holds ``inner``, stays in ``outer`` and follows edges between them."""
    lightness = cv2.GaussianBlur(np.ascontiguousarray(lab[..., 0]), (0, 0), 1.0)
    levels = (lightness * _LEVELS_TO_A_UNIT).astype(np.uint16)
    markers = np.where(inner, 1, np.where(outer, 0, 2)).astype(np.int32)
    return np.asarray(watershed_ift(levels, markers) == 1)
