"""What frees a product from its backdrop, by name.

Owns the protocol that every segmenter speaks and the way from a name to a segmenter that is ready.
Does not own how a product is found. A name asks for exactly one segmenter: what cannot be had is
refused with the cure, and nothing else is used in its place.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final, Protocol

from gpu_workers.config import ModelSettings, SettingInvalid, model_settings_from_environ
from gpu_workers.engines import classical_segmenter
from gpu_workers.engines.rembg_segmenter import RembgSegmenter, rembg_segmenter
from gpu_workers.errors import DeviceError, OrderError, OrderInvalid
from gpu_workers.imaging.arrays import Cutout, Photo

AUTO: Final = "auto"
CLASSICAL: Final = "classical"
REMBG: Final = "rembg:"
_KEPT: Final = 2
"""Networks that stay loaded; large ones take gigabytes."""


log = logging.getLogger(__name__)


class Segmenter(Protocol):
    """Frees the product of a photo from its backdrop. The same photo gives the same cutout."""

    @property
    def version(self) -> str:
        """What made a cutout, for the record: ``classical/1``."""
        ...

    def segment(
        self, photo: Photo, *, report: Callable[[str, float], None] | None = None
    ) -> Cutout:
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
            If no product stands out in the photo.
        """
        ...


class ClassicalSegmenter:
    """The segmenter that needs no weights and is always there."""

    version: Final = classical_segmenter.VERSION

    def segment(
        self, photo: Photo, *, report: Callable[[str, float], None] | None = None
    ) -> Cutout:
        """Free the product; see `Segmenter`."""
        return classical_segmenter.segment(photo, report=report)


def segmenter_named(name: str, environ: Mapping[str, str] = os.environ) -> Segmenter:
    """Return the segmenter of a name; of a network the file is verified, not yet loaded.

    Parameters
    ----------
    name
        ``classical``; ``rembg:`` and the name of a model; or ``auto``: what the operator set in
        ``PACKSHOT_SEGMENTER``, and ``classical`` where nothing is set.

    Raises
    ------
    OrderInvalid
        If there is no segmenter of that name.
    ModelRefused
        If the model is unknown or the operator has not allowed it.
    ModelMissing
        If its weights are not on this machine, or not what they should be.
    DeviceError
        If a setting of this machine is wrong.
    """
    try:
        settings = model_settings_from_environ(environ)
    except SettingInvalid as error:
        raise DeviceError(str(error)) from error
    wanted = settings.segmenter if name == AUTO else name
    if wanted in (CLASSICAL, AUTO):
        return ClassicalSegmenter()
    if wanted.startswith(REMBG):
        return _network(wanted.removeprefix(REMBG), settings)
    raise OrderInvalid(
        f"there is no segmenter {wanted!r}; write {AUTO}, {CLASSICAL} or {REMBG}MODEL"
    )


def load_default(environ: Mapping[str, str] = os.environ) -> None:
    """Load what ``auto`` stands for, while nobody waits for a picture yet.

    A model that is missing or refused is only logged: it spoils the orders that ask for it, each of
    which says so, and not the worker.

    Raises
    ------
    DeviceError
        If this machine cannot run networks as it is set up.
    """
    try:
        chosen = segmenter_named(AUTO, environ)
        if isinstance(chosen, RembgSegmenter):
            chosen.load()
    except OrderError as error:
        log.warning("the default segmenter is not ready", extra={"facts": {"why": error.detail}})


@lru_cache(maxsize=_KEPT)
def _network(name: str, settings: ModelSettings) -> Segmenter:
    return rembg_segmenter(name, settings)
