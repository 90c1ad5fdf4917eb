"""What a font file covers and how it varies, read from its tables.

Owns just enough of the format to answer two questions that Pillow does not: which characters have
a glyph (so that nothing is ever set as an empty box), and which axes a variable font has. Does not
draw.

Source: OpenType 1.9.1, chapters "Font file", "cmap" (formats 4 and 12), "fvar" and "name".
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

_COLLECTION: Final = b"ttcf"
_FULL_UNICODE: Final = ((3, 10), (0, 6), (0, 4))
_PLANE_ZERO: Final = ((3, 1), (0, 3), (0, 2), (0, 1), (0, 0))
_FAMILY: Final = 1
_TYPOGRAPHIC_FAMILY: Final = 16


class FontUnreadable(ValueError):
    """A file is no font that text can be set in; the message names the file."""


@dataclass(frozen=True, slots=True)
class Axis:
    """One way in which a variable font varies."""

    tag: str
    low: float
    usual: float
    high: float


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """One face of a font file."""

    path: Path
    index: int
    """Its place in a collection; 0 in a plain file."""
    family: str
    starts: npt.NDArray[np.int64]
    """First code points of the covered ranges, ascending."""
    ends: npt.NDArray[np.int64]
    """Last code points of the same ranges."""
    axes: tuple[Axis, ...]

    def covers(self, code_point: int) -> bool:
        """Return whether the face has a glyph for a character."""
        place = int(np.searchsorted(self.starts, code_point, side="right")) - 1
        return place >= 0 and code_point <= int(self.ends[place])


def read_faces(path: Path) -> tuple[Face, ...]:
    """Return the faces of a TrueType or OpenType file or collection.

    Raises
    ------
    FontUnreadable
        If the file cannot be read as one.
    """
    try:
        data = path.read_bytes()
        return tuple(
            _face(path, index, data, offset) for index, offset in enumerate(_directories(data))
        )
    except (OSError, struct.error, IndexError, ValueError) as error:
        raise FontUnreadable(f"{path.name} is no font that can be read: {error}") from error


def _directories(data: bytes) -> list[int]:
    """Return where the table directory of each face begins."""
    if data[:4] != _COLLECTION:
        return [0]
    (count,) = struct.unpack_from(">I", data, 8)
    return list(struct.unpack_from(f">{min(count, 64)}I", data, 12))


def _face(path: Path, index: int, data: bytes, directory: int) -> Face:
    (count,) = struct.unpack_from(">H", data, directory + 4)
    tables: dict[bytes, int] = {}
    for row in range(count):
        tag, _, offset, _ = struct.unpack_from(">4sIII", data, directory + 12 + 16 * row)
        tables[tag] = offset
    if b"cmap" not in tables:
        raise FontUnreadable(f"{path.name} has no table of characters")
    starts, ends = _coverage(data, tables[b"cmap"])
    return Face(
        path=path,
        index=index,
        family=_family(data, tables[b"name"]) if b"name" in tables else path.stem,
        starts=starts,
        ends=ends,
        axes=_axes(data, tables[b"fvar"]) if b"fvar" in tables else (),
    )


def _coverage(data: bytes, cmap: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    (count,) = struct.unpack_from(">H", data, cmap + 2)
    tables = {}
    for row in range(count):
        platform, encoding, offset = struct.unpack_from(">HHI", data, cmap + 4 + 8 * row)
        (table_format,) = struct.unpack_from(">H", data, cmap + offset)
        tables[platform, encoding, table_format] = cmap + offset
    for platform, encoding in _FULL_UNICODE:
        if (platform, encoding, 12) in tables:
            return _groups(data, tables[platform, encoding, 12])
    for platform, encoding in _PLANE_ZERO:
        if (platform, encoding, 4) in tables:
            return _segments(data, tables[platform, encoding, 4])
    raise ValueError("it maps no Unicode characters")


def _groups(data: bytes, table: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Read format 12: ranges of code points with their first glyph."""
    (count,) = struct.unpack_from(">I", data, table + 12)
    rows = np.frombuffer(data, ">u4", 3 * count, table + 16).reshape(count, 3).astype(np.int64)
    rows = rows[rows[:, 2] > 0]
    order = np.argsort(rows[:, 0], kind="stable")
    return rows[order, 0], rows[order, 1]


def _segments(data: bytes, table: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Read format 4: segments of the first plane, some of them through an array of glyphs."""
    (twice,) = struct.unpack_from(">H", data, table + 6)
    count = twice // 2
    ends = np.frombuffer(data, ">u2", count, table + 14).astype(np.int64)
    starts = np.frombuffer(data, ">u2", count, table + 16 + twice).astype(np.int64)
    deltas = np.frombuffer(data, ">u2", count, table + 16 + 2 * twice).astype(np.int64)
    offsets_at = table + 16 + 3 * twice
    offsets = np.frombuffer(data, ">u2", count, offsets_at).astype(np.int64)
    covered: list[npt.NDArray[np.int64]] = []
    for place in range(count):
        codes = np.arange(starts[place], min(int(ends[place]), 0xFFFE) + 1)
        glyphs = codes
        if offsets[place] and codes.size:
            begin = offsets_at + 2 * place + int(offsets[place])
            glyphs = np.frombuffer(data, ">u2", codes.size, begin).astype(np.int64)
        is_there = ((glyphs + deltas[place]) & 0xFFFF) > 0
        if offsets[place]:
            is_there &= glyphs > 0
        covered.append(codes[is_there])
    codes = np.unique(np.concatenate(covered)) if covered else np.empty(0, np.int64)
    if codes.size == 0:
        return codes, codes
    gaps = np.flatnonzero(np.diff(codes) > 1)
    return codes[np.r_[0, gaps + 1]], codes[np.r_[gaps, codes.size - 1]]


def _axes(data: bytes, fvar: int) -> tuple[Axis, ...]:
    first, _, count, size = struct.unpack_from(">HHHH", data, fvar + 4)
    axes = []
    for place in range(count):
        tag, low, usual, high = struct.unpack_from(">4siii", data, fvar + first + size * place)
        axes.append(Axis(tag.decode("latin-1"), low / 65536, usual / 65536, high / 65536))
    return tuple(axes)


def _family(data: bytes, table: int) -> str:
    """Return the family's English name, or an empty text."""
    count, strings = struct.unpack_from(">HH", data, table + 2)
    names: dict[int, str] = {}
    for row in range(count):
        platform, _, language, name, length, offset = struct.unpack_from(
            ">HHHHHH", data, table + 6 + 12 * row
        )
        if platform == 3 and language == 0x409 and name in (_FAMILY, _TYPOGRAPHIC_FAMILY):
            begin = table + strings + offset
            names[name] = data[begin : begin + length].decode("utf-16-be", "replace")
    return names.get(_TYPOGRAPHIC_FAMILY) or names.get(_FAMILY, "")
