"""Random outlines of things that are sold: bottles, garments, shoes, boxes, furniture, sets.

Owns shapes only. A product is a list of parts in drawing order, in coordinates of its own: about
-1 to 1 both ways, y down. Deterministic for a given generator.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

Points: TypeAlias = npt.NDArray[np.float64]
"""(n, 2) float64, x and y."""


@dataclass(frozen=True, slots=True)
class Part:
    """One piece of a product."""

    points: Points
    width: float = 0.0
    """Of the line drawn through the points; 0 where they enclose an area."""
    is_closed: bool = True


def random_parts(rng: np.random.Generator) -> list[Part]:
    """Return the parts of one random product, or of a set of up to five."""
    makers, weights = zip(*_PRODUCTS, strict=True)
    parts: list[Part] = makers[int(rng.choice(len(makers), p=weights))](rng)
    return parts


def random_outline(rng: np.random.Generator) -> Points:
    """Return one simple outline without thin parts."""
    return _OUTLINES[rng.integers(len(_OUTLINES))](rng)


def ellipse_like(rng: np.random.Generator) -> Points:
    """Return a superellipse between a lens and a rectangle, at most as high as wide."""
    power = rng.choice([2, 2, 3, 5, 10, 30])
    turn = np.linspace(0, 2 * np.pi, 120, endpoint=False)
    return np.stack(
        [_power(np.cos(turn), power), rng.uniform(0.35, 1) * _power(np.sin(turn), power)], 1
    )


def polygon(rng: np.random.Generator) -> Points:
    """Return an irregular shape of three to eight corners, sharp or rounded."""
    corners = rng.integers(3, 9)
    turn = np.sort(rng.uniform(0, 2 * np.pi, corners))
    reach = rng.uniform(0.5, 1, corners)
    return _rounded(_polar(turn, reach), int(rng.integers(0, 3)))


def _power(wave: npt.NDArray[np.float64], power: float) -> npt.NDArray[np.float64]:
    return np.asarray(np.sign(wave) * np.abs(wave) ** (2 / power))


def _polar(turn: npt.NDArray[np.float64], reach: npt.NDArray[np.float64] | float) -> Points:
    return np.stack([reach * np.cos(turn), reach * np.sin(turn)], 1)


def _rounded(points: Points, rounds: int) -> Points:
    """Return the closed outline with its corners cut off.

    Source: Chaikin, "An Algorithm for High-Speed Curve Generation", CGIP 1974.
    """
    for _ in range(rounds):
        following = np.roll(points, -1, axis=0)
        near, far = 0.75 * points + 0.25 * following, 0.25 * points + 0.75 * following
        points = np.stack([near, far], 1).reshape(-1, 2)
    return points


def _blob(rng: np.random.Generator) -> Points:
    turn = np.linspace(0, 2 * np.pi, 160, endpoint=False)
    reach = np.ones(len(turn))
    for wave in range(2, 8):
        reach += rng.normal(0, 0.22 / wave) * np.cos(wave * turn + rng.uniform(0, 7))
    return _polar(turn, np.clip(reach, 0.25, 3))


def _turned(rng: np.random.Generator) -> Points:
    """A bottle, vase, jar or lamp: the same profile left and right."""
    knots = int(rng.integers(4, 9))
    heights = np.sort(np.concatenate([[-1], rng.uniform(-1, 1, knots), [1]]))
    widths = rng.uniform(0.25, 1, knots + 2)
    rows = np.linspace(-1, 1, 60)
    if rng.random() < 0.5:
        profile = np.interp(rows, heights, widths)
    else:
        steps = np.clip(np.searchsorted(heights, rows, "right") - 1, 0, knots + 1)
        profile = widths[steps]
    if rng.random() < 0.5:
        profile = np.convolve(np.pad(profile, 3, "edge"), np.full(7, 1 / 7), "valid")
    profile = rng.uniform(0.3, 1.1) * profile
    right = np.stack([profile, rows], 1)
    return np.concatenate([right, right[::-1] * [-1, 1]])


def _garment(rng: np.random.Generator) -> Points:
    shoulder, waist, hem = rng.uniform(0.5, 0.7), rng.uniform(0.42, 0.6), rng.uniform(0.42, 0.7)
    neck, depth, slope = rng.uniform(0.12, 0.24), rng.uniform(0.03, 0.25), rng.uniform(0, 0.25)
    sleeve, drop, cuff = rng.uniform(0.2, 1.3), rng.uniform(0.1, 1.35), rng.uniform(0.16, 0.3)
    top, bottom = -0.9, rng.uniform(0.5, 0.95)
    end = shoulder + sleeve * np.cos(drop), top + slope + sleeve * np.sin(drop)
    inner = end[0] - cuff * np.sin(drop), end[1] + cuff * np.cos(drop)
    if rng.random() < 0.2:
        leg = rng.uniform(0.7, 0.95)
        right = [(waist * 0.6, top), (hem, leg), (hem - cuff, 0.93), (0.03, -0.2)]
        middle = []
    else:
        right = [(neck, top), (shoulder, top + slope * 0.6), end, inner]
        right += [(waist, top + slope + cuff * 1.6), (waist * 0.97, 0), (hem, bottom)]
        middle = [(0.0, top + depth)]
    left = [(-x, y) for x, y in reversed(right)]
    points = np.array([*middle, *right, *left], np.float64)
    return _rounded(points + rng.normal(0, 0.02, points.shape), int(rng.integers(0, 3)))


def _shoe(rng: np.random.Generator) -> Points:
    upper = [(-0.95, rng.uniform(-0.1, 0.1)), (-0.9, rng.uniform(-0.75, -0.35))]
    upper += [(-0.45, rng.uniform(-0.7, -0.3)), (-0.1, rng.uniform(-0.35, -0.1))]
    upper += [(0.4, rng.uniform(-0.1, 0.1)), (0.9, rng.uniform(0.12, 0.3)), (1, 0.4)]
    sole = [(0.95, 0.5), (0.3, rng.uniform(0.4, 0.5)), (-0.3, rng.uniform(0.35, 0.5))]
    points = np.array([*upper, *sole, (-0.9, 0.5), (-1, 0.3)], np.float64)
    points += rng.normal(0, 0.03, points.shape)
    if rng.random() < 0.5:
        points[:, 0] *= -1
    return _rounded(points, 3)


_OUTLINES: Final[tuple[Callable[[np.random.Generator], Points], ...]] = (
    _blob, _turned, _turned, ellipse_like, ellipse_like, _garment, _garment, _shoe, _shoe, polygon,
)  # fmt: skip


def _plain(rng: np.random.Generator) -> list[Part]:
    parts = [Part(random_outline(rng))]
    for _ in range(rng.integers(0, 3)):
        away = rng.uniform(-0.6, 0.6, 2)
        parts.append(Part(random_outline(rng) * rng.uniform(0.15, 0.5) + away))
    return parts


def _box(rng: np.random.Generator) -> list[Part]:
    left, right, height = -rng.uniform(0.4, 1), rng.uniform(0.4, 1), rng.uniform(0.3, 1.2)
    edge, depth = rng.uniform(-0.3, 0.3), rng.uniform(0.05, 0.25)
    top = -height / 1.5
    near, far = top + depth * 0.6, top + depth * 0.1
    front = [(left, top), (edge, near), (edge, near + height), (left, top + height)]
    side = [(edge, near), (right, far), (right, far + height), (edge, near + height)]
    lid = [(left, top), (left + right - edge, top - depth * 0.6), (right, far), (edge, near)]
    return [Part(np.array(face, np.float64)) for face in (front, side, lid)]


def _with_handle(rng: np.random.Generator) -> list[Part]:
    body = _turned(rng) if rng.random() < 0.6 else ellipse_like(rng)
    body = body / np.abs(body).max(axis=0) * rng.uniform(0.5, 0.9, 2)
    low, high = body.min(axis=0), body.max(axis=0)
    at = [(high[0], 0.0), (0.0, low[1]), (low[0], 0.0)][rng.integers(3)]
    turn = np.linspace(0, 2 * np.pi, 60)
    ring = _polar(turn, 1.0) * [rng.uniform(0.2, 0.5), rng.uniform(0.25, 0.6)] + at
    return [Part(ring, rng.uniform(0.05, 0.18)), Part(body)]


def _on_legs(rng: np.random.Generator) -> list[Part]:
    """A chair, table, stool or lamp."""
    half, thick, seat = rng.uniform(0.5, 0.95), rng.uniform(0.08, 0.5), rng.uniform(-0.4, 0.2)
    legs, width = int(rng.integers(1, 5)), rng.uniform(0.03, 0.12)
    feet = np.linspace(-0.85 * half, 0.85 * half, legs) if legs > 1 else np.zeros(1)
    parts = []
    for foot in feet:
        line = np.array([(0.9 * foot, seat), (foot + rng.uniform(-0.12, 0.12), 0.95)])
        parts.append(Part(line, width, is_closed=False))
    if legs == 1:
        parts.append(Part(ellipse_like(rng) * [0.5, 0.08] + [0, 0.95]))
    parts.append(Part(ellipse_like(rng) * [half, thick] + [0, seat]))
    if rng.random() < 0.6:
        back = [half * rng.uniform(0.7, 1), rng.uniform(0.2, 0.5)]
        parts.append(Part(ellipse_like(rng) * back + [0, seat - 0.45]))
    return parts


def _two_rings(rng: np.random.Generator) -> list[Part]:
    """Glasses, bicycles, earrings."""
    radius, width = rng.uniform(0.3, 0.5), rng.uniform(0.03, 0.1)
    ring = _polar(np.linspace(0, 2 * np.pi, 60), radius) * [1, rng.uniform(0.6, 1)]
    parts = []
    for x in (-0.55, 0.55):
        if rng.random() < 0.5:
            parts.append(Part(ring + np.array([x, 0])))
        parts.append(Part(ring + np.array([x, 0]), width))
    for _ in range(rng.integers(1, 5)):
        line = rng.uniform(-0.6, 0.6, (2, 2)) * [[1, 0.6], [1, 0.9]]
        parts.append(Part(line, width, is_closed=False))
    return parts


def _plant(rng: np.random.Generator) -> list[Part]:
    parts = [Part(_turned(rng) * [0.5, 0.35] + [0, 0.6])]
    turn = np.linspace(0, 2 * np.pi, 20)
    for _ in range(rng.integers(6, 40)):
        angle, length = rng.uniform(-np.pi, 0), rng.uniform(0.4, 1.2)
        leaf = _polar(turn, 1.0) * [length / 2, rng.uniform(0.03, 0.2)] + [length / 2, 0]
        parts.append(Part(leaf @ rotation(angle).T + [rng.uniform(-0.2, 0.2), 0.35]))
    return parts


def _cords(rng: np.random.Generator) -> list[Part]:
    """Ropes, cables, necklaces."""
    parts = []
    for _ in range(rng.integers(1, 4)):
        way = np.cumsum(rng.normal(0, 0.5, (int(rng.integers(4, 10)), 2)), axis=0)
        way -= way.mean(axis=0)
        way *= 0.95 / (np.abs(way).max() + 1e-6)
        # The closing edge of the rounding is left out: a cord has two ends.
        way = _rounded(way, 4)[: -(2**4)]
        parts.append(Part(way, rng.uniform(0.04, 0.2), is_closed=bool(rng.random() < 0.3)))
    return parts


def _set(rng: np.random.Generator) -> list[Part]:
    number = int(rng.integers(2, 6))
    same = random_outline(rng) if rng.random() < 0.5 else None
    parts = []
    for place in np.linspace(-0.75, 0.75, number):
        outline = random_outline(rng) if same is None else same
        if same is not None and rng.random() < 0.25:
            outline = outline * [-1, 1]
        at = [place + rng.normal(0, 0.08), rng.normal(0, 0.2)]
        parts.append(Part(outline * rng.uniform(0.3, 0.6) + at))
    return parts


def rotation(angle: float) -> Points:
    """Return the (2, 2) matrix that turns by an angle in radians."""
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


_PRODUCTS: Final[tuple[tuple[Callable[[np.random.Generator], list[Part]], float], ...]] = (
    (_plain, 0.40),
    (_box, 0.10),
    (_with_handle, 0.12),
    (_on_legs, 0.10),
    (_two_rings, 0.06),
    (_plant, 0.06),
    (_cords, 0.04),
    (_set, 0.12),
)
