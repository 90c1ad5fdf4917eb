"""The product mirrored in the surface it stands on.

Owns the mirror image as a premultiplied layer. Computed at no more than 1,000 px: it is always
a little blurred. Source: Schlick, "An Inexpensive BRDF Model" (1994), for why it is weak when the
camera looks down.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from gpu_workers.imaging.arrays import Image, Matte
from gpu_workers.imaging.blur import blurred
from gpu_workers.imaging.camera import Ground
from gpu_workers.imaging.shadow import find_stance

Floats: TypeAlias = npt.NDArray[np.float32]

_WORK_PX: Final = 1000
_FADE: Final = 0.55
"""Length of the mirror image in product sizes before it has faded out."""
_FADE_ON_WATER: Final = 1.0
_FROM_ABOVE: Final = 0.6


def mirror(
    product: Image,
    matte: Matte,
    ground: Ground,
    *,
    strength: float,
    roughness: float,
    ripple: tuple[Floats, Floats] | None = None,
) -> tuple[Image, Matte]:
    """Return the mirror image of a product as a layer for the canvas.

    Parameters
    ----------
    product, matte
        (h, w, 3) float32 premultiplied linear sRGB and (h, w) float32 opacity, on the canvas.
    ground
        The plane that mirrors. Nothing is mirrored when seen from straight above.
    strength
        Share of light mirrored right at the base, 0 to 1.
    roughness
        Blur of the mirror image far from the base, as a share of the product's size.
    ripple
        Two (h, w) slopes, across and along the view, that bend the image: waves on water.

    Returns
    -------
    (h, w, 3) float32 premultiplied and (h, w) float32 opacity.
    """
    height, width = matte.shape
    if strength == 0 or ground.pitch == "top":
        return np.zeros_like(product), np.zeros_like(matte)
    if ground.pitch == "slightly_above":
        strength *= _FROM_ABOVE
    scale = min(1.0, _WORK_PX / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = np.empty((size[1], size[0], 4), np.float32)
    small[..., :3] = cv2.resize(product, size, interpolation=cv2.INTER_AREA)
    small[..., 3] = cv2.resize(matte, size, interpolation=cv2.INTER_AREA)
    stance = find_stance(np.ascontiguousarray(small[..., 3]), ground.pitch)
    # Only from where the blur of the highest foot begins, and only as far as it is seen.
    wide = max(0.6, roughness * stance.size)
    first = max(0, int(stance.row.min() - 4 * wide))
    fade = _FADE if ripple is None else _FADE_ON_WATER
    last = min(size[1], int(stance.row.max() + fade * stance.size + 4 * wide) + 1)
    y, x = np.mgrid[first:last, 0 : size[0]].astype(np.float32)
    depth = y + 0.5 - stance.row[np.newaxis]
    from_x, from_y = x, stance.row[np.newaxis] - depth - 0.5
    if ripple is not None:
        across, along = (
            cv2.resize(slope, size, interpolation=cv2.INTER_AREA)[first:last] for slope in ripple
        )
        # A wave bends the image the more, the farther what it shows is from the water.
        grown = np.clip(depth, 0, stance.size)
        from_x = from_x + (0.10 * grown + 0.01 * stance.size) * across
        from_y = from_y + (0.16 * grown + 0.015 * stance.size) * along
    flipped = np.asarray(cv2.remap(small, from_x, from_y, cv2.INTER_LINEAR), np.float32)
    distance = np.clip(depth / (fade * stance.size), 0, 1)
    sharp = blurred(flipped, max(0.6, 0.15 * roughness * stance.size))
    blend = np.clip(distance * 3, 0, 1)[..., np.newaxis]
    sharp += (blurred(flipped, wide) - sharp) * blend
    sharp *= (strength * (1 - distance) ** 2)[..., np.newaxis]
    small.fill(0)
    small[first:last] = sharp
    large = np.asarray(
        cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.float32
    )
    return large[..., :3], large[..., 3]
