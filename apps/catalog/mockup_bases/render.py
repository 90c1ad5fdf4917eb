"""From a set with a blank object to the layers a mockup is made of.

Owns exposure, the split of light and gloss, the places of print areas in the picture and the
true place of folded cloth. It writes no files (`__main__` does). Layers are linear sRGB; `light`
is what white paper in the same place would show, so that color times light is the picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from apps.catalog.mockup_bases.objects import WHITE
from apps.catalog.mockup_bases.sets import Area, Base
from apps.catalog.sample_photos.render import Sample, clean_layers, trace_layers
from apps.catalog.sample_photos.sdf import Array
from apps.catalog.sample_photos.trace import OPAQUE, Camera, Scene, Tracer

BRIGHTEST: Final = 0.95
"""Light on the brightest part of the print area: white ink there stays a little under white."""
SET_LEVEL: Final = 0.93
MOST_GAIN: Final = 1.8
"""The set is lit apart, as in a studio: most of it then has the color that was ordered."""
GRID_STEP: Final = 8
"""Pixels between two measured places of the cloth: folds are at least ten times as wide."""
_SHOULDER: Final = 0.9

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Layers:
    """What one blank object looks like."""

    light: Floats
    """(h, w, 3) diffuse light, times the color of whatever is not white."""
    gloss: Floats
    """(h, w, 3) what the surface mirrors, and everything seen through glass."""
    alpha: Floats
    """(h, w) opacity of the object before its set."""
    shift_cm: Floats | None
    """(h / 8, w / 8, 2) how far folds move the print across and down; None for stiff objects."""
    facts: dict[str, Any]
    """Geometry for the file beside the pictures."""


def render_base(base: Base, *, side_px: int, samples: int, seed: int, processes: int) -> Layers:
    """Render one base, `side_px` squared."""
    scene = base.scene()
    sample = Sample(base.name, base.name, base.name, "front", lambda: scene)
    traced = trace_layers(
        sample,
        width_px=side_px,
        height_px=side_px,
        samples=samples,
        seed=seed,
        processes=processes,
    )
    light, gloss = clean_layers(traced)
    light = (light * traced[6:9]).transpose(1, 2, 0) / WHITE
    gloss = gloss.transpose(1, 2, 0)
    points, facing = _points(base.area, scene)
    at = project(scene.camera, points[:, facing], side_px)
    columns, rows = np.clip(at, 0, side_px - 1).astype(np.int64)
    level = float(np.percentile(light[rows, columns].mean(axis=1), 95))
    exposure = BRIGHTEST / level
    alpha = np.clip(_soft(traced[13], 0.5), 0.0, 1.0).astype(np.float32)
    light, gloss = (_clean_edges(layer * exposure, alpha) for layer in (light, gloss))
    if base.contrast != 1.0:
        deep = BRIGHTEST * (light / BRIGHTEST) ** base.contrast
        light += (deep - light) * alpha[..., None]
    on_set = light[alpha < 0.01]
    gain = float(np.clip(SET_LEVEL / np.percentile(on_set.mean(axis=1), 70), 1.0, MOST_GAIN))
    light *= (1 + (gain - 1) * (1 - alpha))[..., None]
    return Layers(
        light=_shouldered(light),
        gloss=np.asarray(gloss, np.float32),
        alpha=alpha,
        shift_cm=_shift(base.area, scene, side_px) if base.area.cloth else None,
        facts=_facts(base, scene, side_px),
    )


def _soft(layer: Array, sigma_px: float) -> Floats:
    """Return (h, w) or (h, w, c) blurred by a Gaussian."""
    reach = max(2, round(3 * sigma_px))
    taps = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma_px) ** 2)
    taps /= taps.sum()
    result = layer.astype(np.float32)
    for axis in (0, 1):
        pad = [(0, 0)] * result.ndim
        pad[axis] = (reach, reach)
        padded = np.pad(result, pad, mode="edge")
        length = result.shape[axis]
        result = sum(
            (
                np.take(padded, range(k, k + length), axis=axis) * np.float32(tap)
                for k, tap in enumerate(taps)
            ),
            start=np.zeros_like(result),
        )
    return result


def _clean_edges(layer: Array, alpha: Floats) -> Floats:
    """Return a layer whose outline is mixed anew from what lies on both sides of it.

    A pixel on the outline has seen a handful of rays of two very different surfaces; its
    neighbors have settled, and its opacity tells how they share it.
    """
    sides = []
    for weight in ((alpha > 0.995).astype(np.float32), (alpha < 0.005).astype(np.float32)):
        total, share = np.zeros_like(layer, dtype=np.float32), np.zeros_like(alpha)
        for sigma in (1.0, 2.5):
            near = _soft(weight, sigma)
            mean = _soft(layer * weight[..., None], sigma) / np.maximum(near, 1e-6)[..., None]
            trust = np.clip(near * 20, 0.0, 1.0) * (1 - share)
            total, share = total + mean * trust[..., None], share + trust
        sides.append((total, share))
    (inner, in_share), (outer, out_share) = sides
    mixed = inner * alpha[..., None] + outer * (1 - alpha)[..., None]
    known = np.minimum(in_share, out_share) * ((alpha > 0.005) & (alpha < 0.995))
    return np.asarray(layer + (mixed - layer) * known[..., None], np.float32)


def project(camera: Camera, points: Array, side_px: int) -> Array:
    """Return where world points (3, n) appear: columns and rows (2, n) in pixels."""
    eye = np.array(camera.eye)
    forward = np.array(camera.target) - eye
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, np.array([0.0, 1.0, 0.0]))
    right /= np.linalg.norm(right)
    up = np.cross(right, forward)
    to = points - eye[:, None]
    scale = np.tan(np.radians(camera.fov_deg) / 2) * (forward @ to)
    x, y = (right @ to) / scale, (up @ to) / scale
    return np.stack([(x + 1) / 2 * side_px, (1 - y) / 2 * side_px])


def _world(scene: Scene, points: Array) -> Array:
    c, s = np.cos(np.radians(scene.yaw_deg)), np.sin(np.radians(scene.yaw_deg))
    x, y, z = points
    return np.stack([x * c + z * s, y, -x * s + z * c])


def _points(area: Area, scene: Scene) -> tuple[Array, npt.NDArray[np.bool_]]:
    """Return a lattice of world points on the area, and which of them face the camera."""
    u, v = (
        grid.ravel()
        for grid in np.meshgrid(np.linspace(0.02, 0.98, 60), np.linspace(0.02, 0.98, 60))
    )
    if area.kind == "plane":
        origin, across, down = (np.array(a)[:, None] for a in (area.origin, area.across, area.down))
        local = origin + across * u + down * v
        return _world(scene, local), np.ones(u.size, dtype=np.bool_)
    angle = area.center_angle + (2 * u - 1) * area.half_angle
    low, high = area.heights
    normal = np.stack([np.sin(angle), np.zeros_like(angle), np.cos(angle)])
    local = normal * area.radius
    local[1] = high - (high - low) * v
    points, normal = _world(scene, local), _world(scene, normal)
    to_eye = np.array(scene.camera.eye)[:, None] - points
    facing = (to_eye * normal).sum(axis=0) > 0.35 * np.linalg.norm(to_eye, axis=0)
    return points, facing


def _shouldered(light: Array) -> Floats:
    """Roll light beyond the brightest paper off below 1, as film does."""
    over = np.maximum(light - _SHOULDER, 0.0)
    room = 1.0 - _SHOULDER
    rolled = _SHOULDER + room * (1.0 - np.exp(-over / room))
    return np.asarray(np.minimum(light, rolled), np.float32)


def _shift(area: Area, scene: Scene, side_px: int) -> Floats:
    """Return by how much cloth lies elsewhere than on the plane of its print area, in cm."""
    tracer = Tracer(scene, 1)
    at = (np.arange(side_px // GRID_STEP) + 0.5) * GRID_STEP
    columns, rows = (grid.ravel().astype(np.float32) for grid in np.meshgrid(at, at))
    still = (np.zeros_like(columns), np.zeros_like(columns))
    o, d = scene.camera.rays(columns, rows, side_px, side_px, still)
    t, kind = tracer.nearest(o, d)
    hits = kind == OPAQUE
    origin = _world(scene, np.array(area.origin)[:, None])
    c, s = np.cos(np.radians(scene.yaw_deg)), np.sin(np.radians(scene.yaw_deg))
    turn = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    across, down = turn @ np.array(area.across), turn @ np.array(area.down)
    across_cm, down_cm = across / np.linalg.norm(across), down / np.linalg.norm(down)
    normal = np.cross(across_cm, down_cm)
    flat_t = (normal @ (origin - o)) / (normal @ d)
    offset = (o + d * np.where(hits, t, flat_t)) - (o + d * flat_t)
    shift = np.stack([across_cm @ offset, down_cm @ offset], axis=1)
    shift[~hits] = 0.0
    return shift.reshape(at.size, at.size, 2).astype(np.float32)


def _facts(base: Base, scene: Scene, side_px: int) -> dict[str, Any]:
    area = base.area
    surface: dict[str, Any]
    if area.kind == "plane":
        origin, across, down = (np.array(a) for a in (area.origin, area.across, area.down))
        local = np.stack([origin, origin + across, origin + across + down, origin + down], axis=1)
        corners = project(scene.camera, _world(scene, local), side_px) / side_px
        surface = {"kind": "plane", "corners": [round(float(v), 6) for v in corners.T.ravel()]}
    else:
        camera = scene.camera
        surface = {
            "kind": "cylinder",
            "eye": list(camera.eye),
            "target": list(camera.target),
            "fov_deg": camera.fov_deg,
            "radius": area.radius,
            "center_deg": round(float(np.degrees(area.center_angle)) + scene.yaw_deg, 4),
            "half_deg": round(float(np.degrees(area.half_angle)), 4),
            "low": area.heights[0],
            "high": area.heights[1],
        }
    return {
        "name": base.name,
        "side_px": side_px,
        "stands": base.stands,
        "colored": base.colored,
        "color": base.color,
        "relief": base.relief,
        "size_cm": [round(v, 4) for v in area.size_cm],
        "corner_cm": area.corner_cm,
        "hole": list(area.hole) if area.hole else None,
        "surface": surface,
    }
