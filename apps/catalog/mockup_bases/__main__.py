"""Render the blank objects: ``python -m apps.catalog.mockup_bases --out gpu_workers/mockup_bases``.

Owns file names and file formats; the pictures come from `render`. For each base: ``<name>.json``
(geometry), ``<name>-light.webp`` and ``<name>-gloss.webp`` (sRGB encoded), ``<name>-alpha.webp``
(lossless), and for cloth ``<name>-shift.png`` (16 bit: across above down, 1/1000 cm about 32768).
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from apps.catalog.mockup_bases.render import Floats, Layers, render_base
from apps.catalog.mockup_bases.sets import BASES

SEED = 4
LIGHT_QUALITY = 95
GLOSS_QUALITY = 90


def main() -> int:
    """Render all bases, or those named, into a folder."""
    parser = argparse.ArgumentParser(prog="python -m apps.catalog.mockup_bases")
    parser.add_argument("--out", type=Path, required=True, help="folder for the files")
    parser.add_argument("--size", type=int, default=1440, help="side in pixels")
    parser.add_argument("--only", action="append", default=[], help="name; may be repeated")
    parser.add_argument("--samples", type=int, default=0, help="paths per pixel; 0 is as listed")
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    unknown = set(options.only) - {base.name for base in BASES}
    if unknown:
        parser.error(f"no such base: {', '.join(sorted(unknown))}")
    options.out.mkdir(parents=True, exist_ok=True)
    for base in BASES:
        if options.only and base.name not in options.only:
            continue
        started = time.monotonic()
        layers = render_base(
            base,
            side_px=options.size,
            samples=options.samples or base.samples,
            seed=SEED,
            processes=options.processes,
        )
        write_layers(layers, options.out / base.name)
        sys.stdout.write(f"{base.name} {time.monotonic() - started:.0f} s\n")
        sys.stdout.flush()
    return 0


def write_layers(layers: Layers, stem: Path) -> None:
    """Write the files of one base, their names beginning with `stem`."""
    _save_color(layers.light, Path(f"{stem}-light.webp"), LIGHT_QUALITY)
    _save_color(layers.gloss, Path(f"{stem}-gloss.webp"), GLOSS_QUALITY)
    opacity = np.round(layers.alpha * 255).astype(np.uint8)
    Image.fromarray(opacity).save(f"{stem}-alpha.webp", lossless=True, method=6)
    if layers.shift_cm is not None:
        levels = np.clip(np.round(layers.shift_cm * 1000) + 32768, 0, 65535).astype(np.uint16)
        stacked = np.vstack([levels[..., 0], levels[..., 1]])
        Image.fromarray(stacked).save(f"{stem}-shift.png", optimize=True)
    text = json.dumps(layers.facts, indent=2)
    Path(f"{stem}.json").write_text(text + "\n", encoding="utf-8")


def _save_color(linear: Floats, path: Path, quality: int) -> None:
    clipped = np.clip(linear, 0.0, 1.0)
    encoded = np.where(
        clipped <= 0.0031308, clipped * 12.92, 1.055 * np.power(clipped, 1 / 2.4) - 0.055
    )
    levels: npt.NDArray[np.uint8] = np.round(encoded * 255).astype(np.uint8)
    Image.fromarray(levels).save(path, quality=quality, method=6)


if __name__ == "__main__":
    sys.exit(main())
