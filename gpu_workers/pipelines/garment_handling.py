"""A garment taken off its hanger and turned upright.

Owns the turn of cutout and photo together, so that the certificate of fidelity still compares like
with like, and what is said where a hanger was seen.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from gpu_workers.imaging.arrays import Cutout, Matte, to_linear, to_photo
from gpu_workers.imaging.framing import product_box
from gpu_workers.imaging.garment_pose import GarmentPose
from gpu_workers.imaging.hanger import without_hook
from gpu_workers.pipelines.cutout import Subject

_LEAST_TILT_DEG: Final = 0.4
"""A smaller tilt is not seen, and turning costs a little sharpness."""
_TRACE: Final = 0.02
"""Opacity below which the turn's interpolation left nothing but a trace."""


def unhooked(subject: Subject) -> Subject:
    """Return the subject without the hook of a hanger above it; its bar may still show inside."""
    matte = without_hook(subject.cutout.matte)
    box = None if matte is None else product_box(matte)
    if matte is None or box is None:
        return subject
    return replace(
        subject,
        cutout=Cutout(subject.cutout.color, matte, subject.cutout.confidence),
        product=box,
        checks={**subject.checks, "hook_removed": True},
        warnings=(*subject.warnings, "hanger_may_show"),
    )


def upright(subject: Subject, pose: GarmentPose | None) -> Subject:
    """Return the subject turned by its tilt, where that is plainly told."""
    if pose is None or not pose.is_sure or abs(pose.tilt_deg) < _LEAST_TILT_DEG:
        return subject
    straight = turned(subject, pose.tilt_deg)
    return replace(straight, checks={**subject.checks, "straightened_deg": round(pose.tilt_deg, 2)})


def turned(subject: Subject, degrees: float) -> Subject:
    """Return a subject turned counterclockwise about its middle, in a frame that holds it whole.

    Light is interpolated, bicubic, premultiplied: soft edges keep their color.
    """
    width, height = subject.frame
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    cos, sin = abs(turn[0, 0]), abs(turn[0, 1])
    size = (int(np.ceil(width * cos + height * sin)), int(np.ceil(width * sin + height * cos)))
    turn[0, 2] += (size[0] - width) / 2
    turn[1, 2] += (size[1] - height) / 2

    def warp(array: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        warped = cv2.warpAffine(array, turn, size, flags=cv2.INTER_CUBIC)
        return np.asarray(warped, np.float32)

    opacity = subject.cutout.matte[..., np.newaxis]
    matte = np.clip(warp(subject.cutout.matte), 0, 1)
    matte[matte < _TRACE] = 0
    color = warp(subject.cutout.color * opacity) / np.maximum(matte, _TRACE)[..., np.newaxis]
    photo = cv2.warpAffine(
        to_linear(subject.photo), turn, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    box = product_box(matte)
    return replace(
        subject,
        cutout=Cutout(np.clip(color, 0, 1), matte, subject.cutout.confidence),
        photo=to_photo(np.clip(photo, 0, 1).astype(np.float32)),
        product=subject.product if box is None else box,
        made=None if subject.made is None else _clipped(warp(subject.made)),
    )


def _clipped(matte: Matte) -> Matte:
    return np.asarray(np.clip(matte, 0, 1), np.float32)
