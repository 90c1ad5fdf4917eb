"""A JPEG whose background decodes to exactly 255, 255, 255, up to the edge of the product.

Owns the pixels of the blocks that hold both. A block of background alone is exact at any quality;
in a block that also holds some product, rounding its coefficients leaves a twelfth of the
background pixels one level off, even at quality 100. Which ones is chance, so small changes to
the product's pixels in that block are drawn until none is: blocks are coded apart from each
other and the three planes too, hence a few tries each at a time, by the decoder itself.

Source: ITU-T T.81 (1992), annex A.3 for blocks, transform and rounding.
"""

from __future__ import annotations

import io
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow

from gpu_workers.imaging.arrays import Photo

Blocks: TypeAlias = npt.NDArray[np.uint8]
"""(n, 8, 8) uint8: one plane of some blocks."""
Masks: TypeAlias = npt.NDArray[np.bool_]
"""(n, 8, 8) bool."""

_SIDE: Final = 8
_FINEST: Final = 100
"""The quality at which all quantisation steps are 1."""
_WHITE: Final = ((255, 255, 255), (128, 128, 129), (128, 128, 128))
"""Aim, least and greatest value of luma, blue and red difference that decode to 255, 255, 255."""
_REACHES: Final = (1, 1, 2, 2, 3, 3, *[4] * 26, *[8] * 8, *[16] * 8)
"""Largest change, in levels, of a product pixel in each round: nineteen of twenty blocks are done
after the first six, and only blocks with a handful of product pixels need more than 4."""
_TRIES: Final = 16
"""Tries of each block in a round."""
_BATCH: Final = 1024
"""Blocks tried at a time: bounds the working memory to about 10 MB."""
_ACROSS: Final = 64
_ALL_EIGHT: Final = np.uint64(0x0101010101010101)


def encode_on_white(photo: Photo, background: npt.NDArray[np.bool_], profile: bytes) -> bytes:
    """Write a picture whose background is white as JPEG of quality 100.

    Parameters
    ----------
    photo
        (h, w, 3) uint8, sRGB encoded; its background is white already.
    background
        (h, w) bool: the pixels that must decode to white.
    profile
        ICC profile to write along.

    Notes
    -----
    Product pixels within 8 px of the background differ from `photo` by up to 4 levels, and where
    a block holds but a few of them, by as much as it takes. If chance helps in none of the
    rounds, what is product in that plane of the block becomes white.
    """
    height, width = background.shape
    planes = np.array(Pillow.fromarray(photo).convert("YCbCr"))
    places = _mixed_blocks(background)
    if places.size:
        # Blocks that the frame cuts are filled up with their last row and column, as the
        # encoder does.
        rows = np.minimum(places[:, :1] * _SIDE + np.arange(_SIDE), height - 1)[:, :, None]
        columns = np.minimum(places[:, 1:] * _SIDE + np.arange(_SIDE), width - 1)[:, None, :]
        fixed = np.tile(background[rows, columns], (len(_WHITE), 1, 1))
        blocks = np.concatenate([planes[rows, columns, plane] for plane in range(len(_WHITE))])
        white = np.repeat(np.array(_WHITE, np.uint8), len(places), axis=0)
        settled = _settled(blocks, fixed, _twins(places, (height, width)), white)
        for plane, of_plane in enumerate(np.split(settled, len(_WHITE))):
            planes[rows, columns, plane] = of_plane
    file = io.BytesIO()
    Pillow.fromarray(planes, "YCbCr").save(
        file, "JPEG", quality=_FINEST, subsampling=0, optimize=True, icc_profile=profile
    )
    return file.getvalue()


