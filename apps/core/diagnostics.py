"""Asking a running process what it holds: ``kill -USR1 PID``.

On the signal the process writes one line of JSON to standard error: the names of the top-level
modules it has loaded. That is how operators and tests see that the web carries no neural network.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from types import FrameType


def answer_usr1() -> None:
    """Write the loaded modules to standard error on every SIGUSR1."""
    signal.signal(signal.SIGUSR1, _write_modules)


def _write_modules(signal_number: int, frame: FrameType | None) -> None:
    loaded = sorted({name.partition(".")[0] for name in tuple(sys.modules)})
    # os.write and no logging: the signal may arrive while a lock of the logger is held.
    os.write(2, (json.dumps({"event": "loaded_modules", "modules": loaded}) + "\n").encode())
