"""How good cutouts are against known masks: the bench for a segmenter.

Owns the measures and a table of them over a folder of photos. Does not belong to the worker: it is
run by hand, ``python -m gpu_workers.engines.evaluation FOLDER``, before and after a change.

A photo ``name.jpg`` or ``name.png`` is measured if ``name_mask.png`` or ``name_alpha.png`` lies
beside it: 8 bit, 255 is product, of the same size.

Source of the measures: Perazzi et al., "A Benchmark Dataset and Evaluation Methodology for Video
Object Segmentation" (DAVIS), CVPR 2016, for the boundary F; Rhemann et al., "A Perceptually
Motivated Online Benchmark for Image Matting", CVPR 2009, for the sum of absolute differences.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage
from PIL import ImageOps

from gpu_workers.engines.classical_segmenter import segment
from gpu_workers.errors import SourceUnusable
from gpu_workers.imaging.arrays import Matte, Photo
from gpu_workers.imaging.segmentation.regions import grow

_EDGE_SHARE = 0.003
"""Distance, as a share of the diagonal, within which two contours count as equal."""
_TRUTH_SUFFIXES = ("_mask", "_alpha")
_PHOTO_SUFFIXES = (".jpg", ".png")


@dataclass(frozen=True, slots=True)
class Measures:
    """Likeness of a matte to the true one."""

    iou: float
    """Intersection over union of the halves above 0.5, 0 to 1."""
    boundary_f: float
    """Harmonic mean of precision and recall of the contour, 0 to 1."""
    absolute_sum: float
    """Sum of absolute differences, in thousands of pixels."""


def measure(matte: Matte, truth: Matte) -> Measures:
    """Compare a matte (h, w) of 0 to 1 with the true one of the same size.

    Raises
    ------
    ValueError
        If the sizes differ.
    """
    if matte.shape != truth.shape:
        raise ValueError(f"shapes differ: {matte.shape}, {truth.shape}")
    found, true = matte > 0.5, truth > 0.5
    union = int((found | true).sum())
    return Measures(
        iou=int((found & true).sum()) / union if union else 1.0,
        boundary_f=_boundary_f(found, true),
        absolute_sum=float(np.abs(matte.astype(np.float64) - truth).sum()) / 1000,
    )


def _boundary_f(found: npt.NDArray[np.bool_], true: npt.NDArray[np.bool_]) -> float:
    reach = max(2, int(_EDGE_SHARE * float(np.hypot(*true.shape))))
    one, other = _contour(found), _contour(true)
    if not one.any() or not other.any():
        return float(one.any() == other.any())
    precision = float((one & grow(other, reach)).sum()) / float(one.sum())
    recall = float((other & grow(one, reach)).sum()) / float(other.sum())
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _contour(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    inside = cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    return np.asarray(mask & ~inside)


def pairs(folder: Path) -> Iterator[tuple[str, Photo, Matte]]:
    """Yield name, photo and true matte of each measured photo, in the order of the names."""
    for path in sorted(folder.glob("*.png")):
        for suffix in _TRUTH_SUFFIXES:
            name = path.stem.removesuffix(suffix)
            sources = [folder / f"{name}{ending}" for ending in _PHOTO_SUFFIXES]
            source = next((s for s in sources if s.exists() and s != path), None)
            if name != path.stem and source is not None:
                yield name, _read_photo(source), _read_matte(path)


def _read_photo(path: Path) -> Photo:
    with PillowImage.open(path) as opened:
        return np.asarray(ImageOps.exif_transpose(opened).convert("RGB"))


def _read_matte(path: Path) -> Matte:
    with PillowImage.open(path) as opened:
        plane = opened.getchannel("A") if "A" in opened.getbands() else opened.convert("L")
        return np.asarray(plane, np.float32) / np.float32(255)


def main(arguments: list[str]) -> int:
    """Print the table for a folder; return the process's exit code."""
    write = sys.stdout.write
    if len(arguments) != 1 or not Path(arguments[0]).is_dir():
        sys.stderr.write("usage: python -m gpu_workers.engines.evaluation FOLDER\n")
        return 2
    ious = []
    write(f"{'photo':32} {'IoU':>7} {'edge F':>7} {'SAD':>8} {'sure':>5} {'cpu s':>6}\n")
    for name, photo, truth in pairs(Path(arguments[0])):
        start = time.process_time()
        try:
            cutout = segment(photo)
        except SourceUnusable as error:
            write(f"{name:32} refused: {error}\n")
            ious.append(0.0)
            continue
        seconds = time.process_time() - start
        result = measure(cutout.matte, truth)
        ious.append(result.iou)
        write(
            f"{name:32} {result.iou:7.4f} {result.boundary_f:7.4f} {result.absolute_sum:8.1f}"
            f" {cutout.confidence:5.2f} {seconds:6.1f}\n"
        )
    if ious:
        above = sum(iou > 0.95 for iou in ious)
        write(f"mean {np.mean(ious):.4f}, median {np.median(ious):.4f}, ")
        write(f"{above} of {len(ious)} above 0.95\n")
    return 0 if ious else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
