"""The product's own color at soft edges: edge decontamination.

Owns the removal of the old backdrop's color from half-covered pixels. Opaque pixels keep their
exact value. Works on encoded sRGB, where an error looks equally large in dark and light.

Source: Forte, "Approximate Fast Foreground Colour Estimation", ICIP 2021 (blur fusion).
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from gpu_workers.imaging.arrays import Image, Matte, Photo, to_linear

_RADII = (45, 7, 3)
"""From coarse to fine: the coarse one reaches across thin parts that have no opaque pixel near,
the fine one follows prints and seams up to the edge."""
_MARGIN_PX = 14
"""Pixels around the product that get its nearest color."""
_STRIP_ROWS = 512
"""Rows at a time: bounds the working memory on large photos."""
_OPAQUE = 0.995
_VISIBLE = 0.02


def own_colors(photo: Photo, matte: Matte) -> Image:
    """Return the product's color at every pixel, without the backdrop's share.

    Parameters
    ----------
    photo
        (h, w, 3) uint8, sRGB encoded.
    matte
        (h, w) float32, 0 to 1.

    Returns
    -------
    (h, w, 3) float32, linear sRGB; where the matte is 1, exactly the photo. A few pixels around
    the product hold its nearest color, so that scaling the cutout draws no fringe in.
    """
    color = to_linear(photo)
    rows, columns = _soft_box(matte)
    overlap = sum(_RADII) + len(_RADII)
    for top in range(rows.start, rows.stop, _STRIP_ROWS):
        bottom = min(top + _STRIP_ROWS, rows.stop)
        above, below = max(0, top - overlap), min(photo.shape[0], bottom + overlap)
        own = _estimate(photo[above:below, columns], matte[above:below, columns])
        inner = slice(top - above, bottom - above)
        opaque = matte[top:bottom, columns, None] >= _OPAQUE
        color[top:bottom, columns] = np.where(opaque, color[top:bottom, columns], own[inner])
    color[rows, columns] = _spread(color[rows, columns], matte[rows, columns])
    return color


def _estimate(photo: Photo, matte: Matte) -> Image:
    part: Image = photo.astype(np.float32) / np.float32(255)
    opacity = matte[..., None]
    product, backdrop = part, part
    for radius in _RADII:
        product, backdrop = _fuse(part, opacity, product, backdrop, radius)
    return to_linear_float(np.clip(product, 0, 1))


def spread_colors(photo: Photo, matte: Matte) -> Image:
    """Return the photo in linear light with the nearest product color where nothing is seen.

    For sources that carry their own alpha: their colors are clean, but what lies under full
    transparency is arbitrary. Shapes as in `own_colors`.
    """
    return _spread(to_linear(photo), matte)


def to_linear_float(encoded: npt.NDArray[np.float32]) -> Image:
    """Return encoded sRGB of 0 to 1 in linear light, without rounding to 8 bit."""
    low = encoded / 12.92
    high = np.power((encoded + 0.055) / 1.055, 2.4)
    return np.where(encoded <= 0.04045, low, high).astype(np.float32)


def _soft_box(matte: Matte) -> tuple[slice, slice]:
    rows, columns = np.flatnonzero(matte.any(axis=1)), np.flatnonzero(matte.any(axis=0))
    if len(rows) == 0:
        return slice(0, 0), slice(0, 0)
    margin, (height, width) = _MARGIN_PX, matte.shape
    return (
        slice(max(0, int(rows[0]) - margin), min(height, int(rows[-1]) + 1 + margin)),
        slice(max(0, int(columns[0]) - margin), min(width, int(columns[-1]) + 1 + margin)),
    )


def _fuse(
    photo: Image, opacity: Matte, product: Image, backdrop: Image, radius: int
) -> tuple[Image, Image]:
    """Blend neighbors of known color and keep what the photo says beyond the blend."""
    near_product = _weighted_blur(product, opacity, radius)
    near_backdrop = _weighted_blur(backdrop, 1 - opacity, radius)
    rest = photo - opacity * near_product - (1 - opacity) * near_backdrop
    return near_product + opacity * rest, near_backdrop


def _weighted_blur(color: Image, weight: Matte, radius: int) -> Image:
    size = (2 * radius + 1, 2 * radius + 1)
    total = cv2.blur(color * weight, size)
    mass = cv2.blur(weight, size)
    mass = mass.reshape(total.shape[:2])[..., None]
    return np.asarray(total / np.maximum(mass, 1e-5), np.float32)


def _spread(color: Image, matte: Matte) -> Image:
    """Return the color with each unseen pixel replaced by the nearest seen one."""
    seen = matte >= _VISIBLE
    if seen.all() or not seen.any():
        return color
    _, labels = cv2.distanceTransformWithLabels(
        (~seen).astype(np.uint8), cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL
    )
    # Labels number the seen pixels in raster order from 1.
    nearest = np.flatnonzero(seen)[labels[~seen] - 1]
    spread = color.copy()
    spread[~seen] = color.reshape(-1, 3)[nearest]
    return spread
