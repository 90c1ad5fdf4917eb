"""``python -m gpu_workers bench quality``: what the engines' pictures measure on some photos.

Owns which photos are measured and the table. The measures are `imaging`'s: likeness to the true
matte where ``NAME_mask.png`` or ``NAME_alpha.png`` (8 bit, 255 is product, same size) lies beside
the photo, and for every photo what needs no truth: bleed, halo, contact, noise, color, fidelity.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image as Pillow
from PIL import ImageOps

from gpu_workers.errors import SourceUnusable
from gpu_workers.imaging.arrays import Cutout, Matte, Photo, to_photo
from gpu_workers.imaging.camera import choose_pitch, estimate_pitch, look_at
from gpu_workers.imaging.camera_file import SUFFIXES, normalized
from gpu_workers.imaging.codec import decode_photo
from gpu_workers.imaging.composite import quantise
from gpu_workers.imaging.edge_quality import bleed, halo
from gpu_workers.imaging.fidelity import compare
from gpu_workers.imaging.likeness import Likeness, band_likeness, likeness
from gpu_workers.imaging.quality import measure_white
from gpu_workers.imaging.scene_quality import (
    contact_darkening,
    falls_away_from,
    horizon_fits,
    levels_in_gradient,
    noise_ratio,
    shadow_side,
    sharpness_ratio,
    white_point_distance,
)
from gpu_workers.pipelines.cutout import Freed, Subject, free_product, subject_of
from gpu_workers.pipelines.finishing import finish
from gpu_workers.pipelines.packshot import compose_solid
from gpu_workers.pipelines.runner import LOW_CONFIDENCE
from gpu_workers.pipelines.scene import compose_scene
from gpu_workers.protocol import OutputSpec, RenderOrder
from gpu_workers.scene_spec import SceneSpec, builtin_scenes

CANVAS_PX: Final = 1000
_TRUTHS: Final = ("_mask", "_alpha")
_BAD_IOU: Final = 0.9
_GOOD_IOU: Final = 0.95
_SCENE: Final = "white-marble"
_SWEEP: Final = "seamless-sage"
"""Where a band would be seen: nothing but a slow gradient."""


@dataclass(frozen=True, slots=True)
class MeasuredPhoto:
    """A photo of the folder and, where it is known, its true matte."""

    name: str
    path: Path
    photo: Photo
    truth: Matte | None


@dataclass(frozen=True, slots=True)
class Row:
    """What one photo's pictures measure; None is what cannot be measured on it."""

    name: str
    refused: str = ""
    confidence: float | None = None
    iou: float | None = None
    boundary_f: float | None = None
    absolute_sum: float | None = None
    gradient_sum: float | None = None
    band_absolute_sum: float | None = None
    band_gradient_sum: float | None = None
    bleed_median: float | None = None
    bleed_share: float | None = None
    halo: float | None = None
    white_share: float | None = None
    contact: float | None = None
    shadow_side: float | None = None
    is_shadow_away: bool | None = None
    is_horizon_right: bool | None = None
    noise: float | None = None
    sharpness: float | None = None
    color: float | None = None
    levels: int | None = None
    delta_e_mean: float | None = None
    delta_e_p99: float | None = None
    seconds: float = 0.0

    @property
    def is_flagged(self) -> bool:
        """Whether a person would be asked to look at the edge."""
        return bool(self.refused) or (self.confidence or 0.0) < LOW_CONFIDENCE


_COLUMNS: Final = (
    ("iou", "IoU", 4),
    ("boundary_f", "edge F", 4),
    ("absolute_sum", "SAD", 1),
    ("gradient_sum", "grad", 2),
    ("band_absolute_sum", "bandSAD", 2),
    ("band_gradient_sum", "bandgr", 3),
    ("confidence", "sure", 2),
    ("bleed_median", "bleed", 2),
    ("bleed_share", "bl>.3", 2),
    ("halo", "halo", 2),
    ("white_share", "white", 4),
    ("contact", "contact", 2),
    ("shadow_side", "side", 2),
    ("noise", "noise", 2),
    ("sharpness", "sharp", 2),
    ("color", "color", 1),
    ("levels", "levels", 0),
    ("delta_e_mean", "dE", 2),
    ("delta_e_p99", "dE p99", 2),
    ("seconds", "s", 1),
)


