"""The product in another color.

Owns which part is dyed, the measure of the color reached and what is said about it. The dyed part
counts as made: the certificate of fidelity is about the rest.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import cv2
import numpy as np

from gpu_workers.errors import OrderInvalid, SourceUnusable
from gpu_workers.imaging.arrays import Cutout, Matte
from gpu_workers.imaging.codec import Source
from gpu_workers.imaging.color import from_hex
from gpu_workers.imaging.dye_region import dye_region
from gpu_workers.imaging.recolor import recolor
from gpu_workers.kind_options.variant import VariantOptions
from gpu_workers.pipelines.cutout import Subject
from gpu_workers.pipelines.inputs import Inputs
from gpu_workers.typed_fields import HEX

_LEAST_SHARE: Final = 0.005
"""A smaller part of the product is a speck, not what somebody wants in another color."""


def obtain_variant(inputs: Inputs) -> Subject:
    """Return the product with a part of it in the target color.

    Raises
    ------
    OrderInvalid
        If the mask that the template asks for is missing, or the text ``target`` is no color.
    SourceUnusable
        If nothing of the product lies in the region.
    """
    options: VariantOptions = inputs.order.scene.options
    target = _target(inputs, options)
    subject = inputs.subject()
    region = _region(inputs, subject, options)
    matte = subject.cutout.matte
    share = float((region * matte).sum() / max(1e-6, float(matte.sum())))
    if share < _LEAST_SHARE or not (region > 0.5).any():
        raise SourceUnusable(
            "no part of the product lies in the region to recolor; paint the mask over the "
            "product, or recolor the whole product"
        )
    dyed = recolor(subject.cutout.color, region, from_hex(target))
    missed = dyed.measured_delta_e > options.delta_e
    return replace(
        subject,
        cutout=Cutout(dyed.color, matte, subject.cutout.confidence),
        made=region,
        checks={
            **subject.checks,
            "target_color": target,
            "color_delta_e": dyed.measured_delta_e,
            "recolored_share": round(share, 4),
        },
        warnings=(*subject.warnings, *(("color_not_reached",) if missed else ())),
    )


def _target(inputs: Inputs, options: VariantOptions) -> str:
    words = inputs.order.texts.get("target")
    if words is None:
        return options.target
    if not HEX.match(words.lower()):
        raise OrderInvalid(f"target {words!r}: write a color as #rrggbb")
    return words.lower()


def _region(inputs: Inputs, subject: Subject, options: VariantOptions) -> Matte:
    cutout = subject.cutout
    if options.region == "mask":
        return _masked(inputs, subject)
    if options.region == "product":
        return np.asarray(cutout.matte > 0, np.float32)
    near = None if options.source is None else from_hex(options.source)
    region, _ = dye_region(cutout.color, cutout.matte, near)
    return region


def _masked(inputs: Inputs, subject: Subject) -> Matte:
    """Return the light part of the mask picture, in the frame of the subject."""
    source = inputs.needed_picture("region")
    photo = inputs.source().photo
    light = _lightness(source)
    full = cv2.resize(light, (photo.shape[1], photo.shape[0]), interpolation=cv2.INTER_LINEAR)
    left, top = subject.corner
    height, width = subject.cutout.matte.shape
    region = full[top : top + height, left : left + width].astype(np.float32)
    region[subject.cutout.matte == 0] = 0
    return region


def _lightness(source: Source) -> Matte:
    gray = cv2.cvtColor(source.photo, cv2.COLOR_RGB2GRAY).astype(np.float32) / np.float32(255)
    return np.asarray(gray if source.alpha is None else gray * source.alpha, np.float32)
