"""``python -m gpu_workers render``: pictures from files to files, without queue and application.

Owns the loop over the inputs, what is printed and the exit code. What is made is `pipelines`', what
is asked is `render_plan`. One picture is in memory at a time; where backdrops are painted, so are
the cutouts and backdrops of as many as the painter takes at once.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, Final, TextIO

import cv2

from gpu_workers.engines.diffusion import pool
from gpu_workers.engines.segmenter import segmenter_named
from gpu_workers.errors import ModelMissing, ObjectMissing, OrderError, WorkerError
from gpu_workers.imaging.camera_file import SUFFIXES, normalized
from gpu_workers.pipelines import lifestyle
from gpu_workers.pipelines.lifestyle import MADE_AS_SCENE
from gpu_workers.pipelines.runner import LOW_CONFIDENCE, render
from gpu_workers.pipelines.whole_cutout import cut_out_whole
from gpu_workers.protocol import FileFormat, OutputSpec, RenderOrder
from gpu_workers.render_plan import Journal, PlanError, Task, Wish, tasks_for, wish_from

EXIT_MADE: Final = 0
EXIT_SOME_FAILED: Final = 1
EXIT_MISUSED: Final = 2
EXIT_STOPPED: Final = 130
_OUTPUT: Final = "image"
_CUTOUT: Final = "cutout of "
_BAR_WIDTH: Final = 24

Row = dict[str, Any]


def run(chosen: argparse.Namespace) -> int:
    """Render what the command line names; return the process's exit code."""
    try:
        wish = wish_from(
            chosen.kind,
            scene=chosen.scene,
            engine=chosen.engine,
            size=chosen.size,
            seed=chosen.seed,
            extras=chosen.extras,
            texts=chosen.texts,
        )
        # A model that is missing fails here, once, and not for each of a thousand inputs.
        segmenter_named(wish.segmenter)
        tasks = tasks_for(chosen.inputs, chosen.out, wish, suffixes=SUFFIXES)
        if wish.kind == "lifestyle":
            wish = replace(wish, painter=_painter(wish))
        chosen.out.mkdir(parents=True, exist_ok=True)
        journal = Journal(chosen.out, wish)
    except PlanError as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_MISUSED
    except WorkerError as error:
        sys.stderr.write(f"{error.detail}\n")
        return EXIT_MISUSED
    except OSError as error:
        sys.stderr.write(f"The folder {chosen.out} cannot be used: {error.strerror}.\n")
        return EXIT_MISUSED
    cv2.setNumThreads(os.cpu_count() or 1)
    return _Run(tasks, wish, journal, as_json=chosen.json).work()


def _painter(wish: Wish) -> str:
    """Load what paints the backdrops, before hours are spent on what cannot be painted.

    Returns
    -------
    Engine and version, or nothing where the scene is drawn instead: what was drawn for want of
    weights is made anew when they are there.

    Raises
    ------
    ModelMissing, ModelRefused, DeviceError
        If it cannot be loaded and the scene may not be drawn instead.
    """
    settings = pool.PoolSettings.from_environ(os.environ)
    options = wish.scene.options
    folder = settings.models_dir
    if options.on_missing == "scene" and not (folder and (folder / "diffusion").is_dir()):
        return ""
    try:
        return pool.open_pool(settings).generator(options.checkpoint).version
    except ModelMissing:
        if options.on_missing != "scene":
            raise
        return ""


