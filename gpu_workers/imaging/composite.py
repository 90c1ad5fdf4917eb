"""Layers become one picture: over, light wrap, grain and 8-bit quantisation.

Owns the arithmetic of compositing. Does not own what the layers show. Images are (h, w, 3)
float32 linear sRGB, 0 to 1.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from gpu_workers.imaging.arrays import Image, Matte, Photo
from gpu_workers.imaging.color import to_levels

Floats: TypeAlias = npt.NDArray[np.float32]

_WRAP_SIGMA: Final = 0.0008
"""Reach of the light wrap as a share of the canvas width: about 2 px at 2,000, so that it stays
within the rim that the fidelity check leaves out."""


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
    result = backdrop * (1 - matte)[..., np.newaxis]
    result += product
    return np.asarray(result, dtype=np.float32)


def light_wrap(product: Image, matte: Matte, backdrop: Image, strength: float) -> Image:
    """Return the premultiplied product with some backdrop light on its outermost rim.

    Only pixels within about two pixels of a soft edge change, and by at most
    `strength` of the difference between backdrop and product.
    """
    if strength == 0:
        return product
    sigma = max(0.6, _WRAP_SIGMA * matte.shape[1])
    rim = strength * matte * np.clip(1 - cv2.GaussianBlur(matte, (0, 0), sigma) - 0.05, 0, 1)
    result = product * (1 - rim)[..., np.newaxis]
    result += backdrop * (rim * matte)[..., np.newaxis]
    return np.asarray(result, dtype=np.float32)


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
    levels = to_levels(image)
    if grain > 0:
        generator = np.random.default_rng(seed)
        size = matte.shape
        noise = generator.standard_normal(size, dtype=np.float32) * np.float32(255 * grain)
        share = 1 - matte
        for channel in range(3):
            dither = generator.random(size, dtype=np.float32) - np.float32(0.5)
            levels[..., channel] += (noise + dither) * share
    return (np.clip(levels, 0, 255) + np.float32(0.5)).astype(np.uint8)
