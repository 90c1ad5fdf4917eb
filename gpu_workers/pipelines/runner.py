"""One render from order to files: the function the engine child calls.

Owns the order of the steps, what is composed once and what is derived, progress, file names and
the account of it all. Does not own the manifest, storage, retries or reports: those are the
worker's. Nothing is kept between two orders but bounded caches of textures.
"""

from __future__ import annotations

import hashlib
import platform
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final

import cv2
import numpy as np
import PIL

from gpu_workers.engines.segmenter import load_default
from gpu_workers.errors import OrderInvalid
from gpu_workers.imaging.codec import EXTENSIONS
from gpu_workers.imaging.fidelity import compare
from gpu_workers.kind_options.table import KINDS
from gpu_workers.pipelines.canvases import canvases_of
from gpu_workers.pipelines.cutout import CutoutFile, Subject
from gpu_workers.pipelines.finishing import Composition, Finished, finish, make_preview
from gpu_workers.pipelines.inputs import Inputs, Read, Write
from gpu_workers.pipelines.table import pipeline_of
from gpu_workers.protocol import OutputSpec, ProgressReport, RenderOrder, RenderResult, ResultFile

VERSION: Final = "1"
"""Raised when the same order would give another picture."""

_RESERVED: Final = frozenset({"preview", "cutout", "manifest"})
_MIN_CANVAS_PX: Final = 16
_MAX_CANVAS_PX: Final = 4000
"""A canvas of 4,000 x 4,000 px needs 1.5 GB; sales channels ask for 2,560 at most."""
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}\Z")
LOW_CONFIDENCE: Final = 0.6
_CUT_OUT_SHARE: Final = 0.5
"""Part of the progress bar that cutting out gets: measured 2 to 4 s of 5 to 8."""


def prepare() -> None:
    """Load the network that cutouts are made with by default, if the operator set one."""
    load_default()


class Progress:
    """Counts steps for the seller and seconds for the operator.

    ``share`` is that of the whole order, so that a bar only ever moves forward.
    """

    def __init__(self, report: ProgressReport, steps: int) -> None:
        self._report = report
        self._steps = steps
        self._step = 0
        self._label = ""
        self._low = 0.0
        self._high = 0.0
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, name: str, label: str, until: float) -> Iterator[None]:
        """Announce a step that ends at `until` of the whole; measure it under `name`."""
        self._step += 1
        self._label = label
        self._low, self._high = self._high, until
        self.within(0.0)
        start = time.perf_counter()
        yield
        self._add(name, start)

    @contextmanager
    def more_of(self, name: str) -> Iterator[None]:
        """Measure more work under the name of an earlier step, unannounced."""
        start = time.perf_counter()
        yield
        self._add(name, start)

    def _add(self, name: str, start: float) -> None:
        total = self.seconds.get(name, 0.0) + time.perf_counter() - start
        self.seconds[name] = round(total, 3)

    def within(self, share: float, preview: bytes = b"") -> None:
        """Report a share, 0 to 1, of the current step, and what can be seen of it, if anything."""
        done = self._low + (self._high - self._low) * min(max(share, 0.0), 1.0)
        told = (self._step, self._steps, self._label, round(done, 3))
        if preview:
            self._report(*told, preview)
        else:
            self._report(*told)


def render(order: RenderOrder, *, read: Read, write: Write, report: ProgressReport) -> RenderResult:
    """Make every file of one order.

    Parameters
    ----------
    order
        What to make of which source photo.
    read
        Returns the bytes under an object key.
    write
        Stores bytes under an object key.
    report
        Called with step, steps, a label in the seller's words and the share of the whole order
        done, 0 to 1, at the start of each step and within long ones; twice a second at most with
        a preview of an unfinished picture too.

    Raises
    ------
    OrderInvalid
        If kind, scene or outputs are not something this engine makes.
    SourceUnusable
        If the photo cannot be read or shows no product.
    """
    _refuse_unmakable(order)
    pipeline = pipeline_of(order.kind)
    begun = time.perf_counter()
    progress = Progress(report, steps=3 + len(order.outputs))
    with progress.step("cut_out", "Cutting out", _CUT_OUT_SHARE):
        inputs = Inputs(order, read=read, write=write, tell=progress.within)
        subject = pipeline.obtain(inputs)
    files = _Files(order, write, subject)
    canvases = canvases_of(order)
    until = _CUT_OUT_SHARE + 0.2
    with progress.step("set_scene", "Setting the scene", until):
        first = pipeline.compose(subject, order, *canvases[0][0])
    with ThreadPoolExecutor(1) as aside:
        # While the files are encoded; both take from the composed canvas what they need.
        preview = aside.submit(make_preview, first, seed=order.seed)
        certificate = aside.submit(_fidelity, first, subject)
        for index, ((canvas, fill), outputs) in enumerate(canvases):
            picture = first
            if index > 0:
                with progress.more_of("set_scene"):
                    picture = pipeline.compose(subject, order, canvas, fill)
            for output in outputs:
                until += 0.2 / len(order.outputs)
                with progress.step(f"finish {output.name}", f"Finishing {output.name}", until):
                    files.add_output(output, finish(picture, output, seed=order.seed))
        with progress.step("check", "Checking", 1.0):
            files.add("preview", "webp", preview.result())
            if inputs.transparent is not None:
                files.add_cutout(inputs.transparent)
            fidelity = certificate.result()
    return RenderResult(
        work_item=order.work_item,
        attempt=order.attempt,
        files=files.in_order(),
        engine=" + ".join(dict.fromkeys(filter(None, (subject.engine, first.engine)))),
        seed=order.seed,
        versions=versions(),
        step_seconds=progress.seconds,
        seconds=round(time.perf_counter() - begun, 3),
        confidence=round(subject.cutout.confidence, 4),
        fidelity=fidelity,
    )


