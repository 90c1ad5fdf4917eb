"""A renderer that does to its process what the order's source key says.

``quick`` renders at once, ``slow-0.5`` takes that many seconds in steps, ``many-progress`` reports
200 times in a second, ``preview-WORDS`` shows those as its unfinished picture, ``raise`` has a bug,
``unusable`` finds no product, ``device`` finds the device unfit, ``abort`` dies, ``abort-once``
dies on the first try only, ``hang`` never returns from a native call that holds the interpreter
lock, ``swell`` takes memory until it is stopped, ``environ-NAME`` writes that variable's value to
``environ`` beside the result. Every try leaves a file ``try-…`` beside the result, so a test can
count them.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable

from gpu_workers.errors import DeviceError, ObjectMissing, SourceUnusable
from gpu_workers.protocol import ProgressReport, RenderOrder, RenderResult, ResultFile


def render(
    order: RenderOrder,
    *,
    read: Callable[[str], bytes],
    write: Callable[[str, bytes], None],
    report: ProgressReport,
) -> RenderResult:
    write(f"{order.result_prefix}try-{time.time_ns()}", b"")
    name, _, argument = order.source_key.partition("-")
    {
        "quick": lambda: None,
        "slow": lambda: _slow(float(argument), report),
        "many": lambda: _many(report),
        "preview": lambda: report(1, 1, "paint", 0.5, argument.encode()),
        "read": lambda: read(argument),
        "raise": _raise,
        "unusable": _unusable,
        "device": _device,
        "abort": lambda: _abort(order, argument, read, write),
        "hang": _hang,
        "swell": _swell,
        "environ": lambda: write(
            f"{order.result_prefix}environ", os.environ.get(argument, "unset").encode()
        ),
    }[name]()
    write(f"{order.result_prefix}web.png", b"pixels")
    return result_of(order)


def result_of(order: RenderOrder) -> RenderResult:
    """The smallest true result of an order."""
    file = ResultFile(
        name="web",
        object_key=f"{order.result_prefix}web.png",
        width_px=16,
        height_px=16,
        file_format="PNG",
        size_bytes=6,
        sha256="0" * 64,
    )
    return RenderResult(
        work_item=order.work_item,
        attempt=order.attempt,
        files=(file,),
        engine="fake/1",
        seed=order.seed,
        versions={},
        step_seconds={},
        seconds=0.0,
        confidence=1.0,
        fidelity={},
    )


def _slow(seconds: float, report: ProgressReport) -> None:
    for step in range(1, 11):
        time.sleep(seconds / 10)
        report(step, 10, "wait", step / 10)


def _many(report: ProgressReport) -> None:
    for step in range(1, 201):
        time.sleep(0.005)
        report(step, 200, "count", step / 200)


def _raise() -> None:
    raise ZeroDivisionError("the renderer has a bug")


def _unusable() -> None:
    raise SourceUnusable("no product stands out")


def _device() -> None:
    raise DeviceError("the driver is gone")


def _abort(
    order: RenderOrder,
    argument: str,
    read: Callable[[str], bytes],
    write: Callable[[str, bytes], None],
) -> None:
    marker = f"{order.result_prefix}aborted"
    if argument == "once":
        try:
            read(marker)
        except ObjectMissing:
            write(marker, b"")
        else:
            return
    os.abort()


def _hang() -> None:
    # Catastrophic backtracking: native code that never gives the interpreter lock back.
    re.match(r"(a+)+$", "a" * 64 + "b")


def _swell() -> None:
    hoard = []
    while True:
        hoard.append(bytearray(b"x") * (8 * 1024**2))
        time.sleep(0.01)
