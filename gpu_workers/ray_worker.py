"""A worker's keeper on one machine of a Ray cluster: the actor that starts and ends its process.

Owns one ordinary worker process (``python -m gpu_workers``), its drain and its end, and the notes
that the cluster keeps about it. Ray only places the keeper and counts its slots; what is rendered
goes through the worker's queue as everywhere else. Does not decide how many workers there are, nor
restart one that ended: that is the autoscaler's.

Besides `gpu_workers.ray_driver` the only module that speaks to Ray. Times are float seconds.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import ray
from ray.experimental import internal_kv

NAMESPACE: Final = "packshot"
"""Of the actors and of the notes."""
PLACE: Final = "place/"
"""Prefix of the notes a keeper writes: host, process id, whether it drains, how it ended."""

_GLANCE_SECONDS: Final = 0.2
_FAREWELL_SECONDS: Final = 5.0
_LEAVE_MARGIN_SECONDS: Final = 5.0
_ROOT: Final = Path(__file__).resolve().parent.parent

_PR_SET_PDEATHSIG: Final = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None

log = logging.getLogger("gpu_workers.ray_worker")


def write_note(key: str, body: Mapping[str, Any]) -> None:
    """Keep a few words in the cluster's store, beside its actors."""
    internal_kv._internal_kv_put(  # noqa: SLF001 - Ray's own libraries use it; there is no other
        key, json.dumps(body), overwrite=True, namespace=NAMESPACE
    )


class RayWorker:
    """Keeps one worker process; ends when it ends.

    Parameters
    ----------
    worker
        The worker's name, which is also the actor's.
    environ
        Settings of the worker; they go before those of the machine.

    Raises
    ------
    OSError
        If the process cannot be started.
    """

    def __init__(self, worker: str, environ: Mapping[str, str]) -> None:
        self._worker = worker
        self._environ = {
            **os.environ,
            **environ,
            "PACKSHOT_WORKER_NAME": worker,
            "PACKSHOT_DIE_WITH_PARENT": "1",
            "PYTHONUNBUFFERED": "1",
        }
        self._grace_seconds = float(self._environ.get("PACKSHOT_WORKER_GRACE_SECONDS", "20"))
        self._node = os.getppid()
        self._drains = False
        self._process: subprocess.Popen[bytes] | None = None
        self._trouble: OSError | None = None
        tried = threading.Event()
        # The kernel ends a worker with the thread that started it, and Ray's own threads come and
        # go: this one stays until the end.
        threading.Thread(target=self._keep, args=(tried,), name="keeper", daemon=True).start()
        tried.wait()
        if self._trouble is not None:
            raise self._trouble

    def begun(self) -> int:
        """Return the worker's process id; answered as soon as it is started."""
        return self._running().pid

    def drain(self) -> None:
        """Let the worker finish its batch, take no other, and leave."""
        self._drains = True
        self._tell_place()
        self._signal(signal.SIGUSR2)

    def end(self) -> None:
        """End the worker and its engine now, whatever they do."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._running().pid, signal.SIGKILL)

    def _keep(self, tried: threading.Event) -> None:
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "gpu_workers", "work"],
                cwd=_ROOT,
                env=self._environ,
                stdin=subprocess.DEVNULL,
                process_group=0,
                # The worker asks for the same, but only once its modules are loaded.
                preexec_fn=_end_with_keeper,  # noqa: PLW1509 - one C call, no Python locks taken
            )
            self._tell_place()
        except OSError as error:
            self._trouble = error
            return
        finally:
            tried.set()
        code = self._await_end()
        write_note(PLACE + self._worker, {"ended": code, "place": _place()})
        _leave()

    def _await_end(self) -> int:
        process = self._running()
        while (code := process.poll()) is None:
            if os.getppid() != self._node:
                # The node's raylet is gone. Ray usually ends its actors then, but not while it
                # waits for a head that is gone as well: nobody would ever end this worker.
                return self._part()
            time.sleep(_GLANCE_SECONDS)
        return code

    def _part(self) -> int:
        """Let the worker leave in its grace, as nobody manages it any more."""
        process = self._running()
        log.error("raylet is gone, worker leaves", extra={"facts": {"worker": self._worker}})
        self._signal(signal.SIGTERM)
        try:
            process.wait(self._grace_seconds + _LEAVE_MARGIN_SECONDS)
        except subprocess.TimeoutExpired:
            self.end()
        os._exit(0)

    def _signal(self, number: signal.Signals) -> None:
        process = self._running()
        if process.poll() is None:
            process.send_signal(number)

    def _tell_place(self) -> None:
        write_note(
            PLACE + self._worker,
            {"pid": self._running().pid, "place": _place(), "drains": self._drains},
        )

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError("no worker was started")
        return self._process


def _end_with_keeper() -> None:
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def _place() -> str:
    return str(ray.util.get_node_ip_address())


def _leave() -> None:
    """End this actor's process; in good order where the cluster listens."""
    threading.Timer(_FAREWELL_SECONDS, os._exit, (0,)).start()
    ray.kill(ray.get_runtime_context().current_actor, no_restart=True)
