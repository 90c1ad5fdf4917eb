"""How like a matte is to the true one.

Sources: Perazzi et al., "A Benchmark Dataset and Evaluation Methodology for Video Object
Segmentation" (DAVIS), CVPR 2016, for the boundary F; Rhemann et al., "A Perceptually Motivated
Online Benchmark for Image Matting", CVPR 2009, for the sum of absolute differences and the
gradient error.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from gpu_workers.imaging.arrays import Matte
from gpu_workers.imaging.segmentation.regions import grow

_EDGE_SHARE: Final = 0.003
"""Distance, as a share of the diagonal, within which two contours count as equal."""
_SOFT: Final = (0.05, 0.95)
_SOFT_SHARE: Final = 0.5
"""Soft pixels to a pixel of contour from which a true matte is one, and no mask that was scaled."""
_GRADIENT_SIGMA: Final = 1.4
_THOUSAND: Final = 1000.0


@dataclass(frozen=True, slots=True)
class Likeness:
    """Likeness of a matte to the true one."""

    iou: float
    """Intersection over union of the halves above 0.5, 0 to 1."""
    boundary_f: float
    """Harmonic mean of precision and recall of the contour, 0 to 1."""
    absolute_sum: float
    """Sum of absolute differences, in thousands of pixels."""
    gradient_sum: float
    """Sum of squared differences of the gradients' lengths, in thousands."""


def likeness(matte: Matte, truth: Matte) -> Likeness:
    """Compare a matte (h, w) of 0 to 1 with the true one of the same size.

    Raises
    ------
    ValueError
        If the sizes differ.
    """
    if matte.shape != truth.shape:
        raise ValueError(f"shapes differ: {matte.shape}, {truth.shape}")
    found, true = matte > 0.5, truth > 0.5
    union = int((found | true).sum())
    slopes = _slope(matte) - _slope(truth)
    return Likeness(
        iou=int((found & true).sum()) / union if union else 1.0,
        boundary_f=_boundary_f(found, true),
        absolute_sum=float(np.abs(matte.astype(np.float64) - truth).sum()) / _THOUSAND,
        gradient_sum=float((slopes.astype(np.float64) ** 2).sum()) / _THOUSAND,
    )


def band_likeness(matte: Matte, truth: Matte) -> Likeness | None:
    """Compare two mattes (h, w) only where the true one is soft, and a few pixels around.

    Where everything else is easy, the sums over a whole picture hide the edge; the band is that
    in which a matting benchmark leaves opacity unknown.

    Returns
    -------
    None where the true matte has no soft pixels: a mask, whose edge is not known that well.

    Raises
    ------
    ValueError
        If the sizes differ.
    """
    if matte.shape != truth.shape:
        raise ValueError(f"shapes differ: {matte.shape}, {truth.shape}")
    soft = (truth > _SOFT[0]) & (truth < _SOFT[1])
    if float(soft.sum()) < _SOFT_SHARE * float(_contour(truth > 0.5).sum()):
        return None
    band = grow(soft, max(2, int(_EDGE_SHARE * float(np.hypot(*truth.shape)))))
    return likeness(np.where(band, matte, truth), truth)


def _slope(matte: Matte) -> Matte:
    """Return the length of the gradient, by derivatives of a Gaussian."""
    smooth = cv2.GaussianBlur(matte, (0, 0), _GRADIENT_SIGMA)
    across = cv2.Sobel(smooth, cv2.CV_32F, 1, 0, ksize=1, scale=0.5)
    down = cv2.Sobel(smooth, cv2.CV_32F, 0, 1, ksize=1, scale=0.5)
    return np.asarray(np.hypot(across, down), np.float32)


def _boundary_f(found: npt.NDArray[np.bool_], true: npt.NDArray[np.bool_]) -> float:
    reach = max(2, int(_EDGE_SHARE * float(np.hypot(*true.shape))))
    one, other = _contour(found), _contour(true)
    if not one.any() or not other.any():
        return float(one.any() == other.any())
    precision = float((one & grow(other, reach)).sum()) / float(one.sum())
    recall = float((other & grow(one, reach)).sum()) / float(other.sum())
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _contour(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    inside = cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    return np.asarray(mask & ~inside)