def _mixed_blocks(background: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Return (n, 2): row and column of the blocks that hold background and product."""
    height, width = background.shape
    pad = ((0, -height % _SIDE), (0, -width % _SIDE))
    whole = np.pad(background, pad, mode="edge")
    # Eight pixels of a row are one number: zero is none of them, ones in all bytes is all.
    eights = whole.view(np.uint64).reshape(whole.shape[0] // _SIDE, _SIDE, -1)
    some = (eights != 0).any(axis=1)
    return np.argwhere(some & ~(eights == _ALL_EIGHT).all(axis=1))


def _twins(
    places: npt.NDArray[np.int64], frame: tuple[int, int]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return for each block which of its rows and columns each one repeats."""
    last = np.array(frame) - 1 - places * _SIDE
    inside = np.minimum(np.arange(_SIDE), last[:, :, None])
    return inside[:, 0, :, None], inside[:, 1, None, :]


def _settled(
    blocks: Blocks,
    fixed: Masks,
    twin: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]],
    white: npt.NDArray[np.uint8],
) -> Blocks:
    """Return the blocks with their free pixels changed so that all fixed ones decode to white.

    Parameters
    ----------
    white
        (n, 3) uint8: the row of `_WHITE` that each block is held to.
    """
    generator = np.random.default_rng(0)
    aim, low, high = white.T[:, :, np.newaxis, np.newaxis]
    blocks = np.where(fixed, aim, blocks)
    left = np.flatnonzero(~_holds(_decoded(blocks), fixed, low, high))
    settled = blocks.copy()
    settled[left] = aim[left]
    for reach in _REACHES:
        if not left.size:
            break
        undone = []
        for start in range(0, left.size, _BATCH):
            chosen = left[start : start + _BATCH]
            tries = _tries(blocks[chosen], fixed[chosen], reach, generator)
            at = np.arange(chosen.size)[:, None, None, None], np.arange(_TRIES)[:, None, None]
            place = chosen % len(twin[0])
            tries = tries[*at, twin[0][place, None], twin[1][place, None]]
            found = _holds(
                _decoded(tries.reshape(-1, _SIDE, _SIDE)).reshape(tries.shape),
                fixed[chosen, None],
                low[chosen, None],
                high[chosen, None],
            )
            done = found.any(axis=1)
            settled[chosen[done]] = tries[done, found[done].argmax(axis=1)]
            undone.append(chosen[~done])
        left = np.concatenate(undone)
    return settled


def _tries(blocks: Blocks, fixed: Masks, reach: int, generator: np.random.Generator) -> Blocks:
    size = (len(blocks), _TRIES, _SIDE, _SIDE)
    change = generator.integers(-reach, reach, size, dtype=np.int16, endpoint=True)
    change[np.broadcast_to(fixed[:, None], size)] = 0
    return np.asarray(np.clip(blocks[:, None] + change, 0, 255), np.uint8)


def _holds(decoded: Blocks, fixed: Masks, low: Blocks, high: Blocks) -> npt.NDArray[np.bool_]:
    """Return for each block, its last two axes, whether all fixed pixels lie within the limits."""
    within = (decoded >= low) & (decoded <= high)
    return np.asarray((within | ~fixed).all(axis=(-2, -1)))


def _decoded(blocks: Blocks) -> Blocks:
    """Return the blocks (n, 8, 8) as they come back from a file, laid out as one gray picture."""
    down = -(-len(blocks) // _ACROSS)
    sheet = np.zeros((down * _ACROSS, _SIDE, _SIDE), np.uint8)
    sheet[: len(blocks)] = blocks
    picture = sheet.reshape(down, _ACROSS, _SIDE, _SIDE).swapaxes(1, 2)
    file = io.BytesIO()
    Pillow.fromarray(picture.reshape(down * _SIDE, _ACROSS * _SIDE)).save(
        file, "JPEG", quality=_FINEST
    )
    with Pillow.open(file) as opened:
        read = np.asarray(opened).reshape(down, _SIDE, _ACROSS, _SIDE).swapaxes(1, 2)
    return read.reshape(-1, _SIDE, _SIDE)[: len(blocks)]
