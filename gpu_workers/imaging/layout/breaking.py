"""Where a text may be parted: into characters as readers see them, and into pieces of a line.

Owns clean words (composed, without control characters), clusters that are never parted, and the
places where a line may end. Does not measure anything.

Sources: Unicode Standard Annexes 29 (grapheme clusters) and 14 (line breaking), reduced to what
short texts on pictures need; for Japanese the rules of line start and line end in JIS X 4051
(kinsoku). Korean breaks between words. Thai, Lao, Khmer and Burmese write no spaces between words
and are parted between clusters where nothing better is left: `Piece.is_guess` says so.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

SOFT_HYPHEN: Final = "\u00ad"
ZERO_WIDTH_SPACE: Final = "\u200b"
_JOINER: Final = "\u200d"
_KEPT_FORMATS: Final = frozenset(
    (SOFT_HYPHEN, ZERO_WIDTH_SPACE, "\u200c", _JOINER, "\u200e", "\u200f", "\u2060")
)
_LINE_ENDS: Final = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_SPACES: Final = re.compile(r"[ \t\u2000-\u2006\u2008-\u200a\u205f\u3000]+")
_LOOSE: Final = re.compile(
    f"(?:^|(?<=\\s))[{SOFT_HYPHEN}{ZERO_WIDTH_SPACE}]+"
    f"|[{SOFT_HYPHEN}{ZERO_WIDTH_SPACE}]+(?=\\s|$)"
    f"|(?<=[{SOFT_HYPHEN}{ZERO_WIDTH_SPACE}])[{SOFT_HYPHEN}{ZERO_WIDTH_SPACE}]+"
)
"""Places to part a word at that are not within one, and those after the first of several."""
_NEVER: Final = frozenset(("\u00a0", "\u2007", "\u202f", "\u2060", SOFT_HYPHEN, ZERO_WIDTH_SPACE))
"""What no line ends before; the last two are asked first whether one ends behind them."""
_BOUND: Final = frozenset((_JOINER, "\u200c"))
_VIRAMAS: Final = frozenset(
    "\u094d\u09cd\u0a4d\u0acd\u0b4d\u0bcd\u0c4d\u0ccd\u0d4d\u0dca\u1039\u17d2"
)
_SARA_AM: Final = frozenset("\u0e33\u0eb3")
_LEADING_VOWELS: Final = frozenset("\u0e40\u0e41\u0e42\u0e43\u0e44\u0ec0\u0ec1\u0ec2\u0ec3\u0ec4")
"""Thai and Lao vowels that are written before the consonant they follow in speech."""
_TRAILING_SIGNS: Final = frozenset(
    "\u0e2f\u0e30\u0e32\u0e33\u0e45\u0e46\u0eb0\u0eb2\u0eaf\u0ec6\u17d4\u17d5\u104a\u104b"
)
_NOT_AT_START: Final = frozenset(
    "、。，．・：；？！゛゜´｀¨ヽヾゝゞ々ー―‐／〜～‖｜…‥’”）〕］｝〉》」』】〙〗°′″℃％‰％"
    "ぁぃぅぇぉっゃゅょゎゕゖァィゥェォッャュョヮヵヶㇰㇱㇲㇳㇴㇵㇶㇷㇸㇹㇺㇻㇼㇽㇾㇿ"
    ")]}»›,.:;!?%"
)
_NOT_AT_END: Final = frozenset("‘“（〔［｛〈《「『【〘〖￥＄￡＠＃№$£¥€₹([{«‹#@")
_CURRENCIES: Final = frozenset("$€£¥₹₩₽₴₺₫₪฿%№")
_AFTER_SPACE: Final = frozenset("!?:;»")
_BEFORE_SPACE: Final = frozenset("«")
"""Signs that stay with their word although a space stands between them."""
_CHOSEN_COSTS: Final = {ZERO_WIDTH_SPACE: 0.0, SOFT_HYPHEN: 0.5}
"""Cost of breaks that the writer allowed."""
_AFTER_HYPHENS: Final = frozenset("-\u2010\u2013\u2014/")
_MODIFIERS: Final = range(0x1F3FB, 0x1F400)
_REGIONAL: Final = range(0x1F1E6, 0x1F200)
_IDEOGRAPHS: Final = (
    (0x2E80, 0x2FFF),
    (0x3001, 0x30FF),
    (0x3105, 0x312F),
    (0x31A0, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0xFE30, 0xFE4F),
    (0xFF01, 0xFF60),
    (0xFFE0, 0xFFE6),
    (0x20000, 0x3FFFD),
)
_UNSPACED: Final = ((0x0E01, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF))


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a paragraph that stays on one line."""

    start: int
    """Place of its first character in the paragraph."""
    end: int
    """Place behind its last one, without the space that follows."""
    next_start: int
    """Where the next piece begins."""
    is_hyphenated: bool = False
    """A line that ends with it shows a hyphen."""
    cost: float = 0.0
    """How much a reader minds a line that ends with it, 0 (a word is over) to 1."""
    is_guess: bool = False
    """The place behind it was chosen without knowing the words of its language."""

    @property
    def is_spaced(self) -> bool:
        """Whether a space follows on the same line."""
        return self.next_start > self.end


