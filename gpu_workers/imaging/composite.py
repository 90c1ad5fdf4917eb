"""Layers become one picture: over, light wrap, grain and 8-bit quantisation.

Owns the arithmetic of compositing. Does not own what the layers show. Images are (h, w, 3)
float32 linear sRGB, 0 to 1.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from gpu_workers.imaging.arrays import Image, Matte, Photo, to_photo
from gpu_workers.imaging.color import to_levels

Floats: TypeAlias = npt.NDArray[np.float32]

_WRAP_SIGMA: Final = 0.0008
"""Reach of the light wrap as a share of the canvas width: about 2 px at 2,000, so that it stays
within the rim that the fidelity check leaves out."""

_DITHER_STEPS: Final = 256
_DITHER_MEAN: Final = np.float32(127.5)


def over(product: Image, matte: Matte, backdrop: Image) -> Image:
    """Lay a product over a backdrop.

    Parameters
    ----------
    product
        (h, w, 3) float32, linear sRGB, premultiplied by `matte`.
    matte
        (h, w) float32, 0 is backdrop and 1 is product.
    backdrop
        (h, w, 3) float32, linear sRGB, opaque.

    Returns
    -------
    (h, w, 3) float32, linear sRGB. A new array: no argument is written to.

    Raises
    ------
    ValueError
        If heights and widths differ.

    References
    ----------
    Porter and Duff, "Compositing Digital Images", SIGGRAPH 1984, operator *over*.
    """
    if not product.shape[:2] == matte.shape == backdrop.shape[:2]:
        raise ValueError(f"shapes differ: {product.shape}, {matte.shape}, {backdrop.shape}")
    result = np.array(backdrop, dtype=np.float32)
    box = _covered(matte)
    result[box] *= (1 - matte[box])[..., np.newaxis]
    result[box] += product[box]
    return result


def light_wrap(product: Image, matte: Matte, backdrop: Image, strength: float) -> Image:
    """Return the premultiplied product with some backdrop light on its outermost rim.

    Only pixels within about two pixels of a soft edge change, and by at most
    `strength` of the difference between backdrop and product.
    """
    if strength == 0:
        return product
    sigma = max(0.6, _WRAP_SIGMA * matte.shape[1])
    # Wider than the blur reaches, so that a matte that ends at the box is blurred as in the whole.
    box = _covered(matte, margin=int(6 * sigma) + 2)
    part = matte[box]
    rim = strength * part * np.clip(1 - cv2.GaussianBlur(part, (0, 0), sigma) - 0.05, 0, 1)
    # The inner pixels, all but a few of a hundred, stay as they are.
    at = np.nonzero(rim)
    share, opacity = rim[at][:, np.newaxis], part[at][:, np.newaxis]
    result = np.array(product, dtype=np.float32)
    result[box][at] = product[box][at] * (1 - share) + backdrop[box][at] * share * opacity
    return result


def _covered(matte: Matte, *, margin: int = 0) -> tuple[slice, slice]:
    """Return rows and columns that hold everything above 0, and some around it."""
    sides = []
    for axis, length in ((1, matte.shape[0]), (0, matte.shape[1])):
        seen = np.flatnonzero(cv2.reduce(matte, axis, cv2.REDUCE_MAX))
        first, last = (int(seen[0]), int(seen[-1]) + 1) if seen.size else (0, 0)
        sides.append(slice(max(0, first - margin), min(length, last + margin)))
    return sides[0], sides[1]


def quantise(image: Image, matte: Matte, *, grain: float, seed: int) -> Photo:
    """Return the picture in 8 bit: grain and dither on the backdrop, plain rounding elsewhere.

    Parameters
    ----------
    matte
        (h, w) float32; where it is 1 no noise is added, so product pixels stay as they are.
    grain
        Standard deviation of the noise in sRGB units of 0 to 1. With 0 there is neither grain
        nor dither: exact colors stay exact.
    seed
        The same seed gives the same noise.

    Notes
    -----
    The dither is uniform over one level and differs per channel; together with rounding this
    makes slow gradients free of visible bands (Roberts 1962).
    """
    if grain == 0:
        return to_photo(image)
    levels = to_levels(image)
    generator = np.random.default_rng(seed)
    size = matte.shape
    noise = generator.standard_normal(size, dtype=np.float32) * np.float32(255 * grain)
    share = 1 - matte
    noise *= share
    share /= np.float32(_DITHER_STEPS)
    change = np.empty_like(noise)
    for channel in range(3):
        # Bytes, not floats: 256 steps of a level are as good, and drawn five times faster.
        dither = np.frombuffer(generator.bytes(matte.size), np.uint8).reshape(size)
        np.subtract(dither, _DITHER_MEAN, out=change)
        change *= share
        change += noise
        levels[..., channel] += change
    np.clip(levels, 0, 255, out=levels)
    levels += np.float32(0.5)
    return levels.astype(np.uint8)