class _Run:
    """One run over all inputs."""

    def __init__(
        self, tasks: Sequence[Task], wish: Wish, journal: Journal, *, as_json: bool
    ) -> None:
        self._tasks = tasks
        self._wish = wish
        self._journal = journal
        self._as_json = as_json
        self._bar = _Bar(len(tasks), sys.stderr)
        self._failures: list[tuple[Task, str]] = []
        self._ahead = _Ahead()
        self._resumed = 0
        self._made = 0

    def work(self) -> int:
        try:
            for number, task in enumerate(self._tasks):
                self._bar.show(number, self._made)
                self._one(number, task)
        except KeyboardInterrupt:
            self._bar.clear()
            left = len(self._tasks) - self._made - self._resumed - len(self._failures)
            sys.stderr.write(f"Stopped with {left} to go; the same command goes on from here.\n")
            return EXIT_STOPPED
        finally:
            self._ahead.end()
        self._bar.clear()
        return self._sum_up()

    def _one(self, number: int, task: Task) -> None:
        row = self._journal.made(task)
        if row is not None:
            self._resumed += 1
            self._say(row)
            return
        try:
            if self._wish.painter and not self._ahead.knows(task):
                self._gather(number)
            row = make(task, self._wish, cutouts=self._ahead.cutouts)
            self._journal.note(task, row)
        except OrderError as error:
            self._failed(task, error.detail or error.code, error.code)
        except OSError as error:
            self._failed(task, error.strerror or str(error), "file.unusable")
        except Exception as error:  # noqa: BLE001 - one bad picture may not end a run of hours
            self._failed(task, f"{type(error).__name__}: {error}", "engine.failed")
        else:
            self._made += 1
            self._say(row)

    def _gather(self, number: int) -> None:
        """Let the next inputs that are still to be made be painted together."""
        most = pool.generator(self._wish.scene.options.checkpoint).most_at_once
        later = islice(self._tasks, number, None)
        left = (task for task in later if self._journal.made(task) is None)
        self._ahead.gather(list(islice(left, most)), self._wish)

    def _failed(self, task: Task, reason: str, code: str) -> None:
        self._failures.append((task, reason))
        if self._as_json:
            self._say({"input": str(task.source), "error": {"code": code, "detail": reason}})

    def _say(self, row: Row) -> None:
        self._bar.clear()
        if self._as_json:
            sys.stdout.write(json.dumps(row) + "\n")
        else:
            doubt = ""
            if "low_confidence" in row["checks"]["warnings"]:
                doubt = f"  please check the edge (confidence {row['confidence']:.2f})"
            if MADE_AS_SCENE in row["checks"]["warnings"]:
                doubt += "  drawn, not painted: there are no weights of a generator here"
            sys.stdout.write(f"{row['output']}  {row['seconds']:.1f} s{doubt}\n")
        sys.stdout.flush()

    def _sum_up(self) -> int:
        parts = [f"{self._made} made"]
        if self._resumed:
            parts.append(f"{self._resumed} made before")
        if self._failures:
            parts.append(f"{len(self._failures)} failed:")
        sys.stderr.write(f"{', '.join(parts)}\n")
        for task, reason in self._failures:
            sys.stderr.write(f"  {task.source}: {reason}\n")
        return EXIT_SOME_FAILED if self._failures else EXIT_MADE


class _Ahead:
    """Inputs that are painted together, with their cutouts: each photo is cut out once."""

    def __init__(self) -> None:
        self.cutouts: dict[str, bytes] = {}
        self._targets: frozenset[Path] = frozenset()

    def knows(self, task: Task) -> bool:
        return task.target in self._targets

    def gather(self, tasks: Sequence[Task], wish: Wish) -> None:
        """Note what comes next; what was kept of earlier inputs is dropped."""
        self._targets = frozenset(task.target for task in tasks)
        cutouts: dict[str, bytes] = {}
        self.cutouts = cutouts

        def read(key: str) -> bytes:
            try:
                return _read(key, cutouts)
            except OSError as error:
                # Left out here; it fails by itself, with its own reason.
                raise ObjectMissing(key) from error

        lifestyle.expect(
            [_order(task, wish, wish.size) for task in tasks if wish.size is not None],
            read=read,
            write=cutouts.__setitem__,
        )

    def end(self) -> None:
        """Expect nothing more."""
        lifestyle.expect((), read=lambda key: _read(key, {}), write=lambda _key, _data: None)


def make(task: Task, wish: Wish, *, cutouts: dict[str, bytes] | None = None) -> Row:
    """Make one picture, write it, and return what is known about it.

    Parameters
    ----------
    cutouts
        Cutouts by object key that were made for inputs painted together; more are added.

    Raises
    ------
    OrderError
        If the input shows no product or cannot be read as a picture.
    OSError
        If a file cannot be read or written; nothing half-written is left.
    """
    begun = time.perf_counter()
    data = normalized(task.source.read_bytes())
    picture, row = (
        _whole_cutout(data, wish)
        if wish.size is None
        else _framed(data, _order(task, wish, wish.size), {} if cutouts is None else cutouts)
    )
    _write(task.target, picture)
    return {
        "input": str(task.source),
        "output": str(task.target),
        "kind": wish.kind,
        "seed": wish.seed,
        "seconds": round(time.perf_counter() - begun, 3),
        **row,
    }


