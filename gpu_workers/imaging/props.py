"""Things around the product: leaves, petals, baubles, pebbles, lights, snow.

Owns where they lie and how they look. They keep clear of the product and of the light it needs,
and are out of focus the farther they are from it. Layers are (h, w, 3) float32 linear sRGB,
premultiplied, with (h, w) float32 opacity.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from gpu_workers.imaging.arrays import Image, Matte
from gpu_workers.imaging.camera import Ground
from gpu_workers.imaging.color import from_hex
from gpu_workers.imaging.framing import Box
from gpu_workers.scene_spec import Light, Props

Floats: TypeAlias = npt.NDArray[np.float32]
Points: TypeAlias = npt.NDArray[np.float64]

_MOST: Final = {"leaves": 16, "petals": 26, "baubles": 9, "pebbles": 18, "lights": 46, "snow": 150}
_SIZE: Final = {"leaves": 0.17, "petals": 0.075, "baubles": 0.13, "pebbles": 0.085}
"""Longest side in units of the ground (about 40 cm)."""
_STANDING: Final = ("baubles", "pebbles")
_CLEAR: Final = 0.06
"""Room kept around the product, in units of the ground."""
_WIDEST: Final = 1.3
"""Of a thing over its usual size: stems of leaves, the largest pebbles."""
_BEFORE_WALL: Final = 0.93
_TRIES: Final = 30
_REACH: Final = 1.6
"""Half side of the patch that holds a thing with its shadow, in its own lengths."""
_BLUR: Final = 0.016
"""Blur of a thing at infinity, as a share of the canvas side."""
_SUBPIXEL: Final = 3
_THROW: Final = 0.03
"""How far above the ground a leaf lies, in its own lengths."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where one thing lies on the ground."""

    column: float
    row: float
    scale: float
    """Pixels to a unit of the ground there."""
    depth: float
    """Over the depth of the product: below 1 it lies in front."""
    turn: float
    """Radians."""
    color: Floats
    blur: float
    """How far out of focus it is, in pixels."""


@dataclass(frozen=True, slots=True)
class Layer:
    """Things, and what light they take from the ground."""

    color: Image
    matte: Matte
    shadow: Floats
    """(h, w) float32, 0 to 1."""


def lying(
    props: Props, canvas: tuple[int, int], ground: Ground, product: Box, light: Light, *, seed: int
) -> Layer:
    """Return the things that lie on the ground; nothing of the kinds that hang in the air.

    Parameters
    ----------
    canvas
        Width and height.
    ground
        What they lie on.
    product
        The product's visible box, which they keep clear of.
    """
    width, height = canvas
    color = np.zeros((height, width, 3), np.float32)
    matte = np.zeros((height, width), np.float32)
    shadow = np.zeros((height, width), np.float32)
    draw = _DRAW.get(props.kind)
    if draw is None:
        return Layer(color, matte, shadow)
    places = _places(props, canvas, ground, product, np.random.default_rng((seed, 41)))
    for place in sorted(places, key=lambda each: -each.depth):
        reach = _REACH * _SIZE[props.kind] * place.scale + 4 * place.blur + 4
        left, top = max(0, int(place.column - reach)), max(0, int(place.row - reach))
        rows = slice(top, max(top, min(height, int(place.row + reach))))
        columns = slice(left, max(left, min(width, int(place.column + reach))))
        if rows.start == rows.stop or columns.start == columns.stop:
            continue
        here = replace(place, column=place.column - left, row=place.row - top)
        planes = (color[rows, columns], matte[rows, columns], shadow[rows, columns])
        draw(here, _SIZE[props.kind], ground, light, planes)
    return Layer(np.clip(color, 0, 1), np.clip(matte, 0, 1), np.clip(shadow, 0, 1))


def lights(props: Props, canvas: tuple[int, int], edge: float, *, seed: int) -> Image:
    """Return light to add to the wall: small lamps far out of focus. Black for other kinds.

    Parameters
    ----------
    edge
        Row where the wall ends.
    """
    width, height = canvas
    added = np.zeros((height, width, 3), np.float32)
    if props.kind != "lights":
        return added
    generator = np.random.default_rng((seed, 43))
    side = min(canvas)
    for _ in range(round(_MOST["lights"] * props.amount)):
        radius = side * float(generator.uniform(0.012, 0.042))
        column = float(generator.uniform(0, width))
        row = float(generator.uniform(0, 0.92)) * max(edge, 0.2 * height)
        strength = float(generator.uniform(0.10, 0.5)) * (1 - 0.6 * row / max(edge, 1.0))
        lamp = _color(props, generator) * np.float32(strength)
        window, disc = _disc(canvas, column, row, radius)
        added[window] += disc[..., np.newaxis] * lamp
    rows = np.arange(height, dtype=np.float32)[:, np.newaxis, np.newaxis]
    return np.asarray(added * np.clip((edge - rows) / (0.06 * side), 0, 1), np.float32)


