"""The calibrated renderer with a switch: while a file exists, no product can be found.

The file is named by ``PACKSHOT_TROUBLE_FILE``; a suite makes it to see a render fail and removes
it to see the retry succeed. While it says ``paint``, a render stays unfinished and shows previews.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from gpu_workers import calibrated
from gpu_workers.errors import SourceUnusable
from gpu_workers.protocol import ProgressReport, RenderOrder, RenderResult


def render(
    order: RenderOrder,
    *,
    read: Callable[[str], bytes],
    write: Callable[[str, bytes], None],
    report: ProgressReport,
) -> RenderResult:
    trouble = Path(os.environ["PACKSHOT_TROUBLE_FILE"])
    while trouble.exists():
        if trouble.read_text() != "paint":
            raise SourceUnusable("no product stands out")
        # A page shows a PNG under the name of a WebP too.
        report(1, 4, "paint", 0.1, calibrated.constant_png())
        time.sleep(0.2)
    return calibrated.render(order, read=read, write=write, report=report)
