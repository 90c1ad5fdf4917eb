"""``python -m gpu_workers bench speed``: what each imaging step costs, by size of the picture.

Owns the steps that are timed, the table and the yardsticks of the same run: what Pillow alone
needs to shrink a photo, paste it on white and save it, and, where rembg is installed, its own
post-processing of the same mask. Every size is measured in a process of its own, so that its peak
memory is its own. Seconds are of the processor, all threads together: on a machine that others
use too, the wall tells nothing.
"""

from __future__ import annotations

import argparse
import importlib
import io
import json
import multiprocessing
import resource
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw

from gpu_workers.engines.classical_segmenter import VERSION, segment
from gpu_workers.errors import SourceUnusable
from gpu_workers.imaging.arrays import Cutout, Photo
from gpu_workers.imaging.codec import decode, encode, srgb_profile
from gpu_workers.imaging.composite import quantise
from gpu_workers.imaging.framing import place, plan_placement
from gpu_workers.imaging.white_jpeg import encode_on_white
from gpu_workers.pipelines.cutout import Subject, freed, settled, subject_of
from gpu_workers.pipelines.cutout_asset import CutoutAsset, read_asset, write_asset
from gpu_workers.pipelines.finishing import finish
from gpu_workers.pipelines.packshot import compose_solid
from gpu_workers.pipelines.runner import render
from gpu_workers.pipelines.scene import compose_scene
from gpu_workers.protocol import OutputSpec, RenderOrder
from gpu_workers.scene_spec import builtin_scenes

SIZES: Final = (1000, 2000, 4000)
_LEAST_PX: Final = 64
_MOST_PX: Final = 4000
_WHITE, _SURFACE = "packshot-white", "oak-window"
_QUALITY: Final = 93
_FILL: Final = 0.85
_STEP_NAMES: Final = {
    "Finding the product": "find",
    "Refining the edge": "refine",
    "Softening the edge": "matte",
    "Cleaning edge colors": "colors",
}
"""What the segmenter says at the start of its steps, to their names here."""
_RENDERS: Final = ("packshot render", "scene render")
_YARDSTICK: Final = "Pillow alone"


@dataclass(frozen=True, slots=True)
class Measured:
    """One size."""

    size_px: int
    cpu_seconds: dict[str, float]
    """Name of a step, in order, to its seconds: the best of some tries."""
    peak_mb: float
    """Largest resident memory of a process that cut out and rendered both kinds."""
    peak_render_mb: float
    """The same of a process that only rendered, both kinds, from a kept cutout."""


def run(chosen: argparse.Namespace) -> int:
    """Measure and print the table; return the process's exit code."""
    wrong = [size for size in chosen.sizes if not _LEAST_PX <= size <= _MOST_PX]
    if wrong:
        sys.stderr.write(f"--sizes {wrong[0]}: {_LEAST_PX} to {_MOST_PX} px expected.\n")
        return 2
    try:
        data = None if chosen.photo is None else chosen.photo.read_bytes()
        measures = [measure(size, data, tries=chosen.tries) for size in chosen.sizes]
    except OSError as error:
        sys.stderr.write(f"The photo {chosen.photo} cannot be read: {error.strerror}.\n")
        return 2
    except SourceUnusable as error:
        sys.stderr.write(f"{chosen.photo or 'The photo'}: {error.detail}.\n")
        return 2
    if chosen.json:
        for each in measures:
            sys.stdout.write(json.dumps(asdict(each)) + "\n")
    else:
        sys.stdout.write(table(measures))
    return 0


def measure(size_px: int, photo: bytes | None, *, tries: int) -> Measured:
    """Measure one size, in processes of its own.

    Parameters
    ----------
    photo
        A file; it is scaled to `size_px` on its longest side. None draws one.

    Raises
    ------
    SourceUnusable
        If the photo cannot be read or shows no product.
    """
    source = _source(size_px, photo)
    seconds, _, asset = _alone(_steps, source, size_px, tries)
    _, peak, _ = _alone(_from_photo, source, size_px)
    others, _, _ = _alone(_others, source, size_px, tries, asset)
    renders, peak_render, _ = _alone(_renders, source, size_px, tries, asset)
    return Measured(size_px, seconds | others | renders, peak, peak_render)


