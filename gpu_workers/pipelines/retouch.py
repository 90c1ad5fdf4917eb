"""The retouch desk: a photo's cutout opened, corrected by steps, and kept.

Owns what each request of the retouch process does with photos and cutouts in storage. Every
request carries all it needs, so an answer never depends on what was asked before: photos that
were opened lately and masks of the first steps are only remembered to be quick. Does not own the
wire (`retouch_server`) nor what a step does (`imaging.retouch`).
"""

from __future__ import annotations

import io
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

import cv2
import numpy as np
from PIL import Image as Pillow

from gpu_workers.engines import classical_segmenter
from gpu_workers.engines.segmenter import segmenter_named
from gpu_workers.errors import ObjectMissing, OrderInvalid, SourceUnusable
from gpu_workers.imaging.arrays import Cutout, Photo
from gpu_workers.imaging.codec import Source, decode
from gpu_workers.imaging.hand_matte import hand_cutout, hard
from gpu_workers.imaging.retouch import Retouch, begun, with_step
from gpu_workers.imaging.segmentation.alternatives import SAME
from gpu_workers.imaging.segmentation.regions import Mask, iou
from gpu_workers.pipelines.cutout import freed, settled
from gpu_workers.pipelines.cutout_asset import BY_HAND, CutoutAsset, read_asset, write_asset
from gpu_workers.retouch_protocol import CURRENT_MASK
from gpu_workers.retouch_steps import Step

Read = Callable[[str], bytes]
Write = Callable[[str, bytes], None]
Maker: TypeAlias = Literal["person", "engine", "file", "nobody"]

SIDE_PX: Final = 640
"""Longest side of the masks a person sees and corrects."""
CURRENT: Final = CURRENT_MASK
"""Name of the mask that a desk opens with."""
ENGINES: Final = "engine"
"""Name of the mask an engine would take now."""
_REMEMBERED_PHOTOS: Final = 24
_REMEMBERED_STEPS: Final = 64
"""Of one photo; each is a third of a megabyte."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A photo on the desk."""

    mask: Mask
    """(h, w) bool, its longest side 640 px or the photo's own."""
    maker: Maker
    """Who made it: a person, an engine, the file's own opacity, or nobody: it is empty."""


@dataclass(slots=True)
class _Prepared:
    """What is remembered of a photo."""

    photo: Photo
    opened: Opened
    guesses: dict[str, Mask] | None = None
    """Other masks by name, once they were asked for."""
    after: OrderedDict[tuple[str, tuple[Step, ...]], Retouch] = field(default_factory=OrderedDict)
    """The mask after the first steps, by start and steps."""


