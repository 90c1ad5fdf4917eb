"""What the picture would look like without the product: a smooth backdrop model.

Owns the estimate of the backdrop's color at every pixel and of its noise. Does not decide what is
product. Colors are CIE Lab (L 0 to 100), distances Euclidean in Lab.

Source: iteratively reweighted least squares with Cauchy weights, Holland and Welsch (1977).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from gpu_workers.imaging.arrays import Photo
from gpu_workers.imaging.segmentation.regions import Mask, frame, grow, shrink, touching

Lab = npt.NDArray[np.float32]
"""(h, w, 3) float32, CIE Lab, L 0 to 100."""

Field = npt.NDArray[np.float32]
"""(h, w) float32, one number to a pixel."""

PLAIN_SPREAD = 6.5
"""Spread of the frame about the model up to which a backdrop counts as plain; measured on 51
photos: seamless paper, walls and tables 0.5 to 6, carpets, grass and rooms 6.8 and more."""

_CLEARLY = 0.85
_DEGREE = 3
_ROUNDS = 8
_TO_SIGMA = 1.4826
_JPEG_NOISE = 0.35
"""Noise in Lab units that 8-bit JPEG leaves on a perfectly flat backdrop."""


def to_lab(photo: Photo) -> Lab:
    """Return the photo in CIE Lab."""
    lab = cv2.cvtColor(photo.astype(np.float32) / np.float32(255), cv2.COLOR_RGB2LAB)
    return np.asarray(lab, np.float32)


@dataclass(frozen=True, slots=True)
class Backdrop:
    """The backdrop as it would be without product, and how much it varies."""

    lab: Lab
    """(h, w, 3) color expected at each pixel."""
    spread: float
    """Robust standard deviation of the frame about the polynomial surface."""
    noise_l: float
    """Robust standard deviation of lightness about ``lab`` on backdrop pixels."""
    noise_c: float
    """Robust scale of the chroma distance from ``lab`` on backdrop pixels."""

    @property
    def is_plain(self) -> bool:
        """Whether differences from ``lab`` are evidence of product at all."""
        return self.spread < PLAIN_SPREAD


def enlarged(backdrop: Backdrop, lab: Lab, product: Mask) -> Backdrop:
    """Return the backdrop at the size of ``lab``, with its noise measured there.

    Parameters
    ----------
    backdrop
        Fitted to a smaller version of the photo.
    lab
        (h, w, 3) float32, the photo at the larger size.
    product
        (h, w) bool, where not to measure.
    """
    height, width = lab.shape[:2]
    colors = cv2.resize(backdrop.lab, (width, height), interpolation=cv2.INTER_LINEAR)
    local = np.asarray(colors, np.float32)
    distance = np.linalg.norm(lab - local, axis=2)
    bare = ~grow(product, 8) & (distance < 3 * (backdrop.noise_l + backdrop.noise_c))
    noise_l, noise_c = _noise((lab - local)[bare], backdrop.spread)
    return Backdrop(local, backdrop.spread, noise_l, noise_c)


def fit_backdrop(lab: Lab) -> Backdrop:
    """Model the backdrop from the frame, then follow local light where it is plain.

    Two models compete: a cubic surface for seamless paper, and bands from side to side for a wall
    behind a table, if they explain the outer ring clearly better.
    """
    surface, spread = _fit_surface(lab)
    bands, spread_of_bands = _fit_bands(lab)
    if spread_of_bands < _CLEARLY * spread:
        surface, spread = bands, spread_of_bands
    if spread >= PLAIN_SPREAD:
        return Backdrop(surface, spread, spread, spread)
    sure = _sure_backdrop(lab, surface, spread)
    local = _local_mean(lab, sure, sigma=0.06 * max(lab.shape[:2]), otherwise=surface)
    noise_l, noise_c = _noise((lab - local)[sure], spread)
    return Backdrop(local, spread, noise_l, noise_c)


def _noise(residual: npt.NDArray[np.float32], otherwise: float) -> tuple[float, float]:
    """Return the robust scale of lightness and of chroma of (n, 3) residuals."""
    if len(residual) == 0:
        return otherwise, otherwise
    lightness = float(np.median(np.abs(residual[:, 0])))
    chroma = float(np.median(np.hypot(residual[:, 1], residual[:, 2])))
    return _TO_SIGMA * lightness + _JPEG_NOISE, _TO_SIGMA * chroma + _JPEG_NOISE


def _sure_backdrop(lab: Lab, surface: Lab, spread: float) -> Mask:
    """Return what looks like the surface and hangs together with the frame without an edge.

    A pale chair before a pale wall looks like the surface too, but an edge lies around it.
    """
    distance = np.linalg.norm(lab - surface, axis=2)
    alike = (distance < max(5.0, 2 * spread)) & (color_edges(lab) < max(2.0, 0.6 * spread))
    height, width = alike.shape
    return shrink(touching(alike, frame((height, width), 0.01)), 2)


def color_edges(lab: npt.NDArray[np.float32]) -> Field:
    """Return the gradient length of a slightly smoothed picture, in units of it to a pixel."""
    smooth = cv2.GaussianBlur(lab, (0, 0), 1.0)
    across = cv2.Sobel(smooth, cv2.CV_32F, 1, 0, ksize=3, scale=1 / 8)
    down = cv2.Sobel(smooth, cv2.CV_32F, 0, 1, ksize=3, scale=1 / 8)
    squares = cv2.accumulateSquare(down, across * across)
    if squares.ndim == 3:
        squares = cv2.transform(squares, np.ones((1, 3), np.float32))
    return np.asarray(cv2.sqrt(squares), np.float32)


def grain(lightness: Field) -> float:
    """Return the standard deviation of pixel noise.

    Source: Immerkaer, "Fast Noise Variance Estimation", CVIU 1996; the median instead of the
    mean, so that edges do not count.
    """
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    return _TO_SIGMA * float(np.median(np.abs(cv2.filter2D(lightness, -1, kernel)))) / 6


def _fit_surface(lab: Lab) -> tuple[Lab, float]:
    """Return a cubic surface through the frame and the spread of the frame about it."""
    height, width = lab.shape[:2]
    basis = _polynomials(height, width)
    at_frame = frame((height, width), 0.03)
    terms, colors = basis[at_frame], lab[at_frame].astype(np.float64)
    weights: npt.NDArray[np.floating] = np.ones(len(terms))
    coefficients: npt.NDArray[np.floating] = np.zeros((terms.shape[1], 3))
    for _ in range(_ROUNDS):
        weighted = terms * (weights**2)[:, None]
        # Normal equations: ten unknowns, so their condition is harmless and no large SVD runs.
        coefficients = np.linalg.solve(weighted.T @ terms, weighted.T @ colors)
        residual = np.linalg.norm(colors - terms @ coefficients, axis=1)
        spread = _TO_SIGMA * float(np.median(residual)) + 0.5
        weights = 1 / (1 + (residual / (2 * spread)) ** 2)
    surface = (basis @ coefficients).astype(np.float32)
    return surface, _spread_about(lab, surface)


def _fit_bands(lab: Lab) -> tuple[Lab, float]:
    """Return the colors of the left edge blended into those of the right, row by row."""
    width = lab.shape[1]
    band = max(2, int(0.03 * width))
    left, right = (_profile(lab[:, :band]), _profile(lab[:, -band:]))
    share = np.linspace(0, 1, width, dtype=np.float32)[None, :, None]
    surface = left[:, None] * (1 - share) + right[:, None] * share
    return surface, _spread_about(lab, surface)


def _profile(strip: Lab) -> Lab:
    middle = np.ascontiguousarray(np.median(strip, axis=1, keepdims=True), np.float32)
    return np.asarray(cv2.medianBlur(middle, 5), np.float32).reshape(-1, 3)


def _spread_about(lab: Lab, surface: Lab) -> float:
    """Return the robust scale of a ring inside the frame, where no model was fitted."""
    height, width = lab.shape[:2]
    ring = frame((height, width), 0.08) & ~frame((height, width), 0.03)
    residual = np.linalg.norm((lab - surface)[ring], axis=1)
    return _TO_SIGMA * float(np.median(residual)) + 0.5


def _polynomials(height: int, width: int) -> npt.NDArray[np.float64]:
    y, x = (np.linspace(-1, 1, side)[:, None] ** range(_DEGREE + 1) for side in (height, width))
    return np.stack(
        [np.outer(y[:, i], x[:, d - i]) for d in range(_DEGREE + 1) for i in range(d + 1)],
        axis=-1,
    )


def _local_mean(lab: Lab, where: Mask, *, sigma: float, otherwise: Lab) -> Lab:
    """Return the weighted mean about each pixel, fading to ``otherwise`` far from any weight."""
    weight = where.astype(np.float32)
    offset = (lab - otherwise) * weight[..., None]
    total = np.asarray(cv2.GaussianBlur(offset, (0, 0), sigma))
    mass = np.asarray(cv2.GaussianBlur(weight, (0, 0), sigma))
    return np.asarray(otherwise + total / (mass + 0.02)[..., None], np.float32)