def table(measures: Sequence[Measured]) -> str:
    """Return the steps as rows: seconds, and how many times what Pillow alone needs."""
    names = list(dict.fromkeys(name for each in measures for name in each.cpu_seconds))
    sizes = "".join(f"{f'{each.size_px} px':>16}{'x Pillow':>10}" for each in measures)
    lines = [f"{'CPU seconds':24}{sizes}"]
    for name in names:
        cells = ""
        for each in measures:
            seconds = each.cpu_seconds.get(name)
            base = each.cpu_seconds[_YARDSTICK]
            cells += f"{'–':>26}" if seconds is None else f"{seconds:16.3f}{seconds / base:10.1f}"
        lines.append(f"{name:24}{cells}")
    totals: tuple[tuple[str, Callable[[Measured], str]], ...] = (
        ("images/s a core, packshot", lambda each: f"{1 / each.cpu_seconds[_RENDERS[0]]:.2f}"),
        ("images/s a core, scene", lambda each: f"{1 / each.cpu_seconds[_RENDERS[1]]:.2f}"),
        ("peak MB, cutting out too", lambda each: f"{each.peak_mb:.0f}"),
        ("peak MB, kept cutout", lambda each: f"{each.peak_render_mb:.0f}"),
    )
    for words, value in totals:
        lines.append(f"{words:26}" + "".join(f"{value(each):>14}{'':12}" for each in measures))
    return "\n".join(lines) + "\n"


def _alone(
    work: Callable[..., tuple[dict[str, float], bytes]], *arguments: Any
) -> tuple[dict[str, float], float, bytes]:
    """Run a function in a fresh process; return its answer and its peak memory in megabytes."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        seconds, data = pool.submit(work, *arguments).result()
        return seconds, pool.submit(_peak_mb).result(), data


def _peak_mb() -> float:
    status = Path("/proc/self/status")
    if status.exists():
        # The kernel hands the peak of a parent on to its children's `ru_maxrss`, not to this.
        line = next(each for each in status.read_text().splitlines() if each.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    unit = 1024**2 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


class _Watch:
    """The best seconds of each step over some tries."""

    def __init__(self, tries: int) -> None:
        self._tries = tries
        self.seconds: dict[str, float] = {}

    def note(self, name: str, seconds: float) -> None:
        self.seconds[name] = round(min(seconds, self.seconds.get(name, seconds)), 4)

    def time(self, name: str, work: Callable[[], Any]) -> Any:
        """Do a piece of work some times and note the best; return what it made."""
        made = None
        for _ in range(self._tries):
            begun = time.process_time()
            made = work()
            self.note(name, time.process_time() - begun)
        return made


def _steps(source: bytes, size_px: int, tries: int) -> tuple[dict[str, float], bytes]:
    """Return the seconds of all steps from photo to files, and the cutout's own file."""
    watch = _Watch(tries)
    photo: Photo = watch.time("decode", lambda: decode(source)).photo
    cutout = settled(_cut_out(photo, watch, tries))
    asset = watch.time("keep the cutout", lambda: write_asset(CutoutAsset(cutout, VERSION)))
    watch.time("read it again", lambda: read_asset(asset))
    subject = subject_of(freed(photo, cutout, VERSION))
    canvas = (size_px, size_px)
    placement = plan_placement(subject.product, subject.frame, canvas, fill=_FILL)
    watch.time("place", lambda: place(subject.cutout, placement))
    _time_scene(watch, subject, canvas)
    _time_packshot(watch, subject, canvas)
    return watch.seconds, asset


def _time_scene(watch: _Watch, subject: Subject, canvas: tuple[int, int]) -> None:
    order = _order(_SURFACE, canvas[0])
    compose_scene(subject, order, canvas, _FILL)  # Draws the material, which is kept.
    made = watch.time("compose scene", lambda: compose_scene(subject, order, canvas, _FILL))
    watch.time("finish scene", lambda: finish(made, order.outputs[0], seed=0))


def _time_packshot(watch: _Watch, subject: Subject, canvas: tuple[int, int]) -> None:
    order = _order(_WHITE, canvas[0])
    made = watch.time("compose packshot", lambda: compose_solid(subject, order, canvas, _FILL))
    watch.time("finish packshot", lambda: finish(made, order.outputs[0], seed=0))
    photo = quantise(made.image, made.matte, grain=0.0, seed=0)
    background = made.matte == 0
    watch.time("encode", lambda: encode(photo, "JPEG", quality=_QUALITY))
    watch.time("encode exact white", lambda: encode_on_white(photo, background, srgb_profile()))


def _cut_out(photo: Photo, watch: _Watch, tries: int) -> Cutout:
    marks: list[tuple[str, float]] = []

    def mark(step: str, _share: float) -> None:
        marks.append((step, time.process_time()))

    for _ in range(tries):
        marks.clear()
        cutout = segment(photo, report=mark)
        for (step, begun), (_, ended) in pairwise(marks):
            watch.note(_STEP_NAMES.get(step, step), ended - begun)
        watch.note("find to colors", marks[-1][1] - marks[0][1])
    return cutout


