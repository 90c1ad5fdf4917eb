"""From an environment to a working worker: checks, log, signals, exit code.

Owns what a worker process does before and around `worker.RenderWorker`, whether it was started as
a command or forked. Exit codes: 0 left as asked, 1 unfit to render, 2 a setting is wrong.
"""

from __future__ import annotations

import faulthandler
import logging
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Final

from gpu_workers.config import SettingInvalid, config_from_environ
from gpu_workers.logs import log_to_stderr
from gpu_workers.process_control import die_with_parent
from gpu_workers.storage import StorageUnusable, check_storage_url
from gpu_workers.worker import RenderWorker

EXIT_MISCONFIGURED: Final = 2

log = logging.getLogger("gpu_workers")


def run_worker(
    environ: Mapping[str, str],
    *,
    parent_pid: int,
    requests: socket.socket | None = None,
    on_online: Callable[[], None] = lambda: None,
) -> int:
    """Run one worker until it is told to leave; return the process's exit code.

    Parameters
    ----------
    parent_pid
        The process that started this one, with which it dies if so configured.
    requests
        Socket to the engine fork server, if there is one.
    on_online
        Called once, when the worker is about to take its first batch.
    """
    try:
        config = config_from_environ(environ)
        check_storage_url(config.storage_url)
        log_to_stderr(worker=config.worker)
        worker = RenderWorker(config, requests=requests, on_online=on_online)
    except (SettingInvalid, StorageUnusable) as error:
        sys.stderr.write(f"gpu_workers: {error}\n")
        return EXIT_MISCONFIGURED
    signal.signal(signal.SIGUSR1, _describe)
    if config.dies_with_parent and not die_with_parent(signal.SIGTERM, parent_pid):
        log.warning("PACKSHOT_DIE_WITH_PARENT has no effect on this system")
    return worker.work()


def _describe(number: int, frame: FrameType | None) -> None:
    """On SIGUSR1, log the loaded top-level modules and write every thread's stack to stderr."""
    modules = sorted({name.partition(".")[0] for name in sys.modules})
    log.info("loaded modules", extra={"facts": {"modules": ",".join(modules)}})
    faulthandler.dump_traceback(all_threads=True)
