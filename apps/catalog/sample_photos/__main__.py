"""Write the demo photos and their ground truth: `python -m apps.catalog.sample_photos --out DIR`.

Owns file names and file formats; the pictures come from `render`.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from PIL import Image

from apps.catalog.sample_photos.render import SAMPLES, render_sample

MAX_PHOTO_BYTES = 250_000
SEED = 2


def main() -> int:
    """Render all samples, or those named, into a folder."""
    parser = argparse.ArgumentParser(prog="python -m apps.catalog.sample_photos")
    parser.add_argument("--out", type=Path, required=True, help="folder for the pictures")
    parser.add_argument("--size", type=int, default=1400, help="longest side in pixels")
    parser.add_argument("--only", action="append", default=[], help="slug; may be repeated")
    parser.add_argument("--samples", type=int, default=0, help="paths per pixel; 0 is as listed")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--png", action="store_true", help="photos as PNG, to look at closely")
    options = parser.parse_args()
    unknown = set(options.only) - {sample.slug for sample in SAMPLES}
    if unknown:
        parser.error(f"no such sample: {', '.join(sorted(unknown))}")
    options.out.mkdir(parents=True, exist_ok=True)
    for sample in SAMPLES:
        if options.only and sample.slug not in options.only:
            continue
        width = round(options.size * min(sample.aspect, 1.0))
        height = round(options.size / max(sample.aspect, 1.0))
        started = time.monotonic()
        rgb, alpha = render_sample(
            sample,
            width_px=width,
            height_px=height,
            samples=options.samples or sample.samples,
            seed=SEED,
            processes=options.processes,
        )
        stem = f"{sample.sku}_{sample.view}"
        photo = Image.fromarray(rgb)
        if options.png:
            photo.save(options.out / f"{stem}.png")
        else:
            _save_photo(photo, options.out / f"{stem}.jpg")
        Image.fromarray(alpha).save(options.out / f"{stem}_alpha.png", optimize=True)
        seconds = time.monotonic() - started
        sys.stdout.write(f"{stem} {width}x{height} {seconds:.0f} s\n")
        sys.stdout.flush()
    return 0


def _save_photo(photo: Image.Image, path: Path) -> None:
    """Save with the best quality up to 90 that keeps the repository small."""
    for quality in (90, 88, 86, 84, 82, 80, 77, 74):
        photo.save(path, quality=quality, optimize=True, progressive=True, subsampling="4:2:0")
        if path.stat().st_size <= MAX_PHOTO_BYTES:
            return


if __name__ == "__main__":
    sys.exit(main())
