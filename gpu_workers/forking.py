"""Forking a server's children so that they start as if they were processes of their own.

Owns what every fork needs: signals held back until the child can take them, descriptors that are
not the child's closed, and a child that never returns into its server's code. Only a process with
a single thread may fork this way: a lock that another thread held would stay locked for ever.
Standard library only.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Final

HELD_SIGNALS: Final = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGUSR2})
"""Signals a fresh child receives only once it has called `take_signals`."""
_EXIT_BROKEN: Final = 70
_STANDARD_STREAMS: Final = (0, 1, 2)


def fork(run: Callable[[], int], *, keep: Collection[int] = ()) -> int:
    """Start a child that runs a function and ends with what it returns.

    The child begins with `HELD_SIGNALS` blocked; it must call `take_signals` once its handlers
    stand, or nobody could ask it to end.

    Parameters
    ----------
    keep
        Descriptors the child goes on using; all others but the standard streams are closed.

    Returns
    -------
    The child's process id.

    Raises
    ------
    OSError
        If the system has no room for another process.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, HELD_SIGNALS)
    try:
        pid = os.fork()
        if pid == 0:
            _be_child(run, keep)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return pid


def take_signals() -> None:
    """Receive the signals that were held back since the fork; harmless where none were."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HELD_SIGNALS)


def count_threads() -> int:
    """Return how many threads this process has, native ones included; 0 where nobody knows."""
    try:
        return sum(1 for _ in Path("/proc/self/task").iterdir())
    except OSError:
        return 0


def _be_child(run: Callable[[], int], keep: Collection[int]) -> None:
    code = _EXIT_BROKEN
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for number in HELD_SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        _close_all_but(keep)
        code = run()
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else _EXIT_BROKEN
    except BaseException:  # noqa: BLE001 -- a child may never return into its server's code
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _close_all_but(keep: Collection[int]) -> None:
    start = 0
    for kept in sorted({*_STANDARD_STREAMS, *keep}):
        if start < kept:  # an empty range is not empty to every version of the call
            os.closerange(start, kept)
        start = kept + 1
    os.closerange(start, os.sysconf("SC_OPEN_MAX"))


class Bell:
    """Wakes a `selectors` loop when a signal arrives, and reaps children.

    Signal handlers here only ring; what a signal means is decided in the loop.
    """

    def __init__(self, selector: selectors.BaseSelector, numbers: Collection[int]) -> None:
        self._ours, theirs = socket.socketpair()
        self._theirs = theirs
        for end in (self._ours, theirs):
            end.settimeout(0)
        signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGCHLD, *numbers):
            signal.signal(number, lambda *_: None)
        selector.register(self._ours, selectors.EVENT_READ, self)

    def rung(self) -> set[int]:
        """Return the signals that came since the last call."""
        try:
            return set(self._ours.recv(4096))
        except BlockingIOError:
            return set()


def ended_children() -> Iterator[tuple[int, int]]:
    """Reap every child that has ended; yield its process id and exit code, signals negative."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        yield pid, os.waitstatus_to_exitcode(status)
