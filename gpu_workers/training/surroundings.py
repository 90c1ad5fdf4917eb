"""Random backdrops of training pictures: paper, tables, walls, rooms, and the shadows on them.

Owns all that is in the picture and is not the product. Fields are float32 in linear light.
Deterministic for a given generator.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from gpu_workers.imaging.arrays import Image, Matte
from gpu_workers.imaging.segmentation.background import Field
from gpu_workers.training.looks import (
    Color,
    material,
    paint,
    random_color,
    shaded,
    textured,
    uneven,
)
from gpu_workers.training.outlines import Part, polygon, random_parts

_LIGHT = np.array([0.32, -0.42, 0.85])


def random_backdrop(rng: np.random.Generator, side: int) -> Image:
    """Return an empty set: paper, a table before a wall, or a room, with things at its borders."""
    kind = rng.random()
    view = _plain(rng, side) if rng.random() < 0.4 else _surface(rng, side)
    if kind > 0.8:
        view = _room(rng, view)
    elif kind > 0.4:
        view = _with_table(rng, view)
    for _ in range(rng.choice([0, 0, 0, 1, 2, 4])):
        _add_thing(rng, view)
    if rng.random() < 0.35:
        view = np.asarray(cv2.GaussianBlur(view, (0, 0), rng.uniform(0.6, 6)), np.float32)
    return np.asarray(np.clip(view * _light(rng, side)[..., np.newaxis], 0, 1), np.float32)


def with_shadows(rng: np.random.Generator, view: Image, look: Image, matte: Matte) -> Image:
    """Return the backdrop with the shadows, or the mirror image, of what will stand before it."""
    rows = np.flatnonzero(matte.max(axis=1) > 0.3)
    if len(rows) == 0 or rng.random() < 0.12:
        return view
    base = int(rows[-1])
    tint = 1 - rng.uniform(0, 0.1, 3).astype(np.float32)
    if rng.random() < 0.8:
        contact = np.roll(matte, int(rng.uniform(0, 5)), axis=0)
        view = _darkened(view, contact, rng.uniform(1, 6), rng.uniform(0.1, 0.6) * tint)
    if rng.random() < 0.65:
        way = _thrown(rng, base) if rng.random() < 0.6 else _close_behind(rng, matte.shape[0])
        cast = np.asarray(cv2.warpAffine(matte, way, matte.shape[::-1]), np.float32)
        softness = rng.choice([0.4, 0.8, 2, 5, 10])
        view = _darkened(view, cast, softness, rng.uniform(0.15, 0.75) * tint)
    if rng.random() < 0.08:
        over = np.array([[1, 0, 0], [0, -1, 2 * base]], np.float32)
        share = cv2.warpAffine(matte, over, matte.shape[::-1]) * rng.uniform(0.1, 0.5)
        mirrored = cv2.warpAffine(look, over, matte.shape[::-1])
        view = view + share[..., np.newaxis] * (mirrored - view)
    return np.asarray(view, np.float32)


def _plain(rng: np.random.Generator, side: int) -> Image:
    return np.full((side, side, 3), random_color(rng), np.float32)


def _surface(rng: np.random.Generator, side: int) -> Image:
    kind, base = rng.random(), random_color(rng)
    if kind < 0.30:
        return np.full((side, side, 3), base, np.float32)
    if kind < 0.55:
        return material(rng, base, side)
    if kind < 0.75:
        return np.clip(textured(rng, base, side), 0, 1)
    if kind < 0.83:
        return _boards(rng, base, side)
    if kind < 0.93:
        rough = uneven(rng, side, (rng.uniform(8, 60), rng.uniform(8, 60)), gain=0.8)
        relief = np.exp(rng.uniform(0.1, 0.5) * rough)
        return np.asarray(np.clip(base * relief[..., np.newaxis], 0, 1), np.float32)
    return _blades(rng, base, side)


def _boards(rng: np.random.Generator, base: Color, side: int) -> Image:
    view = np.full((side, side, 3), base, np.float32)
    wide = int(rng.uniform(6, 50))
    high = int(rng.choice([side, rng.uniform(6, 60)]))
    joint = max(1, int(rng.uniform(0.5, 3)))
    for y in range(0, side, high):
        for x in range(-int(rng.integers(0, wide)), side, wide):
            view[y : y + high, max(0, x) : max(0, x + wide)] *= 1 + rng.normal(0, 0.07)
    down, across = np.mgrid[0:side, 0:side]
    view[(across % wide < joint) | (down % high < joint)] *= rng.uniform(0.3, 1.3)
    grain = 1 + 0.06 * uneven(rng, side, (3, 40))
    return np.asarray(np.clip(view * grain[..., np.newaxis], 0, 1), np.float32)


def _blades(rng: np.random.Generator, base: Color, side: int) -> Image:
    """Grass, shag, straw: short lines all over."""
    view = np.full((side, side, 3), base, np.float32)
    for _ in range(300):
        start = rng.uniform(0, side, 2)
        end = start + rng.normal(0, 0.07 * side, 2)
        color = np.clip(base * rng.uniform(0.3, 1.7, 3), 0, 1).tolist()
        thick = int(rng.integers(1, 3))
        cv2.line(view, start.astype(int).tolist(), end.astype(int).tolist(), color, thick)
    return view


def _with_table(rng: np.random.Generator, wall: Image) -> Image:
    side = wall.shape[0]
    down, across = np.mgrid[0:side, 0:side].astype(np.float32)
    horizon, tilt = side * rng.uniform(0.15, 0.75), rng.normal(0, 0.03)
    table = _surface(rng, side)
    if rng.random() < 0.6:
        depth = 1 / (0.8 * np.clip((down - horizon) / (side - horizon), 0.02, 1) + 0.2)
        x = (side / 2 + (across - side / 2) * depth) % (side - 1)
        y = (side * depth) % (side - 1)
        far = cv2.remap(table, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        table = np.asarray(far, np.float32)
    edge = (down - horizon + (across - side / 2) * tilt) / rng.choice([0.5, 0.5, 3, 15])
    share = np.clip(edge + 0.5, 0, 1)[..., np.newaxis]
    return np.asarray(wall + share * (table - wall), np.float32)


def _room(rng: np.random.Generator, wall: Image) -> Image:
    side = wall.shape[0]
    view = wall.copy()
    floor = int(side * rng.uniform(0.3, 0.8))
    view[floor:] = _surface(rng, side)[floor:]
    if rng.random() < 0.5:
        view[:floor, int(side * rng.uniform(0.1, 0.9)) :] *= rng.uniform(0.7, 1.2)
    for _ in range(rng.integers(1, 7)):
        start = rng.uniform(-0.1, 1.1, 2) * side
        reach = rng.uniform(0.03, 0.5, 2) * side
        if rng.random() < 0.4:
            reach[rng.integers(2)] = rng.uniform(1.5, 6)
        thick = -1 if rng.random() < 0.7 else int(rng.integers(1, 4))
        corners = start.astype(int).tolist(), (start + reach).astype(int).tolist()
        cv2.rectangle(view, *corners, random_color(rng).tolist(), thick, cv2.LINE_AA)
    return view


def _add_thing(rng: np.random.Generator, view: Image) -> None:
    """Put something at the border that is not the product; writes to ``view``."""
    side = view.shape[0]
    parts = random_parts(rng)[:6] if rng.random() < 0.5 else [Part(polygon(rng))]
    size, around = side * rng.uniform(0.08, 0.5), rng.uniform(0, 2 * np.pi)
    away = side * rng.uniform(0.45, 0.7) * np.array([np.cos(around), np.sin(around)])
    form = (np.eye(2) + rng.normal(0, 0.2, (2, 2))) * size
    color = random_color(rng)
    for part in parts:
        covered = paint(part, part.points @ form.T + side / 2 + away, side, size)
        share = (covered.astype(np.float32) / 255)[..., np.newaxis]
        gap = cv2.GaussianBlur(share, (0, 0), 4)[..., np.newaxis]
        view *= 1 - 0.35 * gap * (1 - share)
        look = textured(rng, color, side) * shaded(rng, covered, _LIGHT)[0][..., np.newaxis]
        view += share * (look - view)


def _light(rng: np.random.Generator, side: int) -> Field:
    down, across = np.mgrid[0:side, 0:side].astype(np.float32) / side
    light = 1 + rng.uniform(-0.5, 0.5) * (across - 0.5) + rng.uniform(-0.5, 0.5) * (down - 0.5)
    if rng.random() < 0.4:
        x, y, radius = rng.uniform(0.2, 0.8), rng.uniform(0.2, 0.8), rng.uniform(0.4, 1.2)
        light *= 0.6 + 0.6 * np.exp(-((across - x) ** 2 + (down - y) ** 2) / radius**2)
    if rng.random() < 0.08:
        angle, length = rng.uniform(0, np.pi), rng.uniform(3, 12) / side
        blinds = np.sin((across * np.cos(angle) + down * np.sin(angle)) / length) > 0.2
        light *= 1 - 0.4 * blinds
    return np.asarray(light, np.float32)


def _darkened(view: Image, where: Matte, softness: float, by: Color) -> Image:
    shade = cv2.GaussianBlur(where, (0, 0), softness)
    return np.asarray(view * (1 - shade[..., np.newaxis] * by), np.float32)


def _thrown(rng: np.random.Generator, base: int) -> npt.NDArray[np.float32]:
    """Return the way of a shadow onto the floor: sheared and squashed about the base line."""
    slant, squash = rng.uniform(-1.5, 1.5), rng.uniform(-0.9, 0.6)
    return np.array([[1, -slant, slant * base], [0, squash, base * (1 - squash)]], np.float32)


def _close_behind(rng: np.random.Generator, side: int) -> npt.NDArray[np.float32]:
    """Return the way of a shadow onto a wall or paper just behind."""
    across, down = rng.uniform(-0.14, 0.14) * side, rng.uniform(-0.06, 0.14) * side
    return np.array([[1, 0, across], [0, 1, down]], np.float32)
