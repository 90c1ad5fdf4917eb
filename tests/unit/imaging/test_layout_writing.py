"""Where texts may be parted, and in which order their letters stand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu_workers.imaging.layout.bidi import is_mostly_rtl, levels, visual_order
from gpu_workers.imaging.layout.breaking import cleaned, clusters, pieces, shown
from gpu_workers.imaging.layout.casing import upper

ANY_TEXT = st.text(
    st.sampled_from(
        "ab zß-–/%5€.,!? \u00a0\u00adé\u0301アー、。「」っ漢字한국พร้อมเา\u0e4dאשلاम्क🔥\u200d()"
    ),
    max_size=40,
)


def parts(text: str) -> list[str]:
    return [shown(text, piece.start, piece.end) for piece in pieces(text)]


def seen(text: str, base: int) -> str:
    return "".join(text[place] for place in visual_order(levels(text, base)))


@given(ANY_TEXT)
def test_clusters_and_pieces_lose_nothing(text):
    text = cleaned(text)

    assert "".join(clusters(text)) == text
    rebuilt = "".join(text[piece.start : piece.next_start] for piece in pieces(text))
    assert rebuilt == text
    assert all(piece.end > piece.start for piece in pieces(text))


@given(st.text(st.sampled_from("アー、。「」っ漢字ょ！？％A5"), min_size=1, max_size=30))
def test_no_line_of_japanese_begins_or_ends_against_the_rules(text):
    for part in parts(text)[1:]:
        assert part[0] not in "ー、。」っょ！？％"
    for part in parts(text)[:-1]:
        assert part[-1] != "「"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Sommer-Schluss\u00adverkauf", ["Sommer-", "Schluss-", "verkauf"]),
        ("49,99 € statt 80 €", ["49,99 €", "statt", "80 €"]),
        ("Prêt ? « Oui »", ["Prêt ?", "« Oui »"]),
        ("10\u00a0kg Mehl", ["10\u00a0kg", "Mehl"]),
        ("1-2 days", ["1-2", "days"]),
        ("여름 세일", ["여름", "세일"]),
        ("เกมไทย", ["เก", "ม", "ไท", "ย"]),
        ("नमस्ते जी", ["नमस्ते", "जी"]),
        ("👩\u200d👧 ok", ["👩\u200d👧", "ok"]),
    ],
)
def test_texts_are_parted_where_their_readers_would(text, expected):
    assert parts(cleaned(text)) == expected


def test_what_is_guessed_is_told():
    assert all(piece.is_guess for piece in pieces("พรอม")[:-1])
    assert not any(piece.is_guess for piece in pieces("two words 漢字"))


def test_controls_and_double_spaces_go():
    assert cleaned("  a\u202e  b\x00\r\n\n c ") == "a b\nc"


@pytest.mark.parametrize(
    ("text", "base", "expected"),
    [
        ("abc אבג def", 0, "abc גבא def"),
        ("אבג abc דה", 1, "הד abc גבא"),
        ("אב 12.5 גד", 1, "דג 12.5 בא"),
        ("אב (cd) ה!", 1, "!ה )cd( בא"),
        ("₪199", 0, "₪199"),
        ("abc 49,99 €", 0, "abc 49,99 €"),
        ("خصم 50% الآن", 1, "نآلا %50 مصخ"),
    ],
)
def test_letters_stand_as_the_standard_says(text, base, expected):
    assert seen(text, base) == expected


@given(ANY_TEXT, st.sampled_from([0, 1]))
def test_every_letter_is_seen_once(text, base):
    assert sorted(visual_order(levels(text, base))) == list(range(len(text)))


@given(st.text(st.sampled_from("abc 12,.%€()!"), max_size=30))
def test_what_runs_left_to_right_stays_as_it_is(text):
    assert seen(text, 0) == text


def test_a_picture_reads_as_most_of_its_letters():
    assert is_mostly_rtl("خصم على iPhone الجديد")
    assert not is_mostly_rtl("Sale on חלה")
    assert not is_mostly_rtl("50%")


def test_capitals_are_those_of_the_language():
    assert upper("indirim ısı", "tr") == "İNDİRİM ISI"
    assert upper("indirim", "en") == "INDIRIM"
    assert upper("straße", "de") == "STRASSE"
    assert upper("Εκπτώσεις προϊόντων", "el") == "ΕΚΠΤΩΣΕΙΣ ΠΡΟΪΟΝΤΩΝ"
