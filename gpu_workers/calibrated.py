"""A renderer of stated service time, for load tests and drills of the whole system.

Owns nothing but the clock: it takes ``PACKSHOT_CALIBRATED_SECONDS`` (default 0.2) for an order, in
four steps, and writes one small constant picture for every output. Start a worker with
``PACKSHOT_WORKER_RENDERER=gpu_workers.calibrated.render``; its results say engine
``calibrated/1``. Standard library only, so that a large fleet fits on a small machine.
"""

from __future__ import annotations

import hashlib
import os
import platform
import struct
import time
import zlib
from collections.abc import Callable
from typing import Final

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


def render(
    order: RenderOrder,
    *,
    read: Callable[[str], bytes],
    write: Callable[[str, bytes], None],
    report: Callable[[int, int, str, float], None],
) -> RenderResult:
    """Take the stated time, then write a preview and one picture for each output."""
    seconds = float(os.environ.get("PACKSHOT_CALIBRATED_SECONDS", "0.2"))
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
