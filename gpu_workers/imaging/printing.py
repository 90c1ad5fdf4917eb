"""Ink on things: artwork placed on a print area, warped into a picture, lit as its base is lit.

Owns the placing of artwork, its sampling free of aliasing and the arithmetic of ink, light and
gloss. It does not own the shape of print areas (`print_surface`) nor what bases there are.
Images are (h, w, 3) float32 linear sRGB; `light` is what white paper in the same place shows.

Sources: Porter and Duff (1984), *over* and *screen*; `mockup` formulae of the design notes:
color of print = artwork x light, texture by the ratio of a picture to its blur.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from gpu_workers.imaging.arrays import Image, Matte, Photo, to_linear
from gpu_workers.imaging.color import delta_e_2000, luminance, to_lab
from gpu_workers.imaging.print_surface import Doubles, Shape, Surface

Floats: TypeAlias = npt.NDArray[np.float32]

_FINE: Final = 2
"""Samples along each side of a pixel."""
_BAND: Final = 256
"""Rows of the canvas that are drawn at once."""
_CHECKED: Final = 20_000
"""Pixels that are looked at to measure color."""
_SURE: Final = 0.995
_THREAD_CONTRAST: Final = 5.0
_WORN: Final = 0.45
"""Most of the ink that a raised thread can lose."""


@dataclass(frozen=True, slots=True)
class Artwork:
    """A flat design."""

    color: Image
    """(h, w, 3), premultiplied."""
    opacity: Matte

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.opacity.shape[1], self.opacity.shape[0]


@dataclass(frozen=True, slots=True)
class Layout:
    """How a design lies on its print area."""

    fit: Literal["contain", "cover"] = "contain"
    scale: float = 1.0
    offset_x: float = 0.0
    """Shift to the right as a share of the area's width."""
    offset_y: float = 0.0
    rotation_deg: float = 0.0
    """Clockwise."""


@dataclass(frozen=True, slots=True)
class Print:
    """A design as the camera sees it on its base, unlit."""

    color: Image
    """(h, w, 3), premultiplied by `opacity`."""
    opacity: Matte
    area: Matte
    """How far each pixel belongs to the print area, 0 to 1."""
    enlarged: float
    """Picture pixels to pixels of the design, the larger direction at the middle of the print."""

    def span(self) -> tuple[slice, slice]:
        """Return the rows and columns of the print area: nothing else need be worked on."""
        rows, columns = np.flatnonzero(self.area.any(1)), np.flatnonzero(self.area.any(0))
        if rows.size == 0:
            return slice(0, 0), slice(0, 0)
        return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)

    def part(self, at: tuple[slice, slice]) -> Print:
        """Return the print in some rows and columns only."""
        return Print(
            self.color[at].copy(), self.opacity[at].copy(), self.area[at].copy(), self.enlarged
        )


def artwork_from(photo: Photo, alpha: Matte | None, *, white_is_clear: bool = False) -> Artwork:
    """Return a design from a decoded file.

    Parameters
    ----------
    white_is_clear
        Whether white becomes see-through and colors become the ink that makes them on white.
    """
    opacity = np.ones(photo.shape[:2], np.float32) if alpha is None else alpha
    color = photo
    if white_is_clear:
        encoded = photo.astype(np.float32) / np.float32(255)
        ink = 1 - encoded.min(axis=2)
        thick = np.maximum(ink, np.float32(1 / 512))[..., np.newaxis]
        pure = np.clip((encoded - 1 + thick) / thick, 0, 1)
        color = (pure * 255 + 0.5).astype(np.uint8)
        opacity = opacity * ink
    linear = to_linear(color) * opacity[..., np.newaxis]
    return Artwork(np.asarray(linear, np.float32), np.asarray(opacity, np.float32))


def centimetres_per_pixel(size: tuple[int, int], shape: Shape, layout: Layout) -> float:
    """Return how large a pixel of a design of this size is printed."""
    ratios = (shape.width / size[0], shape.height / size[1])
    return (min(ratios) if layout.fit == "contain" else max(ratios)) * layout.scale