class RetouchDesk:
    """Answers requests about the photos of one storage. For several threads at once."""

    def __init__(self, *, read: Read, write: Write) -> None:
        self._read = read
        self._write = write
        self._lock = threading.Lock()
        self._prepared: OrderedDict[tuple[str, str], _Prepared] = OrderedDict()

    def open(self, photo_key: str, cutout_key: str) -> Opened:
        """Return the mask to begin with: of the kept cutout, or the engine's choice.

        Raises
        ------
        ObjectMissing
            If the photo is not in storage.
        SourceUnusable
            If it cannot be read.
        """
        return self._of(photo_key, cutout_key).opened

    def alternatives(self, photo_key: str, cutout_key: str) -> dict[str, Mask]:
        """Return up to three other masks by name; none if every guess is the one that is open.

        Raises
        ------
        ObjectMissing, SourceUnusable
            As `open`.
        """
        return dict(self._guesses(self._of(photo_key, cutout_key)))

    def corrected(
        self, photo_key: str, cutout_key: str, start: str, steps: Sequence[Step]
    ) -> Retouch:
        """Return the mask after all steps.

        Parameters
        ----------
        start
            The mask to begin with: `CURRENT`, or the name of an alternative.

        Raises
        ------
        OrderInvalid
            If there is no mask of this name.
        ObjectMissing, SourceUnusable
            As `open`.
        """
        return self._after(self._of(photo_key, cutout_key), start, tuple(steps))

    def keep(
        self, photo_key: str, cutout_key: str, start: str, steps: Sequence[Step], *, to_key: str
    ) -> None:
        """Write the cutout of the corrected mask, in the size of the photo, as a person's.

        Raises
        ------
        SourceUnusable
            If the mask shows no product, or everything as product.
        OrderInvalid, ObjectMissing
            As `corrected`.
        """
        prepared = self._of(photo_key, cutout_key)
        done = self._after(prepared, start, tuple(steps))
        if done.mask.all():
            raise SourceUnusable("everything is marked as product; remove what is backdrop")
        if not done.mask.any():
            raise SourceUnusable("nothing is marked as product; draw around it")
        source = decode(self._read(photo_key))
        engines = self._kept(source, cutout_key) if start == CURRENT else None
        cutout = (
            engines[0] if engines else classical_segmenter.cutout_of_mask(source.photo, done.mask)
        )
        corrected = settled(hand_cutout(source.photo, cutout, done.mask, done.painted != 0))
        freed(source.photo, corrected, BY_HAND)
        self._write(to_key, write_asset(CutoutAsset(corrected, BY_HAND)))

    def _of(self, photo_key: str, cutout_key: str) -> _Prepared:
        name = (photo_key, cutout_key)
        with self._lock:
            if name in self._prepared:
                self._prepared.move_to_end(name)
                return self._prepared[name]
        prepared = self._prepare(photo_key, cutout_key)
        with self._lock:
            self._prepared[name] = prepared
            while len(self._prepared) > _REMEMBERED_PHOTOS:
                self._prepared.popitem(last=False)
        return prepared

    def _prepare(self, photo_key: str, cutout_key: str) -> _Prepared:
        source = decode(self._read(photo_key))
        photo = _reduced(source.photo)
        kept = self._kept(source, cutout_key)
        if kept:
            return _Prepared(photo, Opened(hard(kept[0].matte, photo.shape[:2]), kept[1]))
        guesses = _guesses_at(source.photo, photo.shape[:2])
        chosen = guesses.pop(ENGINES, None)
        if chosen is None:
            return _Prepared(photo, Opened(np.zeros(photo.shape[:2], bool), "nobody"), guesses)
        return _Prepared(photo, Opened(chosen, "engine"), guesses)

    def _kept(self, source: Source, cutout_key: str) -> tuple[Cutout, Maker] | None:
        """Return the cutout that renders would take, if there is one: see `inputs.Inputs`."""
        try:
            asset = read_asset(self._read(cutout_key)) if cutout_key else None
        except ObjectMissing:
            asset = None
        if asset is not None and asset.cutout.matte.shape == source.photo.shape[:2]:
            if asset.engine == BY_HAND:
                return asset.cutout, "person"
            if source.alpha is None and not _is_replaced(asset.engine):
                return asset.cutout, "engine"
        if source.alpha is not None:
            return classical_segmenter.cutout_from_alpha(source.photo, source.alpha), "file"
        return None

    def _guesses(self, prepared: _Prepared) -> dict[str, Mask]:
        if prepared.guesses is None:
            found = _guesses_at(prepared.photo, prepared.photo.shape[:2])
            here = prepared.opened.mask
            other = {name: mask for name, mask in found.items() if iou(mask, here) < SAME}
            prepared.guesses = dict(list(other.items())[:3])
        return prepared.guesses

    def _after(self, prepared: _Prepared, start: str, steps: tuple[Step, ...]) -> Retouch:
        """Return the mask after the steps, from the longest beginning that is remembered."""
        with self._lock:
            done, last = _longest_known(prepared, start, steps)
        if last is None:
            last = begun(self._started(prepared, start))
        for place in range(done, len(steps)):
            last = with_step(prepared.photo, last, steps[place])
            with self._lock:
                prepared.after[start, steps[: place + 1]] = last
                while len(prepared.after) > _REMEMBERED_STEPS:
                    prepared.after.popitem(last=False)
        return last

    def _started(self, prepared: _Prepared, start: str) -> Mask:
        if start == CURRENT:
            return prepared.opened.mask
        guesses = self._guesses(prepared)
        if start not in guesses:
            raise OrderInvalid("start: there is no such mask to begin with; open the photo again")
        return guesses[start]


def _is_replaced(engine: str) -> bool:
    """Return whether a newer version of this engine is here: renders make its cutouts anew.

    Of an engine that only other machines have nothing is known, and its cutout is shown.
    """
    here = segmenter_named("auto").version
    return engine != here and engine.partition("/")[0] == here.partition("/")[0]


def mask_file(mask: Mask) -> bytes:
    """Return a mask as a PNG file whose opacity it is, for a browser to draw with."""
    picture = np.zeros((*mask.shape, 2), np.uint8)
    picture[..., 1] = mask * np.uint8(255)
    file = io.BytesIO()
    Pillow.fromarray(picture).save(file, "PNG", compress_level=1)
    return file.getvalue()


def _longest_known(
    prepared: _Prepared, start: str, steps: tuple[Step, ...]
) -> tuple[int, Retouch | None]:
    for done in range(len(steps), 0, -1):
        known = prepared.after.get((start, steps[:done]))
        if known is not None:
            return done, known
    return 0, None


def _guesses_at(photo: Photo, shape: tuple[int, int]) -> dict[str, Mask]:
    """Return the engine's mask under `ENGINES` and the most different others, at a size.

    None where no product stands out: then a person can still draw it.
    """
    try:
        choice, _ = classical_segmenter.find_product(photo)
    except SourceUnusable:
        return {}
    found = {ENGINES: choice.mask, **{each.name: each.mask for each in choice.alternatives}}
    return {name: hard(mask.astype(np.float32), shape) for name, mask in found.items()}


def _reduced(photo: Photo) -> Photo:
    height, width = photo.shape[:2]
    scale = SIDE_PX / max(height, width)
    if scale >= 1:
        return photo
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(photo, size, interpolation=cv2.INTER_AREA), np.uint8)
