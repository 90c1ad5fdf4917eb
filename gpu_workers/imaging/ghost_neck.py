"""The inside of a garment behind its open neck: built from its cloth, or from a photo of it.

Owns layers that lie behind the front. The front's own pixels never change: where it is opaque
nothing of a layer is seen. Images are (h, w, 3) float32 linear sRGB.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from gpu_workers.imaging.arrays import Cutout, Image, Matte
from gpu_workers.imaging.color import delta_e_2000, luminance, to_lab
from gpu_workers.imaging.garment_pose import GarmentPose
from gpu_workers.imaging.neckline import Neckline

Floats: TypeAlias = npt.NDArray[np.float32]
Points: TypeAlias = npt.NDArray[np.float64]

RISE: Final = 0.17
"""How far the back of a collar stands above its ends, in half neck widths."""
_TUCK: Final = 0.06
"""How far a layer reaches behind the front at the collar's ends, in half neck widths: without it
a gap opens there."""
_UNDER: Final = 4.0
"""How far it reaches behind the front's edge, in pixels of the photo."""
_LIT, _FALL = 0.84, 0.36
"""Light on the inside at its upper edge, and how much of it is lost at its deepest point: a tube
of cloth is lit from its mouth."""
_SIDES: Final = 0.22
_FRONT_SHADOW: Final = 0.30
_RIB: Final = 0.17
"""Height of the collar's own band on the inside, in half neck widths."""
_SEAM: Final = 0.16
_TEXTURE: Final = (0.86, 1.16)
_SAME_CLOTH: Final = 9.0
_SAME_TONE: Final = 34.0
"""CIEDE2000 at one lightness, and difference of lightness, up to which the inside is the front's
cloth in less light and takes its color; beyond, it is a lining and keeps its own."""
_GAIN: Final = (0.75, 1.35)
"""How far it is made darker or lighter then: the inside of a tube of cloth is darker in truth."""
_PHOTO_FALL: Final = 0.26
_BEND: Final = 0.12
"""How far the photo of the inside may be bent so that its collar meets the front's, in torso
widths."""


@dataclass(frozen=True, slots=True)
class Layer:
    """What lies behind the front."""

    color: Image
    matte: Matte


def behind(front: Cutout, layer: Layer) -> tuple[Cutout, Matte]:
    """Return the front over a layer, and how far each pixel is the layer's.

    Returns
    -------
    The cutout, its color exactly the front's where the front is opaque; and (h, w) float32, the
    share of each pixel that was made: above 0 exactly where the layer is seen.
    """
    seen = (1 - front.matte) * layer.matte
    matte = front.matte + seen
    share = np.where(matte > 0, seen / np.maximum(matte, 1e-6), 0).astype(np.float32)
    color = front.color.copy()
    mixed = seen > 0
    color[mixed] += (layer.color[mixed] - front.color[mixed]) * share[mixed][:, np.newaxis]
    return Cutout(color, np.asarray(np.clip(matte, 0, 1), np.float32), front.confidence), share


def built_neck(front: Cutout, neck: Neckline, cloth: Floats) -> Layer:
    """Build the inside of the back from the garment's own cloth.

    Parameters
    ----------
    cloth
        (3,) linear sRGB: the color of the cloth.

    Notes
    -----
    Right for plain cloth; a label, a tape or a print on the inside can only come from a photo.
    """
    matte = _opening(front.matte.shape, neck, arc_of(neck))
    shade = _inside_light(front.matte, neck, _LIT, _FALL)
    shade *= _collar_band(front.matte.shape, neck)
    texture = _texture(front, neck)
    color = cloth * (shade * texture)[..., np.newaxis]
    return Layer(np.asarray(np.clip(color, 0, 1), np.float32), matte)