def run(chosen: argparse.Namespace) -> int:
    """Measure a folder and print the table; return the process's exit code."""
    folder: Path = chosen.photos
    if not folder.is_dir():
        sys.stderr.write(f"There is no folder {folder}: give one with photos by --photos.\n")
        return 2
    rows = []
    if not chosen.json:
        sys.stdout.write(_head())
    for each in measured_photos(folder):
        row = measured(each, cutout_only=chosen.cutout_only)
        rows.append(row)
        sys.stdout.write(json.dumps(asdict(row)) + "\n" if chosen.json else _line(row))
        sys.stdout.flush()
    if not rows:
        sys.stderr.write(f"No photos in {folder}; looked for {', '.join(sorted(SUFFIXES))}.\n")
        return 2
    if not chosen.json:
        sys.stdout.write(summary(rows))
    return 0


def measured_photos(folder: Path) -> Iterator[MeasuredPhoto]:
    """Yield the photos of a folder with their true mattes, in the order of their names."""
    for path in sorted(folder.iterdir()):
        is_truth = path.stem.endswith(_TRUTHS)
        if path.suffix.lower() not in SUFFIXES or is_truth or not path.is_file():
            continue
        truths = (folder / f"{path.stem}{suffix}.png" for suffix in _TRUTHS)
        truth = next((each for each in truths if each.exists()), None)
        yield MeasuredPhoto(path.stem, path, _photo(path), _matte(truth) if truth else None)


def measured(each: MeasuredPhoto, *, cutout_only: bool = False) -> Row:
    """Make the pictures of one photo, or only its cutout, and measure them."""
    begun = time.perf_counter()
    try:
        freed = free_product(normalized(each.path.read_bytes()), _tell_nobody)
    except SourceUnusable as error:
        return Row(each.name, refused=error.detail, iou=None if each.truth is None else 0.0)
    seconds = time.perf_counter() - begun
    photo, cutout = freed.photo, freed.cutout
    truth = each.truth
    fits = truth is not None and truth.shape == cutout.matte.shape
    found = likeness(cutout.matte, truth) if truth is not None and fits else None
    row = Row(each.name, confidence=round(cutout.confidence, 4), seconds=round(seconds, 2))
    band = band_likeness(cutout.matte, truth) if truth is not None and fits else None
    if band is not None:
        row = replace(
            row,
            band_absolute_sum=round(band.absolute_sum, 4),
            band_gradient_sum=round(band.gradient_sum, 4),
        )
    pictures = {} if cutout_only else _of_pictures(freed)
    return replace(row, **_of_truth(found), **_of_edge(photo, cutout), **pictures)


def summary(rows: Sequence[Row]) -> str:
    """Return what the bars are about: means, shares, and how well doubt is placed."""
    lines = []
    known = [row for row in rows if row.iou is not None]
    if known:
        ious = [row.iou or 0.0 for row in known]
        good = sum(iou > _GOOD_IOU for iou in ious)
        bad = [row for row in known if (row.iou or 0.0) < _BAD_IOU]
        fine = [row for row in known if (row.iou or 0.0) >= _BAD_IOU]
        lines.append(
            f"IoU mean {np.mean(ious):.4f}, median {np.median(ious):.4f}, "
            f"{good} of {len(known)} above {_GOOD_IOU}"
        )
        lines.append(
            f"flagged: {sum(row.is_flagged for row in bad)} of {len(bad)} bad ones "
            f"(IoU below {_BAD_IOU}), {sum(row.is_flagged for row in fine)} of {len(fine)} others"
        )
    for name, words, _ in _COLUMNS:
        values = [value for row in rows if (value := getattr(row, name)) is not None]
        if name in (
            "bleed_median",
            "halo",
            "white_share",
            "contact",
            "sharpness",
            "levels",
            "delta_e_mean",
            "delta_e_p99",
        ):
            if not values:
                continue
            is_more_better = name in ("white_share", "contact", "levels")
            worst = min(values) if is_more_better else max(values)
            lines.append(f"{words}: median {np.median(values):.3f}, worst {worst:.3f}")
    for name, words in (
        ("is_shadow_away", "shadow away from the light"),
        ("is_horizon_right", "horizon where the camera sees it"),
    ):
        known_of = [value for row in rows if (value := getattr(row, name)) is not None]
        if known_of:
            lines.append(f"{words}: {sum(known_of)} of {len(known_of)}")
    refused = [row for row in rows if row.refused]
    if refused:
        lines.append(f"refused: {', '.join(row.name for row in refused)}")
    return "\n".join(lines) + "\n"


