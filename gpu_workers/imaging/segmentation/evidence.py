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
from gpu_workers.imaging.segmentation.background import Backdrop, Field, Lab, color_edges, grain
from gpu_workers.imaging.segmentation.regions import (
    Mask,
    closed,
    grow,
    opened,
    reachable_from_frame,
    regions,
    touching,
)

_FLOOR = 1e-3
"""Least linear light, so that logarithms of black stay finite."""
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)
_TINTED = 14.0
"""Chroma of a backdrop from which a hole in a product is known by its hue."""
_COLORFUL = 30.0
"""Chroma of a backdrop from which a darker pixel of the same hue can only be its shadow; wood,
with 25, has the hue of leather, linen and cardboard."""
_FAITHFUL_NOISE = 1.3
"""Noise of a backdrop up to which a patch that equals it is taken for a see-through hole; on
bedding and cloth a white dial or label equals it just as well."""


_FADING = 4.0
"""Distance from the backdrop up to which the rim of a hole still belongs to it."""
_LEAST_PATCH_PX = 25
"""Pixels below which a patch is too small to be judged."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Facts about each pixel of a photo on a plain backdrop."""

    product: Mask
    """Differs from the backdrop and is no shadow."""
    shadow: Mask
    """Differs from the backdrop only by less light."""
    enclosed: Mask
    """Cannot be reached from the frame across differences and contours."""
    hole: Mask
    """Equals the local backdrop over a solid flat patch: backdrop, also seen through a product."""
    deviation: Field
    """Distance from the backdrop in units of its noise."""

    def is_empty(self, share: float) -> bool:
        """Whether no solid patch over ``share`` of the frame differs or is enclosed."""
        solid = opened(self.product | self.enclosed, 1)
        largest = max((area for _, area, _ in regions(solid)), default=0)
        return largest < share * solid.size


def read_evidence(photo: Photo, lab: Lab, backdrop: Backdrop) -> Evidence:
    """Compare a photo with its plain backdrop.

    Parameters
    ----------
    photo
        (h, w, 3) uint8, the scaled photo.
    lab
        (h, w, 3) float32, the same in CIE Lab.
    backdrop
        Its plain backdrop at the same size.
    """
    residual = lab - backdrop.lab
    chroma = np.hypot(residual[..., 1], residual[..., 2])
    lightness = np.abs(residual[..., 0])
    deviation = np.hypot(lightness / backdrop.noise_l, chroma / backdrop.noise_c)
    differs = (lightness > max(2.5, 4.5 * backdrop.noise_l)) | (
        chroma > max(2.5, 4.5 * backdrop.noise_c)
    )
    edges = color_edges(lab)
    hole = _holes(lab, residual, edges, backdrop)
    shadow = differs & _shadow(photo, lab, backdrop, hole)
    product = differs & ~shadow
    return Evidence(
        product=product,
        shadow=shadow,
        enclosed=_enclosed(photo, product) & ~opened(shadow, 2),
        hole=hole,
        deviation=np.asarray(deviation, np.float32),
    )


def bare(lab: Lab, backdrop: Backdrop) -> Mask:
    """Return what is as good as the plain backdrop's color and has no edge."""
    tinted = np.hypot(backdrop.lab[..., 1], backdrop.lab[..., 2]) > _TINTED
    return _flat(lab - backdrop.lab, color_edges(lab), tinted, backdrop)


def openings(mask: Mask, flat: Mask, lab: Lab, backdrop: Backdrop) -> Mask:
    """Return where the plain backdrop shows through a closed mask, judged patch by patch.

    Unlike `Evidence.hole` this asks the mask's own outline, not a walk from the frame, so a pale
    product does not leak away over a faint edge. ``flat`` is `bare` of the same photo.
    """
    residual = lab - backdrop.lab
    tinted = np.hypot(backdrop.lab[..., 1], backdrop.lab[..., 2]) > _TINTED
    through = np.zeros(mask.shape, bool)
    for patch, area, box in regions(opened(flat & mask, 2)):
        if area >= _LEAST_PATCH_PX and _equals_backdrop(
            lab[box][patch],
            residual[box][patch],
            backdrop,
            is_tinted=bool(tinted[box][patch].all()),
        ):
            through[box] |= patch
    near = np.linalg.norm(residual, axis=2) < np.maximum(_reach(tinted, backdrop), _FADING)
    return np.asarray(mask & grow(through, 2) & near)


