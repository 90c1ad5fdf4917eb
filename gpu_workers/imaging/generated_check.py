"""Whether a generated backdrop kept to itself or let the product grow.

Owns the look at a generated picture before the product's own pixels are pasted back. Networks that
fill in a backdrop like to go on with what they see: bottles get taller, cups a second handle. Such
a growth continues the product's color over its contour without an edge, and ends somewhere in the
picture. A backdrop that happens to have the product's color does not end: it is no growth.

Works on any picture, whoever made it, without a network. Source: the fault is described as "object
expansion" by Eshratifar et al., "Salient Object-Aware Background Generation using Text-Guided
Diffusion Models" (CVPR Workshops 2024); the test is our own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from gpu_workers.imaging.arrays import Matte, Photo

Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float32]

LEAST_IOU: Final = 0.97
"""Overlap of the product with itself as generated, below which a picture is thrown away."""

_WORK_PX: Final = 384
"""Longest side on which is looked; distances below are shares of the product's longest side."""
_REACH: Final = 0.4
"""How far from the product a growth is looked for."""
_RIM: Final = 0.02
"""Width of the rim inside the contour that a growth would go on from."""
_SLIT: Final = 0.012
"""Half the width of the narrowest growth: thinner are shadow lines and blur."""
_ALIKE: Final = 11.0
"""Distance in Lab up to which a pixel has the color of the rim nearest to it."""
_EDGE: Final = 9.0
"""Step in Lab between neighbors, over two pixels, that ends a surface."""
_PALETTE: Final = 10
"""Colors that product and backdrop are each described by."""
_KNOWN: Final = 12.0
"""Distance in Lab up to which a pixel has a color of a palette."""
_RATHER: Final = 0.6
"""Share of its distance to the backdrop's palette within which a pixel is rather the product's."""
_LEAST_SHARE: Final = 0.03
"""Share of the backdrop that a color must have to be the backdrop's: a growth has less."""
_LEAVES: Final = 0.7
"""Stretch of the picture's border that a growth may leave it by."""
_CONTACT: Final = 0.15
"""Height above the base within which a shadow can touch the product."""
_SHADE: Final = 7.0
"""Distance in a* and b* up to which a dark pixel is a color of the backdrop in shadow."""


@dataclass(frozen=True, slots=True)
class GeneratedCheck:
    """What was seen."""

    silhouette_iou: float
    """Product over product with its growth, 0 to 1: 1 is no growth."""

    @property
    def is_kept(self) -> bool:
        """Whether the product kept its shape."""
        return self.silhouette_iou >= LEAST_IOU


def check_growth(picture: Photo, matte: Matte) -> GeneratedCheck:
    """Look for what a network added to a product.

    Parameters
    ----------
    picture
        (h, w, 3) uint8: as generated, with the product as the network drew it.
    matte
        (h, w) float32, 0 to 1: the product as it was placed.

    Raises
    ------
    ValueError
        If the sizes differ.
    """
    if picture.shape[:2] != matte.shape:
        raise ValueError(f"shapes differ: {picture.shape}, {matte.shape}")
    small, solid = _scaled(picture, matte)
    size = int(solid.sum())
    if size == 0:
        return GeneratedCheck(1.0)
    grown = int(_growth(small, solid).sum())
    return GeneratedCheck(round(size / (size + grown), 4))


def _scaled(picture: Photo, matte: Matte) -> tuple[Photo, Mask]:
    height, width = matte.shape
    scale = min(1.0, _WORK_PX / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    solid = cv2.resize(matte, size, interpolation=cv2.INTER_AREA) > 0.5
    return np.asarray(small, np.uint8), np.asarray(solid, np.bool_)


def _growth(picture: Photo, solid: Mask) -> Mask:
    """Return what goes on from the product and ends."""
    rows, columns = np.flatnonzero(solid.any(axis=1)), np.flatnonzero(solid.any(axis=0))
    longest = max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1
    lab = cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    calm = np.asarray(cv2.bilateralFilter(lab, 5, 12, 2), np.float32)
    rim_color, distance = _nearest_rim(calm, solid, max(2, round(_RIM * longest)))
    reach = _REACH * longest
    around = ~solid & (distance <= reach)
    alike = np.linalg.norm(calm - rim_color, axis=2) < _ALIKE
    far = ~solid & (distance > reach / 2)
    behind = _backdrop_colors(calm, far)
    shaded = _in_shadow(calm, behind)
    # The contact shadow of a dark product has its color and no edge to it.
    on_ground = np.zeros_like(solid)
    on_ground[round(rows[-1] - _CONTACT * longest) :] = True
    goes_on = alike & ~_edges(calm) & ~(shaded & on_ground)
    surface = around & (goes_on | (_of_product(calm, solid, behind) & ~shaded))
    slit = max(1, round(_SLIT * longest))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * slit + 1, 2 * slit + 1))
    # Opened together with the product, so that what hangs on it by its full width stays.
    opened = cv2.morphologyEx((surface | solid).astype(np.uint8), cv2.MORPH_OPEN, kernel) > 0
    candidate = (opened & surface).astype(np.uint8)
    count, parts, boxes, _ = cv2.connectedComponentsWithStats(candidate, connectivity=4)
    touching = cv2.dilate(solid.astype(np.uint8), kernel) > 0
    border = _border(solid.shape) & ~touching
    too_far = distance > reach - 2
    grown = np.zeros(solid.shape, np.bool_)
    for number in range(1, count):
        part = parts == number
        if boxes[number, cv2.CC_STAT_AREA] < slit * slit:
            continue
        # A backdrop of the product's color goes on; a product that outgrew the frame leaves it
        # on a stretch no longer than itself.
        leaves = int((part & border).sum())
        if (part & touching).any() and not (part & too_far).any() and leaves < _LEAVES * longest:
            grown |= part
    return grown