def _of_truth(found: Likeness | None) -> dict[str, Any]:
    if found is None:
        return {}
    return {name: round(value, 4) for name, value in asdict(found).items()}


def _of_edge(photo: Photo, cutout: Cutout) -> dict[str, Any]:
    left = bleed(photo, to_photo(np.clip(cutout.color, 0, 1)), cutout.matte)
    return {"bleed_median": left.median, "bleed_share": left.share} if left else {}


def _of_pictures(freed: Freed) -> dict[str, Any]:
    """Measure a packshot on white and a scene of the product."""
    subject = subject_of(freed)
    canvas = (CANVAS_PX, CANVAS_PX)
    scenes = builtin_scenes()
    white = _order(scenes["packshot-white"])
    packshot = compose_solid(subject, white, canvas, white.scene.framing.fill)
    finished = decode_photo(finish(packshot, white.outputs[0], seed=0).data)
    values = {
        "halo": halo(finished, packshot.matte),
        "white_share": round(measure_white(finished, packshot.matte).share, 6),
    }
    return values | _of_scene(subject, scenes[_SCENE], canvas) | _of_sweep(subject, scenes[_SWEEP])


def _of_scene(subject: Subject, scene: SceneSpec, canvas: tuple[int, int]) -> dict[str, Any]:
    order = _order(scene)
    bare = _order(replace(scene, light=replace(scene.light, contact_shadow=0.0, cast_shadow=0.0)))
    fill = scene.framing.fill
    made = compose_scene(subject, order, canvas, fill)
    without = compose_scene(subject, bare, canvas, fill)
    picture = quantise(made.image, made.matte, grain=made.grain, seed=0)
    assert made.placement is not None
    fidelity = compare(picture, made.matte, subject.photo, subject.cutout.matte, made.placement)
    side = shadow_side(made.image, without.image, made.matte)
    pitch = choose_pitch(estimate_pitch(subject.cutout.matte), scene.accepts_pitch)
    ground = look_at(made.placement, pitch, scene.horizon, made.placement.product.bottom)
    return {
        "contact": contact_darkening(made.image, without.image, made.matte),
        "shadow_side": side,
        "is_shadow_away": None if side is None else falls_away_from(side, scene.light.azimuth_deg),
        "is_horizon_right": None if subject.hangs else horizon_fits(ground, canvas[1]),
        "sharpness": sharpness_ratio(picture, made.matte),
        "noise": noise_ratio(picture, made.matte),
        "color": white_point_distance(picture, made.matte),
        "delta_e_mean": fidelity.delta_e_mean,
        "delta_e_p99": fidelity.delta_e_p99,
    }


def _of_sweep(subject: Subject, scene: SceneSpec) -> dict[str, Any]:
    canvas = (CANVAS_PX, CANVAS_PX)
    made = compose_scene(subject, _order(scene), canvas, scene.framing.fill)
    picture = quantise(made.image, made.matte, grain=made.grain, seed=0)
    return {"levels": levels_in_gradient(picture, made.matte)}


def _order(scene: SceneSpec) -> RenderOrder:
    output = OutputSpec("bench", CANVAS_PX, CANVAS_PX, exact_white=scene.is_exact_white)
    return RenderOrder("bench", 1, "bench", "scene", "photo", scene, (output,), 0, "")


def _photo(path: Path) -> Photo:
    with Pillow.open(path) as opened:
        upright = ImageOps.exif_transpose(opened)
        # A palette may hold an opacity for each color, which only RGBA can take.
        whole = upright.convert("RGBA") if upright.mode == "P" else upright
        return np.asarray(whole.convert("RGB"))


def _matte(path: Path) -> Matte:
    with Pillow.open(path) as opened:
        plane = opened.getchannel("A") if "A" in opened.getbands() else opened.convert("L")
        return np.asarray(plane, np.float32) / np.float32(255)


def _head() -> str:
    return f"{'photo':26}" + "".join(f"{words:>8}" for _, words, _ in _COLUMNS) + "\n"


def _line(row: Row) -> str:
    if row.refused:
        return f"{row.name[:25]:26} refused: {row.refused}\n"
    cells = []
    for name, _, digits in _COLUMNS:
        value = getattr(row, name)
        cells.append(f"{'–':>8}" if value is None else f"{value:8.{digits}f}")
    return f"{row.name[:25]:26}{''.join(cells)}{'  look' if row.is_flagged else ''}\n"


def _tell_nobody(_step: str, _share: float) -> None:
    """A bench prints rows, not steps."""
