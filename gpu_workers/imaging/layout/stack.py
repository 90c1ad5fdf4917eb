"""Several texts under each other, in one scale of sizes, as large as their room allows.

Owns the hierarchy of the texts of a picture, the search for its size, and the refusal of what
cannot be read: nothing is cut off and nothing becomes smaller than its floor. Does not own where
the room is (`zones`) nor the color of the ink (`ink`).

Units: canvas pixels, y grows downwards. Heights are those of the ink, not of the type, so that
edges and gaps are even to the eye.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

from gpu_workers.errors import WordsUnfit
from gpu_workers.imaging.framing import Box
from gpu_workers.imaging.layout.paragraph import Line, Words

Align: TypeAlias = Literal["left", "center", "right"]

_STEPS: Final = 14
"""Halvings of the search: the size is found to a hundredth of a pixel."""
_STRUCK_GAP: Final = 0.35
"""Room between a price and the old price beside it, in sizes of the latter."""
_ROW_GAP: Final = 0.35
_BESIDE: Final = 0.9
"""Room between a price and the button beside it, in sizes of the headline."""
_BUTTON_SIDE: Final = 0.95
_BUTTON_EDGE: Final = 0.62
"""Room around the words of a button, beside and above them, in sizes of its type."""
_SHRUNK: Final = 0.45
"""Below this share of the size that the canvas would like, a headline is told to be small."""
_SMALLER: Final = (0.92, 0.85, 0.79, 0.73)
"""Sizes to try where the largest parts words badly or makes a ladder of them, in shares of it."""
_SMALL_COST: Final = 2.4
"""What type of no size at all would cost, in badly parted words."""
MANY_LINES: Final = 4
"""Most lines that are read at a glance."""
_LINE_COST: Final = 0.6
"""What each further line costs, in badly parted words."""
_SLACK: Final = 0.995
"""Part of the width that is used: drawn widths differ from measured ones by a quarter pixel."""


@dataclass(frozen=True, slots=True)
class Style:
    """How one text stands among the others."""

    ratio: float
    """Its size over the size of the headline."""
    most: float
    """Largest size over the headline's as it is set, which long words may have made small."""
    gap: float
    """Room above it, in sizes of the headline."""
    floor: float
    """Smallest readable size, as a share of the canvas's shorter side."""


STYLES: Final[dict[str, Style]] = {
    "headline": Style(ratio=1.0, most=1.0, gap=0.5, floor=0.034),
    "subline": Style(ratio=0.42, most=0.62, gap=0.42, floor=0.027),
    "price": Style(ratio=0.95, most=1.25, gap=0.55, floor=0.034),
    "old_price": Style(ratio=0.48, most=0.62, gap=0.55, floor=0.025),
    "call_to_action": Style(ratio=0.38, most=0.55, gap=0.62, floor=0.026),
    "legal": Style(ratio=0.2, most=0.3, gap=0.6, floor=0.022),
}
"""In the order in which they stand under each other."""


@dataclass(frozen=True, slots=True)
class PlacedLine:
    """One line and where it is drawn."""

    line: Line
    x: float
    """Its first column with ink."""
    baseline: float


@dataclass(frozen=True, slots=True)
class PlacedText:
    """One text at its size and place."""

    name: str
    words: Words
    size: float
    lines: tuple[PlacedLine, ...]
    ink: Box
    """Smallest box around its ink."""
    button: Box | None = None
    """The button it stands on."""
    is_struck: bool = False


@dataclass(frozen=True, slots=True)
class Stack:
    """Texts set under each other."""

    texts: tuple[PlacedText, ...]
    box: Box
    """Smallest box around all of it, buttons and logo too."""
    logo: Box | None
    reached: float
    """Size of the first text over the one it has where there is room, 0 to 1."""
    has_guessed_breaks: bool
    """Whether a line ends inside what may be a word."""

    @property
    def break_cost(self) -> float:
        """How many words are parted badly, all lines together."""
        return sum(each.line.break_cost for text in self.texts for each in text.lines)

    @property
    def most_lines(self) -> int:
        """Lines of the text that has most of them."""
        return max((len(text.lines) for text in self.texts), default=0)

    @property
    def discomfort(self) -> float:
        """How hard it is to read for its lines, 0 for not at all."""
        return self.break_cost + _LINE_COST * max(0, self.most_lines - MANY_LINES)

    @property
    def is_shrunk(self) -> bool:
        """Whether long texts made the first much smaller than the canvas would like."""
        return self.reached < _SHRUNK


