"""In which order letters stand where right-to-left meets left-to-right.

Owns the direction of a text and the levels of its characters. Does not shape or draw.

Source: Unicode Standard Annex 9, rules P2, W1 to W7, N0 to N2, I1, I2, L1 and L2, for one
paragraph without explicit embeddings (`breaking.cleaned` leaves their marks out).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from itertools import groupby
from typing import Final

_STRONG: Final = {"L": 0, "R": 1, "AL": 1}
_PAIRS: Final = {"(": ")", "[": "]", "{": "}", "（": "）", "「": "」", "『": "』", "【": "】"}
_SEPARATORS: Final = frozenset((("ES", "EN"), ("CS", "EN"), ("CS", "AN")))
_NEUTRAL: Final = frozenset(("B", "S", "WS", "ON"))


def first_strong(text: str) -> int | None:
    """Return 1 if the first letter runs right to left, 0 if left to right, None without any."""
    return next((_STRONG[kind] for kind in map(_kind, text) if kind in _STRONG), None)


def is_mostly_rtl(text: str) -> bool:
    """Return whether more of the letters run right to left than left to right."""
    directions = [_STRONG[kind] for kind in map(_kind, text) if kind in _STRONG]
    return sum(directions) * 2 > len(directions)


def has_rtl(text: str) -> bool:
    """Return whether any letter or number runs right to left."""
    return any(_kind(each) in ("R", "AL", "AN") for each in text)


def levels(text: str, base: int) -> list[int]:
    """Return the embedding level of each character; odd levels run right to left.

    Parameters
    ----------
    base
        Level of the paragraph, 0 or 1.
    """
    kinds = _weak([_kind(each) for each in text], base)
    _resolve_pairs(text, kinds, base)
    _resolve_neutrals(kinds, base)
    result = [base + _raised(kind, base) for kind in kinds]
    for place in range(len(text) - 1, -1, -1):
        if _kind(text[place]) not in ("WS", "S", "B", "BN"):
            break
        result[place] = base
    return result


def visual_order(line_levels: Sequence[int]) -> list[int]:
    """Return the places of a line's characters from left to right (rule L2)."""
    order = list(range(len(line_levels)))
    for level in range(max(line_levels, default=0), 0, -1):
        begin = 0
        for is_high, run in groupby(order[:], key=lambda place: line_levels[place] >= level):
            size = len(list(run))
            if is_high:
                order[begin : begin + size] = order[begin : begin + size][::-1]
            begin += size
    return order


def _kind(character: str) -> str:
    return unicodedata.bidirectional(character) or "L"


def _weak(kinds: list[str], base: int) -> list[str]:
    """Resolve marks, numbers and the signs about them (rules W1 to W7)."""
    start = "R" if base else "L"
    kinds = _numbers_after_arabic(_marks_joined(kinds, start), start)
    kinds = ["R" if kind == "AL" else kind for kind in kinds]  # W3
    for place in range(1, len(kinds) - 1):  # W4
        left, kind, right = kinds[place - 1 : place + 2]
        if left == right and (kind, left) in _SEPARATORS:
            kinds[place] = left
    for begin, end in _runs_of(kinds, {"ET"}):  # W5
        if "EN" in (kinds[begin - 1 : begin] + kinds[end : end + 1]):
            kinds[begin:end] = ["EN"] * (end - begin)
    strong = start
    for place, kind in enumerate(kinds):
        if kind in ("L", "R"):
            strong = kind
        elif kind in ("ES", "ET", "CS"):  # W6
            kinds[place] = "ON"
        elif kind == "EN" and strong == "L":  # W7
            kinds[place] = "L"
    return kinds


def _marks_joined(kinds: list[str], start: str) -> list[str]:
    """Give marks the kind of what they stand on (rule W1)."""
    joined: list[str] = []
    for kind in kinds:
        before = joined[-1] if joined else start
        joined.append(before if kind in ("NSM", "BN") else kind)
    return joined


def _numbers_after_arabic(kinds: list[str], start: str) -> list[str]:
    """Make European numbers after Arabic letters Arabic ones (rule W2)."""
    strong, changed = start, []
    for kind in kinds:
        strong = kind if kind in _STRONG else strong
        changed.append("AN" if kind == "EN" and strong == "AL" else kind)
    return changed


def _resolve_pairs(text: str, kinds: list[str], base: int) -> None:
    """Give brackets the direction of what they enclose (rule N0). Writes to `kinds`."""
    along = "R" if base else "L"
    opened: list[tuple[str, int]] = []
    pairs: list[tuple[int, int]] = []
    for place, character in enumerate(text):
        if kinds[place] != "ON":
            continue
        if character in _PAIRS:
            opened.append((_PAIRS[character], place))
        elif any(closing == character for closing, _ in opened):
            while opened:
                closing, begin = opened.pop()
                if closing == character:
                    pairs.append((begin, place))
                    break
    for begin, end in sorted(pairs):
        inside = {_direction(kind) for kind in kinds[begin + 1 : end]} - {""}
        if along in inside:
            kinds[begin] = kinds[end] = along
        elif inside:
            before = next(
                (_direction(kind) for kind in reversed(kinds[:begin]) if _direction(kind)), along
            )
            against = "L" if base else "R"
            kinds[begin] = kinds[end] = against if before == against else along


def _resolve_neutrals(kinds: list[str], base: int) -> None:
    """Give spaces and signs the direction of their surroundings (N1, N2). Writes to `kinds`."""
    along = "R" if base else "L"
    for begin, end in _runs_of(kinds, _NEUTRAL):
        before = _direction(kinds[begin - 1]) if begin else along
        after = _direction(kinds[end]) if end < len(kinds) else along
        kinds[begin:end] = [before if before == after else along] * (end - begin)


def _direction(kind: str) -> str:
    return {"L": "L", "R": "R", "EN": "R", "AN": "R"}.get(kind, "")


def _raised(kind: str, base: int) -> int:
    if base == 0:
        return {"L": 0, "R": 1, "AN": 2, "EN": 2}[kind]
    return {"R": 0, "L": 1, "AN": 1, "EN": 1}[kind]


def _runs_of(kinds: Sequence[str], wanted: frozenset[str] | set[str]) -> list[tuple[int, int]]:
    found, begin = [], 0
    for is_wanted, run in groupby(kinds, key=lambda kind: kind in wanted):
        size = len(list(run))
        if is_wanted:
            found.append((begin, begin + size))
        begin += size
    return found
