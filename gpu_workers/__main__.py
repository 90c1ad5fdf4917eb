"""``python -m gpu_workers``: run a worker, a fork server, the retouch process, or render files.

Owns the command line; settings of workers come from the environment.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from gpu_workers.engines.checkpoints import Architecture
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
    if chosen.command in ("render", "bench"):
        name = "render_files" if chosen.command == "render" else f"bench_{chosen.bench}"
        return int(importlib.import_module(f"gpu_workers.{name}").run(chosen))
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
    parser.add_argument(
        "--engine", default="auto", help="auto, classical, rembg:MODEL or diffusion:CHECKPOINT"
    )
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
    benches = parser.add_subparsers(dest="bench", metavar="WHAT", required=True)
    quality = benches.add_parser("quality", help="edges, shadows, fidelity on a folder of photos")
    quality.add_argument("--photos", required=True, type=Path, metavar="DIR")
    quality.add_argument("--json", action="store_true", help="one line for each photo")
    quality.add_argument("--cutout-only", action="store_true", help="leave the pictures out")
    speed = benches.add_parser("diffusion", help="speed of networks of full size on this device")
    names = get_args(Architecture)
    speed.add_argument(
        "--architecture",
        nargs="+",
        choices=names,
        default=["sdxl_inpaint"],
        metavar="NAME",
        help=f"one or more of {', '.join(names)}",
    )
    speed.add_argument("--size", type=int, default=1024, help="side of the pictures in px")
    speed.add_argument("--batch", type=int, nargs="+", default=[1, 2, 4], metavar="N")
    speed.add_argument("--steps", type=int, default=8)
    speed.add_argument("--guidance", type=float, help="the checkpoint's own if not given")
    speed.add_argument("--device", default="auto", help="auto, cpu or cuda:0")
    speed.add_argument("--compile", action="store_true", help="let torch compile the denoiser")
    speed.add_argument("--tiny", action="store_true", help="a trial run with tiny networks")
    speed.add_argument("--json", action="store_true", help="one line for each architecture")
    steps = benches.add_parser("speed", help="seconds and memory of every imaging step")
    steps.add_argument("--sizes", nargs="+", type=int, default=[1000, 2000, 4000], metavar="PX")
    steps.add_argument("--photo", type=Path, metavar="FILE", help="one is drawn if not given")
    steps.add_argument("--tries", type=int, default=3, metavar="N", help="the best of them counts")
    steps.add_argument("--json", action="store_true", help="one line for each size")


if __name__ == "__main__":
    sys.exit(main())
