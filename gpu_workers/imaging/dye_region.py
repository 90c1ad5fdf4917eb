"""Which part of a product has one color: the cloth without its print, the cap without its bottle.

Owns the search for colors in a cutout and the soft mask of one of them. Images are (h, w, 3)
float32 linear sRGB.

Source: Lloyd, "Least squares quantization in PCM" (1982), through OpenCV's k-means.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from gpu_workers.imaging.arrays import Image, Matte
from gpu_workers.imaging.color import to_lab

Labs: TypeAlias = npt.NDArray[np.float64]

_CLUSTERS: Final = 6
_LIGHTNESS_WEIGHT: Final = 0.4
"""Lightness against chroma: a fold changes lightness by 30 and is the same cloth."""
_STRAY: Final = 8.0
"""How far the chroma of a fold may lie from that of its cloth in that light."""
_BLACK, _DARK = 12.0, 35.0
"""Lightness under which a camera records little of a color: there twice the stray is still the
same cloth, if that is dark itself."""
_GRAY: Final = 14.0
"""Chroma from which a hue can be told, and below which lightness has to tell colors apart: a
white print on black."""
_SAME_HUE_DEG: Final = 22.0
_FOLD: Final = 34.0
"""Lightness by which a fold may differ from the next darker one of a gray cloth."""
_LEAST_SHARE: Final = 0.02
"""A rarer color links no others: the soft border of a print leads from the cloth to its ink."""
_SAMPLES: Final = 20_000
_SOFT: Final = 0.22
"""Half width of the soft border between the region and the rest, in relative distance."""
_STRIP_ROWS: Final = 256


def dye_region(
    color: Image, matte: Matte, near: npt.NDArray[np.floating] | None = None
) -> tuple[Matte, float]:
    """Return where a product has one color.

    Parameters
    ----------
    color, matte
        The cutout.
    near
        (3,) linear sRGB: the color that is looked for; the most frequent one if None.

    Returns
    -------
    (h, w) float32, 0 to 1, and its share of the product, 0 to 1.

    Raises
    ------
    ValueError
        If the matte is empty.
    """
    inside = np.flatnonzero(matte.reshape(-1) > 0.95)
    if inside.size == 0:
        raise ValueError("the matte is empty")
    sample = to_lab(color.reshape(-1, 3)[inside[:: -(-inside.size // _SAMPLES)]])
    centers, counts = _clusters(sample)
    if near is None:
        chosen = int(np.argmax(counts))
    else:
        wanted = to_lab(np.asarray(near, np.float64))
        chosen = int(np.argmin(_distance(centers, wanted)))
    belongs = _linked(centers, counts, chosen)
    region = _membership(color, matte, centers, belongs)
    region = np.asarray(cv2.GaussianBlur(cv2.medianBlur(region, 3), (0, 0), 0.7), np.float32)
    region[matte == 0] = 0
    share = float((region * matte).sum() / max(1e-6, float(matte.sum())))
    return region, share


def _clusters(sample: Labs) -> tuple[Labs, npt.NDArray[np.int64]]:
    weighted = (sample * (_LIGHTNESS_WEIGHT, 1, 1)).astype(np.float32)
    count = min(_CLUSTERS, len(weighted))
    cv2.setRNGSeed(7)
    criteria = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 40, 0.05)
    labels = np.zeros((len(weighted), 1), np.int32)
    _, _, centers = cv2.kmeans(weighted, count, labels, criteria, 3, cv2.KMEANS_PP_CENTERS)
    counts = np.bincount(labels.reshape(-1), minlength=count)
    return np.asarray(centers, np.float64) / (_LIGHTNESS_WEIGHT, 1, 1), counts


def _distance(labs: Labs, center: Labs) -> npt.NDArray[np.float64]:
    return np.asarray(np.linalg.norm((labs - center) * (_LIGHTNESS_WEIGHT, 1, 1), axis=-1))


def _linked(centers: Labs, counts: npt.NDArray[np.int64], chosen: int) -> npt.NDArray[np.bool_]:
    """Return which clusters are the chosen one's cloth in more or less light.

    Folds follow one another without a gap, so what is the same as a part of the cloth is cloth.
    """
    belongs = np.zeros(len(centers), np.bool_)
    belongs[chosen] = True
    links = [chosen]
    while links:
        link = centers[links.pop()]
        for other in np.flatnonzero(~belongs):
            if _is_same_dye(link, centers[other]):
                belongs[other] = True
                if counts[other] >= _LEAST_SHARE * counts.sum():
                    links.append(int(other))
    return belongs


def _is_same_dye(one: Labs, other: Labs) -> bool:
    bright, dark = (one, other) if one[0] >= other[0] else (other, one)
    chroma = max(float(np.hypot(*one[1:])), float(np.hypot(*other[1:])))
    lit = (dark[0] + 16) / (bright[0] + 16)
    allowed = 2 * _STRAY if dark[0] < _BLACK and bright[0] < _DARK else _STRAY
    if np.linalg.norm(dark[1:] - bright[1:] * lit) <= allowed:
        return bool(chroma > _GRAY or bright[0] - dark[0] < _FOLD)
    # Gloss pales a color without turning its hue.
    turn = float(np.degrees(np.arctan2(one[2], one[1]) - np.arctan2(other[2], other[1])))
    is_same_hue = abs((turn + 180) % 360 - 180) < _SAME_HUE_DEG
    return is_same_hue and min(np.hypot(*one[1:]), np.hypot(*other[1:])) > _GRAY


def _membership(color: Image, matte: Matte, centers: Labs, belongs: npt.NDArray[np.bool_]) -> Matte:
    """Return how much nearer each pixel is to the clusters of the region than to the others."""
    region = np.zeros(matte.shape, np.float32)
    if belongs.all():
        region[matte > 0] = 1
        return region
    for top in range(0, matte.shape[0], _STRIP_ROWS):
        rows = slice(top, top + _STRIP_ROWS)
        seen = matte[rows] > 0
        lab = to_lab(color[rows][seen])
        apart = np.stack([_distance(lab, center) for center in centers])
        within, beyond = apart[belongs].min(axis=0), apart[~belongs].min(axis=0)
        lead = (beyond - within) / np.maximum(beyond + within, 1e-6)
        step = np.clip((lead + _SOFT) / (2 * _SOFT), 0, 1)
        region[rows][seen] = step * step * (3 - 2 * step)
    return region
