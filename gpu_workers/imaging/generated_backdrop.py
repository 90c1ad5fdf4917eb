"""From a canvas to what a network paints on, and from what it painted back to a canvas.

Owns fitting, masks, cleaning, enlarging and grain. The network never touches the product: what it
made of it is cut away here, and the product's own pixels are laid over by `composite`.

Units: pixels of the picture that is named; images are linear sRGB, float32, 0 to 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from gpu_workers.imaging.arrays import Image, Matte, Photo
from gpu_workers.imaging.color import luminance, to_levels

Mask = npt.NDArray[np.bool_]
Encoded = npt.NDArray[np.float32]
_Number = TypeVar("_Number", np.float32, np.uint8)

_OVERLAP: Final = 0.006
"""Width, as a share of the short side, by which the network paints under the product's edge: 6 px
of 1,024, so that the old set shows nowhere around it."""
_FRINGE_PX: Final = 1
"""Blur of the network's own product beyond the contour."""
_NOISE_NORM: Final = 0.6745 * 6
"""Median of the absolute Laplacian of noise with standard deviation 1 (Immerkær, 1996)."""
_LAPLACE: Final = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
_MOST_GRAIN: Final = 0.012
_LEAST_PIXELS: Final = 200


@dataclass(frozen=True, slots=True)
class Fit:
    """How a canvas lies in the size that a network paints."""

    size: tuple[int, int]
    """Width and height that are painted."""
    inner: tuple[int, int]
    """Width and height of the canvas in it."""
    left: int
    top: int

    @classmethod
    def of(cls, canvas: tuple[int, int], size: tuple[int, int]) -> Fit:
        """Return the largest fit of a canvas, in the middle.

        Examples
        --------
        >>> Fit.of((2000, 1000), (1024, 1024))
        Fit(size=(1024, 1024), inner=(1024, 512), left=0, top=256)
        """
        scale = min(size[0] / canvas[0], size[1] / canvas[1])
        inner = (
            min(size[0], max(1, round(canvas[0] * scale))),
            min(size[1], max(1, round(canvas[1] * scale))),
        )
        return cls(size, inner, (size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2)

    def padded(self, photo: Photo) -> Photo:
        """Return a photo of the inner size, mirrored out to the whole."""
        right = self.size[0] - self.inner[0] - self.left
        bottom = self.size[1] - self.inner[1] - self.top
        return np.asarray(
            cv2.copyMakeBorder(photo, self.top, bottom, self.left, right, cv2.BORDER_REFLECT),
            np.uint8,
        )

    def cropped(self, picture: npt.NDArray[_Number]) -> npt.NDArray[_Number]:
        """Return the canvas's part of a picture of the whole."""
        rows = slice(self.top, self.top + self.inner[1])
        return picture[rows, self.left : self.left + self.inner[0]]

    def painted(self, matte: Matte) -> Mask:
        """Return (h, w) bool of the whole: where the network paints, around a product's matte."""
        reach = max(2, round(_OVERLAP * min(self.size)))
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
        kept = cv2.erode((matte > 0.5).astype(np.uint8), kernel) > 0
        mask = np.ones((self.size[1], self.size[0]), np.bool_)
        mask[self.top : self.top + self.inner[1], self.left : self.left + self.inner[0]] = ~kept
        return mask


def from_encoded(picture: Encoded) -> Image:
    """Return sRGB encoded values, 0 to 1, in linear light."""
    return np.where(picture <= 0.04045, picture / 12.92, ((picture + 0.055) / 1.055) ** 2.4).astype(
        np.float32
    )


def without_product(backdrop: Image, matte: Matte) -> Image:
    """Return the backdrop as it goes on behind the product, as far as an edge can show it.

    Soft edges, hair and glass let some of it through: there it must be the backdrop next to them,
    and not what the network made of the product.

    Parameters
    ----------
    backdrop
        (h, w, 3) float32 linear, with something product-like where `matte` is.
    matte
        (h, w) float32, the product's opacity.

    Notes
    -----
    Filled from the outside by normalized convolution, from fine to coarse (Knutsson and Westin,
    1993), so that the colors at the contour go on to the inside.
    """
    kernel = np.ones((2 * _FRINGE_PX + 1, 2 * _FRINGE_PX + 1), np.uint8)
    hidden = cv2.dilate((matte > 0.02).astype(np.uint8), kernel) > 0
    if not hidden.any() or hidden.all():
        return backdrop
    known = (~hidden).astype(np.float32)
    filled = backdrop * known[..., np.newaxis]
    reached = known.copy()
    sigma = 2.0
    while sigma < 2 * max(matte.shape) and reached.min() == 0:
        share = cv2.GaussianBlur(known, (0, 0), sigma)
        color = cv2.GaussianBlur(backdrop * known[..., np.newaxis], (0, 0), sigma)
        fresh = (reached == 0) & (share > 1e-3)
        filled[fresh] = color[fresh] / share[fresh][:, np.newaxis]
        reached[fresh] = 1
        sigma *= 2
    return np.asarray(filled, np.float32)


def resized(backdrop: Image, canvas: tuple[int, int]) -> Image:
    """Return a backdrop at the size of a canvas: Lanczos to enlarge, averages to reduce."""
    height, width = backdrop.shape[:2]
    if (width, height) == canvas:
        return backdrop
    enlarges = canvas[0] > width
    method = cv2.INTER_LANCZOS4 if enlarges else cv2.INTER_AREA
    return np.asarray(np.clip(cv2.resize(backdrop, canvas, interpolation=method), 0, 1), np.float32)


def noise_of(image: Image, where: Mask) -> float | None:
    """Return the standard deviation of the noise, in sRGB units of 0 to 1.

    Returns
    -------
    None where too few pixels lie inside of `where` to tell.
    """
    levels = to_levels(luminance(image)) / np.float32(255)
    response = np.abs(cv2.filter2D(levels, cv2.CV_32F, _LAPLACE))
    inside = cv2.erode(where.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    if inside.sum() < _LEAST_PIXELS:
        return None
    # The median, not the mean: texture and print are not noise.
    return float(np.median(response[inside])) / _NOISE_NORM


def missing_grain(product: Image, backdrop: Image, matte: Matte, *, least: float) -> float:
    """Return the grain that makes a backdrop as noisy as the product before it.

    Parameters
    ----------
    product, backdrop
        (h, w, 3) float32 linear; the product as it will be seen, premultiplied or not.
    least
        Grain that is added in any case, against bands in slow gradients.
    """
    wanted = noise_of(product, matte >= 1 - 1 / 255)
    there = noise_of(backdrop, matte == 0)
    if wanted is None or there is None:
        return least
    missing = math.sqrt(max(wanted**2 - there**2, 0.0))
    return min(max(least, missing), max(least, _MOST_GRAIN))
