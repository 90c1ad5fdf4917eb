"""What the worker asks of the operating system about processes: to die together, to be measured.

Owns the few Linux calls the worker needs. Where a call does not exist (macOS), the answer says so
and the caller's portable second line holds: the engine child also leaves when its pipe closes.
Standard library only.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from pathlib import Path

_PR_SET_PDEATHSIG = 1


def die_with_parent(number: signal.Signals, parent_pid: int) -> bool:
    """Ask the kernel to send this process a signal when its parent is gone.

    The kernel counts the *thread* that started this process as its parent: a supervisor must
    start workers from a thread that lives as long as itself.

    Parameters
    ----------
    number
        The signal to receive.
    parent_pid
        Process id the parent had when it started this process; if it is gone already, the signal
        is sent at once, because the kernel reports only deaths after the call.

    Returns
    -------
    Whether the kernel agreed; False anywhere but on Linux.
    """
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    agreed = libc.prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0) == 0
    if agreed and os.getppid() != parent_pid:
        os.kill(os.getpid(), number)
    return bool(agreed)


def resident_bytes(pid: int) -> int:
    """Return the resident memory of a process, or 0 where it cannot be known."""
    try:
        pages = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]
    except (OSError, IndexError):
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def prefer_as_out_of_memory_victim() -> None:
    """Make the kernel's out-of-memory killer choose this process before its worker or Redis."""
    try:
        Path("/proc/self/oom_score_adj").write_text("500", encoding="ascii")
    except OSError:
        # Not Linux, or a container that forbids it: the worker's own memory limit still holds.
        return