def versions() -> dict[str, str]:
    """Return what has to be installed to make the same picture again."""
    return {
        "packshot": VERSION,
        "numpy": np.__version__,
        "opencv": cv2.__version__,
        "pillow": PIL.__version__,
        "python": platform.python_version(),
    }


class _Files:
    """Stores files under the order's prefix and keeps the account of them."""

    def __init__(self, order: RenderOrder, write: Write, subject: Subject) -> None:
        self._order = order
        self._write = write
        self._subject = subject
        self._warnings = _subject_warnings(subject)
        self._files: dict[str, ResultFile] = {}

    def add_output(self, output: OutputSpec, finished: Finished) -> None:
        """Store a file for a sales channel, with the warnings that concern the whole order."""
        warnings = [*finished.checks["warnings"], *self._warnings]
        finished.checks.update(self._subject.checks, warnings=warnings)
        self.add(output.name, EXTENSIONS[finished.file_format], finished)

    def add_cutout(self, file: CutoutFile) -> None:
        """Store the transparent file."""
        finished = Finished(file.data, file.width_px, file.height_px, "PNG", {"warnings": []})
        self.add("cutout", "png", finished)

    def add(self, name: str, extension: str, finished: Finished) -> None:
        """Store a file."""
        key = f"{self._order.result_prefix}{name}.{extension}"
        self._write(key, finished.data)
        self._files[name] = ResultFile(
            name=name,
            object_key=key,
            width_px=finished.width_px,
            height_px=finished.height_px,
            file_format=finished.file_format,
            size_bytes=len(finished.data),
            sha256=hashlib.sha256(finished.data).hexdigest(),
            checks=finished.checks,
        )

    def in_order(self) -> tuple[ResultFile, ...]:
        """Return the outputs as ordered, then preview and cutout."""
        names = [output.name for output in self._order.outputs] + ["preview", "cutout"]
        return tuple(self._files[name] for name in names if name in self._files)


def _refuse_unmakable(order: RenderOrder) -> None:
    kind = KINDS.get(order.kind)
    if kind is None:
        raise OrderInvalid(f"kind {order.kind!r} is none of {', '.join(KINDS)}")
    for what, given, known in (
        ("picture", order.extras, kind.roles),
        ("text", order.texts, kind.texts),
    ):
        if unknown := sorted(given.keys() - set(known)):
            raise OrderInvalid(
                f"a {order.kind} uses no {what} {', '.join(unknown)}; "
                f"it knows {', '.join(known) or 'none'}"
            )
    if missing := [role for role in kind.needed_roles if role not in order.extras]:
        raise OrderInvalid(f"a {order.kind} needs a picture of the role {', '.join(missing)}")
    names = [output.name for output in order.outputs]
    if not names:
        raise OrderInvalid("an order needs at least one output")
    if len(set(names)) < len(names) or _RESERVED & set(names):
        raise OrderInvalid(f"output names must differ from each other and from {sorted(_RESERVED)}")
    for output in order.outputs:
        _refuse_output(output)


def _refuse_output(output: OutputSpec) -> None:
    if not _NAME.match(output.name):
        raise OrderInvalid(f"output name {output.name!r}: a slug of at most 64 letters expected")
    sides = (output.width_px, output.height_px)
    if min(sides) < _MIN_CANVAS_PX or max(sides) > _MAX_CANVAS_PX:
        raise OrderInvalid(
            f"{output.name}: sides of {_MIN_CANVAS_PX} to {_MAX_CANVAS_PX} px expected"
        )
    if output.file_format not in EXTENSIONS:
        raise OrderInvalid(f"{output.name}: format {output.file_format!r} is not known")


def _subject_warnings(subject: Subject) -> list[str]:
    warnings = []
    if subject.cutout.confidence < LOW_CONFIDENCE:
        warnings.append("low_confidence")
    if subject.cut_sides:
        warnings.append("touches_frame")
    return [*warnings, *subject.warnings]


def _fidelity(composition: Composition, subject: Subject) -> dict[str, float]:
    """Return the certificate of the product in the picture; empty where it shows none as such."""
    if composition.placement is None:
        return {}
    image = composition.image
    if composition.transparent:
        image = image + (1 - composition.matte)[..., np.newaxis]
    measured = compare(
        image,
        composition.shown,
        subject.photo,
        subject.cutout.matte,
        composition.placement,
        made=subject.made,
    )
    certificate = {
        "delta_e_mean": measured.delta_e_mean,
        "delta_e_p99": measured.delta_e_p99,
        "silhouette_iou": measured.silhouette_iou,
    }
    if subject.made is not None:
        certificate["made_share"] = measured.made_share
    return certificate
