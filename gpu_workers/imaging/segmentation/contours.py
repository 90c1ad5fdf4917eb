"""Products closed off by their outline, whatever their color: white on white, dark on dark.

Owns the way from edges, however faint, to the regions they close off, gaps included. Does not
know what a backdrop or a shadow is (`evidence`). Lengths are pixels of a photo of 480.

A walker from the frame who may not step on an edge reaches the backdrop; a *thick* walker, a ball
of some radius, does not slip through gaps narrower than itself either. Edges are taken above
several multiples of the noise, because one product's outline is another one's wood grain.

Sources: Canny, "A Computational Approach to Edge Detection", PAMI 1986; Zhang, Chen, Zhang, Xu
and Hu, "Vectorizing Cartoon Animations", TVCG 2009, for the trapped ball.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from gpu_workers.imaging.segmentation.background import Field, Lab
from gpu_workers.imaging.segmentation.regions import (
    Mask,
    frame,
    grow,
    keep_main_parts,
    opened,
    reachable_from_frame,
)


@dataclass(frozen=True, slots=True)
class _Scale:
    """One smoothing of the photo, with the edges and gaps looked for in it."""

    sigma: float
    least: float
    """Edge strength in Lab units to a pixel that JPEG leaves on flat paper."""
    multiples: tuple[float, ...]
    """Of the frame's median edge strength: what counts as an edge."""
    radii: tuple[int, ...]
    """Half of the widest gap that is closed."""


_SCALES: Final = (
    _Scale(2.2, 0.20, (2.5, 4.0, 7.0), (1, 4, 8)),
    _Scale(1.0, 0.35, (2.5, 4.0, 7.0, 12.0), (1, 3)),
)
_HYSTERESIS: Final = 0.4
"""An edge goes on, once found, down to this share of the strength it needs to begin."""
_FIXED_POINT: Final = 200.0
_FRAME_SHARE: Final = 0.08
_SMALLEST, _LARGEST = 0.004, 0.9
"""Shares of the frame between which a closed region can be a product."""
_PART_SHARE: Final = 0.08
_CLEAR: Final = 7.0
"""Multiple of the frame's median edge strength that noise reaches nowhere."""


def closed_regions(lab: Lab, *, least_multiple: float = 0.0) -> Iterator[tuple[str, Mask]]:
    """Yield what outlines close off, by a name that tells the scale, the strength and the gap.

    Parameters
    ----------
    lab
        (h, w, 3) float32, CIE Lab, the photo at work size.
    least_multiple
        Of the frame's median edge strength: weaker edges are left out.
    """
    for scale in _SCALES:
        slopes = _steepest(np.asarray(cv2.GaussianBlur(lab, (0, 0), scale.sigma), np.float32))
        noise = float(np.median(np.hypot(*slopes)[frame(lab.shape[:2], _FRAME_SHARE)]))
        for multiple in scale.multiples:
            if multiple < least_multiple:
                continue
            outline = _edges(slopes, max(scale.least, multiple * noise))
            for radius in scale.radii:
                mask = opened(enclosed(outline, radius), 1 if radius < 3 else 2)
                mask = keep_main_parts(mask, share=_PART_SHARE)
                if _SMALLEST < float(mask.mean()) < _LARGEST:
                    yield f"outline {scale.sigma:.0f}/{multiple:g}/{radius}", mask


def closes_off_something(lab: Lab) -> bool:
    """Whether edges that no noise has close off a region the size of a product."""
    return any(True for _ in closed_regions(lab, least_multiple=_CLEAR))


def enclosed(outline: Mask, radius: int) -> Mask:
    """Return what a ball of ``radius`` that comes from outside does not cover.

    Parameters
    ----------
    outline
        (h, w) bool, edges; those along the frame itself are ignored.
    radius
        At least 1.
    """
    barrier = outline & ~frame(outline.shape, 0.0)
    return ~grow(reachable_from_frame(grow(barrier, radius)), radius)


def _steepest(lab: Lab) -> tuple[Field, Field]:
    """Return the slopes across and down, at each pixel of the channel that changes most."""
    across = cv2.Sobel(lab, cv2.CV_32F, 1, 0, ksize=3, scale=1 / 8)
    down = cv2.Sobel(lab, cv2.CV_32F, 0, 1, ksize=3, scale=1 / 8)
    channel = (across**2 + down**2).argmax(axis=2)[..., None]
    across, down = (np.take_along_axis(each, channel, axis=2)[..., 0] for each in (across, down))
    return np.asarray(across, np.float32), np.asarray(down, np.float32)


def _edges(slopes: tuple[Field, Field], strength: float) -> Mask:
    across, down = (_to_fixed(each) for each in slopes)
    begin = strength * _FIXED_POINT
    lines = cv2.Canny(across, down, _HYSTERESIS * begin, begin, L2gradient=True)
    return np.asarray(lines > 0)


def _to_fixed(slope: Field) -> npt.NDArray[np.int16]:
    return np.asarray(np.clip(slope * _FIXED_POINT, -32_000, 32_000), np.int16)
