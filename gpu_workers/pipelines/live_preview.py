"""What a seller sees of a picture while it is being painted.

Owns when such a preview is made, how large it is and what it shows: what the network has so far
(`engines.diffusion.latent_preview`), with the product as photographed laid over it, as it will be
on the finished picture. A preview is thrown away; nothing is measured or kept of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import cv2
import numpy as np

from gpu_workers.engines.backdrop_generator import Step
from gpu_workers.imaging.arrays import Matte, Photo
from gpu_workers.imaging.codec import encode
from gpu_workers.imaging.generated_backdrop import Fit

SIDE_PX: Final = 256
"""Longer side: latents hold little more."""
SECONDS: Final = 0.5
"""Least time between two previews of one order."""
_QUALITY: Final = 75


class LivePreview:
    """Previews of one order.

    Parameters
    ----------
    fit
        How the canvas lies in what is painted.
    drawn
        (h, w, 3) uint8 of the inner size: the product where it stands.
    matte
        (h, w) float32 of the inner size: its opacity.
    clock
        Seconds.
    """

    def __init__(
        self,
        fit: Fit,
        drawn: Photo,
        matte: Matte,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fit = fit
        self._scale = min(1.0, SIDE_PX / max(fit.inner))
        size = self._scaled(fit.inner)
        self._product = cv2.resize(drawn, size, interpolation=cv2.INTER_AREA).astype(np.float32)
        self._opacity = cv2.resize(matte, size, interpolation=cv2.INTER_AREA)[..., np.newaxis]
        self._clock = clock
        self._made_at = float("-inf")

    def of(self, step: Step) -> bytes:
        """Return the first request of a batch as a WebP file of a few KB.

        Nothing where the last one was made a moment ago or where there is nothing to see yet.
        """
        now = self._clock()
        if now - self._made_at < SECONDS:
            return b""
        seen = step.preview(0)
        if seen is None:
            return b""
        self._made_at = now
        return encode(self._laid_over(seen), "WEBP", quality=_QUALITY)

    def _laid_over(self, seen: Photo) -> Photo:
        """Return the canvas's part of what is seen, with the product in it."""
        whole = cv2.resize(seen, self._scaled(self._fit.size), interpolation=cv2.INTER_CUBIC)
        height, width = self._opacity.shape[:2]
        left = min(round(self._fit.left * self._scale), whole.shape[1] - width)
        top = min(round(self._fit.top * self._scale), whole.shape[0] - height)
        backdrop = whole[top : top + height, left : left + width]
        mixed = backdrop + self._opacity * (self._product - backdrop)
        return np.asarray(np.clip(mixed + 0.5, 0, 255), np.uint8)

    def _scaled(self, size: tuple[int, int]) -> tuple[int, int]:
        return max(1, round(size[0] * self._scale)), max(1, round(size[1] * self._scale))