def falling(props: Props, canvas: tuple[int, int], product: Matte, *, seed: int) -> Matte:
    """Return the opacity of falling snow before and behind the product; 0 for other kinds.

    Flakes never lie over the product: a buyer must see it whole.

    Parameters
    ----------
    product
        (h, w) float32: its opacity on the canvas.
    """
    width, height = canvas
    flakes = np.zeros((height, width), np.float32)
    if props.kind != "snow":
        return flakes
    generator = np.random.default_rng((seed, 47))
    side = min(canvas)
    for _ in range(round(_MOST["snow"] * props.amount)):
        near = float(generator.uniform()) ** 3
        radius = side * (0.0016 + 0.012 * near)
        column, row = float(generator.uniform(0, width)), float(generator.uniform(0, height))
        window, disc = _disc(canvas, column, row, radius, soft=0.5)
        flake = disc * np.float32(0.85 - 0.5 * near)
        flakes[window] = np.maximum(flakes[window], flake)
    clear = np.asarray(cv2.GaussianBlur(product, (0, 0), max(0.6, 0.006 * side)), np.float32)
    return np.asarray(flakes * np.clip(1 - 2 * clear, 0, 1), np.float32)


def _places(
    props: Props,
    canvas: tuple[int, int],
    ground: Ground,
    product: Box,
    generator: np.random.Generator,
) -> list[Place]:
    """Return places that touch neither each other nor the product nor its stage."""
    height = canvas[1]
    kept: list[Place] = []
    size = _SIZE[props.kind]
    for _ in range(round(_MOST[props.kind] * props.amount)):
        for _ in range(_TRIES):
            place = _drawn(props, canvas, ground, generator)
            half = 0.5 * _WIDEST * size * place.scale
            if not (0.25 * half < place.row < height + 0.4 * half):
                continue
            room = _CLEAR * place.scale + half + 2 * place.blur
            beside = place.column + room < product.left or place.column - room > product.right
            # What stands up reaches higher into the picture than what lies flat.
            rise = 2 * half if props.kind in _STANDING else half
            before = place.row - rise - 2 * place.blur > product.bottom + 0.02 * height
            if not (beside or before):
                continue
            if all(_apart(place, other, size, ground) for other in kept):
                kept.append(place)
                break
    return kept


def _drawn(
    props: Props, canvas: tuple[int, int], ground: Ground, generator: np.random.Generator
) -> Place:
    width, height = canvas
    column = width * float(generator.uniform(-0.03, 1.03))
    # More to the sides: the middle belongs to the product.
    if generator.uniform() < 0.7:
        edge = float(generator.beta(1.2, 3.2)) * 0.42
        column = width * (edge if generator.uniform() < 0.5 else 1 - edge)
    if ground.pitch == "top":
        row, depth = height * float(generator.uniform(0, 1)), 1.0
    else:
        wall = (ground.base - ground.vanish) / max(ground.edge - ground.vanish, 1.0)
        depth = float(generator.uniform(0.62, max(1.0, min(2.1, _BEFORE_WALL * wall))))
        row = ground.row(depth)
    return Place(
        column=column,
        row=row,
        scale=ground.unit_px / depth,
        depth=depth,
        turn=float(generator.uniform(0, 2 * math.pi)),
        color=_color(props, generator),
        blur=max(0.0, _BLUR * min(canvas) * (abs(1 - 1 / depth) - 0.05)),
    )


def _apart(one: Place, other: Place, size: float, ground: Ground) -> bool:
    flat = max(ground.foreshortening, 0.2)
    across = (one.column - other.column) / (0.5 * (one.scale + other.scale))
    along = (one.row - other.row) / (0.5 * (one.scale + other.scale) * flat)
    return math.hypot(across, along) > 0.9 * size


def _color(props: Props, generator: np.random.Generator) -> Floats:
    base = from_hex(props.colors[int(generator.integers(len(props.colors)))])
    return np.asarray(np.clip(base * generator.uniform(0.82, 1.15), 0, 1), np.float32)


_Planes: TypeAlias = tuple[Image, Matte, Floats]
_Draw: TypeAlias = Callable[[Place, float, Ground, Light, _Planes], None]