def photographed_neck(
    front: Cutout, neck: Neckline, pose: GarmentPose, inside: Cutout, inside_pose: GarmentPose
) -> Layer:
    """Fit a photo of the inside of the back behind the open neck.

    It is scaled by the torso, set under the axis, and bent column by column so that its upper
    edge follows the back of the collar. If it is the same cloth, it takes the front's color.

    Parameters
    ----------
    inside, inside_pose
        The cutout of that photo, in its own frame, and its anatomy.
    """
    arc = arc_of(neck)
    columns = np.arange(front.matte.shape[1], dtype=np.float64)
    scale = inside_pose.torso_width / pose.torso_width
    center = float((neck.left[0] + neck.right[0]) / 2)
    from_x = inside_pose.axis + (columns - center) * scale
    top = _upper_edge(inside.matte, from_x)
    target = np.interp(columns, arc[:, 0], arc[:, 1])
    half = neck.width / 2
    here = np.abs(columns - center) <= half
    collar = float(np.median(top[here])) if here.any() else inside_pose.shoulder_row
    bend = np.clip(top - collar, -_BEND * inside_pose.torso_width, _BEND * inside_pose.torso_width)
    bend = cv2.GaussianBlur(bend[np.newaxis], (0, 0), max(1.0, 0.04 * neck.width))[0]
    y = np.arange(front.matte.shape[0], dtype=np.float64)[:, np.newaxis]
    from_y = collar + bend + (y - target) * scale
    map_x = np.broadcast_to(from_x, from_y.shape).astype(np.float32)
    map_y = from_y.astype(np.float32)
    premultiplied = inside.color * inside.matte[..., np.newaxis]
    seen = np.asarray(cv2.remap(inside.matte, map_x, map_y, cv2.INTER_LINEAR), np.float32)
    color = np.asarray(cv2.remap(premultiplied, map_x, map_y, cv2.INTER_LINEAR), np.float32)
    color /= np.maximum(seen, np.float32(1e-3))[..., np.newaxis]
    matte = np.clip(seen, 0, 1) * _opening(front.matte.shape, neck, arc)
    color *= _matching_gain(front, color, matte)
    color *= _inside_light(front.matte, neck, 1.0, _PHOTO_FALL)[..., np.newaxis]
    return Layer(np.clip(color, 0, 1), matte)


def arc_of(neck: Neckline) -> Points:
    """Return (n, 2) the upper edge of the back of the collar, from left to right."""
    half = neck.width / 2
    angle = np.linspace(np.pi, 0, 160)
    center = (neck.left + neck.right) / 2
    reach = half * (1 + _TUCK)
    slope = (neck.right[1] - neck.left[1]) / neck.width
    x = reach * np.cos(angle)
    drop = 0.5 * _TUCK * half
    y = slope * x + drop - (RISE * half + drop) * np.sin(angle)
    return np.column_stack([center[0] + x, center[1] + y])


def rows_above(neck: Neckline) -> int:
    """Return how many rows above the frame the back of the collar reaches."""
    return max(0, int(np.ceil(4 - arc_of(neck)[:, 1].min())))


def _opening(shape: tuple[int, ...], neck: Neckline, arc: Points) -> Matte:
    """Return the space between the back's upper edge and the front's, reaching behind the front."""
    under = neck.edge + np.array([0, _UNDER])
    outline = np.concatenate([arc, under[::-1]])
    mask = np.zeros(shape, np.uint8)
    bits = 4
    cv2.fillPoly(mask, [np.round(outline * 2**bits).astype(np.int32)], 255, cv2.LINE_AA, bits)
    soft = cv2.GaussianBlur(mask.astype(np.float32) / np.float32(255), (0, 0), 0.6)
    return np.asarray(np.clip(soft, 0, 1), np.float32)


def _inside_light(front: Matte, neck: Neckline, lit: float, fall: float) -> Floats:
    """Return the light on the inside: lost with depth and to the sides, shaded by the front."""
    height, width = front.shape
    arc = arc_of(neck)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    top = np.interp(x[0], arc[:, 0], arc[:, 1]).astype(np.float32)
    deepest = float(neck.edge[:, 1].max())
    depth = np.clip((y - top) / np.maximum(deepest - top, 1), 0, 1)
    half = neck.width / 2
    side = np.clip(np.abs(x - (neck.left[0] + neck.right[0]) / 2) / half, 0, 1)
    light = (lit - fall * depth ** np.float32(0.8)) * (1 - _SIDES * side**3)
    soft = max(1.0, 0.07 * half)
    move = np.array([[1, 0, 0], [0, 1, -0.05 * half]], np.float32)
    shadow = cv2.GaussianBlur(cv2.warpAffine(front, move, (width, height)), (0, 0), soft)
    return np.asarray(light * (1 - _FRONT_SHADOW * np.clip(shadow, 0, 1)), np.float32)


