"""What stands out from the frame on any backdrop: three fields between 0 and 1.

Owns barrier distance, distance from the frame's colors and the weight of the center. Does not
threshold them. Deterministic: k-means is seeded.

Source: Zhang et al., "Minimum Barrier Salient Object Detection at 80 FPS", ICCV 2015; here the
raster scan is replaced by whole-line sweeps in four directions, which need no compiled loop.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from gpu_workers.imaging.segmentation.background import Field, Lab

_ROUNDS = 3
"""Rounds of four sweeps; a way bends once to a sweep, so twelve straight pieces are enough."""
_FRAME_COLORS = 5
_SAMPLES = 20_000


def barrier_distance(lab: Lab) -> Field:
    """Return how much color must change on the easiest way from the frame, 0 to 1.

    The cost of a way is, for each channel, its highest minus its lowest value.
    """
    calm = cv2.bilateralFilter(cv2.bilateralFilter(lab, 9, 12, 6), 9, 12, 6)
    smooth = np.asarray(calm, np.float32)
    distance = np.full(lab.shape, np.inf, np.float32)
    distance[[0, -1]] = 0
    distance[:, [0, -1]] = 0
    fields = [smooth, distance, smooth.copy(), smooth.copy()]
    for _ in range(2 * _ROUNDS):
        _sweep(fields)
        _sweep([field[::-1] for field in fields])
        # Turned by a copy: a line then lies in one piece, which is what sweeping is quick on.
        fields = [np.ascontiguousarray(field.swapaxes(0, 1)) for field in fields]
    total = fields[1].sum(axis=2)
    largest = max(float(np.percentile(total, 99.5)), 1e-6)
    return np.asarray(np.clip(total / largest, 0, 1), np.float32)


def _sweep(fields: Sequence[Lab]) -> None:
    """Carry the best way of each line on to the next; writes to its caller's working fields."""
    value, distance, highest, lowest = fields
    high, low, cost = (np.empty_like(value[0]) for _ in range(3))
    for line in range(1, len(value)):
        np.maximum(highest[line - 1], value[line], out=high)
        np.minimum(lowest[line - 1], value[line], out=low)
        np.subtract(high, low, out=cost)
        better = cost < distance[line]
        np.copyto(distance[line], cost, where=better)
        np.copyto(highest[line], high, where=better)
        np.copyto(lowest[line], low, where=better)


def frame_distance(lab: Lab) -> Field:
    """Return the Mahalanobis distance to the nearest color of the frame, over 6, at most 1."""
    smooth = cv2.GaussianBlur(lab, (0, 0), 2.0)
    height, width = lab.shape[:2]
    band = max(2, int(0.04 * min(height, width)))
    samples = np.concatenate(
        [
            strip.reshape(-1, 3)
            for strip in (smooth[:band], smooth[-band:], smooth[:, :band], smooth[:, -band:])
        ]
    )
    if len(samples) > _SAMPLES:
        chosen = np.random.default_rng(0).choice(len(samples), _SAMPLES, replace=False)
        samples = samples[chosen]
    nearest = np.full((height, width), np.inf)
    for cluster in _clusters(samples):
        if len(cluster) < 0.02 * len(samples):
            continue
        # Nine Lab units of variance keep a cluster of one flat color from measuring noise.
        precision = np.linalg.inv(np.cov(cluster.T) + 9 * np.eye(3))
        offset = smooth - cluster.mean(axis=0)
        nearest = np.minimum(nearest, ((offset @ precision) * offset).sum(axis=2))
    return np.asarray(np.clip(np.sqrt(nearest) / 6, 0, 1), np.float32)


def _clusters(samples: npt.NDArray[np.float32]) -> list[npt.NDArray[np.float32]]:
    cv2.setRNGSeed(0)
    stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_COUNT, 30, 0.1)
    start = np.zeros((len(samples), 1), np.int32)
    _, labels, _ = cv2.kmeans(samples, _FRAME_COLORS, start, stop, 2, cv2.KMEANS_PP_CENTERS)
    return [samples[labels.ravel() == label] for label in range(_FRAME_COLORS)]


def center_weight(shape: tuple[int, int]) -> Field:
    """Return a broad bell over the middle of the frame, 1 at its top."""
    height, width = shape
    y, x = np.ogrid[0:height, 0:width]
    bell = ((x / width - 0.5) / 0.36) ** 2 + ((y / height - 0.52) / 0.36) ** 2
    return np.asarray(np.exp(-bell / 2), np.float32)