def _others(
    source: bytes, size_px: int, tries: int, asset: bytes
) -> tuple[dict[str, float], bytes]:
    """Time Pillow alone and, where it is installed, rembg's post-processing of the same mask."""
    watch = _Watch(tries)

    def pillow_alone() -> None:
        with Pillow.open(io.BytesIO(source)) as opened:
            side = round(_FILL * size_px)
            small = opened.convert("RGB").resize((side, side), Pillow.Resampling.BICUBIC)
        canvas = Pillow.new("RGB", (size_px, size_px), "white")
        canvas.paste(small, ((size_px - side) // 2,) * 2)
        canvas.save(io.BytesIO(), "JPEG", quality=_QUALITY, subsampling=0)

    watch.time(_YARDSTICK, pillow_alone)
    try:
        bg = importlib.import_module("rembg.bg")
    except (ImportError, SystemExit):
        # rembg ends the process where its runtime is missing.
        return watch.seconds, b""
    mask = Pillow.fromarray((read_asset(asset).cutout.matte * 255).astype(np.uint8))
    picture = Pillow.fromarray(decode(source).photo)
    # Compiles what it needs; its defaults are those of `rembg.remove`.
    small = (picture.resize((64, 64)), mask.resize((64, 64)))
    bg.alpha_matting_cutout(*small, 240, 10, 10)
    watch.time("rembg alpha matting", lambda: bg.alpha_matting_cutout(picture, mask, 240, 10, 10))
    watch.time("rembg decontaminate", lambda: bg.decontaminate_cutout(picture, mask))
    return watch.seconds, b""


def _renders(
    source: bytes, size_px: int, tries: int, asset: bytes
) -> tuple[dict[str, float], bytes]:
    watch = _Watch(tries)
    store = {"photo": source, "cutout": asset}
    for name, slug in zip(_RENDERS, (_WHITE, _SURFACE), strict=True):
        order = _order(slug, size_px)

        def make(order: RenderOrder = order) -> None:
            render(order, read=store.__getitem__, write=_forget, report=_tell_nobody)

        make()
        watch.time(name, make)
    return watch.seconds, b""


def _from_photo(source: bytes, size_px: int) -> tuple[dict[str, float], bytes]:
    """Render both kinds, cutting out first: done for its memory."""
    store = {"photo": source}
    for slug in (_WHITE, _SURFACE):
        order = replace(_order(slug, size_px), cutout_key="")
        render(order, read=store.__getitem__, write=_forget, report=_tell_nobody)
    return {}, b""


def _order(slug: str, size_px: int) -> RenderOrder:
    scene = builtin_scenes()[slug]
    output = OutputSpec(
        "bench", size_px, size_px, quality=_QUALITY, exact_white=scene.is_exact_white
    )
    return RenderOrder(
        "bench", 1, "bench", scene.kind, "photo", scene, (output,), 0, "", cutout_key="cutout"
    )


def _source(size_px: int, data: bytes | None) -> bytes:
    """Return the file of a photo of that size."""
    if data is None:
        return encode(_drawn(size_px), "JPEG", quality=_QUALITY)
    photo = decode(data).photo
    scale = size_px / max(photo.shape[:2])
    size = (max(1, round(photo.shape[1] * scale)), max(1, round(photo.shape[0] * scale)))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return encode(np.asarray(cv2.resize(photo, size, interpolation=way)), "JPEG", quality=_QUALITY)


def _drawn(size_px: int) -> Photo:
    """Return a jar with a label and a lid on a gray sweep, with its shadow and sensor noise."""
    side = size_px * 2
    rows = np.linspace(232, 196, side, dtype=np.float32)[:, np.newaxis]
    sweep = np.repeat(rows, side, axis=1).astype(np.uint8)
    picture = Pillow.merge("RGB", [Pillow.fromarray(sweep)] * 3)
    draw = ImageDraw.Draw(picture)

    def box(left: float, top: float, right: float, bottom: float) -> tuple[float, ...]:
        return tuple(share * side for share in (left, top, right, bottom))

    draw.ellipse(box(0.24, 0.80, 0.78, 0.88), fill=(168, 167, 164))
    draw.rounded_rectangle(box(0.28, 0.26, 0.72, 0.85), radius=0.07 * side, fill=(176, 84, 40))
    draw.rounded_rectangle(box(0.33, 0.15, 0.67, 0.29), radius=0.02 * side, fill=(44, 46, 52))
    draw.rectangle(box(0.28, 0.44, 0.72, 0.70), fill=(238, 232, 220))
    for line in range(5):
        top = 0.48 + 0.04 * line
        draw.rectangle(box(0.34, top, 0.66 - 0.04 * line, top + 0.012), fill=(70, 60, 50))
    small = picture.resize((size_px, size_px), Pillow.Resampling.BOX)
    noise = np.random.default_rng(5).normal(0, 2, (size_px, size_px, 3)).astype(np.float32)
    return np.asarray(np.clip(np.asarray(small, np.float32) + noise, 0, 255), np.uint8)


def _forget(_key: str, _data: bytes) -> None:
    """A bench keeps no files."""


def _tell_nobody(*_told: object) -> None:
    """A bench prints rows, not steps."""
