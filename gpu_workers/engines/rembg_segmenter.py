"""Cutouts by a trained network, with the house's edge.

Owns the order of the steps: ask the network, hold its answer against the classical guess,
re-cut a coarse edge, and then the same matting and edge colors as every other cutout. Does not own
which file is loaded (`model_registry`) nor how (`onnx_session`). Deterministic on a CPU.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from gpu_workers.config import ModelSettings
from gpu_workers.engines.classical_segmenter import (
    REFINE_SIDE_PX,
    find_product,
    refuse_hopeless,
)
from gpu_workers.engines.model_registry import model_named, ready_file, require_allowed
from gpu_workers.engines.model_table import RegisteredModel
from gpu_workers.engines.onnx_session import (
    NetworkSession,
    foreground,
    input_side_px,
    open_session,
)
from gpu_workers.errors import ModelRefused, SourceUnusable
from gpu_workers.imaging.arrays import Cutout, Photo
from gpu_workers.imaging.foreground import own_colors
from gpu_workers.imaging.matte import soft_matte
from gpu_workers.imaging.segmentation.background import Backdrop
from gpu_workers.imaging.segmentation.confidence import Choice
from gpu_workers.imaging.segmentation.refinement import refine
from gpu_workers.imaging.segmentation.regions import Mask, grow, opened
from gpu_workers.imaging.segmentation.second_opinion import weigh

Report = Callable[[str, float], None]

_SIDE_PX: Final = 1024
"""Shorter side on which networks are asked: the square of the largest of them."""
_MOST_SIDE_PX: Final = 2048
_COARSE_PX: Final = 512
"""Networks that look at less than this leave an edge that has to be found again."""
_LOPSIDED: Final = 0.025
"""Share of the area by which re-cutting may change it. On 18 photos with known masks, and networks
imitated with edges wrong by 1 and 2 of 320 pixels, right cuts changed it by 0.022 at most, since
such edges err to both sides alike; wrong ones, which ate into gloss and glass, by 0.030 or more."""
_COMPACT: Final = 0.004
"""Radius, in longer sides, of a piece that re-cutting may not win or lose where it is lopsided.
With edges wrong by 2 of 320 pixels the 18 photos come from a mean IoU of 0.960 to 0.989."""
_NOTHING_FOUND: Final = "the network finds no product in the photo; take it closer"


class RembgSegmenter:
    """One network behind the protocol of segmenters. It is loaded with the first photo."""

    def __init__(
        self, model: RegisteredModel, path: Path | None, sha256: str, settings: ModelSettings
    ) -> None:
        self._model = model
        self._path = path
        self._settings = settings
        self._session: NetworkSession | None = None
        self._version = f"rembg:{model.name}/{sha256[:12] or 'service'}"

    @property
    def version(self) -> str:
        """Model and the first digits of its file's SHA-256: ``rembg:u2netp/309c8469258d``."""
        return self._version

    def segment(self, photo: Photo, *, report: Report | None = None) -> Cutout:
        """Free the product.

        Parameters
        ----------
        photo
            (h, w, 3) uint8, sRGB encoded, upright.
        report
            Called with the name of each step and the share done, 0 to 1.

        Raises
        ------
        SourceUnusable
            If the photo is smaller than 64 pixels, blank, or the network finds nothing in it.
        DeviceError
            If the engine packages or the device are not there.
        EngineError
            If the network fails.
        """
        tell = report or _silent
        refuse_hopeless(photo)
        tell("Loading the network", 0.0)
        session = self.load()
        tell("Finding the product", 0.1)
        probability = foreground(session, _scaled(photo), self._model.recipe)
        tell("Asking for a second opinion", 0.4)
        guess, backdrop = _second_opinion(photo)
        opinion = weigh(probability, guess)
        if opinion is None:
            raise SourceUnusable(_NOTHING_FOUND)
        mask = opinion.mask
        if backdrop is not None and input_side_px(session, self._model.recipe) < _COARSE_PX:
            tell("Refining the edge", 0.5)
            mask = _recut(photo, mask, backdrop)
        tell("Softening the edge", 0.6)
        matte = soft_matte(photo, mask)
        tell("Cleaning edge colors", 0.85)
        color = own_colors(photo, matte)
        tell("Cutout done", 1.0)
        return Cutout(color=color, matte=matte, confidence=opinion.confidence)

    def load(self) -> NetworkSession:
        """Return the network's session, loaded by the first call.

        Raises
        ------
        DeviceError
            If the engine packages or the device are not there.
        ModelMissing
            If the file is no network.
        """
        if self._session is None:
            self._session = open_session(self._model, self._path, self._settings)
        return self._session


def rembg_segmenter(name: str, settings: ModelSettings) -> RembgSegmenter:
    """Return the segmenter of a model whose file has been verified.

    Raises
    ------
    ModelRefused
        If there is no segmenter of that name, or it is not allowed.
    ModelMissing
        If its file is not there or not what it should be. The message names the cure.
    """
    model = model_named(name, settings)
    if model.kind != "segmenter":
        raise ModelRefused(f"{name} is no segmenter: it is a network for a {model.kind}")
    if model.is_service:
        require_allowed(model, settings)
        return RembgSegmenter(model, None, "", settings)
    path, sha256 = ready_file(model, settings)
    return RembgSegmenter(model, path, sha256, settings)


def _second_opinion(photo: Photo) -> tuple[Choice | None, Backdrop | None]:
    try:
        return find_product(photo)
    except SourceUnusable:
        return None, None


def _scaled(photo: Photo) -> Photo:
    height, width = photo.shape[:2]
    scale = min(_SIDE_PX / min(height, width), _MOST_SIDE_PX / max(height, width))
    if scale >= 1:
        return photo
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(cv2.resize(photo, size, interpolation=cv2.INTER_AREA), np.uint8)


def _recut(photo: Photo, mask: Mask, backdrop: Backdrop) -> Mask:
    """Return the mask with its edge found again in the photo.

    Where that goes wrong it counts in thin lines only: whole pieces stay as the network saw them.
    """
    height, width = photo.shape[:2]
    scale = min(1.0, REFINE_SIDE_PX / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    middle = np.asarray(cv2.resize(photo, size, interpolation=cv2.INTER_AREA), np.uint8)
    soft = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_LINEAR)
    coarse = np.asarray(soft > 0.5)
    fine = refine(middle, coarse, backdrop)
    change = abs(int(fine.sum()) - int(coarse.sum()))
    if change <= _LOPSIDED * int(coarse.sum()):
        return fine
    radius = max(2, round(_COMPACT * max(coarse.shape)))
    pieces = grow(opened(fine ^ coarse, radius), 2)
    return np.where(pieces, coarse, fine)


def _silent(_step: str, _share: float) -> None:
    """Tell nobody."""
