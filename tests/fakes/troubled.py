"""The calibrated renderer with a switch: while a file exists, no product can be found.

The file is named by ``PACKSHOT_TROUBLE_FILE``; a suite makes it to see a render fail and removes
it to see the retry succeed.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from gpu_workers import calibrated
from gpu_workers.errors import SourceUnusable
from gpu_workers.protocol import RenderOrder, RenderResult


def render(
    order: RenderOrder,
    *,
    read: Callable[[str], bytes],
    write: Callable[[str, bytes], None],
    report: Callable[[int, int, str, float], None],
) -> RenderResult:
    if Path(os.environ["PACKSHOT_TROUBLE_FILE"]).exists():
        raise SourceUnusable("no product stands out")
    return calibrated.render(order, read=read, write=write, report=report)