@dataclass(frozen=True, slots=True)
class Room:
    """Where a stack may be, and how it stands in it."""

    box: Box
    align: Align
    hold: Literal["top", "middle", "bottom"]
    largest: float
    """Size the headline has where there is room enough, in pixels."""
    side: int
    """The canvas's shorter side, which readable sizes are a share of."""
    least: float = 0.0
    """Smallest readable size in pixels, whatever the share says."""
    is_rtl: bool = False
    """Whether what stands beside each other is read from the right."""
    is_low: bool = False
    """Whether height is dear: a button may stand beside the price then."""
    canvas: str = ""
    """What errors call it, for example ``300x250``."""


@dataclass(frozen=True, slots=True)
class _Row:
    """What stands on one height: texts from one side to the other, or the logo."""

    names: tuple[str, ...]
    """Empty for the logo."""
    height: float
    gap: float


def set_stack(
    words: Mapping[str, Words],
    room: Room,
    *,
    logo: tuple[int, int] | None = None,
    logo_is_first: bool = True,
    styles: Mapping[str, Style] = STYLES,
) -> Stack:
    """Set texts as large as their room allows, the headline at most at `room.largest`.

    Parameters
    ----------
    words
        Texts by the names of `styles`, measured.
    logo
        Width and height of a logo that stands first, or last; it is made smaller in proportion
        where it is wider than the room.

    Raises
    ------
    WordsUnfit
        If they do not fit at the smallest readable sizes. The message names the text and how many
        of its characters would.
    """
    setter = _Setter(words, room, logo, logo_is_first=logo_is_first, styles=styles)
    low, high = setter.smallest, max(setter.smallest, room.largest)
    if not setter.fits(low):
        raise setter.refusal()
    if setter.fits(high):
        low = high
    else:
        for _ in range(_STEPS):
            middle = (low + high) / 2
            low, high = (middle, high) if setter.fits(middle) else (low, middle)
    stacks = [setter.placed(low)]
    if stacks[0].discomfort > 0:
        stacks += [setter.placed(low * share) for share in _SMALLER]
    return min(stacks, key=lambda stack: stack.discomfort + _SMALL_COST * (1 - stack.reached))


def smallest_size(name: str, room: Room, styles: Mapping[str, Style] = STYLES) -> float:
    """Return the smallest readable size of a text, in pixels."""
    return max(styles[name].floor * room.side, room.least)