def _leaf(place: Place, size: float, ground: Ground, light: Light, planes: _Planes) -> None:
    """A leaf with a midrib, its halves lit differently, curled up at the edges."""
    t = np.linspace(0, 1, 41)
    half = 0.30 * np.sin(np.pi * t**0.85) ** 1.1 * (1 + 0.10 * np.sin(9 * np.pi * t))
    outline = np.concatenate(
        [np.stack([t - 0.5, half], 1), np.stack([t[::-1] - 0.5, -half[::-1]], 1)]
    )
    stem = np.array([[0.47, 0.012], [0.66, 0.02], [0.66, -0.004], [0.47, -0.012]])
    _flat(place, size, ground, light, planes, outlines=[outline, stem], veins=True)


def _petal(place: Place, size: float, ground: Ground, light: Light, planes: _Planes) -> None:
    """A petal: a rounded drop, paler at its foot."""
    t = np.linspace(0, 1, 33)
    half = 0.36 * np.sin(np.pi * t**1.5) ** 0.8
    outline = np.concatenate(
        [np.stack([t - 0.5, half], 1), np.stack([t[::-1] - 0.5, -half[::-1]], 1)]
    )
    _flat(place, size, ground, light, planes, outlines=[outline], veins=False)


def _flat(
    place: Place,
    size: float,
    ground: Ground,
    light: Light,
    planes: _Planes,
    *,
    outlines: list[Points],
    veins: bool,
) -> None:
    """Lay a flat thing on the ground: its shape seen at the height of the camera, its shadow."""
    color, matte, shadow = planes
    flat = 1.0 if ground.pitch == "top" else max(ground.foreshortening / place.depth, 0.06)
    # What lies is curled and rises a little, so that it never becomes a line.
    flat = min(1.0, flat * 1.25 + 0.05)
    length = size * place.scale

    def on_canvas(points: Points) -> Points:
        cos, sin = math.cos(place.turn), math.sin(place.turn)
        turned = points @ np.array([[cos, sin], [-sin, cos]])
        return np.asarray(turned * [length, length * flat] + [place.column, place.row])

    mask = _polygons([on_canvas(each) for each in outlines], matte.shape)
    soft = place.blur
    azimuth = math.radians(light.azimuth_deg)
    throw = _THROW * length / math.tan(math.radians(max(light.elevation_deg, 20.0)))
    move = np.array(
        [
            [1, 0, -math.sin(azimuth) * throw - math.copysign(1, math.sin(azimuth) or 1)],
            [0, 1, 0.5 * throw * flat + 0.012 * length],
        ],
        np.float32,
    )
    moved = cv2.warpAffine(mask, move, (mask.shape[1], mask.shape[0]))
    blur = max(0.8, 0.02 * length * (0.5 + light.softness), soft)
    np.maximum(shadow, 0.55 * cv2.GaussianBlur(moved, (0, 0), blur), out=shadow)
    y, x = np.mgrid[0 : mask.shape[0], 0 : mask.shape[1]].astype(np.float32)
    u, v = (x - place.column) / length, (y - place.row) / (length * flat)
    cos, sin = math.cos(place.turn), math.sin(place.turn)
    along, across = u * cos + v * sin, -u * sin + v * cos
    lit = -math.sin(azimuth) * cos * 0.10
    tone = 1 + np.clip(across / 0.04, -1, 1) * (0.10 + lit) + 0.22 * along
    tone += 0.10 * np.clip(np.abs(across) / 0.3, 0, 1)
    if veins:
        tone += 0.16 * np.exp(-((across / 0.012) ** 2))
        rib = np.abs(np.mod(along * 9 - np.abs(across) * 9, 1.0) - 0.5)
        tone += 0.05 * np.exp(-((rib / 0.10) ** 2))
    _over(color, matte, np.clip(tone, 0.4, 1.6)[..., np.newaxis] * place.color, mask, soft)


def _bauble(place: Place, size: float, ground: Ground, light: Light, planes: _Planes) -> None:
    """A glass ball: dark rim, the window in it, the ground mirrored below."""
    _ball(place, size, ground, light, planes, flat=1.0, gloss=1.0)


def _pebble(place: Place, size: float, ground: Ground, light: Light, planes: _Planes) -> None:
    """A smooth stone: a flattened ball without gloss."""
    rng = np.random.default_rng(int(place.turn * 1e6))
    size = size * float(rng.uniform(0.55, 1.25))
    _ball(place, size, ground, light, planes, flat=float(rng.uniform(0.42, 0.6)), gloss=0.06)


