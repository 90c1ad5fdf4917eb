"""The project's own network, that tells where in a photo the product is.

Owns the file of weights and running it. Small enough to be part of the program: 128 x 128 pixels,
twice, in less than 20 ms on one core, by OpenCV, without an engine package. It sees shapes where
the rules of `imaging.segmentation` see color and edges, so it is one voice more among their guesses
and no segmenter by itself. How it was trained: docs/product-finder.md.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from threading import Lock
from typing import Final

import cv2
import numpy as np

from gpu_workers.imaging.arrays import Photo
from gpu_workers.imaging.segmentation.background import Field

SIDE: Final = 128
"""Pixels of a picture as the network sees it, both ways."""
_FILE: Final = "product_finder.onnx"
_lock = Lock()


def likely_product(photo: Photo) -> Field:
    """Return how likely each pixel is to show the product, 0 to 1.

    The mean of what the network says of the photo and of its mirror image: what it says of one
    side only is chance.

    Parameters
    ----------
    photo
        (h, w, 3) uint8, sRGB encoded, upright, whole: the network expects the product in the
        middle, with what surrounds it.
    """
    height, width = photo.shape[:2]
    small = cv2.resize(photo, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    both = np.stack([small, small[:, ::-1]]).transpose(0, 3, 1, 2).astype(np.float32)
    network = _network()
    # A network keeps its last input: two threads must not share a turn.
    with _lock:
        shares = []
        for one in both:
            network.setInput(np.ascontiguousarray(one[np.newaxis]))
            shares.append(network.forward()[0, 0].copy())
    mean = (shares[0] + shares[1][:, ::-1]) / 2
    way = cv2.INTER_LINEAR if height * width > SIDE * SIDE else cv2.INTER_AREA
    return np.asarray(np.clip(cv2.resize(mean, (width, height), interpolation=way), 0, 1))


@lru_cache(maxsize=1)
def _network() -> cv2.dnn.Net:
    weights = resources.files("gpu_workers.engines").joinpath(_FILE).read_bytes()
    return cv2.dnn.readNetFromONNX(np.frombuffer(weights, np.uint8))
