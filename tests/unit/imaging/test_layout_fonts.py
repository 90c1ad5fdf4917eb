"""Which fonts set which characters."""

from __future__ import annotations

import contextlib
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpu_workers.errors import OrderInvalid
from gpu_workers.imaging.layout.fonts import font_chain, open_font
from gpu_workers.imaging.layout.sfnt import FontUnreadable, read_faces


def chain(family="sans", language="", sample="", own="", folder=None):
    return font_chain(family, language=language, sample=sample, own=own, folder=folder)


def font_file(subtable: bytes, encoding: tuple[int, int]) -> bytes:
    """The smallest font that maps characters."""
    cmap = struct.pack(">HHHHI", 0, 1, *encoding, 12) + subtable
    return struct.pack(">IHHHH4sIII", 0x10000, 1, 0, 0, 0, b"cmap", 0, 28, len(cmap)) + cmap


def covered(path: Path) -> list[int]:
    (face,) = read_faces(path)
    return [code for code in range(0x200) if face.covers(code)]


def test_segments_are_read_with_and_without_an_array_of_glyphs(tmp_path):
    # 0x41 to 0x43 by a delta; 0x61 to 0x64 through an array in which 0x62 has no glyph.
    ends, starts = (0x43, 0x64, 0xFFFF), (0x41, 0x61, 0xFFFF)
    deltas, offsets = (0x10000 - 0x40, 0, 1), (0, 4, 0)
    rows = [struct.pack(">3H", *values) for values in (ends, starts, deltas, offsets)]
    glyphs = struct.pack(">4H", 7, 0, 8, 9)
    body = rows[0] + b"\0\0" + rows[1] + rows[2] + rows[3] + glyphs
    table = struct.pack(">7H", 4, 14 + len(body), 0, 6, 0, 0, 0) + body
    path = tmp_path / "four.ttf"
    path.write_bytes(font_file(table, (3, 1)))

    assert covered(path) == [0x41, 0x42, 0x43, 0x61, 0x63, 0x64]


def test_groups_are_read(tmp_path):
    groups = struct.pack(">3I", 0x30, 0x39, 5) + struct.pack(">3I", 0x100, 0x101, 20)
    table = struct.pack(">HHIII", 12, 0, 16 + len(groups), 0, 2) + groups
    path = tmp_path / "twelve.ttf"
    path.write_bytes(font_file(table, (3, 10)))

    assert covered(path) == [*range(0x30, 0x3A), 0x100, 0x101]


@given(st.integers(0, 3000), st.binary(min_size=1, max_size=40))
@settings(max_examples=40, deadline=None)
def test_a_broken_file_is_no_font_and_nothing_worse(tmp_path_factory, place, noise):
    (face,) = [each for each in chain().faces if each.path.name == "NotoSansHebrew[wght].ttf"]
    data = bytearray(face.path.read_bytes()[:6000])
    data[place : place + len(noise)] = noise
    path = tmp_path_factory.getbasetemp() / "broken.ttf"
    path.write_bytes(data)

    with contextlib.suppress(FontUnreadable):
        read_faces(path)


@pytest.mark.parametrize(
    ("character", "file"),
    [
        ("A", "NotoSans["),
        ("ж", "NotoSans["),
        ("ế", "NotoSans["),
        ("ψ", "NotoSans["),
        ("ش", "NotoSansArabic"),
        ("ש", "NotoSansHebrew"),
        ("क", "NotoSansDevanagari"),
        ("ท", "NotoSansThai"),
        ("漢", "NotoSansCJK"),
        ("한", "NotoSansCJK"),
        ("か", "NotoSansCJK"),
        ("🔥", "NotoEmoji"),
    ],
)
def test_every_script_has_its_font(character, file):
    face = chain().face_for(character)

    assert face is not None
    assert face.path.name.startswith(file)


@pytest.mark.parametrize(
    ("language", "sample", "region"),
    [
        ("", "夏日特惠", "SC"),
        ("", "夏のセール", "JP"),
        ("", "여름 特別", "KR"),
        ("zh-Hant", "夏日特惠", "TC"),
        ("zh-HK", "夏日特惠", "HK"),
        ("ja", "大特価", "JP"),
    ],
)
def test_chinese_characters_take_the_forms_of_their_language(language, sample, region):
    face = chain(language=language, sample=sample).face_for("直")

    assert face is not None
    assert face.family.endswith(region)


def test_a_weight_is_kept_within_what_the_font_has():
    (face,) = {chain("condensed").face_for("A")}

    light = open_font(face, 100, 10).getlength("Sale")
    assert open_font(face, 100, 200).getlength("Sale") == light
    assert open_font(face, 100, 700).getlength("Sale") > light


def test_the_operators_own_font_is_asked_first_and_a_broken_one_beside_it_does_no_harm(tmp_path):
    hebrew = next(f for f in chain().faces if f.path.name.startswith("NotoSansHebrew"))
    (tmp_path / "Acme.ttf").write_bytes(hebrew.path.read_bytes())
    (tmp_path / "Broken.ttf").write_bytes(b"no font")

    face = chain(own="Acme", folder=tmp_path).faces[0]

    assert face.path == tmp_path / "Acme.ttf"


def test_a_font_that_the_operator_does_not_have_is_named_with_those_there(tmp_path):
    hebrew = next(f for f in chain().faces if f.path.name.startswith("NotoSansHebrew"))
    (tmp_path / "Acme.ttf").write_bytes(hebrew.path.read_bytes())

    with pytest.raises(OrderInvalid, match=r"'Other' is not .* which holds Acme"):
        chain(own="Other", folder=tmp_path)
    with pytest.raises(OrderInvalid, match="holds no fonts"):
        chain(own="Other")