class _Setter:
    """One set of texts in one room, for any size of its headline."""

    def __init__(
        self,
        words: Mapping[str, Words],
        room: Room,
        logo: tuple[int, int] | None,
        *,
        logo_is_first: bool,
        styles: Mapping[str, Style],
    ) -> None:
        self._words = words
        self._room = room
        self._styles = styles
        self._names = [name for name in styles if name in words]
        self._width = room.box.width * _SLACK
        self._logo_is_first = logo_is_first
        self._logo = _within(logo, room.box.width) if logo else None
        self.smallest = 1.0
        self._caps = {name: self._cap(name) for name in self._names}

    def fits(self, size: float) -> bool:
        """Return whether everything fits with a headline of this size."""
        if any(self._caps[name] < self._floor(name) for name in self._names):
            return False
        return self._height(self._rows(self._sizes(size))) <= self._room.box.height

    def refusal(self) -> WordsUnfit:
        """Return the error that says what is too long, and by how much."""
        for name in self._names:
            if self._caps[name] < self._floor(name):
                return self._too_wide(name)
        longest = max(
            (name for name in self._names if name not in ("price", "old_price")),
            key=lambda name: self._block_height(name, self._floor(name)),
            default=self._names[0],
        )
        words = self._words[longest]
        low, high = 0, words.length
        while high - low > 1:
            middle = (low + high) // 2
            fits = self._fits_shortened(longest, middle)
            low, high = (middle, high) if fits else (low, middle)
        if low == 0:
            return WordsUnfit(
                f"{', '.join(self._names)}: together they do not fit on {self._room.canvas}; leave "
                "one out or choose a larger canvas"
            )
        return WordsUnfit(
            f"{longest}: its {words.length} characters do not fit on {self._room.canvas} in a size "
            f"that can be read; about {low} would"
        )

    def placed(self, size: float) -> Stack:
        """Return everything in its place, with a headline of this size."""
        sizes = self._sizes(size)
        rows = self._rows(sizes)
        box = self._room.box
        free = box.height - self._height(rows)
        share = {"top": 0.0, "middle": 0.5, "bottom": 1.0}[self._room.hold]
        top = box.top + free * share
        texts: list[PlacedText] = []
        logo: Box | None = None
        for place, row in enumerate(rows):
            top += row.gap if place else 0.0
            if row.names:
                texts += self._set_row(row, sizes, top)
            elif self._logo is not None:
                width, height = self._logo
                logo = Box(round(self._aligned(width)), round(top), round(width), round(height))
            top += row.height
        boxes = [_outline(text) for text in texts] + ([logo] if logo else [])
        reached = 1.0
        if self._names:
            wanted = self._styles[self._names[0]].ratio * self._room.largest
            reached = sizes[self._names[0]] / wanted
        return Stack(
            texts=tuple(texts),
            box=around(boxes),
            logo=logo,
            reached=reached,
            has_guessed_breaks=any(
                each.line.ends_in_guess for text in texts for each in text.lines
            ),
        )

    def _floor(self, name: str) -> float:
        return smallest_size(name, self._room, self._styles)

    def _cap(self, name: str) -> float:
        """Return the size at which a text's widest piece fills the room."""
        words = self._words[name]
        width = self._width
        if name in ("price", "old_price"):
            return width / words.whole
        if name == "call_to_action":
            return width / (words.widest + 2 * _BUTTON_SIDE)
        return width / words.widest

    def _sizes(self, size: float) -> dict[str, float]:
        lead = size
        if "headline" in self._words:
            lead = min(max(size, self._floor("headline")), self._caps["headline"])
        found = {}
        for name in self._names:
            style = self._styles[name]
            wanted = min(style.ratio * size, style.most * lead)
            found[name] = min(max(wanted, self._floor(name)), self._caps[name])
        return found

    def _rows(self, sizes: Mapping[str, float]) -> list[_Row]:
        unit = sizes.get("headline", max(sizes.values(), default=0.0))
        rows: list[_Row] = []
        for names in self._on_one_height(sizes, unit):
            gap = self._styles[names[0]].gap * unit
            if names[0] == "old_price" and "price" in self._names:
                gap = _ROW_GAP * sizes["old_price"]
            height = max(self._block_height(name, sizes[name]) for name in names)
            rows.append(_Row(names, height, gap))
        if self._logo is not None:
            row = _Row((), float(self._logo[1]), 0.7 * max(unit, 0.5 * self._logo[1]))
            if self._logo_is_first:
                rows = [row, *(replace(each, gap=row.gap) for each in rows[:1]), *rows[1:]]
            else:
                rows.append(row)
        return rows

    def _on_one_height(self, sizes: Mapping[str, float], unit: float) -> list[tuple[str, ...]]:
        """Return which texts stand beside each other: prices, and a button if that saves room."""
        price: tuple[str, ...] = tuple(
            name for name in ("price", "old_price") if name in self._names
        )
        if len(price) == 2 and self._prices_width(sizes, price) > self._width:
            price = price[:1]
        button = "call_to_action"
        joined = price
        if self._room.is_low and price and button in self._names:
            width = self._prices_width(sizes, price) + _BESIDE * unit
            side = (self._words[button].whole + 2 * _BUTTON_SIDE) * sizes[button]
            if width + side <= self._width:
                joined = (*price, button)
        rows: list[tuple[str, ...]] = []
        for name in self._names:
            if joined and name == joined[0]:
                rows.append(joined)
            elif name not in joined:
                rows.append((name,))
        return rows

    def _prices_width(self, sizes: Mapping[str, float], names: Sequence[str]) -> float:
        width = sum(self._words[name].whole * sizes[name] for name in names)
        return width + (_STRUCK_GAP * sizes["old_price"] if len(names) == 2 else 0.0)

    def _height(self, rows: Sequence[_Row]) -> float:
        return sum(row.height for row in rows) + sum(row.gap for row in rows[1:])

    def _block_height(self, name: str, size: float) -> float:
        words = self._words[name]
        lines = words.count_lines(self._line_width(name, size))
        edge = 2 * _BUTTON_EDGE if name == "call_to_action" else 0.0
        return (words.height(lines) + edge) * size

    def _line_width(self, name: str, size: float) -> float:
        """Return the width of its lines, in em."""
        edge = 2 * _BUTTON_SIDE if name == "call_to_action" else 0.0
        # A hair more, so that a piece at its cap is not found too wide for the room it was cut to.
        return self._width / size * (1 + 1e-9) - edge

    def _aligned(self, width: float, align: Align | None = None) -> float:
        box = self._room.box
        share = {"left": 0.0, "center": 0.5, "right": 1.0}[align or self._room.align]
        return box.left + (box.width - width) * share

    def _text(self, name: str, size: float, top: float) -> PlacedText:
        words = self._words[name]
        lines = words.lines(self._line_width(name, size))
        edge = _BUTTON_EDGE * size if name == "call_to_action" else 0.0
        side = _BUTTON_SIDE * size if name == "call_to_action" else 0.0
        widest = max(line.extent.width for line in lines) * size
        left = self._aligned(widest + 2 * side) + side
        placed = []
        for row, line in enumerate(lines):
            width = line.extent.width * size
            x = self._aligned(width)
            if side:
                x = left + (widest - width) / 2
            baseline = top + edge + (words.ascent + row * words.line_step) * size
            placed.append(PlacedLine(line, x, baseline))
        button = None
        if side:
            height = words.height(len(lines)) * size + 2 * edge
            button = Box(round(left - side), round(top), round(widest + 2 * side), round(height))
        return PlacedText(
            name,
            words,
            size,
            tuple(placed),
            _ink_box(placed, size),
            button,
            is_struck=name == "old_price",
        )

    def _set_row(self, row: _Row, sizes: Mapping[str, float], top: float) -> list[PlacedText]:
        """Set texts beside each other: on one baseline, a button by its middle."""
        first = row.names[0]
        if len(row.names) == 1:
            return [self._text(first, sizes[first], top)]
        prices = [name for name in row.names if name != "call_to_action"]
        lines = {name: self._words[name].lines(math.inf)[0] for name in prices}
        widths = {name: lines[name].extent.width * sizes[name] for name in prices}
        gap = _STRUCK_GAP * sizes.get("old_price", 0.0)
        whole = sum(widths.values()) + gap * (len(prices) - 1)
        button = None
        if "call_to_action" in row.names:
            button = self._text("call_to_action", sizes["call_to_action"], 0.0)
            unit = sizes.get("headline", max(sizes.values()))
            whole += _BESIDE * unit + _outline(button).width
        begin = self._aligned(whole)
        is_mirrored = self._room.is_rtl
        ascent = self._words[first].ascent * sizes[first]
        depth = self._words[first].height(1) * sizes[first]
        baseline = top + (row.height - depth) / 2 + ascent
        placed: list[PlacedText] = []
        pen = 0.0
        for name in prices:
            x = begin + (whole - pen - widths[name] if is_mirrored else pen)
            line = (PlacedLine(lines[name], x, baseline),)
            placed.append(
                PlacedText(
                    name,
                    self._words[name],
                    sizes[name],
                    line,
                    _ink_box(line, sizes[name]),
                    is_struck=name == "old_price",
                )
            )
            pen += widths[name] + gap
        if button is not None:
            box = _outline(button)
            x = begin + (0.0 if is_mirrored else whole - box.width)
            placed.append(_moved(button, x - box.left, top + (row.height - box.height) / 2))
        return placed

    def _too_wide(self, name: str) -> WordsUnfit:
        words = self._words[name]
        what = words.text if name in ("price", "old_price") else words.widest_piece
        count = max(1, int(len(what) * self._caps[name] / self._floor(name)))
        cure = "shorten it"
        if name not in ("price", "old_price"):
            cure = "shorten it, or mark with soft hyphens (U+00AD) where it may be parted"
        return WordsUnfit(
            f"{name}: {what!r} is too wide for {self._room.canvas} in a size that can be read; "
            f"about {count} characters fit on a line; {cure}"
        )

    def _fits_shortened(self, name: str, count: int) -> bool:
        words = self._words[name]
        short = words.shortened(count)
        if not short:
            return True
        setter = _Setter(
            {**self._words, name: Words(name, short, words.how)},
            self._room,
            self._logo and (round(self._logo[0]), round(self._logo[1])),
            logo_is_first=self._logo_is_first,
            styles=self._styles,
        )
        return setter.fits(setter.smallest)


