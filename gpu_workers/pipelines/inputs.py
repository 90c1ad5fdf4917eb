"""What an order brings along, read when a pipeline asks for it.

Owns the reading of the source photo, of the other pictures of the order, and of the cutout: kept,
or made now and kept. Does not own how a product is found (`engines`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from gpu_workers.engines.segmenter import segmenter_named
from gpu_workers.errors import ObjectMissing, OrderInvalid, SourceUnusable
from gpu_workers.imaging.codec import Source, decode
from gpu_workers.pipelines.cutout import (
    OWN_ALPHA,
    CutoutFile,
    Freed,
    Subject,
    free_product,
    freed,
    subject_of,
    transparent_file,
)
from gpu_workers.pipelines.cutout_asset import (
    BY_HAND,
    CutoutAsset,
    read_asset,
    without_note,
    write_asset,
)
from gpu_workers.protocol import RenderOrder

Read = Callable[[str], bytes]
Write = Callable[[str, bytes], None]


class Tell(Protocol):
    """Told the share of a step that is done, 0 to 1, and what can be seen of it as a WebP file."""

    def __call__(self, share: float, preview: bytes = b"", /) -> None:
        """Take it."""
        ...


class Inputs:
    """The pictures of one order. Each is read at most once."""

    def __init__(self, order: RenderOrder, *, read: Read, write: Write, tell: Tell) -> None:
        self._order = order
        self._read = read
        self._write = write
        self._tell = tell
        self._subject: Subject | None = None
        self._cutout_file = b""
        self._freed: Freed | None = None
        self.transparent: CutoutFile | None = None
        """The transparent file, once `subject` has been asked for."""

    @property
    def order(self) -> RenderOrder:
        """What was ordered."""
        return self._order

    @property
    def tell(self) -> Tell:
        """Where to say how much is done."""
        return self._tell

    def source(self) -> Source:
        """Return the source photo itself, not cut out.

        Raises
        ------
        SourceUnusable
            If it cannot be read.
        """
        return decode(self._read(self._order.source_key))

    def picture(self, role: str) -> Source | None:
        """Return another picture of the order, or None if it has none of this role.

        Raises
        ------
        SourceUnusable
            If it cannot be read; the message names the role.
        """
        key = self._order.extras.get(role)
        if key is None:
            return None
        try:
            return decode(self._read(key))
        except SourceUnusable as error:
            raise SourceUnusable(f"{role}: {error.detail}") from error

    def needed_picture(self, role: str) -> Source:
        """Return another picture of the order.

        Raises
        ------
        OrderInvalid
            If the order has none of this role.
        """
        found = self.picture(role)
        if found is None:
            raise OrderInvalid(f"a {self._order.kind} needs a picture of the role {role!r}")
        return found

    def freed(self) -> Freed:
        """Return the photo and its product in the photo's own frame; see `subject`.

        Raises
        ------
        SourceUnusable
            If the photo cannot be read or shows no product.
        """
        if self._freed is None:
            self._freed = self._kept() or self._cut_out()
        return self._freed

    def subject(self) -> Subject:
        """Return the product freed from its backdrop; its cutout is kept where the order says.

        Raises
        ------
        SourceUnusable
            If the photo cannot be read or shows no product.
        """
        if self._subject is None:
            found = self.freed()
            self._subject = subject_of(found)
            self.transparent = transparent_file(found.cutout, without_note(self._cutout_file))
        return self._subject

    def _kept(self) -> Freed | None:
        if not self._order.cutout_key:
            return None
        try:
            self._cutout_file = self._read(self._order.cutout_key)
        except ObjectMissing:
            return None
        asset = read_asset(self._cutout_file)
        by_hand_or_file = asset.engine in (BY_HAND, OWN_ALPHA)
        if not by_hand_or_file and asset.engine != segmenter_named(self._order.segmenter).version:
            # Made by an engine that has been replaced since: its cutout is made anew.
            return None
        photo = self.source().photo
        if photo.shape[:2] != asset.cutout.matte.shape:
            raise SourceUnusable(
                "the kept cutout is of another size than the photo; cut the photo out again"
            )
        return freed(photo, asset.cutout, asset.engine)

    def _cut_out(self) -> Freed:
        found = free_product(
            self._read(self._order.source_key),
            lambda _step, share: self._tell(share),
            segmenter=self._order.segmenter,
        )
        self._cutout_file = write_asset(CutoutAsset(found.cutout, found.engine))
        if self._order.cutout_key:
            self._write(self._order.cutout_key, self._cutout_file)
        return found
