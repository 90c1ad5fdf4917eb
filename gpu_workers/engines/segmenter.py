"""Who frees a product from its backdrop: one protocol, named segmenters.

Owns the names. `segmenter_named` imports what it needs only when it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from gpu_workers.engines import classical_segmenter
from gpu_workers.errors import OrderInvalid
from gpu_workers.imaging.arrays import Cutout, Photo


class Segmenter(Protocol):
    """Finds the product of a photo."""

    @property
    def version(self) -> str:
        """Name and version that a render records, for example ``classical/1``."""
        ...

    def segment(self, photo: Photo, *, report: Callable[[str, float], None] | None) -> Cutout:
        """Free the product; raises `SourceUnusable` where none stands out."""
        ...


class _Classical:
    version = classical_segmenter.VERSION

    def segment(self, photo: Photo, *, report: Callable[[str, float], None] | None) -> Cutout:
        return classical_segmenter.segment(photo, report=report)


def segmenter_named(name: str) -> Segmenter:
    """Return a segmenter by its name: ``auto`` or ``classical``.

    Raises
    ------
    OrderInvalid
        If there is none of this name.
    """
    if name in ("auto", "classical"):
        return _Classical()
    raise OrderInvalid(f"there is no segmenter {name!r}; use auto or classical")
