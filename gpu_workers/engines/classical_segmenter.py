"""Cutouts without a trained network: the engine that is always there.

Owns the order of the steps from a source photo to a `Cutout` and what it reports meanwhile. The
steps themselves are pure functions of `imaging`. Deterministic: the same photo gives the same
cutout on the same library versions, whatever the number of threads.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import cv2
import numpy as np

from gpu_workers.engines.product_finder import likely_product
from gpu_workers.errors import SourceUnusable
from gpu_workers.imaging.arrays import Cutout, Matte, Photo
from gpu_workers.imaging.foreground import own_colors, spread_colors
from gpu_workers.imaging.matte import soft_matte
from gpu_workers.imaging.segmentation.alternatives import Alternative
from gpu_workers.imaging.segmentation.background import (
    Backdrop,
    fit_backdrop,
    to_lab,
)
from gpu_workers.imaging.segmentation.confidence import Choice, choose
from gpu_workers.imaging.segmentation.contours import closes_off_something
from gpu_workers.imaging.segmentation.evidence import read_evidence
from gpu_workers.imaging.segmentation.hypotheses import make_hypotheses, read_saliency
from gpu_workers.imaging.segmentation.judgement import read_scene
from gpu_workers.imaging.segmentation.refinement import refine
from gpu_workers.imaging.segmentation.regions import Mask, regions

VERSION: Final = "classical/3"

MIN_SIDE_PX: Final = 64
WORK_SIDE_PX: Final = 480
"""Longest side on which the product is looked for; all distances there were tuned at this size."""
REFINE_SIDE_PX: Final = 1100
"""Longest side on which the edge of the mask is re-cut before matting."""

_NOTHING_FOUND: Final = (
    "no product stands out from the backdrop; photograph it before one plain, contrasting color"
)

Report = Callable[[str, float], None]

_BLANK_RANGE: Final = 6.0
"""Least range of any channel, in 8-bit steps, between the 0.2 and 99.8 percent darkest pixels;
sensor noise and JPEG blocks stay below."""
_SOFT_SHADOW_PEAK: Final = 0.6
_FAINTEST: Final = 1.5 / 255
"""Opacity up to which a pixel of a transparent source is only rounding dust."""
_LEAST_PRODUCT: Final = 0.002
"""Share of the frame that must differ from a plain backdrop before a product is looked for."""


def segment(photo: Photo, *, report: Report | None = None) -> Cutout:
    """Free the product from its backdrop.

    Parameters
    ----------
    photo
        (h, w, 3) uint8, sRGB encoded, upright.
    report
        Called with the name of each step and the share done, 0 to 1.

    Raises
    ------
    SourceUnusable
        If the photo is smaller than 64 pixels, blank, or shows nothing that stands out.
    """
    tell = report or _silent
    refuse_hopeless(photo)
    tell("Finding the product", 0.0)
    choice, backdrop = find_product(photo)
    return _softened(
        photo, choice.mask, backdrop, choice.confidence, tell, is_outlined=choice.is_outlined
    )


def alternatives(photo: Photo) -> tuple[Alternative, ...]:
    """Return up to three other masks, the most different ones first.

    They differ from the mask that `segment` would take and from each other; none if every guess
    came out the same. `cutout_of_mask` makes a cutout of the one a person picks.

    Parameters
    ----------
    photo
        (h, w, 3) uint8, sRGB encoded, upright.

    Raises
    ------
    SourceUnusable
        Whenever `segment` does.
    """
    refuse_hopeless(photo)
    choice, _ = find_product(photo)
    return choice.alternatives


def cutout_of_mask(photo: Photo, mask: Mask, *, report: Report | None = None) -> Cutout:
    """Free what a person marked: its edge is found again close to the mask's.

    Parameters
    ----------
    photo
        (h, w, 3) uint8, sRGB encoded, upright.
    mask
        (h', w') bool, the same frame at the photo's size or smaller: an `Alternative` or a
        retouched mask.
    report
        Called with the name of each step and the share done, 0 to 1.

    Raises
    ------
    SourceUnusable
        If the photo is too small or blank, or the mask holds nothing or everything.
    ValueError
        If the mask is larger than the photo or shows another frame.
    """
    tell = report or _silent
    refuse_hopeless(photo)
    _refuse_other_frame(photo, mask)
    if not mask.any() or mask.all():
        what = "everything" if mask.any() else "nothing"
        raise SourceUnusable(f"{what} is marked as product; mark the product and leave the rest")
    backdrop = fit_backdrop(to_lab(_scaled(photo, WORK_SIDE_PX)))
    return _softened(photo, mask, backdrop, 1.0, tell)


def cutout_from_alpha(photo: Photo, alpha: Matte) -> Cutout:
    """Take the cutout a transparent source already carries, without its floor shadow.

    Parameters
    ----------
    photo
        (h, w, 3) uint8, sRGB encoded, not premultiplied; its colors under full transparency are
        ignored.
    alpha
        (h, w) float32, 0 to 1.

    Raises
    ------
    SourceUnusable
        If nothing in it is opaque.
    """
    _refuse_small(photo)
    if photo.shape[:2] != alpha.shape:
        raise SourceUnusable(f"color {photo.shape[:2]} and alpha {alpha.shape} differ in size")
    seen = alpha > _FAINTEST
    matte = np.where(seen, alpha, 0).astype(np.float32)
    for part, _, box in regions(seen, connectivity=8):
        if alpha[box][part].max() <= _SOFT_SHADOW_PEAK:
            matte[box][part] = 0
    if matte.max() <= _SOFT_SHADOW_PEAK:
        raise SourceUnusable("the transparent picture holds nothing opaque; upload the photo")
    return Cutout(color=spread_colors(photo, matte), matte=matte, confidence=1.0)


def find_product(photo: Photo) -> tuple[Choice, Backdrop]:
    """Return the best mask at work size with what speaks for it, and the backdrop behind it.

    Raises
    ------
    SourceUnusable
        If no guess at a mask survives.
    """
    small = _scaled(photo, WORK_SIDE_PX)
    lab = to_lab(small)
    backdrop = fit_backdrop(lab)
    evidence = read_evidence(small, lab, backdrop) if backdrop.is_plain else None
    has_no_color = evidence is not None and evidence.is_empty(_LEAST_PRODUCT)
    if has_no_color and not closes_off_something(lab):
        raise SourceUnusable(_NOTHING_FOUND)
    saliency = read_saliency(lab, likely_product(small))
    hypotheses = make_hypotheses(small, lab, backdrop, saliency, evidence)
    choice = choose(hypotheses, read_scene(lab, backdrop, saliency, evidence))
    if choice is None:
        raise SourceUnusable(_NOTHING_FOUND)
    return choice, backdrop


def _softened(
    photo: Photo,
    found: Mask,
    backdrop: Backdrop,
    confidence: float,
    tell: Report,
    *,
    is_outlined: bool = False,
) -> Cutout:
    tell("Refining the edge", 0.4)
    mask = _refined(photo, found, backdrop, is_outlined=is_outlined)
    tell("Softening the edge", 0.55)
    matte = soft_matte(photo, mask)
    tell("Cleaning edge colors", 0.85)
    color = own_colors(photo, matte)
    tell("Cutout done", 1.0)
    return Cutout(color=color, matte=matte, confidence=confidence)


def _refined(photo: Photo, found: Mask, backdrop: Backdrop, *, is_outlined: bool) -> Mask:
    middle = _scaled(photo, REFINE_SIDE_PX)
    height, width = middle.shape[:2]
    soft = cv2.resize(found.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    return refine(middle, np.asarray(soft > 0.5), backdrop, is_outlined=is_outlined)


def _scaled(photo: Photo, side_px: int) -> Photo:
    height, width = photo.shape[:2]
    scale = side_px / max(height, width)
    if scale >= 1:
        return photo
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(cv2.resize(photo, size, interpolation=cv2.INTER_AREA), np.uint8)


def _refuse_small(photo: Photo) -> None:
    height, width = photo.shape[:2]
    if min(height, width) < MIN_SIDE_PX:
        raise SourceUnusable(
            f"{width} x {height} px is too small; upload at least {MIN_SIDE_PX} px on each side"
        )


def refuse_hopeless(photo: Photo) -> None:
    """Refuse a photo in which no segmenter could find anything.

    Raises
    ------
    SourceUnusable
        If it is smaller than 64 pixels, or blank.
    """
    _refuse_small(photo)
    small = _scaled(photo, WORK_SIDE_PX).reshape(-1, 3).astype(np.float32)
    low, high = np.percentile(small, [0.2, 99.8], axis=0)
    if float((high - low).max()) < _BLANK_RANGE:
        raise SourceUnusable("the picture is one even color; upload a photo that shows a product")


def _refuse_other_frame(photo: Photo, mask: Mask) -> None:
    height, width = photo.shape[:2]
    rows, columns = mask.shape
    # Rounding a scaled side moves it by up to half a pixel; one more is another frame.
    is_alike = abs(rows * width - columns * height) <= max(height, width)
    if rows > height or columns > width or not is_alike:
        raise ValueError(f"a mask of {columns} x {rows} px does not fit {width} x {height} px")


def _silent(_step: str, _share: float) -> None:
    """Tell nobody."""
