"""Which parts of a photo are upper, lower and whole-body garments.

Owns the asking of rembg's cloth network and what its planes mean. Does not own what is done with a
garment (`pipelines`), nor how the network is loaded (`onnx_session`).

rembg resizes the numbers of the classes, so that a border between 0 and 3 passes through 1 and 2,
and feeds ImageNet's mean and deviation; the network was trained with 0.5 and 0.5 (levindabhi,
cloth-segmentation). Here the network is asked directly and probabilities are resized.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias, get_args

import cv2
import numpy as np
import numpy.typing as npt

from gpu_workers.config import ModelSettings
from gpu_workers.engines.model_registry import model_named, ready_file
from gpu_workers.engines.model_table import RegisteredModel
from gpu_workers.engines.onnx_session import NetworkSession, Planes, open_session, run_planes
from gpu_workers.errors import EngineError, SourceUnusable
from gpu_workers.imaging.arrays import Matte, Photo

Garment: TypeAlias = Literal["upper", "lower", "full"]

MODEL: Final = "u2net_cloth_seg"
_SIDE_PX: Final = 768
_MEAN: Final = (0.5, 0.5, 0.5)
_STD: Final = (0.5, 0.5, 0.5)
_CLASSES: Final = 1 + len(get_args(Garment))
"""The backdrop, skin and hair, and then the garments in their order."""
_LEAST_SHARE: Final = 0.005
"""Of the frame, below which a garment is only a speck."""


@dataclass(frozen=True, slots=True)
class GarmentMap:
    """How likely each pixel of a photo belongs to each kind of garment."""

    planes: Planes
    """(4, h, w) float32, 0 to 1, summing to 1: nothing worn, upper, lower, full. In the photo's
    proportions, its longer side 768 px."""
    version: str

    def probability(self, garment: Garment, shape: tuple[int, int]) -> Matte:
        """Return (h, w) float32, 0 to 1: the probability of a garment in the size of the photo."""
        return _resized(self.planes[_plane_of(garment)], shape)

    def mask(self, garment: Garment, shape: tuple[int, int]) -> npt.NDArray[np.bool_]:
        """Return (h, w) bool: where this garment is likelier than everything else."""
        chosen = _plane_of(garment)
        best = _resized(self.planes[chosen], shape)
        wins = np.ones(shape, bool)
        for other in range(_CLASSES):
            if other != chosen:
                # The first of equals wins, as in an argmax.
                plane = _resized(self.planes[other], shape)
                wins &= (best > plane) if other < chosen else (best >= plane)
        return wins

    def share(self, garment: Garment) -> float:
        """Return the share of the frame that a garment covers, 0 to 1."""
        return float((self.planes.argmax(axis=0) == _plane_of(garment)).mean())

    def certainty(self, garment: Garment) -> float:
        """Return the mean probability where this garment is the likeliest; 0 if nowhere."""
        plane = _plane_of(garment)
        where = self.planes.argmax(axis=0) == plane
        return float(self.planes[plane][where].mean()) if where.any() else 0.0

    @property
    def worn(self) -> tuple[Garment, ...]:
        """The garments that are there, the largest first."""
        found = [each for each in get_args(Garment) if self.share(each) >= _LEAST_SHARE]
        return tuple(sorted(found, key=self.share, reverse=True))


class GarmentParser:
    """The cloth network, loaded with the first photo."""

    def __init__(
        self, model: RegisteredModel, path: Path, sha256: str, settings: ModelSettings
    ) -> None:
        self._model = model
        self._path = path
        self._settings = settings
        self._session: NetworkSession | None = None
        self.version: Final = f"rembg:{model.name}/{sha256[:12]}"

    def parse(self, photo: Photo) -> GarmentMap:
        """Tell the garments of a photo apart.

        Parameters
        ----------
        photo
            (h, w, 3) uint8, sRGB encoded, upright.

        Raises
        ------
        SourceUnusable
            If the photo shows no garment.
        DeviceError
            If the engine packages or the device are not there.
        EngineError
            If the network fails, or is another than it should be.
        """
        if self._session is None:
            self._session = open_session(self._model, self._path, self._settings)
        answer = run_planes(self._session, photo, _SIDE_PX, _MEAN, _STD)
        if answer.shape[0] != _CLASSES:
            raise EngineError(f"{MODEL} answered with {answer.shape[0]} classes, not {_CLASSES}")
        planes = _as_probabilities(answer)
        height, width = photo.shape[:2]
        scale = _SIDE_PX / max(height, width)
        shape = max(1, round(height * scale)), max(1, round(width * scale))
        found = GarmentMap(np.stack([_resized(plane, shape) for plane in planes]), self.version)
        if not found.worn:
            raise SourceUnusable("no garment is seen in the photo; show it whole and closer")
        return found


def garment_parser(settings: ModelSettings) -> GarmentParser:
    """Return the parser, its file verified.

    Raises
    ------
    ModelRefused
        If the operator has not allowed it: its licence is unclear.
    ModelMissing
        If its file is not there or not what it should be. The message names the cure.
    """
    model = model_named(MODEL, settings)
    path, sha256 = ready_file(model, settings)
    return GarmentParser(model, path, sha256, settings)


def _plane_of(garment: Garment) -> int:
    return 1 + get_args(Garment).index(garment)


def _as_probabilities(answer: Planes) -> Planes:
    """Return the softmax over the classes, whether the network gives scores or has done it."""
    is_done = answer.min() >= 0 and np.allclose(answer.sum(axis=0), 1, atol=1e-3)
    if is_done:
        return answer
    risen = np.exp(answer - answer.max(axis=0))
    return np.asarray(risen / risen.sum(axis=0), np.float32)


def _resized(plane: Matte, shape: tuple[int, int]) -> Matte:
    size = (shape[1], shape[0])
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR), np.float32)