def to_artwork(
    u: Doubles, v: Doubles, size: tuple[int, int], shape: Shape, layout: Layout
) -> tuple[Doubles, Doubles]:
    """Return the place in a design, in pixels from its upper left corner, of places on an area."""
    each = centimetres_per_pixel(size, shape, layout)
    x = (u - 0.5 - layout.offset_x) * shape.width / each
    y = (v - 0.5 - layout.offset_y) * shape.height / each
    c, s = math.cos(math.radians(layout.rotation_deg)), math.sin(math.radians(layout.rotation_deg))
    return x * c + y * s + size[0] / 2, -x * s + y * c + size[1] / 2


def cropped_share(artwork: Artwork, shape: Shape, layout: Layout) -> float:
    """Return the share of the design's ink that falls beside its print area, 0 to 1."""
    width, height = artwork.size
    small = (min(width, 160), min(height, 160))
    ink = cv2.resize(artwork.opacity, small, interpolation=cv2.INTER_AREA).astype(np.float64)
    if ink.sum() == 0:
        return 0.0
    each = centimetres_per_pixel(artwork.size, shape, layout)
    x = (np.arange(small[0]) + 0.5) / small[0] * width - width / 2
    y = (np.arange(small[1]) + 0.5) / small[1] * height - height / 2
    x, y = np.meshgrid(x, y)
    c, s = math.cos(math.radians(layout.rotation_deg)), math.sin(math.radians(layout.rotation_deg))
    u = (x * c - y * s) * each / shape.width + 0.5 + layout.offset_x
    v = (x * s + y * c) * each / shape.height + 0.5 + layout.offset_y
    beside = (u < -1e-6) | (u > 1 + 1e-6) | (v < -1e-6) | (v > 1 + 1e-6)
    return float(ink[beside].sum() / ink.sum())


