"""Texts become lines, lines a stack, and a stack keeps to its room."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpu_workers.errors import OrderInvalid
from gpu_workers.imaging.framing import Box
from gpu_workers.imaging.layout.fonts import font_chain
from gpu_workers.imaging.layout.paragraph import Type, Words, draw_line
from gpu_workers.imaging.layout.stack import Room, set_stack, smallest_size

CHAIN = font_chain("grotesk", language="", sample="", own="", folder=None)
HEADLINES = (
    "Sale",
    "Made to be used every day",
    "Sommerschluss\u00adverkauf: Lieblings\u00adstücke zum halben Preis",
    "تخفيضات الصيف: خصم 50% على كل شيء",
    "מבצע סוף עונה: 50% הנחה על הכל",
    "夏の大セール、今だけ「半額」のスニーカー",
    "여름 특별 세일, 전 품목 반값",
    "गर्मियों की सेल: हर चीज़ पर आधी छूट",
    "ลดครึ่งราคาทุกชิ้นรับหน้าร้อนนี้",
    "Giảm giá mùa hè: một nửa cho mọi thứ",
)
SUBLINES = (
    "",
    "Sent in a week.",
    "满99元免运费，48小时内发货。",
    "Small batches, made by hand. " * 5,
)


def words(text: str, name: str = "headline", weight: int = 700) -> Words:
    return Words(name, text, Type(CHAIN, weight, 1.1))


def room(width: int, height: int, **changes: object) -> Room:
    values = {"align": "left", "hold": "top", "largest": 90.0, "side": 600, "canvas": "600x600"}
    return Room(box=Box(30, 40, width, height), **{**values, **changes})


@pytest.mark.parametrize("text", HEADLINES)
@pytest.mark.parametrize("width", [5.5, 9, 14, 40])
def test_lines_keep_to_their_width_and_hold_every_letter(text, width):
    measured = words(text)

    lines = measured.lines(width)

    assert max(line.extent.width for line in lines) <= max(width, measured.widest) + 0.02
    if len(lines) == 1:
        assert measured.whole == pytest.approx(lines[0].extent.advance, rel=0.004)
    assert len(lines) == measured.count_lines(width)
    held = sorted("".join(run.text for line in lines for run in line.runs).replace(" ", ""))
    hyphens = [each for each in held if each == "-"]
    assert sorted(measured.text.replace(" ", "").replace("\u00ad", "")) == held[len(hyphens) :]


def test_lines_are_of_even_length():
    lines = words("Made to be used every single day of the year").lines(14)

    widths = [line.extent.width for line in lines]
    assert len(lines) == 2
    assert min(widths) > 0.75 * max(widths)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("今日からはじめる新しいコーヒーの時間", ["今日からはじめる", "新しいコーヒーの時間"]),
        ("夏のスニーカーが今だけ半額になる一週間", ["夏のスニーカーが", "今だけ半額になる一週間"]),
        ("毎日つかえる丈夫なトートバッグ", ["毎日つかえる", "丈夫なトートバッグ"]),
    ],
)
def test_japanese_lines_end_where_a_phrase_does(text, expected):
    lines = words(text).lines(11)

    assert ["".join(run.text for run in line.runs) for line in lines] == expected


def test_a_line_break_of_the_writer_is_kept():
    assert len(words("Less\nis more").lines(100)) == 2


def test_a_character_that_no_font_has_is_named_with_the_cure():
    with pytest.raises(OrderInvalid, match=r"headline: no font .*U\+12000.*PACKSHOT_FONTS_DIR"):
        words("Sale \U00012000")


@pytest.mark.parametrize("text", ["", "  \n ", "x" * 601])
def test_what_no_picture_can_hold_is_refused(text):
    with pytest.raises(OrderInvalid, match="headline"):
        words(text)


WRITABLE = st.text(
    st.sampled_from(
        "ab Z1,.%€-–/!?()«»\u00a0\u00ad\u200b\u200d\u200c\u200f\u2029\u0301\n\t漢字アー。「」한글"
        "พร้อมเาไๆสวัสดีאבשלוםخصم٪١٢क्षत्रिय🔥👍🏽🇩🇪ễψж½"
    ),
    max_size=30,
)


@given(st.one_of(st.text(max_size=24), WRITABLE, WRITABLE), st.floats(2, 20))
@settings(max_examples=50, deadline=None)
def test_any_text_is_set_within_its_width_or_refused(text, width):
    try:
        measured = words(text)
    except OrderInvalid:
        return

    lines = measured.lines(width)
    assert len(lines) == measured.count_lines(width)
    assert all(run.text for line in lines for run in line.runs)
    widest = max(width, measured.widest)
    assert max(line.extent.width for line in lines) <= widest + 0.15


def ink_of(text: str, size: float = 80) -> np.ndarray:
    measured = words(text)
    (line,) = measured.lines(100)
    return draw_line(line, measured.how, size=size, x=10, baseline=100, box=(0, 0, 600, 150))


def test_arabic_letters_are_joined_and_run_to_the_left():
    joined, apart = words("سلام").whole, sum(words(each).whole for each in "سلام")

    assert joined < 0.9 * apart
    # The first letter, sin, lies on the right: its three teeth reach no depth below the line.
    columns = np.flatnonzero(ink_of("سم").max(axis=0) > 0.5)
    below = np.flatnonzero(ink_of("سم")[105:].max(axis=0) > 0.5)
    assert below.max() < (columns.min() + columns.max()) / 2


def test_ink_begins_where_it_was_asked_to_and_stands_on_its_line():
    ink = ink_of("HI")
    rows, columns = np.flatnonzero(ink.max(axis=1) > 0.5), np.flatnonzero(ink.max(axis=0) > 0.5)

    assert abs(columns[0] - 10) <= 1
    assert abs(rows[-1] - 99) <= 1


def test_hebrew_within_english_is_set_by_two_fonts_in_the_order_of_reading():
    (line,) = words("Sale חלה today").lines(100)

    assert [run.text.strip() for run in line.runs if run.text.strip()] == ["Sale", "חלה", "today"]
    assert [run.is_rtl for run in line.runs if run.text.strip()] == [False, True, False]


def test_figures_among_letters_that_the_family_lacks_are_set_with_those_letters():
    arabic = words("خصم 50% اليوم").lines(100)[0].runs
    english = words("50% off").lines(100)[0].runs

    assert {run.face.path.name[:9] for run in arabic} == {"NotoSansA", "NotoSans["}
    assert {run.face.path.name[:6] for run in english} == {"Inter["}


@given(
    st.sampled_from(HEADLINES),
    st.sampled_from(SUBLINES),
    st.booleans(),
    st.booleans(),
    st.integers(260, 700),
    st.integers(200, 640),
    st.sampled_from(["left", "center", "right"]),
    st.sampled_from([None, (120, 40), (900, 50)]),
    st.booleans(),
)
@settings(max_examples=25, deadline=None)
def test_a_stack_keeps_to_its_room_and_its_floors(
    headline, subline, has_price, has_button, width, height, align, logo, is_low
):
    texts = {"headline": words(headline)}
    if subline:
        texts["subline"] = words(subline, "subline", 400)
    if has_price:
        texts["price"] = words("49,99 €", "price")
        texts["old_price"] = words("79,99 €", "old_price", 400)
    if has_button:
        texts["call_to_action"] = words("Shop now", "call_to_action")
    where = room(width, height, align=align, is_low=is_low)

    try:
        stack = set_stack(texts, where, logo=logo)
    except OrderInvalid:
        return

    box = where.box
    boxes = [text.button or text.ink for text in stack.texts] + ([stack.logo] if logo else [])
    for each in boxes:
        assert box.left - 2 <= each.left
        assert each.right <= box.right + 2
        assert box.top - 2 <= each.top
        assert each.bottom <= box.bottom + 2
    for place, each in enumerate(boxes):
        for other in boxes[place + 1 :]:
            apart_x = each.right <= other.left + 1 or other.right <= each.left + 1
            apart_y = each.bottom <= other.top + 1 or other.bottom <= each.top + 1
            assert apart_x or apart_y
    for text in stack.texts:
        assert text.size >= smallest_size(text.name, where) - 1e-6
    sizes = {text.name: text.size for text in stack.texts}
    assert sizes["headline"] <= where.largest + 1e-6
    assert sizes["headline"] >= sizes.get("subline", 0)


def test_more_room_gives_larger_type_up_to_a_limit():
    texts = {"headline": words("Made to be used every day")}

    sizes = [set_stack(texts, room(600, height)).texts[0].size for height in (60, 120, 600)]

    assert sizes[0] < sizes[1] < sizes[2]
    assert sizes[2] == pytest.approx(90)


def test_a_text_that_is_too_long_is_named_and_the_length_that_it_names_fits():
    where = room(300, 160)
    long = "A sentence that goes on and on and never comes to its end. " * 8
    texts = {"headline": words("Sale"), "subline": words(long, "subline", 400)}

    with pytest.raises(OrderInvalid, match=r"^subline: its 471 characters do not fit") as refused:
        set_stack(texts, where)

    assert refused.value.code == "order.words_unfit"
    fitting = int(str(refused.value).split("about ")[1].split()[0])
    set_stack({**texts, "subline": words(long[:fitting], "subline", 400)}, where)
    with pytest.raises(OrderInvalid):
        set_stack({**texts, "subline": words(long[: fitting + 40], "subline", 400)}, where)


def test_a_word_that_is_too_wide_is_named_with_the_cure():
    with pytest.raises(OrderInvalid, match=r"'Donaudampf.*about \d+ characters .*soft hyphens"):
        set_stack({"headline": words("Donaudampfschifffahrtsgesellschaft")}, room(150, 400))

    soft = words("Donau\u00addampf\u00adschiff\u00adfahrts\u00adgesell\u00adschaft")
    assert len(set_stack({"headline": soft}, room(150, 400)).texts[0].lines) > 1


def test_a_button_stands_beside_the_price_where_height_is_dear():
    texts = {
        "headline": words("Made to be used"),
        "price": words("€49", "price"),
        "call_to_action": words("Shop now", "call_to_action"),
    }

    low = set_stack(texts, room(500, 300, is_low=True))
    high = set_stack(texts, room(500, 300))

    def tops(stack):
        return {text.name: text.ink.top for text in stack.texts}

    assert tops(low)["call_to_action"] < tops(low)["price"] + 60
    assert tops(high)["call_to_action"] > tops(high)["price"] + 60


def test_type_becomes_a_little_smaller_rather_than_part_words_badly():
    where = room(250, 400)
    chinese = {"headline": words("夏日特惠，全场五折，仅限本周！")}

    (text,) = set_stack(chinese, where).texts

    assert ["".join(run.text for run in each.line.runs) for each in text.lines] == [
        "夏日特惠，",
        "全场五折，",
        "仅限本周！",
    ]