def _backdrop_colors(lab: Floats, far: Mask) -> Floats:
    if far.sum() < _PALETTE:
        return np.empty((0, 3), np.float32)
    colors, share = _palette(lab[far])
    return colors[share >= _LEAST_SHARE]


def _of_product(lab: Floats, solid: Mask, behind: Floats) -> Mask:
    """Return the pixels of a color of the product and of none of the backdrop.

    Sees textured growths, whose own edges cut them off from the rim.
    """
    if not len(behind):
        return np.zeros(solid.shape, np.bool_)
    own, _ = _palette(lab[solid])
    to_own = _distance(lab, own)
    return np.asarray((to_own < _KNOWN) & (to_own < _RATHER * _distance(lab, behind)), np.bool_)


def _in_shadow(lab: Floats, behind: Floats) -> Mask:
    shaded = np.zeros(lab.shape[:2], np.bool_)
    for light, a, b in behind:
        # In shadow a color keeps its hue and loses chroma as it loses light.
        ratio = np.clip(lab[..., 0] / max(light, 1.0), 0, 1)
        off = np.hypot(lab[..., 1] - a * ratio, lab[..., 2] - b * ratio)
        shaded |= (lab[..., 0] < light) & (off < _SHADE)
    return shaded


def _palette(colors: Floats) -> tuple[Floats, Floats]:
    """Return at most ten colors (k, 3) in Lab and the share of each."""
    step = max(1, len(colors) // 4000)
    chosen = np.ascontiguousarray(colors[::step], np.float32)
    count = min(_PALETTE, len(chosen))
    stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 12, 0.5)
    cv2.setRNGSeed(1)
    start = np.zeros((len(chosen), 1), np.int32)
    _, labels, centers = cv2.kmeans(chosen, count, start, stop, 1, cv2.KMEANS_PP_CENTERS)
    share = np.bincount(labels.ravel(), minlength=count) / len(chosen)
    return np.asarray(centers, np.float32), np.asarray(share, np.float32)


def _distance(lab: Floats, palette: Floats) -> Floats:
    nearest = np.full(lab.shape[:2], np.inf, np.float32)
    for color in palette:
        np.minimum(nearest, np.linalg.norm(lab - color, axis=2), out=nearest)
    return nearest


def _nearest_rim(lab: Floats, solid: Mask, rim: int) -> tuple[Floats, Floats]:
    """Return for each pixel the color of the product's rim nearest to it, and how far it is."""
    kernel = np.ones((3, 3), np.uint8)
    # Not the outermost pixels: they are half backdrop.
    inner = cv2.erode(solid.astype(np.uint8), kernel, iterations=2)
    if not inner.any():
        inner = solid.astype(np.uint8)
    weight = inner.astype(np.float32)
    sum_of = cv2.GaussianBlur(lab * weight[..., np.newaxis], (0, 0), rim / 2)
    share = cv2.GaussianBlur(weight, (0, 0), rim / 2)
    even = sum_of / np.maximum(share, 1e-4)[..., np.newaxis]
    distance, labels = cv2.distanceTransformWithLabels(
        1 - inner, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    of_label = np.zeros((int(labels.max()) + 1, 3), np.float32)
    inside = inner > 0
    of_label[labels[inside]] = even[inside]
    return of_label[labels], np.asarray(distance, np.float32)


def _edges(lab: Floats) -> Mask:
    across = cv2.filter2D(lab, cv2.CV_32F, np.array([[-1, 0, 1]], np.float32))
    down = cv2.filter2D(lab, cv2.CV_32F, np.array([[-1], [0], [1]], np.float32))
    step = np.sqrt((across**2).sum(axis=2) + (down**2).sum(axis=2))
    return np.asarray(step > _EDGE, np.bool_)


def _border(shape: tuple[int, ...]) -> Mask:
    border = np.zeros(shape, np.bool_)
    border[[0, -1]] = True
    border[:, [0, -1]] = True
    return border
