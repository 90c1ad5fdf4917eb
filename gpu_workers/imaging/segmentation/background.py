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

from gpu_workers.imaging.segmentation.regions import Mask, frame, shrink

Lab = npt.NDArray[np.float32]
"""(h, w, 3) float32, CIE Lab, L 0 to 100."""

PLAIN_SPREAD = 8.0
"""Spread of the frame about the fitted surface up to which a backdrop counts as plain; measured on
46 photos: seamless paper and walls 0.5 to 6, carpets, grass and rooms 9 and more."""

_DEGREE = 3
_ROUNDS = 8
_TO_SIGMA = 1.4826
_JPEG_NOISE = 0.35
"""Noise in Lab units that 8-bit JPEG leaves on a perfectly flat backdrop."""


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


def fit_backdrop(lab: Lab) -> Backdrop:
    """Fit a cubic surface to the frame, then follow local light where the backdrop is plain."""
    surface, spread = _fit_surface(lab)
    if spread >= PLAIN_SPREAD:
        return Backdrop(surface, spread, spread, spread)
    sure = _sure_backdrop(lab, surface, spread)
    local = _local_mean(lab, sure, sigma=0.06 * max(lab.shape[:2]), otherwise=surface)
    residual = (lab - local)[sure]
    if len(residual) == 0:
        return Backdrop(local, spread, spread, spread)
    noise_l = _TO_SIGMA * float(np.median(np.abs(residual[:, 0]))) + _JPEG_NOISE
    chroma = np.hypot(residual[:, 1], residual[:, 2])
    noise_c = _TO_SIGMA * float(np.median(chroma)) + _JPEG_NOISE
    return Backdrop(local, spread, noise_l, noise_c)


def _sure_backdrop(lab: Lab, surface: Lab, spread: float) -> Mask:
    distance = np.linalg.norm(lab - surface, axis=2)
    return shrink(distance < max(5.0, 3 * spread), 2)


def _fit_surface(lab: Lab) -> tuple[Lab, float]:
    height, width = lab.shape[:2]
    basis = _polynomials(height, width)
    at_frame = frame((height, width), 0.03)
    terms, colors = basis[at_frame], lab[at_frame].astype(np.float64)
    weights: npt.NDArray[np.floating] = np.ones(len(terms))
    spread = 0.0
    coefficients = np.zeros((terms.shape[1], 3))
    for _ in range(_ROUNDS):
        coefficients, *_ = np.linalg.lstsq(
            terms * weights[:, None], colors * weights[:, None], rcond=None
        )
        residual = np.linalg.norm(colors - terms @ coefficients, axis=1)
        spread = _TO_SIGMA * float(np.median(residual)) + 0.5
        weights = 1 / (1 + (residual / (2 * spread)) ** 2)
    return (basis @ coefficients).astype(np.float32), spread


def _polynomials(height: int, width: int) -> npt.NDArray[np.float64]:
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    return np.stack(
        [x ** (d - i) * y**i for d in range(_DEGREE + 1) for i in range(d + 1)], axis=-1
    )


def _local_mean(lab: Lab, where: Mask, *, sigma: float, otherwise: Lab) -> Lab:
    weight = where.astype(np.float32)
    total = cv2.GaussianBlur(lab * weight[..., None], (0, 0), sigma)
    mass = cv2.GaussianBlur(weight, (0, 0), sigma)
    mean = total / np.maximum(mass, 1e-4)[..., None]
    return np.where(mass[..., None] > 0.02, mean, otherwise).astype(np.float32)