def warp_print(
    artwork: Artwork,
    surface: Surface,
    shape: Shape,
    layout: Layout,
    *,
    window: tuple[float, float, float, float],
    canvas: tuple[int, int],
    shift: Floats | None = None,
) -> Print:
    """Draw a design as it looks on its base.

    Parameters
    ----------
    window
        Left, top, right and bottom of the canvas as shares of the base picture.
    canvas
        Width and height in pixels.
    shift
        (h, w, 2) float32, how far cloth moves the print across and down at each canvas pixel,
        as a share of the area.
    """
    width, height = canvas
    color = np.zeros((height, width, 3), np.float32)
    opacity, area = np.zeros((height, width), np.float32), np.zeros((height, width), np.float32)
    box = _box_of(surface, window, canvas)
    if box is None:
        return Print(color, opacity, area, 1.0)
    left, top, right, bottom = box
    read = _Reader(artwork)
    enlarged = 1.0
    # The middle first: it tells how finely the design is read; then in bands, to save memory.
    bands = [(first, min(first + _BAND, bottom)) for first in range(top, bottom, _BAND)]
    bands.insert(0, bands.pop(len(bands) // 2))
    for first, last in bands:
        columns = left + (np.arange((right - left) * _FINE) + 0.5) / _FINE
        rows = first + (np.arange((last - first) * _FINE) + 0.5) / _FINE
        x, y = np.meshgrid(
            window[0] + columns / width * (window[2] - window[0]),
            window[1] + rows / height * (window[3] - window[1]),
        )
        u, v = surface.coordinates(x, y)
        if shift is not None:
            moved = cv2.resize(shift[first:last, left:right], (u.shape[1], u.shape[0]))
            u, v = u + moved[..., 0], v + moved[..., 1]
        covered = shape.inside(u, v)
        at_x, at_y = to_artwork(u, v, artwork.size, shape, layout)
        drawn = read.at(at_x, at_y, covered) * covered[..., np.newaxis]
        enlarged = read.enlarged
        size = (right - left, last - first)
        small = np.asarray(cv2.resize(drawn, size, interpolation=cv2.INTER_AREA), np.float32)
        color[first:last, left:right] = small[..., :3]
        opacity[first:last, left:right] = small[..., 3]
        area[first:last, left:right] = cv2.resize(covered, size, interpolation=cv2.INTER_AREA)
    return Print(color, opacity, area, enlarged)


def _box_of(
    surface: Surface, window: tuple[float, float, float, float], canvas: tuple[int, int]
) -> tuple[int, int, int, int] | None:
    """Return the canvas box around the print area, found on a coarse lattice."""
    width, height = canvas
    columns, rows = np.linspace(0, width, 161), np.linspace(0, height, 161)
    x, y = np.meshgrid(
        window[0] + columns / width * (window[2] - window[0]),
        window[1] + rows / height * (window[3] - window[1]),
    )
    u, v = surface.coordinates(x, y)
    # Folds may bring in what lies beside the plane of the area.
    inside = (u > -0.08) & (u < 1.08) & (v > -0.08) & (v < 1.08)
    if not inside.any():
        return None
    at_x, at_y = np.flatnonzero(inside.any(axis=0)), np.flatnonzero(inside.any(axis=1))
    pad_x, pad_y = width / 160 + 2, height / 160 + 2
    return (
        max(0, int(columns[at_x[0]] - pad_x)),
        max(0, int(rows[at_y[0]] - pad_y)),
        min(width, int(columns[at_x[-1]] + pad_x) + 1),
        min(height, int(rows[at_y[-1]] + pad_y) + 1),
    )


class _Reader:
    """Reads a design at given places, reduced once to the fineness that the print needs."""

    def __init__(self, artwork: Artwork) -> None:
        self._artwork = artwork
        self._layers: Floats | None = None
        self.enlarged = 1.0
        """Picture pixels to pixels of the design, once something was read."""

    def at(self, x: Doubles, y: Doubles, covered: Floats) -> Floats:
        """Return (h, w, 4) premultiplied color and opacity at places of the design."""
        if self._layers is None and not self._reduce(x, y, covered > 0.5):
            return np.zeros((*x.shape, 4), np.float32)
        layers = self._layers
        if layers is None:
            raise RuntimeError("a design is read before it was reduced")
        ratio_x = (layers.shape[1] - 4) / self._artwork.size[0]
        ratio_y = (layers.shape[0] - 4) / self._artwork.size[1]
        far = np.float32(-9)
        at_x = np.where(np.isfinite(x), x * ratio_x + 1.5, far).astype(np.float32)
        at_y = np.where(np.isfinite(y), y * ratio_y + 1.5, far).astype(np.float32)
        drawn = cv2.remap(
            layers,
            at_x,
            at_y,
            cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=(0, 0, 0, 0),
        )
        drawn = np.clip(drawn, 0, 1)
        drawn[..., :3] = np.minimum(drawn[..., :3], drawn[..., 3:])
        return np.asarray(drawn, np.float32)

    def _reduce(self, x: Doubles, y: Doubles, used: npt.NDArray[np.bool_]) -> bool:
        """Reduce the design to the finest step between neighbors; return whether one was found."""
        if min(x.shape) < 2:
            return False
        step_x = np.hypot(np.diff(x, axis=1)[:-1], np.diff(y, axis=1)[:-1])
        step_y = np.hypot(np.diff(x, axis=0)[:, :-1], np.diff(y, axis=0)[:, :-1])
        valid = used[:-1, :-1] & np.isfinite(step_x) & np.isfinite(step_y)
        if not valid.any():
            return False
        steps = (np.percentile(step_x[valid], 20), np.percentile(step_y[valid], 20))
        finest = min(float(each) for each in steps)
        self.enlarged = 1 / (finest * _FINE)
        layers = np.dstack([self._artwork.color, self._artwork.opacity])
        reduced = min(1.0, 1 / max(finest, 1e-6))
        if reduced < 1:
            width, height = self._artwork.size
            size = (max(1, round(width * reduced)), max(1, round(height * reduced)))
            layers = np.asarray(cv2.resize(layers, size, interpolation=cv2.INTER_AREA), np.float32)
        # A rim of nothing, or the border would be smeared to the edge of the area.
        self._layers = np.pad(layers, ((2, 2), (2, 2), (0, 0)))
        return True


def lay_ink(
    blank: Image,
    light: Image,
    printed: Print,
    *,
    strength: float = 1.0,
    relief: float = 0.0,
    thread_px: float = 1.0,
) -> tuple[Image, Matte]:
    """Return a base under its print, and how much of each pixel is ink.

    Parameters
    ----------
    blank
        The base in its own color, lit.
    light
        What white paper in the same place shows. Ink is opaque, as under-based prints are:
        its color does not depend on the base.
    strength
        Share of ink everywhere, 0 to 1.
    relief
        0 covers evenly; 1 leaves raised threads half bare.
    thread_px
        What counts as the fine structure of cloth, in pixels.
    """
    share = np.full_like(printed.opacity, strength)
    if relief > 0:
        share *= 1 - relief * _threads(light, thread_px)
    ink = printed.opacity * share
    result = blank * (1 - ink)[..., np.newaxis]
    result += printed.color * share[..., np.newaxis] * light
    return np.asarray(result, np.float32), ink


def _threads(light: Image, sigma: float) -> Floats:
    """Return where the fine structure of cloth stands out, 0 to 1."""
    tone = luminance(light)
    smooth = np.maximum(cv2.GaussianBlur(tone, (0, 0), max(1.0, sigma)), np.float32(1e-3))
    return np.asarray(np.clip((tone / smooth - 1) * _THREAD_CONTRAST, 0, _WORN), np.float32)


def add_gloss(image: Image, gloss: Image) -> Image:
    """Return the image under mirrored light, which never passes white (*screen*)."""
    result = 1 - np.clip(image, 0, 1)
    for channel in range(3):
        result[..., channel] *= 1 - np.clip(gloss[..., channel], 0, 1)
    return np.asarray(np.subtract(1, result, out=result), np.float32)


def color_error(image: Image, light: Image, printed: Print) -> float:
    """Return the mean color difference (CIEDE2000) of print and design, seen in white light.

    Parameters
    ----------
    image
        The lit print before gloss.
    """
    sure = np.flatnonzero((printed.opacity > _SURE).ravel() & (light.min(axis=2) > 0.02).ravel())
    if sure.size == 0:
        return 0.0
    sure = sure[:: max(1, sure.size // _CHECKED)]
    wanted = printed.color.reshape(-1, 3)[sure] / printed.opacity.ravel()[sure, np.newaxis]
    shown = image.reshape(-1, 3)[sure] / light.reshape(-1, 3)[sure]
    difference = delta_e_2000(to_lab(np.clip(wanted, 0, 1)), to_lab(np.clip(shown, 0, 1)))
    return float(difference.mean())


def light_of_photo(photo: Image, area: Matte) -> Image:
    """Return the light on a photographed base, read from its own brightness in the print area.

    White of the print becomes what the 92nd percentile of the area is. On dark cloth, brightness
    is told from color only near the area: the light is the ratio to its surroundings.
    """
    tone = luminance(photo)
    inside = tone[area > 0.5]
    if inside.size == 0:
        return np.broadcast_to(np.float32(1), photo.shape)
    bright = float(np.percentile(inside, 92))
    width = photo.shape[1]
    if bright < _DARK:
        local = cv2.GaussianBlur(tone, (0, 0), max(2.0, 0.06 * width))
        smooth = cv2.GaussianBlur(tone, (0, 0), max(0.8, 0.002 * width))
        ratio = np.clip((smooth + 0.02) / (local + 0.02), 0.55, 1.35)
        light = _DARK_LEVEL * ratio
    else:
        # Never brighter than the base itself by more than the rule below allows.
        light = np.clip(tone / bright, 0.05, 1.25) * min(1.0, max(bright, _LEAST_WHITE))
    return np.asarray(np.repeat(light[..., np.newaxis], 3, axis=2), np.float32)


_DARK: Final = 0.18
_DARK_LEVEL: Final = 0.8
_LEAST_WHITE: Final = 0.7
"""A base that is exposed too dark would make gray of white ink."""


def cloth_shift(photo: Image, strength: float) -> Floats:
    """Return by how much folds of photographed cloth move a print: (h, w, 2) in pixels.

    Brightness stands for slope: light from the side brightens the flank that faces it
    (displacement by the gradient of a blurred luminance, at most 1.2 % of the width).
    """
    tone = np.sqrt(luminance(photo))
    width = photo.shape[1]
    soft = cv2.GaussianBlur(tone, (0, 0), 0.008 * width)
    most = 0.012 * width
    shift = np.dstack(
        [
            np.clip(cv2.Sobel(soft, cv2.CV_32F, *axis, ksize=3) / 8 * 0.9 * width, -most, most)
            for axis in ((1, 0), (0, 1))
        ]
    )
    return np.asarray(strength * shift, np.float32)
