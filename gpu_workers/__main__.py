"""``python -m gpu_workers``: run a worker, a fork server, the retouch process, or render files.

Owns the command line; settings of workers come from the environment.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from gpu_workers.kind_options.table import KINDS


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; `work` if none is named. Return the process's exit code."""
    parser = argparse.ArgumentParser(prog="python -m gpu_workers", description=__doc__)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    commands.add_parser("work", help="take batches from the queue until told to leave (default)")
    serve = commands.add_parser("serve", help="start and end workers as an application asks")
    serve.add_argument("folder", type=Path, help="folder of the socket to be asked through")
    commands.add_parser("retouch", help="answer people who correct cutouts in their browser")
    _add_render(commands.add_parser("render", help="make pictures of files, without a queue"))
    _add_bench(commands.add_parser("bench", help="measure what the engines make"))
    chosen = parser.parse_args(arguments)
    parent_pid = os.getppid()
    # A worker never imports an engine, and who renders files needs no Redis: each command imports
    # its own part.
    if chosen.command == "render":
        from gpu_workers import render_files  # noqa: PLC0415

        return render_files.run(chosen)
    if chosen.command == "bench":
        from gpu_workers import bench_quality  # noqa: PLC0415

        return bench_quality.run(chosen)
    if chosen.command == "serve":
        from gpu_workers import forkserver  # noqa: PLC0415

        return forkserver.serve(chosen.folder.absolute())
    if chosen.command == "retouch":
        from gpu_workers import retouch_server  # noqa: PLC0415

        return retouch_server.run(os.environ, parent_pid=parent_pid)
    from gpu_workers import launch  # noqa: PLC0415

    return launch.run_worker(os.environ, parent_pid=parent_pid)


def _add_render(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kind", metavar="KIND", help=f"one of {', '.join(KINDS)}")
    parser.add_argument("inputs", nargs="+", type=Path, metavar="INPUT", help="file or folder")
    parser.add_argument("--out", required=True, type=Path, metavar="DIR")
    parser.add_argument("--scene", metavar="NAME|FILE.json", help="a scene that comes along or own")
    parser.add_argument("--engine", default="auto", help="auto or classical")
    parser.add_argument("--size", metavar="WxH", help="2000x2000; a cutout keeps its input's")
    parser.add_argument(
        "--with",
        dest="extras",
        action="append",
        default=[],
        metavar="ROLE=FILE",
        help="another picture, for kinds that use one",
    )
    parser.add_argument(
        "--text",
        dest="texts",
        action="append",
        default=[],
        metavar="NAME=WORDS",
        help="words, for kinds that set some",
    )
    parser.add_argument("--seed", type=int, default=0, help="another one, another grain and set")
    parser.add_argument("--json", action="store_true", help="one line for each input")


def _add_bench(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=["quality"], help="quality: edges, shadows, fidelity")
    parser.add_argument("--photos", required=True, type=Path, metavar="DIR")
    parser.add_argument("--json", action="store_true", help="one line for each photo")


if __name__ == "__main__":
    sys.exit(main())
