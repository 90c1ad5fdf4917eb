"""What frees a product from its backdrop, by name.

Owns the protocol that every segmenter speaks and the way from a name to a segmenter that is ready.
Does not own how a product is found. A name asks for exactly one segmenter: what cannot be had is
refused with the cure, and nothing else is used in its place.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Final, Protocol

from gpu_workers.engines import classical_segmenter
from gpu_workers.errors import OrderInvalid
from gpu_workers.imaging.arrays import Cutout, Photo

AUTO: Final = "auto"
CLASSICAL: Final = "classical"
SETTING: Final = "PACKSHOT_SEGMENTER"


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
    """Return the segmenter of a name, ready to work; it is kept for the next call.

    Parameters
    ----------
    name
        ``classical``, or ``auto``: the one that the operator set in ``PACKSHOT_SEGMENTER``, and
        ``classical`` where nothing is set.

    Raises
    ------
    OrderInvalid
        If there is no segmenter of that name.
    """
    wanted = resolved_name(name, environ)
    if wanted == CLASSICAL:
        return ClassicalSegmenter()
    raise OrderInvalid(f"there is no segmenter {wanted!r}; write {CLASSICAL} or {AUTO}")


def resolved_name(name: str, environ: Mapping[str, str] = os.environ) -> str:
    """Return the name that ``auto`` stands for on this machine; any other name as it is."""
    if name != AUTO:
        return name
    configured = environ.get(SETTING, "") or CLASSICAL
    return CLASSICAL if configured == AUTO else configured
