"""What speaks for product on a plain backdrop: color, not shadow, closed contours, open holes.

Owns the reading of differences between a photo and its `Backdrop`. Does not decide the mask: the
hypotheses weigh this evidence. Only meaningful where the backdrop is plain.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from gpu_workers.imaging.arrays import Photo, to_linear
from gpu_workers.imaging.segmentation.background import Backdrop, Lab
from gpu_workers.imaging.segmentation.regions import (
    Mask,
    closed,
    grow,
    opened,
    reachable_from_frame,
    regions,
)

Field = npt.NDArray[np.float32]
"""(h, w) float32, one number to a pixel."""

_FLOOR = 1e-3
"""Least linear light, so that logarithms of black stay finite."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Facts about each pixel of a photo on a plain backdrop."""

    product: Mask
    """Differs from the backdrop and is no soft shadow."""
    shadow: Mask
    """Differs from the backdrop only by less light, smoothly."""
    enclosed: Mask
    """Cannot be reached from the frame across differences and contours."""
    hole: Mask
    """Equals the local backdrop over a solid flat patch: backdrop seen through the product."""
    deviation: Field
    """Distance from the backdrop in units of its noise."""

    def is_empty(self, share: float) -> bool:
        """Whether no solid patch over ``share`` of the frame differs or is enclosed."""
        solid = opened(self.product | self.enclosed, 1)
        largest = max((area for _, area, _ in regions(solid)), default=0)
        return largest < share * solid.size


def color_edges(lab: Lab) -> Field:
    """Return the gradient length of a slightly smoothed picture, in Lab units to a pixel."""
    smooth = cv2.GaussianBlur(lab, (0, 0), 1.0)
    across = cv2.Sobel(smooth, cv2.CV_32F, 1, 0, ksize=3) / 8
    down = cv2.Sobel(smooth, cv2.CV_32F, 0, 1, ksize=3) / 8
    return np.asarray(np.sqrt((across**2 + down**2).sum(axis=2)), np.float32)


def read_evidence(photo: Photo, lab: Lab, backdrop: Backdrop) -> Evidence:
    """Compare a photo with its plain backdrop.

    Parameters
    ----------
    photo
        (h, w, 3) uint8, the small photo.
    lab
        (h, w, 3) float32, the same in CIE Lab.
    backdrop
        Its plain backdrop.
    """
    residual = lab - backdrop.lab
    chroma = np.hypot(residual[..., 1], residual[..., 2])
    lightness = np.abs(residual[..., 0])
    deviation = np.hypot(lightness / backdrop.noise_l, chroma / backdrop.noise_c)
    differs = (lightness > max(2.5, 4.5 * backdrop.noise_l)) | (
        chroma > max(2.5, 4.5 * backdrop.noise_c)
    )
    shadow = differs & _is_soft_shadow(photo, lab, backdrop, chroma)
    product = differs & ~shadow
    edges = color_edges(lab)
    return Evidence(
        product=product,
        shadow=shadow,
        enclosed=_enclosed(photo, product),
        hole=_holes(lab, residual, deviation, edges, backdrop),
        deviation=deviation.astype(np.float32),
    )


def _is_soft_shadow(photo: Photo, lab: Lab, backdrop: Backdrop, chroma: Field) -> Mask:
    """Tell where light is taken from all channels alike and without an edge of its own."""
    light = np.log(np.maximum(to_linear(photo), _FLOOR))
    expected = np.log(np.maximum(_lab_to_linear(backdrop.lab), _FLOOR))
    loss = light - expected
    mean, unevenness = loss.mean(axis=2), loss.max(axis=2) - loss.min(axis=2)
    dims = (mean < -0.02) & (mean > -1.25) & (unevenness < 0.16 + 0.18 * np.abs(mean))
    gradient = color_edges(lab[..., :1].repeat(3, axis=2)) / np.sqrt(3)
    is_smooth = cv2.blur(gradient, (5, 5)) < max(1.3, 2 * backdrop.noise_l)
    return np.asarray(dims & is_smooth & (chroma < max(6.0, 6 * backdrop.noise_c)))


def _lab_to_linear(lab: Lab) -> npt.NDArray[np.float32]:
    return np.asarray(cv2.cvtColor(lab, cv2.COLOR_LAB2LRGB), np.float32)


def _enclosed(photo: Photo, product: Mask) -> Mask:
    contours = cv2.Canny(cv2.GaussianBlur(photo, (0, 0), 1.2), 18, 45) > 0
    barrier = closed(product | contours, 3)
    barrier[:2] = barrier[-2:] = False
    barrier[:, :2] = barrier[:, -2:] = False
    return opened(~reachable_from_frame(barrier), 3)


def _holes(lab: Lab, residual: Lab, deviation: Field, edges: Field, backdrop: Backdrop) -> Mask:
    noise = (backdrop.noise_l + backdrop.noise_c) / 2
    distance = np.linalg.norm(residual, axis=2)
    flat = (distance < max(2.2, 2.2 * noise)) & (edges < max(1.5, 1.6 * backdrop.noise_l))
    holes = np.zeros(lab.shape[:2], bool)
    for patch, area, box in regions(opened(flat, 2)):
        if area < 25:
            continue
        offset = np.abs(np.median(residual[box][patch], axis=0)).max()
        variation = lab[box][patch].std(axis=0).max()
        if offset < max(0.8, 0.9 * backdrop.noise_l) and variation < max(
            1.6, 2.2 * backdrop.noise_l
        ):
            holes[box] |= patch
    return np.asarray(grow(holes, 2) & (distance < max(4.0, 4 * noise)))