def _collar_band(shape: tuple[int, ...], neck: Neckline) -> Floats:
    """Return the tone of the collar's band: a rolled upper edge, ribs, the seam below."""
    height, width = shape
    arc = arc_of(neck)
    half = neck.width / 2
    x = np.arange(width, dtype=np.float32)
    top = np.interp(x, arc[:, 0], arc[:, 1]).astype(np.float32)
    below = np.arange(height, dtype=np.float32)[:, np.newaxis] - top
    band = _RIB * half
    across = (x - np.float32((neck.left[0] + neck.right[0]) / 2)) / np.float32(half)
    inside = 1 / (1 + np.exp(np.clip((below - band) / max(0.6, 0.02 * half), -30, 30)))
    pitch = max(3.0, 0.03 * half)
    ribs = 0.03 * np.sin(2 * np.pi * np.arcsin(np.clip(across, -1, 1)) * half / pitch)
    edge = 0.07 * np.exp(-((below / max(1.0, 0.02 * half)) ** 2))
    seam = _SEAM * np.exp(-(((below - band) / max(0.9, 0.014 * half)) ** 2))
    return np.asarray(1 + inside * (0.04 + ribs) + edge - seam, np.float32)


def _texture(front: Cutout, neck: Neckline) -> Floats:
    """Return the fine texture of the cloth below the neck, mirrored into the opening."""
    height, width = front.matte.shape
    lowest = round(float(neck.edge[:, 1].max()))
    result = np.ones((height, width), np.float32)
    above = max(0, lowest - round(neck.depth + neck.width))
    start = min(height - 2, lowest + round(0.22 * neck.width))
    rows = min(lowest + 1 - above, height - start)
    left, right = int(neck.left[0]), int(neck.right[0]) + 1
    patch = luminance(front.color[start : start + rows, left:right])
    inside = front.matte[start : start + rows, left:right] > 0.99
    if patch.size == 0 or inside.mean() < 0.9:
        return result
    smooth = cv2.GaussianBlur(patch, (0, 0), 2.5)
    ratio = np.clip(patch / np.maximum(smooth, 1e-4), *_TEXTURE)
    ratio = np.where(inside, ratio, 1).astype(np.float32)
    result[lowest + 1 - rows : lowest + 1, left:right] = ratio[::-1]
    return result


def _upper_edge(matte: Matte, columns: Points) -> Points:
    """Return the first opaque row at each (fractional) column; beyond the sides, the nearest."""
    seen = matte > 0.5
    has = seen.any(axis=0)
    if not has.any():
        return np.zeros(len(columns))
    known = np.flatnonzero(has)
    return np.asarray(np.interp(columns, known, np.argmax(seen[:, known], axis=0).astype(float)))


def _matching_gain(front: Cutout, color: Image, matte: Matte) -> Floats:
    """Return gains that bring the inside's cloth to the front's color."""
    outside, inside = front.matte > 0.99, matte > 0.9
    if not outside.any() or not inside.any():
        return np.ones(3, np.float32)
    wanted = np.median(front.color[outside][::7], axis=0)
    found = np.maximum(np.median(color[inside][::7], axis=0), 1e-3)
    gain = luminance(wanted) / max(1e-3, float(luminance(found)))
    front_lab, inside_lab = to_lab(wanted), to_lab(np.clip(found * gain, 0, 1))
    is_same = delta_e_2000(front_lab, inside_lab) < _SAME_CLOTH
    if not is_same or abs(front_lab[0] - to_lab(found)[0]) > _SAME_TONE:
        return np.ones(3, np.float32)
    return np.asarray(wanted / found / gain * np.clip(gain, *_GAIN), np.float32)
