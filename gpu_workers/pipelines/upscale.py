"""A photo with more pixels: the whole of it, as large as the canvas allows.

Owns the size, the opacity and what is said about the result; how pixels are made is
`imaging.upscaling`. Where the canvas has other proportions, the scene's color fills the rest.
"""

from __future__ import annotations

from typing import Any, Final

import cv2
import numpy as np

from gpu_workers.imaging.arrays import Cutout, Image, from_encoded, to_linear
from gpu_workers.imaging.color import from_hex
from gpu_workers.imaging.framing import Box, paste, resample
from gpu_workers.imaging.upscaling import enlarge, reduction_error
from gpu_workers.pipelines.cutout import Subject
from gpu_workers.pipelines.finishing import Composition
from gpu_workers.pipelines.inputs import Inputs
from gpu_workers.protocol import RenderOrder

ENGINE: Final = "classical-upscale/1"

_MOST: Final = 4.0
"""Beyond, edges stay sharp but there is nothing between them."""


def read_whole(inputs: Inputs) -> Subject:
    """Read the photo, all of which is the subject.

    Raises
    ------
    SourceUnusable
        If it cannot be read.
    """
    source = inputs.source()
    height, width = source.photo.shape[:2]
    matte = np.ones((height, width), np.float32) if source.alpha is None else source.alpha
    whole = Cutout(to_linear(source.photo), matte, confidence=1.0)
    return Subject(whole, source.photo, Box(0, 0, width, height), frozenset())


def compose_upscaled(
    subject: Subject, order: RenderOrder, canvas: tuple[int, int], fill: float
) -> Composition:
    """Enlarge the photo to the canvas; one that is larger already is made smaller."""
    width, height = subject.frame
    scale = min(canvas[0] / width, canvas[1] / height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    box = Box((canvas[0] - size[0]) // 2, (canvas[1] - size[1]) // 2, *size)
    source_matte = subject.cutout.matte
    is_clear = bool(source_matte.min() < 1)
    photo = subject.photo.astype(np.float32)
    if is_clear:
        photo = _bled(photo, source_matte)
    checks: dict[str, Any] = {"upscale": round(scale, 3)}
    if scale >= 1:
        enlarged = enlarge(photo, size)
        checks["reduction_error"] = round(reduction_error(photo, enlarged), 3)
        color = from_encoded(enlarged / np.float32(255))
        opacity = np.clip(enlarge(source_matte * np.float32(255), size) / np.float32(255), 0, 1)
    else:
        color = np.clip(resample(to_linear(subject.photo), size), 0, 1)
        opacity = np.clip(resample(source_matte, size), 0, 1)
    matte = np.zeros((canvas[1], canvas[0]), np.float32)
    paste(matte, np.asarray(opacity, np.float32), box)
    image = np.zeros((canvas[1], canvas[0], 3), np.float32)
    paste(image, np.asarray(color * opacity[..., np.newaxis], np.float32), box)
    is_transparent = order.scene.mode == "none"
    if not is_transparent:
        image += (1 - matte)[..., np.newaxis] * from_hex(order.scene.color)
    return Composition(
        image,
        matte,
        None,
        grain=0.0,
        transparent=is_transparent,
        engine=ENGINE,
        checks=checks,
        warnings=("enlarged",) if scale > _MOST else (),
    )


def _bled(photo: Image, matte: Image) -> Image:
    """Return the photo with its colors carried on under what is see-through.

    Files hold any color there, and enlarging would pull it into the edges.
    """
    weight = matte[..., np.newaxis]
    result, known = photo * weight, matte.copy()
    for sigma in (1.5, 4.0, 12.0):
        share = cv2.GaussianBlur(known, (0, 0), sigma)[..., np.newaxis]
        spread = cv2.GaussianBlur(result, (0, 0), sigma) / np.maximum(share, 1e-4)
        missing = 1 - known[..., np.newaxis]
        reached = np.clip(share * 50, 0, 1) * missing
        result = result + spread * reached
        known = known + reached[..., 0]
    return np.asarray(result / np.maximum(known, 1e-4)[..., np.newaxis], np.float32)
