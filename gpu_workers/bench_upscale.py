"""How much better photos come back from a reduction than by interpolation.

``python -m gpu_workers.bench_upscale [--factor 2] PHOTO...`` reduces each photo, enlarges it by
`imaging.upscaling`, by a bicubic and by a Lanczos kernel, and prints the peak signal-to-noise
ratio of each in decibels, the mean of all photos last.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from gpu_workers.imaging.codec import decode_photo
from gpu_workers.imaging.framing import resample
from gpu_workers.imaging.upscaling import Floats, enlarge

_SIDE_PX: Final = 1000
"""Photos are made this large first: their own noise and compression would be measured else."""


def main(arguments: Sequence[str]) -> None:
    """Print one line for each photo and one for their mean."""
    parser = argparse.ArgumentParser(prog="python -m gpu_workers.bench_upscale")
    parser.add_argument("photos", type=Path, nargs="+", metavar="PHOTO")
    parser.add_argument("--factor", type=int, choices=(2, 3, 4), default=2)
    chosen = parser.parse_args(arguments)
    rows = []
    sys.stdout.write(f"{'photo':<24}{'bicubic':>9}{'lanczos':>9}{'ours':>9}{'CPU s':>8}\n")
    for path in chosen.photos:
        rows.append(_measured(path, chosen.factor))
        _say(path.stem, rows[-1])
    _say("mean", tuple(float(np.mean(column)) for column in zip(*rows, strict=True)))


def _measured(path: Path, factor: int) -> tuple[float, ...]:
    photo = decode_photo(path.read_bytes()).astype(np.float32)
    scale = min(1.0, _SIDE_PX / max(photo.shape[:2]))
    small = (
        max(1, int(photo.shape[1] * scale) // factor),
        max(1, int(photo.shape[0] * scale) // factor),
    )
    size = (small[0] * factor, small[1] * factor)
    truth = np.asarray(cv2.resize(photo, size, interpolation=cv2.INTER_AREA), np.float32)
    reduced = np.clip(np.round(resample(truth, small)), 0, 255).astype(np.float32)
    lanczos = np.asarray(cv2.resize(reduced, size, interpolation=cv2.INTER_LANCZOS4), np.float32)
    begun = time.process_time()
    ours = enlarge(reduced, size)
    seconds = time.process_time() - begun
    made = (resample(reduced, size), lanczos, ours)
    return (*(_decibels(each, truth) for each in made), seconds)


def _decibels(made: Floats, truth: Floats) -> float:
    error = float(np.mean((np.clip(made, 0, 255) - truth) ** 2))
    return 10 * math.log10(255**2 / max(error, 1e-9))


def _say(name: str, row: tuple[float, ...]) -> None:
    values = "".join(f"{value:>9.2f}" for value in row[:-1])
    sys.stdout.write(f"{name[:23]:<24}{values}{row[-1]:>8.2f}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
