"""A renderer of stated service time, for load tests and drills of the whole system.

Owns nothing but the clock: it takes the stated time for an order, in four steps, and writes one
small constant picture for every output. Start a worker with
``PACKSHOT_WORKER_RENDERER=gpu_workers.calibrated.render``; its results say engine
``calibrated/1``. Standard library only, so that a large fleet fits on a small machine.

* ``PACKSHOT_CALIBRATED_SECONDS`` (0.2): one number, or many with commas between them: an order
  takes the one at the place of its seed modulo their count, so that a trace's times can be replayed
* ``PACKSHOT_CALIBRATED_START_SECONDS`` (0): what a child takes to become ready
* ``PACKSHOT_CALIBRATED_SPEED`` (1): how much faster than stated everything goes
"""

from __future__ import annotations

import functools
import hashlib
import math
import os
import platform
import struct
import time
import zlib
from collections.abc import Callable, Mapping
from typing import Final

from gpu_workers.errors import DeviceError
from gpu_workers.protocol import RenderOrder, RenderResult, ResultFile

SIDE_PX: Final = 16
_STEPS: Final = ("read", "cut out", "compose", "write")
_GRAY: Final = 0xC8


def constant_png() -> bytes:
    """Return a PNG of 16 by 16 px, 8-bit gray, one flat tone."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        checksum = zlib.crc32(kind + body)
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", checksum)

    header = struct.pack(">IIBBBBB", SIDE_PX, SIDE_PX, 8, 0, 0, 0, 0)
    rows = (b"\0" + bytes([_GRAY]) * SIDE_PX) * SIDE_PX
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def stated_seconds(seed: int, environ: Mapping[str, str] = os.environ) -> float:
    """Return what an order of this seed takes.

    Raises
    ------
    DeviceError
        If a variable cannot be used; the message names it.
    """
    times = _numbers("PACKSHOT_CALIBRATED_SECONDS", environ.get("PACKSHOT_CALIBRATED_SECONDS"), 0.2)
    return times[seed % len(times)] / _speed(environ)


def prepare(environ: Mapping[str, str] = os.environ) -> None:
    """Take the stated time to become ready."""
    name = "PACKSHOT_CALIBRATED_START_SECONDS"
    stated_seconds(0, environ)
    time.sleep(_numbers(name, environ.get(name), 0.0)[0] / _speed(environ))


def _speed(environ: Mapping[str, str]) -> float:
    name = "PACKSHOT_CALIBRATED_SPEED"
    return _numbers(name, environ.get(name), 1.0)[0] or 1.0


@functools.lru_cache(maxsize=8)
def _numbers(name: str, text: str | None, default: float) -> tuple[float, ...]:
    try:
        numbers = tuple(float(part) for part in text.split(",")) if text else (default,)
    except ValueError:
        numbers = (-1.0,)
    if not all(0 <= number < math.inf for number in numbers):
        raise DeviceError(f"{name} is not a number of 0 or more, or several with commas between")
    return numbers


def render(
    order: RenderOrder,
    *,
    read: Callable[[str], bytes],
    write: Callable[[str, bytes], None],
    report: Callable[[int, int, str, float], None],
) -> RenderResult:
    """Take the stated time, then write a preview and one picture for each output."""
    seconds = stated_seconds(order.seed)
    for number, label in enumerate(_STEPS, start=1):
        time.sleep(seconds / len(_STEPS))
        report(number, len(_STEPS), label, number / len(_STEPS))
    body = constant_png()
    files = []
    for name in ("preview", *(output.name for output in order.outputs)):
        key = f"{order.result_prefix}{name}.png"
        write(key, body)
        files.append(
            ResultFile(
                name=name,
                object_key=key,
                width_px=SIDE_PX,
                height_px=SIDE_PX,
                file_format="PNG",
                size_bytes=len(body),
                sha256=hashlib.sha256(body).hexdigest(),
            )
        )
    return RenderResult(
        work_item=order.work_item,
        attempt=order.attempt,
        files=tuple(files),
        engine="calibrated/1",
        seed=order.seed,
        versions={"python": platform.python_version()},
        step_seconds=dict.fromkeys(_STEPS, seconds / len(_STEPS)),
        seconds=seconds,
        confidence=1.0,
        fidelity={"delta_e_mean": 0.0, "delta_e_p99": 0.0, "silhouette_iou": 1.0},
    )