def other_light(photo: Photo, lab: Lab, backdrop: Backdrop) -> tuple[Mask, Mask]:
    """Return where a pixel could be the backdrop in other light, and where it must be.

    Other light scales all channels alike, but for what neighboring products reflect. On a
    colorful backdrop a darker pixel of its hue can be nothing else.
    """
    bright = _lab_to_linear(backdrop.lab)
    share = (to_linear(photo) @ _LUMINANCE) / np.maximum(bright @ _LUMINANCE, _FLOOR)
    scaled = bright * np.clip(share, 0.01, 1.2)[..., None]
    expected = np.asarray(cv2.cvtColor(scaled.astype(np.float32), cv2.COLOR_LRGB2LAB), np.float32)
    tint = np.hypot(lab[..., 1] - expected[..., 1], lab[..., 2] - expected[..., 2])
    chroma = np.hypot(expected[..., 1], expected[..., 2])
    colorful = np.hypot(backdrop.lab[..., 1], backdrop.lab[..., 2]) > _COLORFUL
    could = (share > 0.26) & (share < 1.12) & (tint < np.maximum(7.0, 0.3 * chroma))
    must = colorful & (share > 0.04) & (share < 0.98) & (tint < 0.35 * chroma)
    return np.asarray(could), np.asarray(must)


def _shadow(photo: Photo, lab: Lab, backdrop: Backdrop, bare: Mask) -> Mask:
    """Tell the backdrop in other light from a product that is merely darker.

    A shadow is reached from bare backdrop over small steps of lightness, a product only across
    the edge it has. On a colorful backdrop the hue decides alone, so hard shadows go as well.
    """
    could, must = other_light(photo, lab, backdrop)
    lightness = np.ascontiguousarray(lab[..., 0])
    even = color_edges(lightness) < 2.2 / _unit(lab) + grain(lightness)
    soft = touching((could | bare) & even, bare)
    return np.asarray(must | (could & grow(soft, 2)))


def _lab_to_linear(lab: Lab) -> npt.NDArray[np.float32]:
    return np.asarray(cv2.cvtColor(lab, cv2.COLOR_LAB2LRGB), np.float32)


def _unit(lab: Lab) -> int:
    """Return the pixels at this size that are one at 480, where distances were tuned."""
    long_side: int = max(lab.shape[:2])
    return max(1, round(long_side / 480))


def _enclosed(photo: Photo, product: Mask) -> Mask:
    contours = cv2.Canny(cv2.GaussianBlur(photo, (0, 0), 1.2), 18, 45) > 0
    barrier = closed(product | contours, 3)
    barrier[:2] = barrier[-2:] = False
    barrier[:, :2] = barrier[:, -2:] = False
    return opened(~reachable_from_frame(barrier), 3)


def _holes(lab: Lab, residual: Lab, edges: Field, backdrop: Backdrop) -> Mask:
    distance = np.linalg.norm(residual, axis=2)
    tinted = np.hypot(backdrop.lab[..., 1], backdrop.lab[..., 2]) > _TINTED
    flat = _flat(residual, edges, tinted, backdrop)
    holes = np.zeros(lab.shape[:2], bool)
    outside = reachable_from_frame(~flat)
    for patch, area, box in regions(opened(flat, 2)):
        if area < _LEAST_PATCH_PX:
            continue
        if outside[box][patch].any() or _equals_backdrop(
            lab[box][patch],
            residual[box][patch],
            backdrop,
            is_tinted=bool(tinted[box][patch].all()),
        ):
            holes[box] |= patch
    return np.asarray(grow(holes, 2) & (distance < np.maximum(_reach(tinted, backdrop), _FADING)))


def _flat(residual: Lab, edges: Field, tinted: Mask, backdrop: Backdrop) -> Mask:
    """Return what is as good as the backdrop's color and has no edge."""
    distance = np.linalg.norm(residual, axis=2)
    even = edges < max(1.5, 1.6 * backdrop.noise_l)
    return np.asarray((distance < _reach(tinted, backdrop)) & even)


def _reach(tinted: Mask, backdrop: Backdrop) -> Field:
    noise = (backdrop.noise_l + backdrop.noise_c) / 2
    return np.where(tinted, 6.0, max(2.2, 2.2 * noise)).astype(np.float32)


def _equals_backdrop(
    colors: npt.NDArray[np.float32],
    residual: npt.NDArray[np.float32],
    backdrop: Backdrop,
    *,
    is_tinted: bool,
) -> bool:
    """Tell a see-through hole from a part of the product that happens to be as pale.

    On a tinted backdrop equal hue is proof enough; its lightness may change behind a product.
    """
    middle = np.abs(np.median(residual, axis=0))
    if is_tinted:
        return float(np.hypot(middle[1], middle[2])) < 3.0
    variation = float(colors.std(axis=0).max())
    noise = backdrop.noise_l
    is_equal = float(middle.max()) < max(0.8, 0.9 * noise) and variation < max(1.6, 2.2 * noise)
    return noise < _FAITHFUL_NOISE and is_equal