def _ball(
    place: Place,
    size: float,
    ground: Ground,
    light: Light,
    planes: _Planes,
    *,
    flat: float,
    gloss: float,
) -> None:
    color, matte, shadow = planes
    height, width = matte.shape
    radius = 0.5 * size * place.scale
    tall = radius * (1.0 if ground.pitch == "top" else flat)
    middle = place.row if ground.pitch == "top" else place.row - 0.86 * tall
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    u, v = (x + 0.5 - place.column) / radius, (y + 0.5 - middle) / tall
    away = np.hypot(u, v)
    mask = np.clip((1 - away) * tall + 0.5, 0, 1).astype(np.float32)
    z = np.sqrt(np.clip(1 - away**2, 0, 1))
    azimuth, elevation = math.radians(light.azimuth_deg), math.radians(light.elevation_deg)
    toward = (
        math.sin(azimuth) * math.cos(elevation),
        -math.sin(elevation),
        math.cos(azimuth) * math.cos(elevation),
    )
    facing = np.clip(u * toward[0] + v * toward[1] + z * toward[2], 0, 1)
    tone = 0.32 + 0.75 * facing - 0.16 * np.clip(v, 0, 1)
    # The window of the studio, mirrored: a soft bright patch where the normal halves the angle.
    glint_u = u - 0.55 * toward[0]
    glint_v = v - 0.55 * toward[1]
    patch = np.exp(-(((glint_u / 0.20) ** 4) + ((glint_v / 0.26) ** 4)))
    fresnel = np.clip(1 - z, 0, 1) ** 3
    shine = np.float32(gloss) * (0.75 * patch + 0.22 * fresnel)
    body = tone[..., np.newaxis] * place.color + shine[..., np.newaxis]
    soft = place.blur
    squash = 1.0 if ground.pitch == "top" else max(ground.foreshortening / place.depth, 0.10)
    fall = np.hypot(
        (x - place.column + math.sin(azimuth) * 0.7 * radius) / (1.25 * radius),
        (y - place.row) / (1.25 * radius * min(1.0, squash * 1.4)),
    )
    near = np.hypot(
        (x - place.column) / (0.62 * radius), (y - place.row) / (0.5 * radius * squash + 1)
    )
    dark = 0.34 * np.exp(-(fall**2)) + 0.5 * np.exp(-(near**2))
    np.maximum(shadow, np.clip(dark, 0, 0.85).astype(np.float32), out=shadow)
    _over(color, matte, body, mask, soft)


_DRAW: Final[dict[str, _Draw]] = {
    "leaves": _leaf,
    "petals": _petal,
    "baubles": _bauble,
    "pebbles": _pebble,
}


def _over(color: Image, matte: Matte, body: Image, mask: Matte, blur: float) -> None:
    """Lay a thing over the layer, out of focus by `blur`. Writes to `color` and `matte`."""
    layer = np.dstack([np.clip(body, 0, 1) * mask[..., np.newaxis], mask]).astype(np.float32)
    if blur > 0.5:
        layer = np.asarray(cv2.GaussianBlur(layer, (0, 0), blur), np.float32)
    rest = 1 - layer[..., 3]
    color *= rest[..., np.newaxis]
    color += layer[..., :3]
    matte *= rest
    matte += layer[..., 3]


def _polygons(outlines: list[Points], shape: tuple[int, ...]) -> Matte:
    mask = np.zeros(shape, np.uint8)
    points = [np.round(each * 2**_SUBPIXEL).astype(np.int32) for each in outlines]
    for each in points:
        cv2.fillPoly(mask, [each], 255, cv2.LINE_AA, _SUBPIXEL)
    return np.asarray(mask, np.float32) / np.float32(255)


def _disc(
    canvas: tuple[int, int], column: float, row: float, radius: float, *, soft: float = 0.12
) -> tuple[tuple[slice, slice], Matte]:
    """Return an out-of-focus point of light, an even disc with a brighter rim, and its window."""
    width, height = canvas
    left, top = max(0, int(column - radius)), max(0, int(row - radius))
    right, bottom = min(width, int(column + radius) + 2), min(height, int(row + radius) + 2)
    y, x = np.ogrid[top : max(top, bottom), left : max(left, right)]
    away = np.hypot(x + 0.5 - column, y + 0.5 - row) / radius
    disc = np.clip((1 - away) / soft, 0, 1) * (0.82 + 0.18 * np.clip(away, 0, 1) ** 4)
    return (slice(top, max(top, bottom)), slice(left, max(left, right))), disc.astype(np.float32)