def _whole_cutout(data: bytes, wish: Wish) -> tuple[bytes, Row]:
    made = cut_out_whole(data, _tell_nobody_of_steps, segmenter=wish.segmenter)
    warnings = ["low_confidence"] if made.confidence < LOW_CONFIDENCE else []
    if made.cut_sides:
        warnings.append("touches_frame")
    return made.data, {
        "width_px": made.width_px,
        "height_px": made.height_px,
        "engine": made.engine,
        "step_seconds": made.step_seconds,
        "confidence": made.confidence,
        "fidelity": {
            "delta_e_mean": made.fidelity.delta_e_mean,
            "delta_e_p99": made.fidelity.delta_e_p99,
            "silhouette_iou": made.fidelity.silhouette_iou,
        },
        "checks": {"fill": made.fill, "warnings": warnings},
    }


def _order(task: Task, wish: Wish, size: tuple[int, int]) -> RenderOrder:
    file_format: FileFormat = "PNG" if wish.suffix == ".png" else "JPEG"
    output = OutputSpec(
        _OUTPUT,
        *size,
        file_format=file_format,
        exact_white=wish.kind != "cutout" and wish.scene.is_exact_white,
    )
    return RenderOrder(
        work_item=str(task.target),
        attempt=1,
        tenant="file",
        kind=wish.kind,
        source_key=str(task.source),
        scene=wish.scene,
        outputs=(output,),
        seed=wish.seed,
        result_prefix="",
        cutout_key=f"{_CUTOUT}{task.source}" if wish.painter else "",
        segmenter=wish.segmenter,
        extras={role: str(path) for role, path in wish.extras.items()},
        texts=wish.texts,
    )


def _read(key: str, cutouts: dict[str, bytes]) -> bytes:
    """Return a cutout that was kept, or a file.

    Raises
    ------
    ObjectMissing
        If the cutout is not kept.
    OSError
        If the file cannot be read.
    """
    if not key.startswith(_CUTOUT):
        return normalized(Path(key).read_bytes())
    if key not in cutouts:
        raise ObjectMissing(key)
    return cutouts[key]


def _framed(data: bytes, order: RenderOrder, cutouts: dict[str, bytes]) -> tuple[bytes, Row]:
    files: dict[str, bytes] = {}

    def write(key: str, content: bytes) -> None:
        (cutouts if key.startswith(_CUTOUT) else files)[key] = content

    result = render(
        order,
        read=lambda key: data if key == order.source_key else _read(key, cutouts),
        write=write,
        report=_tell_nobody_of_progress,
    )
    file = next(each for each in result.files if each.name == _OUTPUT)
    return files[file.object_key], {
        "width_px": file.width_px,
        "height_px": file.height_px,
        "engine": result.engine,
        "step_seconds": result.step_seconds,
        "confidence": result.confidence,
        "fidelity": result.fidelity,
        "checks": file.checks,
    }


def _write(target: Path, data: bytes) -> None:
    """Write a file whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    half = target.with_name(f".{target.name}.part")
    try:
        half.write_bytes(data)
        half.replace(target)
    finally:
        half.unlink(missing_ok=True)


class _Bar:
    """How far a run has come, on one line of a terminal; nothing elsewhere."""

    def __init__(self, total: int, stream: TextIO) -> None:
        self._total = total
        self._stream = stream
        self._is_shown = stream.isatty()
        self._began = time.monotonic()

    def show(self, done: int, made: int) -> None:
        if not self._is_shown:
            return
        filled = _BAR_WIDTH * done // self._total
        bar = "█" * filled + "░" * (_BAR_WIDTH - filled)
        left = ""
        if made:
            each = (time.monotonic() - self._began) / made
            left = f"  {_duration(each * (self._total - done))} left"
        self._stream.write(f"\r{bar} {done}/{self._total}{left}\x1b[K")
        self._stream.flush()

    def clear(self) -> None:
        if self._is_shown:
            self._stream.write("\r\x1b[K")
            self._stream.flush()


def _duration(seconds: float) -> str:
    minutes = seconds / 60
    return f"{seconds:.0f} s" if minutes < 2 else f"{minutes:.0f} min"


def _tell_nobody_of_steps(_step: str, _share: float) -> None:
    """The command shows pictures, not their steps."""


def _tell_nobody_of_progress(*_told: object) -> None:
    """The command shows pictures, not their steps."""
