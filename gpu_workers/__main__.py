"""``python -m gpu_workers``: run one worker, or a fork server that starts them for an application.

Owns the command line; settings come from the environment.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from gpu_workers import forkserver, launch


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; `work` if none is named. Return the process's exit code."""
    parser = argparse.ArgumentParser(prog="python -m gpu_workers", description=__doc__)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    commands.add_parser("work", help="take batches from the queue until told to leave (default)")
    serve = commands.add_parser("serve", help="start and end workers as an application asks")
    serve.add_argument("folder", type=Path, help="folder of the socket to be asked through")
    chosen = parser.parse_args(arguments)
    parent_pid = os.getppid()
    if chosen.command == "serve":
        return forkserver.serve(chosen.folder.absolute())
    return launch.run_worker(os.environ, parent_pid=parent_pid)


if __name__ == "__main__":
    sys.exit(main())