def cleaned(text: str) -> str:
    """Return a text composed (NFC), its spaces single, its lines kept, free of controls.

    Marks that embed a direction are left out: the direction follows from the letters.
    """
    text = unicodedata.normalize("NFC", _LINE_ENDS.sub("\n", text))
    kept = "".join(
        each
        for each in text
        if each in "\n\t" or each in _KEPT_FORMATS or unicodedata.category(each) not in ("Cc", "Cf")
    )
    lines = (_SPACES.sub(" ", _LOOSE.sub("", line)).strip(" ") for line in kept.split("\n"))
    return "\n".join(line for line in lines if any(map(_is_visible, line)))


def is_ignorable(character: str) -> bool:
    """Return whether a character needs no glyph of its own."""
    return (
        character in _KEPT_FORMATS
        or character == "\n"
        or "\ufe00" <= character <= "\ufe0f"
        or "\U000e0100" <= character <= "\U000e01ef"
    )


def _is_visible(character: str) -> bool:
    return not (is_ignorable(character) or character.isspace())


def clusters(text: str) -> tuple[str, ...]:
    """Return what readers see as single characters; joined, they are the text."""
    found: list[str] = []
    for character in text:
        if found and _sticks(found[-1], character):
            found[-1] += character
        else:
            found.append(character)
    return tuple(found)


def pieces(paragraph: str) -> tuple[Piece, ...]:
    """Return a paragraph (cleaned, one line) in pieces, between which a line may end."""
    parts = clusters(paragraph)
    found: list[Piece] = []
    start, place = 0, 0
    for this, after, then in zip(parts, (*parts[1:], ""), (*parts[2:], "", ""), strict=False):
        place += len(this)
        if this == " " and start == place - 1:
            # It belongs to the piece before, which it ended.
            start = place
            continue
        if after == "":
            found.append(Piece(start, place, place))
        elif after == " ":
            if _is_bound(this, then):
                continue
            found.append(Piece(start, place, place + 1))
        elif _may_part(this, after):
            found.append(
                Piece(
                    start,
                    place,
                    place,
                    is_hyphenated=this == SOFT_HYPHEN,
                    cost=_cost(this, after),
                    is_guess=_within(this, _UNSPACED) and _within(after, _UNSPACED),
                )
            )
        else:
            continue
        start = place
    return tuple(found)


def shown(paragraph: str, start: int, end: int) -> str:
    """Return what a line from `start` to `end` shows: only a last soft hyphen is seen."""
    line = paragraph[start:end]
    ends_soft = line.endswith(SOFT_HYPHEN)
    line = line.replace(SOFT_HYPHEN, "").replace(ZERO_WIDTH_SPACE, "")
    return line + "-" if ends_soft else line


def _is_bound(before: str, after: str) -> bool:
    """Return whether a space between these two keeps them together."""
    amount = before[-1:].isdigit() and after[:1] in _CURRENCIES
    price = before in _CURRENCIES and after[:1].isdigit()
    return amount or price or after[:1] in _AFTER_SPACE or before in _BEFORE_SPACE


def _sticks(before: str, character: str) -> bool:
    """Return whether a character belongs to the cluster before it."""
    last, code, category = before[-1], ord(character), unicodedata.category(character)
    if category in ("Mn", "Me", "Mc") or code in _MODIFIERS:
        return last not in " \n"
    is_joined = (last == _JOINER and category == "So") or (last in _VIRAMAS and category == "Lo")
    is_flag = code in _REGIONAL and len(before) == 1 and ord(before) in _REGIONAL
    is_syllable = 0x1160 <= code <= 0x11FF and 0x1100 <= ord(last) <= 0x11FF
    is_bound = character in _BOUND or character in _SARA_AM
    return is_bound or is_joined or is_flag or is_syllable


def _may_part(this: str, after: str) -> bool:
    last, first = this[-1], after[0]
    if last in (ZERO_WIDTH_SPACE, SOFT_HYPHEN):
        return True
    if {last, first} & _NEVER or first in _NOT_AT_START or last in _NOT_AT_END:
        return False
    if last in _AFTER_HYPHENS:
        return first.isalpha()
    return _may_part_unspaced(this, after)


def _may_part_unspaced(this: str, after: str) -> bool:
    """Return whether a line may end between letters of scripts that write no spaces."""
    if _within(this, _IDEOGRAPHS) or _within(after, _IDEOGRAPHS):
        return True
    is_unspaced = _within(this, _UNSPACED) and _within(after, _UNSPACED)
    return is_unspaced and this[0] not in _LEADING_VOWELS and after[0] not in _TRAILING_SIGNS


def _cost(this: str, after: str) -> float:
    """Return how much parting these two hurts.

    In Japanese a phrase mostly begins where hiragana end; a loan word in katakana and a verb
    before its ending should stay whole.
    """
    if this in _CHOSEN_COSTS:
        return _CHOSEN_COSTS[this]
    if _within(this, _UNSPACED):
        return 0.8
    if not this[-1].isalnum() or not after[0].isalnum():
        return 0.1
    left, right = _writing(this), _writing(after)
    if left == "hiragana" and right != "hiragana":
        return 0.1
    if left == right == "katakana":
        return 1.0
    return 0.9 if right == "hiragana" else 0.5


def _writing(cluster: str) -> str:
    if "\u3040" <= cluster[0] <= "\u309f":
        return "hiragana"
    return "katakana" if "\u30a0" <= cluster[0] <= "\u30ff" else "other"


def _within(cluster: str, ranges: tuple[tuple[int, int], ...]) -> bool:
    code = ord(cluster[0])
    return any(low <= code <= high for low, high in ranges)
