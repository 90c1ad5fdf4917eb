"""``python -m gpu_workers``: run one worker with settings from the environment.

Owns the command line, the exit codes and the process-wide switches. Exit codes: 0 left as asked,
1 unfit to render, 2 a setting is wrong.
"""

from __future__ import annotations

import argparse
import faulthandler
import logging
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import Final

from gpu_workers.config import SettingInvalid, config_from_environ
from gpu_workers.logs import log_to_stderr
from gpu_workers.process_control import die_with_parent
from gpu_workers.storage import StorageUnusable, check_storage_url
from gpu_workers.worker import RenderWorker

EXIT_MISCONFIGURED: Final = 2

log = logging.getLogger("gpu_workers")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; `work` if none is named."""
    parser = argparse.ArgumentParser(prog="python -m gpu_workers", description=__doc__)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    commands.add_parser("work", help="take batches from the queue until told to leave (default)")
    parser.parse_args(arguments)
    return work()


def work() -> int:
    """Run one worker until it is told to leave."""
    parent_pid = os.getppid()
    try:
        config = config_from_environ()
        check_storage_url(config.storage_url)
        log_to_stderr(worker=config.worker)
        worker = RenderWorker(config)
    except (SettingInvalid, StorageUnusable) as error:
        print(f"gpu_workers: {error}", file=sys.stderr)
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


if __name__ == "__main__":
    sys.exit(main())