def around(boxes: Sequence[Box]) -> Box:
    """Return the smallest box around some boxes."""
    left, top = min(box.left for box in boxes), min(box.top for box in boxes)
    right, bottom = max(box.right for box in boxes), max(box.bottom for box in boxes)
    return Box(left, top, right - left, bottom - top)


def _ink_box(lines: Sequence[PlacedLine], size: float) -> Box:
    left = min(each.x for each in lines)
    right = max(each.x + each.line.extent.width * size for each in lines)
    top = min(each.baseline - each.line.extent.ascent * size for each in lines)
    bottom = max(each.baseline + each.line.extent.descent * size for each in lines)
    return Box(int(left), int(top), int(right + 1) - int(left), int(bottom + 1) - int(top))


def _outline(text: PlacedText) -> Box:
    """Return the box of a text with its button."""
    return text.button or text.ink


def _moved(text: PlacedText, right: float, down: float) -> PlacedText:
    """Return a text elsewhere."""
    lines = tuple(
        replace(each, x=each.x + right, baseline=each.baseline + down) for each in text.lines
    )
    button = text.button and replace(
        text.button, left=round(text.button.left + right), top=round(text.button.top + down)
    )
    return replace(text, lines=lines, ink=_ink_box(lines, text.size), button=button)


def _within(size: tuple[int, int], width: int) -> tuple[float, float]:
    scale = min(1.0, width / size[0])
    return size[0] * scale, size[1] * scale
