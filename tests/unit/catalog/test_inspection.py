"""What a file is by its first bytes, and names that are safe to show."""

from __future__ import annotations

import string
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.catalog.inspection import (
    ACCEPTED,
    MAX_FILE_NAME,
    REFUSALS,
    FileFormat,
    clean_file_name,
    detect_format,
    refusal_sentence,
)

FIGURES = {
    "max_megabytes": 50,
    "max_megapixels": 50,
    "max_side_px": 12_000,
    "min_side_px": 64,
    "found": "GIF",
    "sku": "AMB-250",
}


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"\xff\xd8\xff\xe0", FileFormat.JPEG),
        (b"\x89PNG\r\n\x1a\n", FileFormat.PNG),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", FileFormat.WEBP),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", None),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic", FileFormat.HEIC),
        (b"\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00mif1heic", FileFormat.HEIC),
        (b"\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00mif1avif", FileFormat.AVIF),
        (b"\x00\x00\x00\x1cftypavif\x00\x00\x00\x00avifmif1miaf", FileFormat.AVIF),
        (b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00isommp42", FileFormat.VIDEO),
        (b"\x00\x00\x00\x18ftypcrx \x00\x00\x00\x01crx isom", FileFormat.CAMERA_RAW),
        (b"GIF89a", FileFormat.GIF),
        (b"II*\x00", FileFormat.TIFF),
        (b"BM\x00\x00", FileFormat.BMP),
        (b"%PDF-1.7", FileFormat.PDF),
        (b"%!PS-Adobe-3.0 EPSF-3.0", FileFormat.POSTSCRIPT),
        (b"8BPS\x00\x01", FileFormat.PSD),
        (b'<svg xmlns="http://www.w3.org/2000/svg">', FileFormat.SVG),
        (b'\xef\xbb\xbf  <?xml version="1.0"?><svg>', FileFormat.SVG),
        (b'<?xml version="1.0"?><note>', None),
        (b"<!doctype html><svg>", FileFormat.HTML),
        (b"push graphic-context", None),
        (b"", None),
        (b"\xff\xd8", None),
    ],
)
def test_the_first_bytes_decide(head: bytes, expected: FileFormat | None) -> None:
    assert detect_format(head) == expected


@given(st.binary(max_size=1200))
def test_no_bytes_break_the_detection(head: bytes) -> None:
    assert detect_format(head) in {None, *FileFormat}


@given(st.binary(max_size=200))
def test_nothing_but_a_photo_is_accepted(tail: bytes) -> None:
    for start in (b"GIF89a", b"%PDF-", b"<svg ", b"%!PS", b"8BPS", b"BM", b"II*\x00"):
        assert detect_format(start + tail) not in ACCEPTED


@pytest.mark.parametrize("code", sorted(REFUSALS))
def test_every_refusal_says_in_two_sentences_what_is_wrong_and_what_helps(code: str) -> None:
    sentence = refusal_sentence(code, **FIGURES)

    assert code.startswith("upload.")
    assert "{" not in sentence
    assert sentence.endswith(".")
    assert sentence.count(". ") == 1


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("AMB-250_front.jpg", "AMB-250_front.jpg"),
        ("../../etc/passwd", "passwd"),
        ("C:\\photos\\shoe.png", "shoe.png"),
        ("..", "photo"),
        ("", "photo"),
        ("a\x00b\r\nc.jpg", "ab c.jpg"),
        ("\u202egpj.exe", "gpj.exe"),
        ("  many   blanks .jpg ", "many blanks .jpg"),
        (".htaccess", "htaccess"),
        ("a/", "photo"),
        ("\ud800lone.jpg", "lone.jpg"),
    ],
)
def test_names_are_cleaned_for_people(sent: str, shown: str) -> None:
    assert clean_file_name(sent) == shown


@given(st.text(max_size=70_000 // 64))
def test_a_cleaned_name_is_one_short_line_without_a_folder(text: str) -> None:
    name = clean_file_name(text)

    assert 1 <= len(name) <= MAX_FILE_NAME
    assert not set(name) & set("/\\\r\n\t\x00")
    assert not name.startswith(".")
    assert not any(unicodedata.category(c).startswith("C") for c in name)
    assert clean_file_name(name) == name


def test_a_name_of_64_kb_keeps_its_extension() -> None:
    name = clean_file_name(string.ascii_letters * 1300 + ".jpg")

    assert len(name) == MAX_FILE_NAME
    assert name.endswith(".jpg")
